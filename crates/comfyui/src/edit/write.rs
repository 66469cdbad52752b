//! Workflows as texts.

use crate::{limits, workflow::WorkflowError};
use serde_json::Value;
use std::io::{self, Write};

/// The JSON text of a workflow, for [`crate::Workflow::parse`] and to be kept. Writing ends where
/// it is too long: a text of control characters is six times as long once it is written.
///
/// # Errors
/// [`WorkflowError::TooLong`].
pub fn to_text(workflow: &Value) -> Result<String, WorkflowError> {
    let mut text = Bounded(Vec::new());
    serde_json::to_writer(&mut text, workflow).map_err(|_| WorkflowError::TooLong)?;
    String::from_utf8(text.0).map_err(|error| WorkflowError::Json(error.to_string()))
}

/// Takes as many bytes as a workflow may have.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > limits::WORKFLOW.saturating_sub(self.0.len()) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
