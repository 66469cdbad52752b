//! ComfyUI workflows, and the versions that they went through.

use crate::{ServiceId, Timestamp, UserId, WorkflowId, profile::one_line_within, word::words};
use uuid::Uuid;

words! {
    /// How a workflow's JSON is written: as `/prompt` takes it, or as ComfyUI's editor saves it.
    WorkflowFormat { Api = "API", Editor = "EDITOR" }
}

words! {
    /// Who made a version.
    AuthorKind { User = "USER", Agent = "AGENT" }
}

/// A workflow without its JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workflow {
    /// Its number.
    pub id: WorkflowId,
    /// Its number for the outside.
    pub uuid: Uuid,
    /// Whose it is.
    pub user_id: UserId,
    /// Where it runs; none where it is only kept.
    pub service_id: Option<ServiceId>,
    /// What people call it.
    pub name: String,
    /// What it is for; may be empty.
    pub description: String,
    /// The number of its newest version.
    pub version: i64,
    /// How its JSON is written.
    pub format: WorkflowFormat,
    /// How many nodes it has.
    pub node_count: i64,
    /// When it was last run or talked about.
    pub last_used_at: Option<Timestamp>,
    /// Who keeps it from being changed, if somebody does now.
    pub lock: Option<WorkflowLock>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A lease on a workflow, which the run of an agent holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowLock {
    /// The run.
    pub run: Uuid,
    /// Why, for people.
    pub reason: String,
    /// When it ends unless it is renewed.
    pub until: Timestamp,
    /// Which holder this is, counted from 1.
    pub generation: i64,
}

/// What a workflow was after one change, without its JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowVersion {
    /// Its number within the workflow, from 1.
    pub number: i64,
    /// The workflow's name then.
    pub name: String,
    /// The workflow's description then.
    pub description: String,
    /// How its JSON is written.
    pub format: WorkflowFormat,
    /// How many nodes it has.
    pub node_count: i64,
    /// Bytes of its JSON.
    pub size: i64,
    /// Who made it.
    pub author_kind: AuthorKind,
    /// What they are called.
    pub author: String,
    /// The run that an agent made it in.
    pub run: Option<Uuid>,
    /// Why, in the author's words; may be empty.
    pub note: String,
    /// When.
    pub created_at: Timestamp,
}

/// What a workflow is called: 1 to 200 characters, no control characters, not only blanks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowName(String);

impl WorkflowName {
    /// Checks `text`; blanks around it are dropped.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        one_line_within(text, 200, "must be at most 200 characters").map(Self)
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
    fn names() {
        let check = |text: &str, expected: Option<&str>| {
            let parsed = WorkflowName::parse(text).ok();
            let found = parsed.as_ref().map(WorkflowName::as_str);
            assert_eq!(found, expected, "{text:?}");
        };
        check(" Portraits ", Some("Portraits"));
        check(&"明".repeat(200), Some(&"明".repeat(200)));
        check(&"明".repeat(201), None);
        check(" ", None);
        check("a\nb", None);
    }
}
