//! What a server says about an error, in whichever shape it says it.

use crate::limits;
use serde_json::Value;

/// The message in the body of a refusal: JSON of several shapes, a web page, or plain text. Of a
/// long one its beginning counts.
pub(crate) fn message_in_body(body: &[u8]) -> String {
    let body = body.get(..limits::REFUSAL).unwrap_or(body);
    let text = String::from_utf8_lossy(body);
    let message = match serde_json::from_str::<Value>(&text) {
        Ok(value) => message_in_value(&value),
        Err(_) => title_of_page(&text).unwrap_or_else(|| text.into_owned()),
    };
    shorten(&message)
}

/// The message in an error value. Known shapes: a text; `{"error": …}`; `{"message": …}`;
/// `{"detail": …}`; `{"detail": [{"msg": …}]}`; a list of one of them. Any other is given whole.
pub(crate) fn message_in_value(value: &Value) -> String {
    let mut found = value;
    // Six steps reach the deepest known shape; a hostile one ends here too.
    for _ in 0..6 {
        let inner = ["error", "message", "detail", "msg"]
            .iter()
            .find_map(|name| found.get(name).filter(|inner| !inner.is_null()))
            .or_else(|| found.get(0));
        match inner {
            Some(inner) => found = inner,
            None => break,
        }
    }
    shorten(
        &found
            .as_str()
            .map_or_else(|| found.to_string(), str::to_owned),
    )
}

/// One line of at most [`limits::DETAIL`] characters.
pub(crate) fn shorten(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    line.join(" ")
        .chars()
        .filter(|character| !character.is_control())
        .take(limits::DETAIL)
        .collect()
}

/// The title of an HTML page, which is what proxies answer with.
fn title_of_page(text: &str) -> Option<String> {
    if !text.trim_start().starts_with('<') {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let start = lower.find("<title>")? + "<title>".len();
    let length = lower.get(start..)?.find("</title>")?;
    Some(format!("a web page: {}", text.get(start..start + length)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: &str) {
        assert_eq!(message_in_body(body.as_bytes()), expected, "{body}");
    }

    #[test]
    fn messages_of_known_shapes() {
        check(
            r#"{"error":{"message":"no such model","type":"x"}}"#,
            "no such model",
        );
        check(r#"{"error":"no such model"}"#, "no such model");
        check(r#"{"error":{"code":3}}"#, r#"{"code":3}"#);
        check(r#"{"error":null,"message":"late"}"#, "late");
        check(r#"{"detail":"Not Found"}"#, "Not Found");
        check(
            r#"{"detail":[{"loc":["body"],"msg":"field required"}]}"#,
            "field required",
        );
        check(r#"[{"error":{"message":"in a list"}}]"#, "in a list");
        check(
            r#"{"object":"error","message":"old shape","code":400}"#,
            "old shape",
        );
        check("upstream\r\n  connect error\0", "upstream connect error");
        check(
            "<html><head><TITLE>502 Bad Gateway</TITLE></head><body>x</body></html>",
            "a web page: 502 Bad Gateway",
        );
        check("<p>no title", "<p>no title");
        check("", "");
        check(&"long ".repeat(500), &"long ".repeat(100));
    }
}
