//! What xtask needs to know of `spin.toml`: its components, their packages and grants.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The application manifest.
#[derive(Debug, Deserialize)]
pub struct Manifest {
    /// The application's variables, by name.
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    /// The application's triggers.
    pub trigger: Triggers,
    /// The components, by name.
    pub component: BTreeMap<String, Component>,
}

/// An application variable.
#[derive(Debug, Deserialize)]
pub struct Variable {
    /// Whether it must be given.
    #[serde(default)]
    pub required: bool,
    /// Whether it is kept out of logs.
    #[serde(default)]
    pub secret: bool,
}

/// The triggers of the application.
#[derive(Debug, Deserialize)]
pub struct Triggers {
    /// The routes.
    pub http: Vec<HttpTrigger>,
}

/// One route.
#[derive(Debug, Deserialize)]
pub struct HttpTrigger {
    /// The component that answers it.
    pub component: String,
}

/// One component.
#[derive(Debug, Deserialize)]
pub struct Component {
    /// The compiled file, relative to the manifest.
    pub source: String,
    /// The databases it may open.
    #[serde(default)]
    pub sqlite_databases: Vec<String>,
    /// The key-value stores it may open.
    #[serde(default)]
    pub key_value_stores: Vec<String>,
    /// Where it may send requests.
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    /// Its variables: a template over the application's.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// How it is built.
    pub build: Option<BuildCommand>,
}

/// How `spin build` makes a component.
#[derive(Debug, Deserialize)]
pub struct BuildCommand {
    /// The command line.
    pub command: String,
    /// What `spin watch` looks at.
    #[serde(default)]
    pub watch: Vec<String>,
}

impl Manifest {
    /// Reads `spin.toml` in the workspace's root.
    ///
    /// # Errors
    /// When the file is missing or not what xtask understands.
    pub fn read(root: &Path) -> Result<Self> {
        let path = root.join("spin.toml");
        let text =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("{} is not understood", path.display()))
    }

    /// The cargo packages of the components, in the order of their names.
    ///
    /// # Errors
    /// When a component's build command names none.
    pub fn packages(&self) -> Result<BTreeSet<String>> {
        self.component
            .iter()
            .map(|(name, component)| component.package(name))
            .collect()
    }

    /// Whether the application declares this variable.
    pub fn declares(&self, variable: &str) -> bool {
        self.variables.contains_key(variable)
    }
}

impl Component {
    /// The cargo package that its build command builds (`-p NAME`).
    ///
    /// # Errors
    /// When there is no command, or it names no package.
    pub fn package(&self, name: &str) -> Result<String> {
        let Some(build) = &self.build else {
            bail!("spin.toml: [component.{name}.build] with its `command` is missing");
        };
        let mut words = build.command.split_whitespace();
        words
            .find(|word| matches!(*word, "-p" | "--package"))
            .and_then(|_| words.next())
            .map(str::to_owned)
            .with_context(|| {
                format!("spin.toml: the build command of `{name}` names no package (-p)")
            })
    }
}
