//! Process 1 of a sandbox, and what stands around it.
//!
//! | started as | by | it is |
//! |---|---|---|
//! | `sandbox-init serve JSON` | Docker | process 1, see [`serve`] |
//! | `sandbox-init hold STATE ID` | the runner | the keeper of a sandbox made of namespaces, see [`hold`] |
//! | `sandbox-init boot STATE ID` | the keeper | what makes the file system, and then process 1, see [`boot`] |
//! | `sandbox-init run FD` | process 1 | the supervisor of one command, see [`run`] |
//!
//! Invariant: nothing that a command does ends process 1, whose end is the sandbox's. It runs on
//! one thread, waits only in `poll`, and hears no signal.

mod boot;
mod hold;
mod run;
mod serve;

use sandbox_init::protocol::Serve;
use std::{env, process::ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args_os()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        [_, "serve", json] => from_json(json),
        [_, "run", fd] => run::supervise(fd),
        [_, "hold", state, id] => hold::hold(state, id),
        [_, "boot", ..] => boot::boot(),
        _ => Err("usage: sandbox-init serve JSON | hold STATE ID".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("sandbox-init: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn from_json(json: &str) -> Result<(), String> {
    let serve: Serve = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let listener = serve::listen(&serve.socket)?;
    serve::serve(listener, &serve)
}
