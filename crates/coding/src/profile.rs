//! Profiles: what an agent may do without being asked for leave, and what it works with.

use domain::{Error, ErrorKind};
use ports::Platform;
use serde::Deserialize;
use std::collections::BTreeMap;
use store::codex::CodexSettings;
use web::variable;

/// When somebody is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approval {
    /// Before every patch, and before every command that is not known to change nothing.
    #[default]
    Ask,
    /// Before every patch.
    AskPatches,
    /// Never.
    Auto,
    /// Never: nothing may be changed.
    ReadOnly,
}

/// How much a model shall think.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// Hardly.
    Minimal,
    /// A little.
    Low,
    /// As it comes.
    Medium,
    /// Long.
    High,
}

impl Effort {
    /// Its word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// What a session's agent may do, and what it works with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// When somebody is asked.
    pub approval: Approval,
    /// The model that answers where the session names none, or one that there is not.
    pub model: Option<String>,
    /// Whether the sandbox has the network.
    pub network: bool,
    /// How much the model shall think.
    pub reasoning_effort: Option<Effort>,
}

impl Profile {
    /// When somebody is asked in a session with these settings. One that was set up read-only stays
    /// so, whatever its profile says today.
    #[must_use]
    pub fn approval_of(&self, settings: &CodexSettings) -> Approval {
        match settings.read_only {
            true => Approval::ReadOnly,
            false => self.approval,
        }
    }

    fn of(approval: Approval) -> Self {
        Self {
            approval,
            ..Self::default()
        }
    }
}

/// The profiles of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profiles(BTreeMap<String, Profile>);

impl Profiles {
    /// Those that are always there, and the operator's own: the variable `codex_profiles`.
    ///
    /// # Errors
    /// Unavailable when the variable is not what it must be.
    pub async fn configured(platform: &Platform) -> Result<Self, Error> {
        let text = variable(platform, "codex_profiles").await?;
        Self::parse(&text).map_err(|fault| {
            Error::new(ErrorKind::Unavailable, "The service is not configured")
                .caused_by(format!("variable `codex_profiles`: {fault}"))
        })
    }

    fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let mut profiles = BTreeMap::from([
            ("default".to_owned(), Profile::default()),
            ("auto".to_owned(), Profile::of(Approval::Auto)),
            ("read-only".to_owned(), Profile::of(Approval::ReadOnly)),
        ]);
        if !text.trim().is_empty() {
            let own: BTreeMap<String, Profile> = serde_json::from_str(text)?;
            profiles.extend(own);
        }
        Ok(Self(profiles))
    }

    /// The profile of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Profile> {
        self.0.get(name)
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn built_in_and_own() {
        let profiles = Profiles::parse("").unwrap();
        let names: Vec<_> = profiles.names().collect();
        assert_eq!(names, ["auto", "default", "read-only"]);
        assert_eq!(profiles.get("default").unwrap().approval, Approval::Ask);
        let own = r#"{"lab": {"approval": "ask-patches", "model": "qwen3", "network": true,
            "reasoning_effort": "high"}, "default": {"approval": "auto"}}"#;
        let profiles = Profiles::parse(own).unwrap();
        let lab = Profile {
            approval: Approval::AskPatches,
            model: Some("qwen3".to_owned()),
            network: true,
            reasoning_effort: Some(Effort::High),
        };
        assert_eq!(profiles.get("lab"), Some(&lab));
        assert_eq!(profiles.get("default").unwrap().approval, Approval::Auto);
        assert_eq!(profiles.get("Lab"), None);
    }

    #[test]
    fn what_is_none() {
        for text in [
            "{",
            "[]",
            r#"{"a": {"approval": "never"}}"#,
            r#"{"a": {"sandbox": "none"}}"#,
            r#"{"a": {"reasoning_effort": 3}}"#,
        ] {
            assert!(Profiles::parse(text).is_err(), "{text}");
        }
    }
}
