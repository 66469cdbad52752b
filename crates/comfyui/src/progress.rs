//! Follows one prompt: frames, and after a gap the queue and the history, become events.
//!
//! The server sends frames to whoever holds the client's socket and keeps none for later, so a
//! gap in the socket can hide anything, the end included. [`Progress::wants_look`] says when the
//! queue and the history must be asked; what they tell goes to [`Progress::looked`].
//!
//! Invariants: every prompt ends with exactly one of the last four events, and nothing follows
//! it; frames of other prompts change nothing; a repeated frame gives no repeated event.

use crate::{
    client::{HistoryEntry, Outcome, Queue, QueuePlace},
    frame::{Failure, Frame, NodeProgress},
    limits,
    outputs::{NodeOutput, Outputs},
};
use std::collections::{BTreeMap, BTreeSet};

/// What happens to a prompt.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// It waits behind so many others, the running one included.
    Queued {
        /// 1 when it is the next.
        position: usize,
    },
    /// It runs.
    Started,
    /// These nodes need not run.
    Cached {
        /// Their ids.
        nodes: Vec<String>,
    },
    /// A node runs.
    NodeStarted {
        /// Its id.
        node: String,
    },
    /// How far a node is.
    NodeProgress {
        /// Its id.
        node: String,
        /// Steps done.
        value: f64,
        /// Steps in all.
        max: f64,
    },
    /// A node has something to show.
    NodeExecuted {
        /// Its id.
        node: String,
        /// What it shows.
        output: NodeOutput,
    },
    /// It ran to its end. The end.
    Succeeded {
        /// Everything that its nodes show.
        outputs: Outputs,
    },
    /// A node failed. The end.
    Failed(Failure),
    /// It was interrupted while it ran. The end.
    Interrupted {
        /// The node that ran.
        node: Option<String>,
    },
    /// The server does not know it: it was taken out of the queue, or the server was started
    /// anew. The end.
    Lost,
}

/// Where a prompt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Queued,
    Running,
    /// The server said that it ended well, and may have shown more than was seen.
    Succeeded,
    Ended,
}

/// Follows one prompt.
#[derive(Clone, Debug)]
pub struct Progress {
    prompt_id: String,
    phase: Phase,
    position: Option<usize>,
    /// Whether the frames may not tell everything that its nodes show.
    has_gap: bool,
    wants_look: bool,
    begun: BTreeSet<String>,
    last: BTreeMap<String, (f64, f64)>,
    outputs: Outputs,
}

impl Progress {
    /// Follows the prompt of this id. The socket is there and its client's id was the prompt's.
    #[must_use]
    pub fn new(prompt_id: impl Into<String>) -> Self {
        Self {
            prompt_id: prompt_id.into(),
            phase: Phase::Queued,
            position: None,
            has_gap: false,
            // Frames say nothing of a prompt that waits.
            wants_look: true,
            begun: BTreeSet::new(),
            last: BTreeMap::new(),
            outputs: Outputs::new(),
        }
    }

    /// The prompt's id.
    #[must_use]
    pub fn prompt_id(&self) -> &str {
        &self.prompt_id
    }

    /// Whether the last event was given.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Whether the server must be asked for its queue, then for the prompt's history, for
    /// [`Self::looked`]. Whoever follows a prompt asks now and then besides, since a server that
    /// died says nothing.
    #[must_use]
    pub fn wants_look(&self) -> bool {
        self.wants_look && !self.has_ended()
    }

    /// The socket broke, or is open again: frames may have been missed.
    pub fn missed_frames(&mut self) {
        self.has_gap = true;
        self.wants_look = true;
    }

    /// What a frame says about the prompt.
    pub fn frame(&mut self, frame: &Frame) -> Vec<Event> {
        let mut events = Vec::new();
        if self.has_ended() {
            return events;
        }
        match frame.prompt_id() {
            Some(id) if id == self.prompt_id => self.own_frame(frame, &mut events),
            Some(_) => {}
            // The queue moved, or a frame that does not say whose it is.
            None if matches!(frame, Frame::Status { .. } | Frame::Executing { .. }) => {
                self.wants_look |= self.phase == Phase::Queued;
            }
            None => {}
        }
        events
    }

    /// What the server's queue and history say, in this order: the queue was asked **before**
    /// the history, else a prompt that ended between the two would seem lost; and both after the
    /// server had taken the prompt.
    pub fn looked(&mut self, queue: &Queue, history: Option<&HistoryEntry>) -> Vec<Event> {
        let mut events = Vec::new();
        if self.has_ended() {
            return events;
        }
        self.wants_look = false;
        if let Some(history) = history {
            self.ended_in_history(history, &mut events);
            return events;
        }
        match queue.place(&self.prompt_id) {
            Some(QueuePlace::Waiting(position)) => {
                if self.phase == Phase::Queued && self.position != Some(position) {
                    self.position = Some(position);
                    events.push(Event::Queued { position });
                }
            }
            Some(QueuePlace::Running) => {
                self.runs(&mut events);
                // Its history is written a moment after it said that it ended.
                self.wants_look = self.phase == Phase::Succeeded;
            }
            // The history holds some thousands of prompts and may have dropped it.
            None if self.phase == Phase::Succeeded => self.succeed(&mut events),
            None => self.end(Event::Lost, &mut events),
        }
        events
    }

    fn own_frame(&mut self, frame: &Frame, events: &mut Vec<Event>) {
        match frame {
            Frame::Start { .. } => self.runs(events),
            Frame::Cached { nodes, .. } => {
                self.runs(events);
                if !nodes.is_empty() {
                    // Old servers do not say again what these show.
                    self.has_gap = true;
                    let nodes = nodes.clone();
                    events.push(Event::Cached { nodes });
                }
            }
            Frame::Executing { node: None, .. } => self.wants_look = true,
            Frame::Executing {
                node: Some(node), ..
            } => {
                self.runs(events);
                self.node_runs(node, events);
            }
            Frame::Progress { progress, .. } => self.node_progress(progress, events),
            Frame::ProgressState { nodes, .. } => {
                for progress in nodes {
                    self.node_progress(progress, events);
                }
            }
            Frame::Executed { node, output, .. } => {
                self.runs(events);
                self.node_executed(node, output, events);
            }
            Frame::Success { .. } => {
                self.runs(events);
                if self.has_gap {
                    self.phase = Phase::Succeeded;
                    self.wants_look = true;
                } else {
                    self.succeed(events);
                }
            }
            Frame::Interrupted { node, .. } => {
                self.runs(events);
                self.end(Event::Interrupted { node: node.clone() }, events);
            }
            Frame::Error { failure, .. } => {
                self.runs(events);
                self.end(Event::Failed(failure.clone()), events);
            }
            Frame::Status { .. } | Frame::Preview(_) | Frame::Text { .. } | Frame::Other(_) => {}
        }
    }

    fn runs(&mut self, events: &mut Vec<Event>) {
        if self.phase == Phase::Queued {
            self.phase = Phase::Running;
            events.push(Event::Started);
        }
    }

    fn node_runs(&mut self, node: &str, events: &mut Vec<Event>) {
        let has_room = self.begun.len() < limits::NODES;
        if has_room && self.begun.insert(node.to_owned()) {
            let node = node.to_owned();
            events.push(Event::NodeStarted { node });
        }
    }

    fn node_progress(&mut self, progress: &NodeProgress, events: &mut Vec<Event>) {
        self.runs(events);
        let NodeProgress {
            node,
            value,
            max,
            is_finished,
        } = progress;
        if !is_finished {
            self.node_runs(node, events);
        }
        // What need not run is finished from the start; nodes without steps count from 0 to 1.
        let now = (*value, *max);
        if *is_finished && *max <= 1.0 || !self.begun.contains(node) {
            return;
        }
        let before = self.last.insert(node.clone(), now);
        if before != Some(now) && (*max > 1.0 || before.is_some()) {
            events.push(Event::NodeProgress {
                node: node.clone(),
                value: *value,
                max: *max,
            });
        }
    }

    fn node_executed(&mut self, node: &str, output: &NodeOutput, events: &mut Vec<Event>) {
        let is_known = self.outputs.contains_key(node);
        if !is_known && self.outputs.len() >= limits::NODES {
            return;
        }
        let before = self.outputs.insert(node.to_owned(), output.clone());
        if before.as_ref() != Some(output) {
            events.push(Event::NodeExecuted {
                node: node.to_owned(),
                output: output.clone(),
            });
        }
    }

    fn ended_in_history(&mut self, history: &HistoryEntry, events: &mut Vec<Event>) {
        self.runs(events);
        for (node, output) in &history.outputs {
            self.node_executed(node, output, events);
        }
        match &history.outcome {
            Outcome::Success => self.succeed(events),
            Outcome::Failed(failure) => self.end(Event::Failed(failure.clone()), events),
            Outcome::Interrupted { node } => {
                self.end(Event::Interrupted { node: node.clone() }, events);
            }
        }
    }

    fn succeed(&mut self, events: &mut Vec<Event>) {
        let outputs = std::mem::take(&mut self.outputs);
        self.end(Event::Succeeded { outputs }, events);
    }

    fn end(&mut self, event: Event, events: &mut Vec<Event>) {
        self.phase = Phase::Ended;
        events.push(event);
    }
}
