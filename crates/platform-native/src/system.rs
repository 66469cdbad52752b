//! Random bytes, tasks and settings of this machine.

use ports::{BoxFuture, Random, Tasks, VariableError, Variables};
use std::collections::BTreeMap;

/// The operating system's random generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    fn fill(&self, bytes: &mut [u8]) {
        // Linux fails here only before its generator is seeded, or without the system call:
        // no secret may be made then, and nobody can act on an error.
        #[allow(clippy::expect_used, reason = "going on would make guessable secrets")]
        getrandom::fill(bytes).expect("the operating system has random bytes");
    }
}

/// Runs tasks on the tokio runtime of the caller.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioTasks;

impl Tasks for TokioTasks {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        tokio::spawn(task);
    }
}

/// Settings from a map.
#[derive(Clone, Debug, Default)]
pub struct MapVariables(BTreeMap<String, String>);

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for MapVariables {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        Self(
            pairs
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

impl Variables for MapVariables {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<String, VariableError>> {
        Box::pin(async move {
            self.0.get(name).cloned().ok_or_else(|| VariableError {
                name: name.to_owned(),
                reason: "not declared".to_owned(),
            })
        })
    }
}
