//! The ports over rusqlite, memory and hyper: tests, edge-host, tools.
