//! Runs: turns of agents, from the user's message to their end.
//!
//! | module | what it is |
//! |---|---|
//! | `begin` | a message is stored and the runner asked to drive its run |
//! | `messages`, `turn` | `POST /chat/messages` of `workspace`, and what it answers |
//! | `agent_chats`, `ag_ui` | `POST /agent-chats` of `runtime`, and its events |
//! | `interrupt` | a turn is stopped |
//! | `execute` | the runner has a run executed: `POST /internal/runs/{run}` |
//! | `record`, `watch` | an execution's steps, and its lease |
//! | `team`, `tools` | who works, and with what |
//!
//! Invariants: what was acknowledged is stored; a run is executed by one at a time, who stops when
//! nobody reads, when the lease is lost and when the session is gone.

mod ag_ui;
pub(crate) mod agent_chats;
mod begin;
pub(crate) mod execute;
pub(crate) mod interrupt;
pub(crate) mod messages;
mod record;
mod stored;
mod team;
mod tools;
mod turn;
pub(crate) mod unfinished;
mod watch;
