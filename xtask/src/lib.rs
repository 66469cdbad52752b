//! The project's own commands: `cargo xtask setup | build | up | test | tidy | bench`.
//!
//! Each command does all its set-up itself, so that it works on a bare machine with Rust
//! and a C compiler. The crate is a library with a small binary in front of it, so that
//! the tests call the same code as the command line.

pub mod bench;
pub mod build;
pub mod manifest;
pub mod process;
pub mod secrets;
pub mod setup;
pub mod test;
pub mod tidy;
pub mod up;
pub mod workspace;
