//! Files that people uploaded, and those that their workflows made.

use crate::{FileId, Timestamp, UserId, WorkflowId, word::words};
use uuid::Uuid;

words! {
    /// What a file is for.
    BusinessType { Avatar = "AVATAR", Workflow = "WORKFLOW", Output = "OUTPUT" }
}

/// Where a file's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilePlace {
    /// In the key-value store: small ones.
    KeyValue,
    /// With the runner.
    Runner,
}

impl FilePlace {
    /// The place of that name in the database.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::KeyValue, Self::Runner]
            .into_iter()
            .find(|place| place.as_str() == text)
    }

    /// Its name in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KeyValue => "key_value",
            Self::Runner => "runner",
        }
    }
}

/// A file without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Its number.
    pub id: FileId,
    /// Its number for the outside; its bytes are under it.
    pub uuid: Uuid,
    /// Whose it is.
    pub user_id: UserId,
    /// What it is for.
    pub business_type: BusinessType,
    /// What it is called, without a path.
    pub name: String,
    /// Its media type, as its content says.
    pub file_type: String,
    /// Its bytes.
    pub size: i64,
    /// Where they are.
    pub place: FilePlace,
    /// The workflow that it belongs to.
    pub workflow_id: Option<WorkflowId>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a file is called: the last part of a path, at most 200 characters, without what a path
/// or a header could be taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName(String);

impl FileName {
    /// The name in `text`, as a sender gives it: perhaps with a path, which does not count.
    /// `otherwise` where nothing is left of it.
    #[must_use]
    pub fn of(text: &str, otherwise: &str) -> Self {
        let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
        let allowed = |letter: &char| !letter.is_control() && !"\"<>:|?*;%".contains(*letter);
        let name: String = last.chars().filter(allowed).take(200).collect();
        match name.trim_matches(|letter: char| letter == '.' || letter.is_whitespace()) {
            "" => Self(otherwise.to_owned()),
            name => Self(name.to_owned()),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_path() {
        let check = |text: &str, expected: &str| {
            assert_eq!(FileName::of(text, "file").as_str(), expected, "{text:?}");
        };
        check("me.png", "me.png");
        check("../../etc/passwd", "passwd");
        check("C:\\Users\\me\\a b.png", "a b.png");
        check("/", "file");
        check("", "file");
        check("..", "file");
        check("a\0\r\nx: y\".png", "ax y.png");
        check("%2e%2e%2f", "2e2e2f");
        check("肖像.json", "肖像.json");
        check(&"x".repeat(300), &"x".repeat(200));
    }

    #[test]
    fn places_have_one_spelling() {
        for place in [FilePlace::KeyValue, FilePlace::Runner] {
            assert_eq!(FilePlace::parse(place.as_str()), Some(place));
        }
        assert_eq!(FilePlace::parse("runner "), None);
    }
}
