//! The frames of `/ws`, parsed.
//!
//! Invariant: any bytes give a frame or an error. What a newer server adds is [`Frame::Other`].

mod binary;

pub use binary::{Picture, PictureFormat};

use crate::{error::shorten, limits, outputs::NodeOutput};
use bytes::Bytes;
use domain::weight;
use serde_json::{Map, Value};

/// What a server says over its socket.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// The queue has changed, or the socket was opened.
    Status {
        /// Prompts that run or wait.
        queue_remaining: Option<u64>,
        /// The client's id, in the first frame of a socket.
        sid: Option<String>,
    },
    /// A prompt begins to run.
    Start {
        /// The prompt.
        prompt_id: String,
    },
    /// These nodes need not run.
    Cached {
        /// The prompt.
        prompt_id: String,
        /// Their ids.
        nodes: Vec<String>,
    },
    /// A node begins to run; without a node, the prompt has ended. A server repeats it without a
    /// prompt to a client that comes back.
    Executing {
        /// The prompt, if it is said.
        prompt_id: Option<String>,
        /// The node.
        node: Option<String>,
    },
    /// How far a node is.
    Progress {
        /// The prompt; old servers leave it out.
        prompt_id: Option<String>,
        /// The node.
        progress: NodeProgress,
    },
    /// How far all nodes are that have begun.
    ProgressState {
        /// The prompt.
        prompt_id: String,
        /// The nodes.
        nodes: Vec<NodeProgress>,
    },
    /// A node has something to show.
    Executed {
        /// The prompt.
        prompt_id: Option<String>,
        /// The node.
        node: String,
        /// What it shows.
        output: NodeOutput,
    },
    /// A prompt ran to its end. Its history is written a moment later.
    Success {
        /// The prompt.
        prompt_id: String,
    },
    /// A prompt was interrupted.
    Interrupted {
        /// The prompt.
        prompt_id: String,
        /// The node that ran.
        node: Option<String>,
    },
    /// A node failed.
    Error {
        /// The prompt.
        prompt_id: String,
        /// What happened.
        failure: Failure,
    },
    /// A picture of what is being made.
    Preview(Picture),
    /// A text that a node shows while it runs.
    Text {
        /// The node.
        node: String,
        /// The text.
        text: String,
    },
    /// Anything else, by its name.
    Other(String),
}

/// How far a node is.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeProgress {
    /// The node.
    pub node: String,
    /// Steps done.
    pub value: f64,
    /// Steps in all.
    pub max: f64,
    /// Whether it has ended.
    pub is_finished: bool,
}

/// Why a node failed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Failure {
    /// The node.
    pub node: String,
    /// Its class.
    pub class_type: String,
    /// The exception's class, such as `RuntimeError`.
    pub kind: String,
    /// The exception's text, shortened, without the stack.
    pub message: String,
}

/// A frame that cannot be understood. The next one may be fine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Over [`limits::FRAME`].
    #[error("a frame of {0} bytes")]
    TooLong(usize),
    /// Not JSON, or without `type`.
    #[error("a frame that is not of ComfyUI")]
    Malformed,
    /// A member is missing or of another type.
    #[error("a frame `{0}` without its members")]
    Members(String),
    /// A binary frame that ends too early.
    #[error("a binary frame that ends too early")]
    Short,
}

impl Frame {
    /// Reads a text frame.
    ///
    /// # Errors
    /// [`FrameError`]; the socket may go on.
    pub fn parse_text(text: &str) -> Result<Self, FrameError> {
        if text.len() > limits::FRAME {
            return Err(FrameError::TooLong(text.len()));
        }
        let frame = weight::read(text.as_bytes(), limits::ANSWER_WEIGHT);
        let mut frame = frame.map_err(|_| FrameError::Malformed)?;
        let data = frame.get_mut("data").map(Value::take).unwrap_or_default();
        let kind = frame.get("type").and_then(Value::as_str);
        let kind = kind.ok_or(FrameError::Malformed)?;
        let empty = Map::new();
        let data = data.as_object().unwrap_or(&empty);
        read(kind, data).ok_or_else(|| FrameError::Members(shorten(kind)))
    }

    /// Reads a binary frame.
    ///
    /// # Errors
    /// [`FrameError`]; the socket may go on.
    pub fn parse_binary(bytes: Bytes) -> Result<Self, FrameError> {
        binary::read(bytes)
    }

    /// The prompt that the frame is about, if it says so.
    #[must_use]
    pub fn prompt_id(&self) -> Option<&str> {
        match self {
            Self::Start { prompt_id }
            | Self::Cached { prompt_id, .. }
            | Self::ProgressState { prompt_id, .. }
            | Self::Success { prompt_id }
            | Self::Interrupted { prompt_id, .. }
            | Self::Error { prompt_id, .. } => Some(prompt_id),
            Self::Executing { prompt_id, .. }
            | Self::Progress { prompt_id, .. }
            | Self::Executed { prompt_id, .. } => prompt_id.as_deref(),
            Self::Preview(picture) => picture.prompt_id.as_deref(),
            Self::Status { .. } | Self::Text { .. } | Self::Other(_) => None,
        }
    }
}

impl Failure {
    /// The members of an `execution_error`, over the socket or in the history.
    pub(crate) fn read(data: &Map<String, Value>) -> Self {
        let text = |name| shorten(&text(data, name).unwrap_or_default());
        Self {
            node: id(data, "node_id").unwrap_or_default(),
            class_type: text("node_type"),
            kind: text("exception_type"),
            message: text("exception_message"),
        }
    }
}

fn read(kind: &str, data: &Map<String, Value>) -> Option<Frame> {
    let prompt = || text(data, "prompt_id");
    Some(match kind {
        "status" => Frame::Status {
            queue_remaining: data
                .get("status")
                .and_then(|status| status.get("exec_info")?.get("queue_remaining")?.as_u64()),
            sid: text(data, "sid"),
        },
        "execution_start" => Frame::Start {
            prompt_id: prompt()?,
        },
        "execution_cached" => Frame::Cached {
            prompt_id: prompt()?,
            nodes: data
                .get("nodes")?
                .as_array()?
                .iter()
                .take(limits::NODES)
                .filter_map(as_id)
                .collect(),
        },
        "executing" => Frame::Executing {
            prompt_id: prompt(),
            node: id(data, "node"),
        },
        "progress" => Frame::Progress {
            prompt_id: prompt(),
            progress: node_progress(id(data, "node")?, data)?,
        },
        "progress_state" => Frame::ProgressState {
            prompt_id: prompt()?,
            nodes: data
                .get("nodes")?
                .as_object()?
                .iter()
                .take(limits::NODES)
                .filter_map(|(id, node)| node_progress(id.clone(), node.as_object()?))
                .collect(),
        },
        "executed" => Frame::Executed {
            prompt_id: prompt(),
            node: id(data, "node")?,
            output: NodeOutput::read(data.get("output").unwrap_or(&Value::Null)),
        },
        "execution_success" => Frame::Success {
            prompt_id: prompt()?,
        },
        "execution_interrupted" => Frame::Interrupted {
            prompt_id: prompt()?,
            node: id(data, "node_id"),
        },
        "execution_error" => Frame::Error {
            prompt_id: prompt()?,
            failure: Failure::read(data),
        },
        other => Frame::Other(shorten(other)),
    })
}

fn node_progress(node: String, data: &Map<String, Value>) -> Option<NodeProgress> {
    Some(NodeProgress {
        node,
        value: data.get("value")?.as_f64()?,
        max: data.get("max")?.as_f64()?,
        is_finished: matches!(
            data.get("state").and_then(Value::as_str),
            Some("finished" | "error")
        ),
    })
}

fn text(data: &Map<String, Value>, name: &str) -> Option<String> {
    Some(data.get(name)?.as_str()?.to_owned())
}

fn id(data: &Map<String, Value>, name: &str) -> Option<String> {
    data.get(name).and_then(as_id)
}

/// A node's id: a text, or a number from servers that pass on what they were given.
pub(crate) fn as_id(value: &Value) -> Option<String> {
    match value {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}
