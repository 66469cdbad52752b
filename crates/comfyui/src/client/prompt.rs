//! Hands a prompt to the server.

use super::Client;
use crate::{Error, lenient, report::NodeErrors, workflow::Prompt};
use serde::Serialize;
use serde_json::Value;

/// A prompt to run.
#[derive(Clone, Copy, Debug)]
pub struct Submission<'a> {
    /// What to run.
    pub prompt: &'a Prompt,
    /// The id of the socket that is to hear of it. The socket is opened before.
    pub client_id: &'a str,
    /// The id that the prompt is to have: a UUID in lower case with hyphens. With one of one's
    /// own the prompt can be followed, and found again, even when the answer is lost.
    pub prompt_id: Option<&'a str>,
    /// The workflow in editor format, for the server to write into the pictures.
    pub workflow: Option<&'a Value>,
    /// Whether it goes before all that waits.
    pub front: bool,
}

/// A prompt that the server took.
#[derive(Clone, Debug, PartialEq)]
pub struct Submitted {
    /// Its id.
    pub prompt_id: String,
    /// Its number: lower ones run first.
    pub number: f64,
    /// What is wrong with nodes whose outputs will not come; the other outputs will.
    pub node_errors: NodeErrors,
}

/// What `/prompt` takes. Prompts and workflows may be large: they are written as they are.
#[derive(Serialize)]
struct Body<'a> {
    prompt: &'a Prompt,
    client_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_data: Option<ExtraData<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    front: bool,
}

#[derive(Serialize)]
struct ExtraData<'a> {
    extra_pnginfo: PngInfo<'a>,
}

#[derive(Serialize)]
struct PngInfo<'a> {
    workflow: &'a Value,
}

impl Client {
    /// Hands over a prompt.
    ///
    /// # Errors
    /// [`Error::Refused`] when nothing of it would run; any other [`Error`]. After
    /// [`Error::Timeout`] and [`Error::Broken`] the server may have taken it.
    pub async fn submit(&self, submission: &Submission<'_>) -> Result<Submitted, Error> {
        let extra = |workflow| ExtraData {
            extra_pnginfo: PngInfo { workflow },
        };
        let body = Body {
            prompt: submission.prompt,
            client_id: submission.client_id,
            prompt_id: submission.prompt_id,
            extra_data: submission.workflow.map(extra),
            front: submission.front,
        };
        let answer: Value = lenient::answer(&self.post("prompt", &body).await?)?;
        let prompt_id = answer.get("prompt_id").and_then(Value::as_str);
        let prompt_id = prompt_id.ok_or_else(|| Error::malformed("prompt without prompt_id"))?;
        let number = answer.get("number").and_then(Value::as_f64);
        let node_errors = answer.get("node_errors").map(NodeErrors::read);
        Ok(Submitted {
            prompt_id: prompt_id.to_owned(),
            number: number.unwrap_or_default(),
            node_errors: node_errors.unwrap_or_default(),
        })
    }
}
