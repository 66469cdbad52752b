//! What all who serve coding sessions share.
//!
//! | module | what it is |
//! |---|---|
//! | [`Profile`] | what an agent may do without being asked for leave |
//! | [`Cwd`] | where a session works |
//! | [`only_reads`] | which commands change nothing |
//! | [`Site`] | patches, applied to a sandbox's files whole or not at all |
//! | [`launch`] | the sandbox of a session |
//! | [`engineer`], [`chosen`] | the agent who answers in it, and the model |
//! | [`delete`] | its end |

mod commands;
mod cwd;
mod ending;
mod engineer;
mod launch;
mod models;
mod patches;
mod profile;
mod setup;

pub use commands::only_reads;
pub use cwd::{Cwd, WORKSPACE};
pub use ending::delete;
pub use engineer::{answering, engineer, nobody};
pub use launch::launch;
pub use models::{Choice, chosen};
pub use patches::{Applied, PATCH_BYTES, PatchFault, Site, shown_diff};
pub use profile::{Approval, Effort, Profile, Profiles};
pub use setup::Setup;
