//! Where a file of a patch is. Invariant: a [`FilePath`] names something below the workspace,
//! by the names alone; symbolic links are for whoever opens it.

use std::fmt;

/// Bytes of a path, and of one name in it: what Linux file systems take.
const LONGEST: usize = 1024;
const LONGEST_NAME: usize = 255;

/// Names of a path. Each folder of a new file is looked at.
const DEEPEST: usize = 64;

/// The relative path of a file: names joined by `/`, none of them empty, `.` or `..`, no
/// control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilePath(String);

/// Why a text is no [`FilePath`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// There is no name in it.
    #[error("the path of a file is missing")]
    Empty,
    /// It ends as the path of a folder does.
    #[error("`{0}` names a folder; a patch changes files")]
    Folder(String),
    /// It begins at the root, and not at the workspace's.
    #[error("`{path}` is outside of the workspace; write it relative, or below {root}")]
    Absolute {
        /// As it was written.
        path: String,
        /// Where absolute paths may begin.
        root: String,
    },
    /// It goes up.
    #[error("`{0}` has a `..` in it; write the path without")]
    Parent(String),
    /// It has a character that shows nothing, or turns the direction of what follows it.
    #[error("the path {0:?} has control characters")]
    Control(String),
    /// No file system takes it, or it is deeper than anything sensible.
    #[error(
        "the path is too long: {LONGEST} bytes are the most, {LONGEST_NAME} for a name, and \
         {DEEPEST} names"
    )]
    TooLong,
}

impl FilePath {
    /// Reads a path. An absolute one is made relative if it lies below `root`. Superfluous
    /// `/` and `.` are dropped.
    ///
    /// # Errors
    /// Where it does not stay below the workspace, or names no file.
    pub fn parse(text: &str, root: &str) -> Result<Self, PathError> {
        // Before the text is shown in any other error.
        if text.chars().any(is_control) {
            return Err(PathError::Control(text.chars().take(LONGEST).collect()));
        }
        if text.len() > LONGEST + root.len() {
            return Err(PathError::TooLong);
        }
        let mut names = names(text);
        if text.starts_with('/') && !self::names(root).all(|name| names.next() == Some(name)) {
            return Err(PathError::Absolute {
                path: text.to_owned(),
                root: root.to_owned(),
            });
        }
        let names: Vec<_> = names.collect();
        if names.contains(&"..") {
            return Err(PathError::Parent(text.to_owned()));
        }
        if names.len() > DEEPEST || names.iter().any(|name| name.len() > LONGEST_NAME) {
            return Err(PathError::TooLong);
        }
        let path = names.join("/");
        match text.rsplit('/').next() {
            _ if path.is_empty() => Err(PathError::Empty),
            _ if path.len() > LONGEST => Err(PathError::TooLong),
            Some("" | ".") => Err(PathError::Folder(text.to_owned())),
            _ => Ok(Self(path)),
        }
    }

    /// The path, relative to the workspace.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folders that it is in, the outermost first.
    pub fn parents(&self) -> impl Iterator<Item = FilePath> + '_ {
        self.0
            .match_indices('/')
            .filter_map(|(at, _)| self.0.get(..at))
            .map(|folder| Self(folder.to_owned()))
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter(|name| !name.is_empty() && *name != ".")
}

/// Somebody approves a patch by the paths that are shown: they have to look like what they are.
fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}'
                | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_path_and_what_is_none() {
        let check = |text: &str, expected: Result<&str, PathError>| {
            let path = FilePath::parse(text, "/workspace");
            assert_eq!(
                path.as_ref().map(FilePath::as_str),
                expected.as_ref().copied(),
                "{text:?}"
            );
        };
        let absolute = |path: &str| {
            Err(PathError::Absolute {
                path: path.to_owned(),
                root: "/workspace".to_owned(),
            })
        };
        let parent = |path: &str| Err(PathError::Parent(path.to_owned()));
        let folder = |path: &str| Err(PathError::Folder(path.to_owned()));
        check("a", Ok("a"));
        check("./a//b/./c.rs", Ok("a/b/c.rs"));
        check("a b/ü.md", Ok("a b/ü.md"));
        check("...", Ok("..."));
        check("..a/b..", Ok("..a/b.."));
        check("~/a", Ok("~/a"));
        check("/workspace/a", Ok("a"));
        check("//workspace/./a", Ok("a"));
        check("workspace/a", Ok("workspace/a"));
        check("/workspaces/a", absolute("/workspaces/a"));
        check("/etc/passwd", absolute("/etc/passwd"));
        check("/./workspace/../etc", parent("/./workspace/../etc"));
        check("/../workspace/a", absolute("/../workspace/a"));
        check("..", parent(".."));
        check("../a", parent("../a"));
        check("a/../b", parent("a/../b"));
        check("a/..", parent("a/.."));
        check("", Err(PathError::Empty));
        check(".", Err(PathError::Empty));
        check("/", absolute("/"));
        check("/workspace", Err(PathError::Empty));
        check("/workspace/", Err(PathError::Empty));
        check("a/", folder("a/"));
        check("a/.", folder("a/."));
        for control in [
            "a\0b",
            "a\u{1b}[2J",
            "a\tb",
            "a\rb",
            "a\u{202e}b",
            "\u{200b}",
            "\u{85}",
        ] {
            check(control, Err(PathError::Control(control.to_owned())));
        }
        check(&"a".repeat(255), Ok(&"a".repeat(255)));
        check(&"a".repeat(256), Err(PathError::TooLong));
        check(&"a/".repeat(600), Err(PathError::TooLong));
        let deep = format!("{}a", "a/".repeat(63));
        check(&deep, Ok(&deep));
        check(&format!("a/{deep}"), Err(PathError::TooLong));
        assert_eq!(
            FilePath::parse("/a/b", "/").as_ref().map(FilePath::as_str),
            Ok("a/b")
        );
    }

    #[test]
    fn the_folders_of_a_file() {
        let path = FilePath::parse("a/b/c", "/").expect("a path");
        let parents: Vec<_> = path.parents().map(|folder| folder.0).collect();
        assert_eq!(parents, ["a", "a/b"]);
    }
}
