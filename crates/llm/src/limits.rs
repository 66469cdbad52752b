//! How much a model server may send. Beyond it the answer ends with [`crate::Error::TooLong`].

/// Bytes of one server-sent event, and of one line in it. A whole tool call can come as one.
pub const EVENT: usize = 4 << 20;

/// Bytes of the text, the reasoning and the tool arguments of one answer together.
pub const ANSWER: usize = 16 << 20;

/// Bytes of one streamed body, with all that surrounds the text.
pub const STREAM: usize = 256 << 20;

/// Bytes of a body that is one JSON text: an answer that was not streamed, the list of models.
pub const WHOLE: usize = 16 << 20;

/// Bytes of memory that JSON may take once it is read: some is few bytes of text and many of memory.
pub const WEIGHT: usize = 24 << 20;

/// Up to so many bytes, JSON cannot take much.
pub const LIGHT: usize = 64 << 10;

/// Bytes that are read of the body of a refusal.
pub const REFUSAL: usize = 64 << 10;

/// Tool calls in one answer.
pub const TOOL_CALLS: usize = 128;

/// Characters of what a server said about an error, as it is kept for the log.
pub const DETAIL: usize = 500;
