//! What became of prompts.

use super::{Client, segment};
use crate::{
    Error,
    frame::{Failure, as_id},
    outputs::{self, Outputs},
};
use serde_json::Value;

/// What became of a prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryEntry {
    /// How it ended.
    pub outcome: Outcome,
    /// What its nodes show; also of a prompt that failed later.
    pub outputs: Outputs,
}

/// How a prompt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Well.
    Success,
    /// A node failed.
    Failed(Failure),
    /// It was interrupted.
    Interrupted {
        /// The node that ran.
        node: Option<String>,
    },
}

impl Client {
    /// What became of a prompt; `None` while it waits or runs, and when the server does not know
    /// it any more.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn history(&self, prompt_id: &str) -> Result<Option<HistoryEntry>, Error> {
        let resource = format!("history/{}", segment(prompt_id));
        let answer = self.get(&resource).await?;
        let Value::Object(entries) = answer else {
            return Err(Error::malformed("history is not an object"));
        };
        Ok(entries.get(prompt_id).map(HistoryEntry::read))
    }
}

impl HistoryEntry {
    fn read(entry: &Value) -> Self {
        let status = entry.get("status");
        let failed = status.and_then(|status| status.get("status_str")?.as_str()) == Some("error");
        let messages = status.and_then(|status| status.get("messages")?.as_array());
        Self {
            outcome: match failed {
                true => read_failure(messages.map_or(&[][..], Vec::as_slice)),
                false => Outcome::Success,
            },
            outputs: outputs::read_all(entry.get("outputs").unwrap_or(&Value::Null)),
        }
    }
}

/// Reads `[name, data]` messages from the last one back.
fn read_failure(messages: &[Value]) -> Outcome {
    for message in messages.iter().rev() {
        let name = message.get(0).and_then(Value::as_str);
        let data = message.get(1).and_then(Value::as_object);
        match (name, data) {
            (Some("execution_interrupted"), Some(data)) => {
                let node = data.get("node_id").and_then(as_id);
                return Outcome::Interrupted { node };
            }
            (Some("execution_error"), Some(data)) => return Outcome::Failed(Failure::read(data)),
            _ => {}
        }
    }
    Outcome::Failed(Failure {
        message: "the service does not say why".to_owned(),
        ..Failure::default()
    })
}
