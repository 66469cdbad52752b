//! Sessions whose agent works on code: what it may do, where, and by which model, decided once for
//! the components that begin them, execute their turns, and end them.
//!
//! | module | what it is |
//! |---|---|
//! | [`Profile`] | what an agent may do without being asked for leave |
//! | [`Cwd`] | where a session works |
//! | [`only_reads`] | which commands change nothing |
//! | [`Site`] | patches, applied to a sandbox's files whole or not at all |
//! | [`shown_diff`] | as much of a diff as a room is told of |
//! | [`no_checkpoint`] | what a room is told where there is no way back |
//! | [`launch`], [`launch_as_set_up`] | the sandbox of a session |
//! | [`engineer`], [`chosen`] | the agent who answers in it, and the model |
//! | [`drive`] | a turn, driven by the runner |
//! | [`delete`] | its end |

mod checkpoint;
mod commands;
mod cwd;
mod diff;
mod driving;
mod ending;
mod engineer;
mod launch;
mod looking;
mod models;
mod patches;
mod profile;
mod setup;

pub use checkpoint::no_checkpoint;
pub use commands::only_reads;
pub use cwd::{Cwd, WORKSPACE};
pub use diff::shown_diff;
pub use driving::drive;
pub use ending::delete;
pub use engineer::{answering, engineer, nobody};
pub use launch::{launch, launch_as_set_up};
pub use models::{Choice, chosen};
pub use patches::{Applied, PATCH_BYTES, PatchFault, Patched, Seen, Site};
pub use profile::{Approval, Effort, Profile, Profiles};
pub use setup::Setup;
