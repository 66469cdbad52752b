//! Time, randomness, tasks and variables.

use crate::spawning;
use ports::{BoxFuture, Clock, Random, Tasks, VariableError, Variables};
use send_wrapper::SendWrapper;
use spin_sdk::wasip3::{random::random::get_random_bytes, spawn};
use std::{
    cell::RefCell,
    collections::HashMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The host's clock.
pub(crate) struct WasiClock;

impl Clock for WasiClock {
    fn now(&self) -> i64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(SendWrapper::new(spin_sdk::time::sleep(duration)))
    }
}

/// The host's random source.
pub(crate) struct WasiRandom;

impl Random for WasiRandom {
    fn fill(&self, bytes: &mut [u8]) {
        let mut filled = 0;
        while filled < bytes.len() {
            let wanted = bytes.len() - filled;
            let random = get_random_bytes(wanted as u64);
            for (to, from) in bytes.iter_mut().skip(filled).zip(&random) {
                *to = *from;
            }
            filled += random.len();
        }
    }
}

/// Tasks of the instance: they go on after the response.
pub(crate) struct WasiTasks;

impl Tasks for WasiTasks {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        spawning::spawned();
        spawn(spawning::begin_spawned(task));
    }
}

/// Spin variables. They do not change while an instance lives, so each is asked for once.
pub(crate) struct SpinVariables;

thread_local! {
    static KNOWN: RefCell<HashMap<String, String>> = RefCell::new(HashMap::new());
}

impl Variables for SpinVariables {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<String, VariableError>> {
        if let Some(value) = KNOWN.with_borrow(|known| known.get(name).cloned()) {
            return Box::pin(std::future::ready(Ok(value)));
        }
        Box::pin(SendWrapper::new(async move {
            let value = spin_sdk::variables::get(name)
                .await
                .map_err(|error| VariableError {
                    name: name.to_owned(),
                    reason: error.to_string(),
                })?;
            KNOWN.with_borrow_mut(|known| known.insert(name.to_owned(), value.clone()));
            Ok(value)
        }))
    }
}
