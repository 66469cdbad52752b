//! Runs: turns of agents, from the user's message to their end. What every component shares that
//! begins or executes them.
//!
//! | module | what it is |
//! |---|---|
//! | `begin` | a message is stored and the runner asked to drive its run |
//! | `execute` | the runner has a run executed, and reads what happens |
//! | `answer`, `held` | what an execution answers, and what it holds |
//! | [`tools`] | what tools are made of |
//! | `toolbox` | what the agents of a component can do |
//! | `team`, `gate` | who works, and when their models may be asked |
//! | `record`, `watch` | an execution's steps, and whether its lease is kept |
//! | `room` | what the room is told |
//! | `stored` | steps as the database keeps them |
//! | `titles` | a title from the first exchange |
//! | `tokens` | what a coding session's answers took, counted |
//! | `unanswered` | what a turn is that ended without an answer |
//!
//! Invariants: what was acknowledged is stored; a run is executed by one at a time, who stops when
//! nobody reads, when the lease is lost and when the session is gone.

mod answer;
mod begin;
mod execute;
mod gate;
mod held;
mod record;
mod room;
mod stored;
mod team;
mod titles;
mod tokens;
mod toolbox;
pub mod tools;
mod unanswered;
mod watch;

pub use begin::{Begun, Beside, begin, begin_beside, ended};
pub use execute::executing;
pub use room::for_room;
pub use stored::transcript;
pub use toolbox::{Toolbox, Workshop};
pub use unanswered::unanswered;
