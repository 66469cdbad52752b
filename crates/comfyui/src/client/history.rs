//! What became of prompts.

use super::{Client, body, segment};
use crate::{
    Error,
    frame::{Failure, as_id},
    lenient, limits,
    outputs::{self, Outputs},
};
use bytes::Bytes;
use http::{Method, header};
use ports::ByteStream;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Value, value::RawValue};
use std::fmt;

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

/// What became of a prompt, on its way: the answer has begun, and nothing of it is read yet.
pub struct ComingHistory {
    client: Client,
    prompt_id: String,
    size: Option<usize>,
    body: ByteStream,
}

impl ComingHistory {
    /// How many bytes come, if the server says so. An entry repeats its prompt.
    #[must_use]
    pub fn size(&self) -> Option<usize> {
        self.size
    }

    /// What became of the prompt; `None` while it waits or runs, and when the server does not know
    /// it any more.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn read(self) -> Result<Option<HistoryEntry>, Error> {
        let mut deadline = self.client.deadline(self.client.timeouts.answer);
        let json = body::collect(self.body, limits::ANSWER, &mut deadline).await?;
        let entry = lenient::by(EntryOf(&self.prompt_id), &json)
            .map_err(|error| Error::malformed(format!("history: {error}")))?;
        drop(json);
        entry.map(|entry| HistoryEntry::read(&entry)).transpose()
    }
}

impl Client {
    /// What became of a prompt; `None` while it waits or runs, and when the server does not know
    /// it any more.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn history(&self, prompt_id: &str) -> Result<Option<HistoryEntry>, Error> {
        self.ask_history(prompt_id).await?.read().await
    }

    /// Asks what became of a prompt, until the answer begins.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn ask_history(&self, prompt_id: &str) -> Result<ComingHistory, Error> {
        let resource = format!("history/{}", segment(prompt_id));
        let request = self.request(Method::GET, &resource, None, Bytes::new())?;
        let mut deadline = self.deadline(self.timeouts.answer);
        let response = self.send(request, &mut deadline).await?;
        let size = response.headers().get(header::CONTENT_LENGTH);
        Ok(ComingHistory {
            client: self.clone(),
            prompt_id: prompt_id.to_owned(),
            size: size.and_then(|size| size.to_str().ok()?.parse().ok()),
            body: response.into_body(),
        })
    }
}

/// What counts of an entry. Its prompt may be large, and is passed over.
#[derive(serde::Deserialize)]
struct Entry {
    #[serde(default)]
    status: Option<Box<RawValue>>,
    #[serde(default)]
    outputs: Option<Box<RawValue>>,
}

/// Reads the entry of that prompt, if it is there, and passes over others.
#[derive(Clone, Copy)]
struct EntryOf<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for EntryOf<'_> {
    type Value = Option<Entry>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<Entry>, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EntryOf<'_> {
    type Value = Option<Entry>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("entries by prompt")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Option<Entry>, A::Error> {
        let mut found = None;
        while let Some(id) = entries.next_key::<String>()? {
            if id == self.0 {
                found = Some(entries.next_value()?);
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

impl HistoryEntry {
    fn read(entry: &Entry) -> Result<Self, Error> {
        let read = |part: Option<&RawValue>| match part {
            Some(part) => lenient::answer::<Value>(part.get().as_bytes()),
            None => Ok(Value::Null),
        };
        let status = read(entry.status.as_deref())?;
        let failed = status.get("status_str").and_then(Value::as_str) == Some("error");
        let messages = status.get("messages").and_then(Value::as_array);
        Ok(Self {
            outcome: match failed {
                true => read_failure(messages.map_or(&[][..], Vec::as_slice)),
                false => Outcome::Success,
            },
            outputs: outputs::read_all(&read(entry.outputs.as_deref())?),
        })
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn read(json: &str) -> Result<Option<HistoryEntry>, Error> {
        let entry = lenient::by(EntryOf("p"), json.as_bytes()).unwrap();
        entry.map(|entry| HistoryEntry::read(&entry)).transpose()
    }

    #[test]
    fn only_what_counts_is_read() {
        let heavy = format!("[0{}]", r#",{"":0}"#.repeat(50_000));
        let outputs = r#"{"9":{"images":[{"filename":"a.png"}]}}"#;
        let status = r#"{"status_str":"success"}"#;
        let json = format!(
            r#"{{"odd":{heavy},"p":{{"prompt":{heavy},"outputs":{outputs},"status":{status}}}}}"#
        );
        let entry = read(&json).unwrap().unwrap();
        assert_eq!(entry.outcome, Outcome::Success);
        assert_eq!(entry.outputs.len(), 1);
        let json = format!(r#"{{"p":{{"outputs":{heavy}}}}}"#);
        assert!(matches!(read(&json), Err(Error::TooLong { .. })));
        for none in ["{}", r#"{"odd":7}"#] {
            assert_eq!(read(none).unwrap(), None);
        }
    }
}
