//! Whether a call can be carried out: there is such a tool, and its arguments fit.

use crate::{Call, Spec, schema};
use domain::weight::Unread;
use serde_json::{Map, Value};

/// The arguments of a call.
///
/// # Errors
/// What is wrong, for the model to do better.
pub(crate) fn check(call: &Call, offers: &[Spec]) -> Result<Map<String, Value>, String> {
    let Some(offer) = offers.iter().find(|offer| offer.name == call.tool) else {
        let known: Vec<&str> = offers.iter().map(|offer| offer.name.as_str()).collect();
        let name: String = call.tool.chars().take(64).collect();
        return Err(match known.as_slice() {
            [] => format!("There is no tool {name:?}: you have no tools. Answer in words."),
            known => format!(
                "There is no tool {name:?}. There are: {}.",
                known.join(", ")
            ),
        });
    };
    let arguments = call.read().map_err(|unread| match unread {
        Unread::Malformed(error) => {
            format!("The arguments are no JSON: {error}. The tool was not called.")
        }
        Unread::TooHeavy => {
            "The arguments have too many parts. The tool was not called.".to_owned()
        }
    })?;
    let faults = schema::faults(&offer.parameters, &arguments);
    if !faults.is_empty() {
        let faults = faults.join("; ");
        return Err(format!(
            "Wrong arguments: {faults}. The tool was not called."
        ));
    }
    match arguments {
        Value::Object(arguments) => Ok(arguments),
        _ => Err("The arguments are no JSON object. The tool was not called.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin;

    fn check_call(tool: &str, arguments: &str, expected: Result<&str, &str>) {
        let offers = [builtin::read_output(), builtin::assign(&["Alex"])];
        let call = Call {
            id: "c".to_owned(),
            tool: tool.to_owned(),
            arguments: arguments.to_owned(),
        };
        let found = check(&call, &offers).map(|arguments| Value::Object(arguments).to_string());
        assert_eq!(
            found.as_deref().map_err(String::as_str),
            expected,
            "{tool} {arguments}"
        );
    }

    #[test]
    fn calls_and_what_is_wrong_with_them() {
        check_call(
            "read_output",
            r#"{"call_id":"x"}"#,
            Ok(r#"{"call_id":"x"}"#),
        );
        check_call(
            "rm",
            "{}",
            Err("There is no tool \"rm\". There are: read_output, assign."),
        );
        check_call(
            "read_output",
            r#"{"call_id":"#,
            Err(
                "The arguments are no JSON: EOF while parsing a value at line 1 column 11. \
                 The tool was not called.",
            ),
        );
        check_call(
            "read_output",
            "",
            Err("Wrong arguments: `call_id` is missing. The tool was not called."),
        );
        check_call(
            "read_output",
            "[1]",
            Err(
                "Wrong arguments: the arguments must be object, not array. The tool was not called.",
            ),
        );
        check_call(
            "read_output",
            &format!("[0{}]", r#",{"":0}"#.repeat(100_000)),
            Err("The arguments have too many parts. The tool was not called."),
        );
        check_call(
            "assign",
            r#"{"agent":"Eve","task":"x"}"#,
            Err("Wrong arguments: `agent` must be one of \"Alex\". The tool was not called."),
        );
    }

    #[test]
    fn an_agent_without_tools() {
        let call = Call {
            id: String::new(),
            tool: "x".repeat(1_000),
            arguments: String::new(),
        };
        let fault = check(&call, &[]).unwrap_err();
        assert!(fault.contains("no tools") && fault.len() < 200, "{fault}");
    }
}
