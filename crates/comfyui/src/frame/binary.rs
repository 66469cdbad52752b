//! Binary frames: a big-endian number that says what it is, then the rest.

use super::{Frame, FrameError, as_id};
use crate::limits;
use bytes::{Buf, Bytes};
use domain::weight;
use serde_json::Value;

const PREVIEW: u32 = 1;
const TEXT: u32 = 3;
const PREVIEW_WITH_METADATA: u32 = 4;

/// A picture of what is being made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The prompt; only servers that were told `supports_preview_metadata` say it.
    pub prompt_id: Option<String>,
    /// The node, likewise.
    pub node: Option<String>,
    /// What the bytes are, as the server says.
    pub format: PictureFormat,
    /// The encoded picture, unchecked.
    pub bytes: Bytes,
}

/// What the bytes of a [`Picture`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureFormat {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
}

pub(super) fn read(mut bytes: Bytes) -> Result<Frame, FrameError> {
    if bytes.len() > limits::FRAME {
        return Err(FrameError::TooLong(bytes.len()));
    }
    match number(&mut bytes)? {
        PREVIEW => {
            let format = match number(&mut bytes)? {
                2 => PictureFormat::Png,
                _ => PictureFormat::Jpeg,
            };
            Ok(Frame::Preview(Picture {
                prompt_id: None,
                node: None,
                format,
                bytes,
            }))
        }
        TEXT => {
            let node = counted(&mut bytes)?;
            Ok(Frame::Text {
                node: String::from_utf8_lossy(&node).into_owned(),
                text: String::from_utf8_lossy(&bytes).into_owned(),
            })
        }
        PREVIEW_WITH_METADATA => {
            let about = counted(&mut bytes)?;
            let about = weight::read(&about, limits::ANSWER_WEIGHT);
            let about = about.map_err(|_| FrameError::Malformed)?;
            let format = match about.get("image_type").and_then(Value::as_str) {
                Some("image/png") => PictureFormat::Png,
                _ => PictureFormat::Jpeg,
            };
            Ok(Frame::Preview(Picture {
                prompt_id: about.get("prompt_id").and_then(as_id),
                node: about.get("node_id").and_then(as_id),
                format,
                bytes,
            }))
        }
        other => Ok(Frame::Other(format!("binary {other}"))),
    }
}

fn number(bytes: &mut Bytes) -> Result<u32, FrameError> {
    bytes.try_get_u32().map_err(|_| FrameError::Short)
}

/// A number of bytes, and as many bytes.
fn counted(bytes: &mut Bytes) -> Result<Bytes, FrameError> {
    let length = usize::try_from(number(bytes)?).map_err(|_| FrameError::Short)?;
    if length > bytes.len() {
        return Err(FrameError::Short);
    }
    Ok(bytes.split_to(length))
}
