//! A sandbox's workspace as files: resolved beneath its root by the kernel, and watched.
//!
//! | module | what it is |
//! |---|---|
//! | [`path`] | a path of the workspace, parsed once |
//! | [`workspace`] | the workspace: look, read, write, move, delete, archive |
//! | `edit` | several files changed at once, all or none |
//! | [`checkpoint`] | what was in the files at a moment, to be compared and put back |
//! | `turn` | who is next, and how many wait |
//! | [`usage`] | how much a folder holds |
//! | [`watch`] | what changes in a workspace, as it changes |
//! | [`error`] | why something could not be done |
//!
//! The invariant: no operation reaches anything that is not beneath the workspace's root, whatever
//! a sandbox does to the workspace meanwhile. Each begins at the root's descriptor with `openat2`
//! and `RESOLVE_BENEATH`, and goes on from descriptors with single names, whose links are not
//! followed. So a symlink works while it is relative and stays inside; one that is absolute or
//! leads out is refused.
//!
//! Names that are no UTF-8 are shown with U+FFFD in place of what is none, in listings and in
//! changes, and cannot be reached by name. They are in archives as they are, and go with their
//! directory when it is moved or deleted.

mod archive;
mod beneath;
pub mod checkpoint;
mod edit;
pub mod error;
mod listing;
mod mutate;
pub mod path;
mod read;
mod stage;
mod tree;
mod turn;
pub mod usage;
pub mod watch;
pub mod workspace;
mod write;

pub use archive::{Archive, Format};
pub use checkpoint::Checkpoints;
pub use edit::Edit;
pub use error::{ErrorKind, FileError};
pub use path::{PathError, WorkspacePath};
pub use read::{OpenFile, RangeReader};
pub use usage::{Usage, measure};
pub use watch::{Changes, Watch, WatchError, WatchSettings, Watcher};
pub use workspace::{Quota, Settings, Workspace};
