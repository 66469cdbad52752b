//! Patches in the format of Codex's `apply_patch`: parsed, matched against the files that they
//! name, and applied whole or not at all.
//!
//! ```text
//! patch  := "*** Begin Patch" LF hunk+ "*** End Patch" [LF]
//! hunk   := "*** Add File: " path LF ("+" text LF)*
//!         | "*** Delete File: " path LF
//!         | "*** Update File: " path LF ["*** Move to: " path LF] chunk+
//! chunk  := (("@@" | "@@ " text) LF)* (("+" | "-" | " ") text LF)+ ["*** End of File" LF]
//! ```
//!
//! Nothing here reads or writes a file. [`Patch::paths`] says what the caller has to look at,
//! [`Patch::apply`] computes the [`Changes`] from what was found, and the caller writes them.
//! Invariant: `apply` has either all the changes of a patch or none, and no path in them leaves
//! the workspace. (What a symbolic link in the workspace points to is the caller's to refuse,
//! by answering [`Entry::Other`] for it.)
//!
//! Hunks apply in their order, so one file may stand in several: each sees what those before
//! it made. The changes tell what became of a file in total.

mod apply;
mod changes;
mod diff;
mod file_change;
mod hunk;
mod matching;
mod nearest;
mod parse;
mod path;
mod rules;
mod text;

pub use apply::{ApplyError, Entry, Files, Mismatch, Reason};
pub use changes::{Change, Changes, Write};
pub use diff::unified_diff;
pub use file_change::FileChange;
pub use hunk::{Need, Patch};
pub use nearest::Nearest;
pub use parse::{ParseError, Problem};
pub use path::{FilePath, PathError};
pub use rules::{Limits, Rules};
pub use text::NotText;
