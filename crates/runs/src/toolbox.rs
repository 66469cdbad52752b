//! What the agents of a component can do.

use agent::{Limits, Tool, Transcript};
use domain::{Error, Event, Model, Provider, event::WarningEvent};
use ports::{BoxFuture, Platform};
use std::sync::Arc;
use store::runs::{StoredRun, Taken};

/// Where runs are executed: makes a toolbox for each.
pub trait Workshop: Send + Sync {
    /// The toolbox for a run that was taken to be executed.
    ///
    /// # Errors
    /// Whatever keeps the run from being executed now.
    fn open<'a>(
        &'a self,
        platform: &'a Platform,
        taken: &'a Taken,
    ) -> BoxFuture<'a, Result<Arc<dyn Toolbox>, Error>>;

    /// A run has ended, and is asked for again: whoever executed it may have died before its toolbox
    /// was closed. What only that tells is to be told now.
    fn ended<'a>(
        &'a self,
        _: &'a Platform,
        _: &'a StoredRun,
        _: &'a Transcript,
    ) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// The tools of a run.
pub trait Toolbox: Send + Sync {
    /// The tool of that name, if it is one of these.
    fn tool(&self, name: &str) -> Option<Arc<dyn Tool>>;

    /// The tools that every agent has, whatever its row names.
    fn always(&self) -> Vec<Arc<dyn Tool>> {
        Vec::new()
    }

    /// The model that answers instead of the agent's own, and who serves it.
    fn model(&self) -> Option<&(Model, Provider)> {
        None
    }

    /// How much the model shall think.
    fn reasoning_effort(&self) -> Option<&'static str> {
        None
    }

    /// How much a run may take.
    fn limits(&self) -> Limits {
        Limits::default()
    }

    /// An event as the session's room is told of it.
    fn shown(&self, event: Event) -> Event {
        event
    }

    /// What the session's room is told besides at the run's beginning: what the run cannot do as it
    /// was asked to.
    fn warnings(&self) -> &[WarningEvent] {
        &[]
    }

    /// What an agent who has one of the tools is told besides its own instructions.
    fn instructions(&self) -> &str {
        ""
    }

    /// The run is not executed any more, here and now: it has ended, was put down, or its reader
    /// has left. What was taken for it is to be given back.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// A toolbox with nothing in it.
pub(super) struct Nothing;

impl Toolbox for Nothing {
    fn tool(&self, _: &str) -> Option<Arc<dyn Tool>> {
        None
    }
}
