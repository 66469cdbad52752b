//! Client of the chat-completions wire, with the deviations of real servers.
