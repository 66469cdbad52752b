//! Where a coding session works.

/// A sandbox's workspace, as the sandbox sees it.
pub const WORKSPACE: &str = "/workspace";

/// Bytes of a path.
const LONGEST: usize = 1024;

/// Where a coding session works. Neither has a name `.` or `..` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cwd {
    /// A folder of its sandbox, absolute, as the sandbox sees it.
    Inside(String),
    /// A folder of the runner's host, absolute, if the runner allows it.
    OnHost(String),
}

impl Cwd {
    /// The folder that `text` names; the workspace itself where it names none.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > LONGEST {
            return Err("must be at most 1024 bytes");
        }
        if text.chars().any(char::is_control) {
            return Err("must not contain control characters");
        }
        let names: Vec<&str> = text
            .split('/')
            .filter(|name| !matches!(*name, "" | "."))
            .collect();
        if names.contains(&"..") {
            return Err("must not contain `..`");
        }
        let joined = names.join("/");
        match (text.starts_with('/'), names.first()) {
            (true, Some(&"workspace")) => Ok(Self::Inside(format!("/{joined}"))),
            (true, Some(_)) => Ok(Self::OnHost(format!("/{joined}"))),
            (true, None) => Err("must not be the root"),
            (false, None) => Ok(Self::Inside(WORKSPACE.to_owned())),
            (false, Some(_)) => Ok(Self::Inside(format!("{WORKSPACE}/{joined}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders() {
        let inside = |text: &str, path: &str| {
            assert_eq!(Cwd::parse(text), Ok(Cwd::Inside(path.to_owned())), "{text}");
        };
        inside("", "/workspace");
        inside(".", "/workspace");
        inside("app", "/workspace/app");
        inside("./app//src/", "/workspace/app/src");
        inside("/workspace", "/workspace");
        inside("/workspace/", "/workspace");
        inside("//workspace/a b", "/workspace/a b");
        inside("workspace", "/workspace/workspace");
        inside("...", "/workspace/...");
        let host = |text: &str, path: &str| {
            assert_eq!(Cwd::parse(text), Ok(Cwd::OnHost(path.to_owned())), "{text}");
        };
        host("/workspaces/a", "/workspaces/a");
        host("/srv/./projects//a/", "/srv/projects/a");
        for wrong in [
            "/",
            "//.",
            "..",
            "a/../b",
            "/workspace/../etc",
            "a\0b",
            "a\nb",
            &"x".repeat(1025),
        ] {
            assert!(Cwd::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
