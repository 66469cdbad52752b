//! A path of the workspace, parsed once.
//!
//! What is parsed names something below the root by its words alone: no `..`, no empty part. What
//! the names stand for (a symlink, say) is for the kernel to see, when they are used.

use std::{fmt, str::FromStr};

/// Where a sandbox sees its workspace.
pub const MOUNT: &str = "/workspace";

/// The longest path, in bytes, as the kernel has it (with the zero at its end).
const LONGEST_PATH: usize = 4096;

/// The longest name, in bytes.
const LONGEST_NAME: usize = 255;

/// What files are called for the moment in which they replace others. Such names do not show in
/// listings, archives and watches, and cannot be asked for.
pub(crate) const UNFINISHED: &str = ".atelier-unfinished-";

/// A path below the workspace's root, without a slash in front; the root itself is empty.
///
/// It is written relative to the workspace, or absolute below `/workspace`. A `.` stands for
/// nothing, a `..` takes the name before it away, and one slash may be at the end. Everything else
/// is taken as it is: `%2e` is three characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkspacePath(String);

/// Why a text is no path of a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// A NUL character.
    #[error("a path has no NUL character in it")]
    Nul,
    /// `..` above the root.
    #[error("the path leads out of the workspace")]
    LeadsOut,
    /// Absolute, but elsewhere.
    #[error("the path is absolute and not below /workspace")]
    Elsewhere,
    /// Two slashes in a row.
    #[error("the path has an empty name in it")]
    EmptyName,
    /// More than 4,095 bytes.
    #[error("the path is longer than 4095 bytes")]
    TooLong,
    /// A name of more than 255 bytes.
    #[error("a name in the path is longer than 255 bytes")]
    NameTooLong,
    /// A name that unfinished files have.
    #[error("names that begin with .atelier-unfinished- are kept for files being written")]
    Reserved,
}

impl WorkspacePath {
    /// The workspace itself.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// Parses what somebody wrote.
    ///
    /// # Errors
    /// If it names nothing below the workspace.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.len() >= LONGEST_PATH {
            return Err(PathError::TooLong);
        }
        if text.contains('\0') {
            return Err(PathError::Nul);
        }
        let relative = match text.strip_prefix('/') {
            None => text,
            Some(_) => below_mount(text)?,
        };
        let relative = relative.strip_suffix('/').unwrap_or(relative);
        if relative.is_empty() {
            // A lone slash after `/workspace` is the root's; two are not.
            return Ok(Self::root());
        }
        let mut names: Vec<&str> = Vec::new();
        for name in relative.split('/') {
            match name {
                "" => return Err(PathError::EmptyName),
                "." => {}
                ".." => {
                    names.pop().ok_or(PathError::LeadsOut)?;
                }
                name if name.len() > LONGEST_NAME => return Err(PathError::NameTooLong),
                name if name.starts_with(UNFINISHED) => return Err(PathError::Reserved),
                name => names.push(name),
            }
        }
        Ok(Self(names.join("/")))
    }

    /// The path: names with `/` between them, none in front.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the workspace itself.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The last name; of the workspace itself `workspace`.
    #[must_use]
    pub fn name(&self) -> &str {
        match self.split() {
            Some((_, name)) => name,
            None => "workspace",
        }
    }

    /// Its names from the root on.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|name| !name.is_empty())
    }

    /// The path of the directory it is in and its name there, unless it is the root.
    pub(crate) fn split(&self) -> Option<(&str, &str)> {
        if self.is_root() {
            return None;
        }
        Some(self.0.rsplit_once('/').unwrap_or(("", &self.0)))
    }

    /// A path inside of this one, which must be a single name.
    pub(crate) fn join(&self, name: &str) -> Self {
        match self.is_root() {
            true => Self(name.to_owned()),
            false => Self(format!("{}/{name}", self.0)),
        }
    }

    /// A path that was split off a parsed one.
    pub(crate) fn of_part(part: &str) -> Self {
        Self(part.to_owned())
    }
}

/// What an absolute path names below the workspace.
fn below_mount(text: &str) -> Result<&str, PathError> {
    let rest = text.strip_prefix(MOUNT).ok_or(PathError::Elsewhere)?;
    match rest.strip_prefix('/') {
        None if rest.is_empty() => Ok(""),
        None => Err(PathError::Elsewhere),
        Some("/") => Err(PathError::EmptyName),
        Some(relative) => Ok(relative),
    }
}

impl FromStr for WorkspacePath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::parse(text)
    }
}

impl fmt::Display for WorkspacePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.as_str() {
            "" => MOUNT,
            path => path,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_are_below_the_workspace_or_refused() {
        let check = |text: &str, expected: Result<&str, PathError>| {
            let parsed = WorkspacePath::parse(text);
            let parsed = parsed.as_ref().map(WorkspacePath::as_str);
            assert_eq!(parsed, expected.as_ref().copied(), "{text:?}");
        };
        let long = "n".repeat(256);
        let deep = "d/".repeat(2048);
        for (text, expected) in [
            ("", Ok("")),
            (".", Ok("")),
            ("/workspace", Ok("")),
            ("/workspace/", Ok("")),
            ("a/b.txt", Ok("a/b.txt")),
            ("./a/./b", Ok("a/b")),
            ("a/", Ok("a")),
            ("a/../b", Ok("b")),
            ("a/..", Ok("")),
            ("/workspace/a", Ok("a")),
            ("%2e%2e/x", Ok("%2e%2e/x")),
            ("..\\x", Ok("..\\x")),
            ("...", Ok("...")),
            ("~/x", Ok("~/x")),
            ("..", Err(PathError::LeadsOut)),
            ("a/../../b", Err(PathError::LeadsOut)),
            ("/workspace/../etc", Err(PathError::LeadsOut)),
            ("/workspace/..", Err(PathError::LeadsOut)),
            ("/workspaces/a", Err(PathError::Elsewhere)),
            ("/etc/passwd", Err(PathError::Elsewhere)),
            ("/", Err(PathError::Elsewhere)),
            ("//workspace/a", Err(PathError::Elsewhere)),
            ("/workspace//", Err(PathError::EmptyName)),
            ("/workspace//a", Err(PathError::EmptyName)),
            ("a//b", Err(PathError::EmptyName)),
            ("a//", Err(PathError::EmptyName)),
            ("a\0b", Err(PathError::Nul)),
            (&long, Err(PathError::NameTooLong)),
            (&deep, Err(PathError::TooLong)),
            (".atelier-unfinished-1", Err(PathError::Reserved)),
        ] {
            check(text, expected);
        }
    }

    proptest! {
        #[test]
        fn what_is_parsed_names_something_below(text in "(/workspace)?[a./\\\\%\0é-]{0,24}") {
            if let Ok(path) = WorkspacePath::parse(&text) {
                prop_assert!(!path.as_str().starts_with('/'));
                prop_assert!(!path.as_str().contains('\0'));
                let special = path.names().any(|name| name == "." || name == "..");
                prop_assert!(!special && !path.as_str().contains("//"));
                prop_assert_eq!(&WorkspacePath::parse(path.as_str()).unwrap(), &path);
                let absolute = format!("{MOUNT}/{}", path.as_str());
                prop_assert_eq!(&WorkspacePath::parse(&absolute).unwrap(), &path);
            }
        }
    }
}
