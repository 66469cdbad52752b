//! The application as its `spin.toml` describes it, every variable resolved.

mod file;
mod routes;
mod template;

pub use routes::{Match, Route, RouteError, Routes};

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};
use template::expand;

/// An application ready to be served.
#[derive(Debug)]
pub struct Application {
    /// Its name.
    pub name: String,
    /// Who answers which path.
    pub routes: Routes,
    /// The components by id, those alone that a route names.
    pub components: BTreeMap<String, Component>,
    /// Every variable of the application with its value.
    pub variables: BTreeMap<String, String>,
}

/// What one component is and what it may reach.
#[derive(Debug)]
pub struct Component {
    /// The WebAssembly file.
    pub source: PathBuf,
    /// The databases it may open.
    pub databases: BTreeSet<String>,
    /// The key-value stores it may open.
    pub stores: BTreeSet<String>,
    /// The variables it may read.
    pub variables: BTreeMap<String, String>,
    /// Where it may send requests: `scheme://host:port`.
    pub outbound: Vec<String>,
}

/// Why an application cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file is not there or cannot be read.
    #[error("cannot read {path}: {reason}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// It is no TOML, or has a member that is not known here.
    #[error("{path}: {reason}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: Box<toml::de::Error>,
    },
    /// Another version of the format.
    #[error("spin_manifest_version is {0}; this host reads version 2")]
    Version(i64),
    /// Variables without a value that must have one.
    #[error(
        "these required variables are not set: {}",
        .0.iter().map(|name| format!("{name} (SPIN_VARIABLE_{})", name.to_uppercase()))
            .collect::<Vec<_>>().join(", ")
    )]
    MissingVariables(Vec<String>),
    /// A `{{ name }}` that cannot be resolved.
    #[error("component `{component}`: {reason}")]
    Template {
        /// Where it stands.
        component: String,
        /// What is wrong.
        reason: String,
    },
    /// A route that is malformed, or given twice.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// A route names a component that the file does not describe.
    #[error("the route `{route}` names the component `{component}`, which is not there")]
    UnknownComponent {
        /// The route.
        route: String,
        /// The missing component.
        component: String,
    },
}

impl Application {
    /// Reads the manifest at `path`. `set` holds the variables that the operator set, by their
    /// name in the manifest; others than the manifest's are ignored.
    ///
    /// # Errors
    /// When the manifest is not one, or a required variable is missing.
    pub fn load(path: &Path, set: &BTreeMap<String, String>) -> Result<Self, ManifestError> {
        let text = std::fs::read_to_string(path).map_err(|reason| ManifestError::Unreadable {
            path: path.to_owned(),
            reason,
        })?;
        let file: file::Manifest =
            toml::from_str(&text).map_err(|reason| ManifestError::Malformed {
                path: path.to_owned(),
                reason: Box::new(reason),
            })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        Self::resolve(file, folder, set)
    }

    fn resolve(
        file: file::Manifest,
        folder: &Path,
        set: &BTreeMap<String, String>,
    ) -> Result<Self, ManifestError> {
        if file.spin_manifest_version != 2 {
            return Err(ManifestError::Version(file.spin_manifest_version));
        }
        let variables = resolve_variables(file.variables, set)?;
        let routes = Routes::new(
            file.trigger
                .http
                .into_iter()
                .map(|trigger| (trigger.route, trigger.component)),
        )?;
        let mut described = file.component;
        let mut components = BTreeMap::new();
        for route in routes.iter() {
            if components.contains_key(&route.component) {
                continue;
            }
            let component = described.remove(&route.component).ok_or_else(|| {
                ManifestError::UnknownComponent {
                    route: route.text.clone(),
                    component: route.component.clone(),
                }
            })?;
            let component = resolve_component(&route.component, component, folder, &variables)?;
            components.insert(route.component.clone(), component);
        }
        Ok(Self {
            name: file.application.name,
            routes,
            components,
            variables,
        })
    }
}

fn resolve_variables(
    declared: BTreeMap<String, file::Variable>,
    set: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, ManifestError> {
    let mut values = BTreeMap::new();
    let mut missing = Vec::new();
    for (name, variable) in declared {
        match set.get(&name).cloned().or(variable.default) {
            Some(value) => drop(values.insert(name, value)),
            None => missing.push(name),
        }
    }
    if missing.is_empty() {
        Ok(values)
    } else {
        Err(ManifestError::MissingVariables(missing))
    }
}

fn resolve_component(
    id: &str,
    component: file::Component,
    folder: &Path,
    variables: &BTreeMap<String, String>,
) -> Result<Component, ManifestError> {
    let failed = |reason| ManifestError::Template {
        component: id.to_owned(),
        reason,
    };
    let own = component
        .variables
        .into_iter()
        .map(|(name, text)| Ok((name, expand(&text, variables)?)))
        .collect::<Result<_, String>>()
        .map_err(failed)?;
    let outbound = component
        .allowed_outbound_hosts
        .iter()
        .map(|text| expand(text, variables))
        .collect::<Result<_, String>>()
        .map_err(failed)?;
    Ok(Component {
        source: folder.join(component.source),
        databases: component.sqlite_databases,
        stores: component.key_value_stores,
        variables: own,
        outbound,
    })
}
