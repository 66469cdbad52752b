//! Open conversations and their streamed chat.
