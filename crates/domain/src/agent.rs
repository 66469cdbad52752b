//! Agents: who answers on the contracts, and with what.

use crate::{AgentId, ModelId, Timestamp, profile::one_line, word::words};
use uuid::Uuid;

words! {
    /// What an agent is for.
    AgentType { Lead = "LEAD", Specialist = "SPECIALIST", Chat = "CHAT", Workflow = "WORKFLOW" }
}

words! {
    /// Whether an agent, a model or a provider is used.
    Availability { Active = "ACTIVE", Disabled = "DISABLED" }
}

/// The tools that an agent can be given, by the names that models know them by.
pub const TOOLS: [&str; 17] = [
    "list_files",
    "read_file",
    "write_file",
    "append_file",
    "apply_patch",
    "search",
    "exec",
    "preview",
    "assign",
    "read_output",
    "get_workflow",
    "list_nodes",
    "node_info",
    "edit_workflow",
    "validate_workflow",
    "run_workflow",
    "list_models",
];

/// An agent. What it holds kept its rules when it came in; it stays readable when they change.
#[derive(Clone, Debug, PartialEq)]
pub struct Agent {
    /// Its number.
    pub id: AgentId,
    /// Its number for the outside.
    pub uuid: Uuid,
    /// Its name, unique whatever the case of its letters.
    pub name: String,
    /// What it is for.
    pub agent_type: AgentType,
    /// What it does, in one line; may be empty.
    pub title: String,
    /// The same at length; may be empty.
    pub description: String,
    /// The model that it asks; none is the default model of the operator's variables.
    pub model_id: Option<ModelId>,
    /// What its model is told first; may be empty.
    pub system_prompt: String,
    /// How freely its model chooses words; none is the server's own.
    pub temperature: Option<f64>,
    /// The most tokens of one answer; none is the server's own.
    pub max_tokens: Option<i64>,
    /// The names of its tools, of [`TOOLS`].
    pub tools: Vec<String>,
    /// Whether it is used.
    pub status: Availability,
    /// Whether everybody has it from the beginning.
    pub built_in: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What an agent is called: 1 to 64 characters, no control characters, not only blanks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentName(String);

impl AgentName {
    /// Checks `text`; blanks around it are dropped.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        one_line(text).map(Self)
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
    fn a_name_is_one_line() {
        let check = |text: &str, expected: Option<&str>| {
            let parsed = AgentName::parse(text).ok();
            assert_eq!(parsed.as_ref().map(AgentName::as_str), expected, "{text:?}");
        };
        check(" Mike ", Some("Mike"));
        check("数据分析", Some("数据分析"));
        check(" ", None);
        check("a\nb", None);
        check(&"x".repeat(65), None);
    }

    #[test]
    fn tools_have_different_names() {
        let mut names = TOOLS.to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TOOLS.len());
    }
}
