//! `spin.toml` grants what is used, and no more.
//!
//! A grant that nothing uses is power for whoever breaks in. What counts as use: a database
//! when the component's own code names the store, the `sql` port, or an extractor of `web` that
//! looks up who is signed in; a key-value store when it, or a library it depends on, uses the
//! `key_value` port or has `web` count in it ([`USES_OF_KEY_VALUE`]); outbound hosts when it, or a
//! library it depends on, uses the `http` port; a variable when its name stands as a string in the
//! code of the component or of its libraries.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::tree::Tree;
use crate::manifest::{Component, Manifest};
use crate::workspace::{Package, WASM_TARGET, Workspace};

/// They define the ports or implement them: that they name one is no use of it.
const NO_USERS: [&str; 3] = ["ports", "platform-native", "platform-spin"];

/// What uses a key-value store. The last two are how others have `web` count, which every
/// component depends on and which is therefore no user itself.
const USES_OF_KEY_VALUE: [&str; 3] = [".key_value", "limits::provider", "Adjustable"];

/// The grants that break a rule, a line each.
pub(super) fn check(workspace: &Workspace, manifest: &Manifest, tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, component) in &manifest.component {
        let found = match component.package(name) {
            Ok(package) => check_component(workspace, manifest, tree, component, &package),
            Err(error) => vec![error.to_string()],
        };
        faults.extend(
            found
                .into_iter()
                .map(|fault| format!("spin.toml: {name}: {fault}")),
        );
        if !manifest
            .trigger
            .http
            .iter()
            .any(|trigger| trigger.component == *name)
        {
            faults.push(format!("spin.toml: {name}: no route leads to it"));
        }
    }
    faults.extend(check_variables(workspace, manifest, tree));
    faults
}

fn check_component(
    workspace: &Workspace,
    manifest: &Manifest,
    tree: &Tree,
    component: &Component,
    package: &str,
) -> Vec<String> {
    let Some(of) = workspace
        .packages
        .iter()
        .find(|known| known.name == package)
    else {
        return vec![format!(
            "its build command builds `{package}`, which is no package here"
        )];
    };
    let own = tree.code_of(&from_root(workspace, of.folder()));
    let all = code_with_libraries(workspace, tree, of, &[]);
    let mut faults = check_build(component, package);
    let asks_who = ["SignedIn", "OwnSession"];
    let stores = own.contains("store::")
        || names(&own, ".sql")
        || asks_who.iter().any(|extractor| names(&own, extractor));
    if !component.sqlite_databases.is_empty() && !stores {
        faults.push("it is granted a database that it does not use".to_owned());
    }
    let counting = code_with_libraries(workspace, tree, of, &["web"]);
    if !component.key_value_stores.is_empty() && !uses_key_value(&counting) {
        faults.push("it is granted a key-value store that it does not use".to_owned());
    }
    let reaches_out = names(&all, ".http") || names(&all, "dyn Http");
    if !component.allowed_outbound_hosts.is_empty() && !reaches_out {
        faults.push("it is granted outbound hosts and sends no requests".to_owned());
    }
    for (variable, template) in &component.variables {
        if !all.contains(&format!("\"{variable}\"")) {
            faults.push(format!(
                "it is given the variable `{variable}`, which it does not read"
            ));
        }
        faults.extend(unknown(manifest, template));
    }
    for host in &component.allowed_outbound_hosts {
        faults.extend(unknown(manifest, host));
    }
    faults
}

/// `spin build` must make the very file that the component is.
fn check_build(component: &Component, package: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let expected = format!(
        "target/{WASM_TARGET}/release/{}.wasm",
        package.replace('-', "_")
    );
    if component.source != expected {
        faults.push(format!(
            "its source is {}, its build makes {expected}",
            component.source
        ));
    }
    let Some(build) = &component.build else {
        return faults;
    };
    for word in [
        "cargo rustc",
        "--crate-type cdylib",
        "--release",
        WASM_TARGET,
    ] {
        if !build.command.contains(word) {
            faults.push(format!("its build command has no `{word}`"));
        }
    }
    if build.watch.is_empty() {
        faults.push("its build has no watch list".to_owned());
    }
    faults
}

/// An application variable that no component is given, and that the host does not read
/// itself, misleads the operator.
fn check_variables(workspace: &Workspace, manifest: &Manifest, tree: &Tree) -> Vec<String> {
    let mut used = BTreeSet::new();
    for component in manifest.component.values() {
        let hosts = component.allowed_outbound_hosts.iter();
        used.extend(
            component
                .variables
                .values()
                .chain(hosts)
                .flat_map(|text| templates(text)),
        );
    }
    // The host, and the check of addresses that it shares with the runner.
    let host: String = ["edge-host", "crates/outbound"]
        .iter()
        .map(|folder| tree.code_of(&from_root(workspace, &workspace.root.join(folder))))
        .collect();
    let variables = manifest.variables.iter();
    variables
        .filter(|(name, _)| !used.contains(name.as_str()) && !host.contains(&format!("\"{name}\"")))
        .map(|(name, _)| format!("spin.toml: the variable `{name}` is used by nobody"))
        .collect()
}

fn unknown(manifest: &Manifest, text: &str) -> Vec<String> {
    let unknown = templates(text).filter(|name| !manifest.declares(name));
    unknown
        .map(|name| format!("it names the variable `{name}`, which is not declared"))
        .collect()
}

/// The names in `{{ … }}`.
fn templates(text: &str) -> impl Iterator<Item = &str> {
    text.split("{{")
        .skip(1)
        .filter_map(|rest| rest.split("}}").next())
        .map(str::trim)
}

/// Whether a word stands in the code, and not only as the start of a longer one.
fn names(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let next = code
            .get(at + word.len()..)
            .and_then(|rest| rest.chars().next());
        !next.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

fn uses_key_value(code: &str) -> bool {
    USES_OF_KEY_VALUE.iter().any(|word| names(code, word))
}

/// The code of a package and of every library below it but those.
fn code_with_libraries(
    workspace: &Workspace,
    tree: &Tree,
    package: &Package,
    but: &[&str],
) -> String {
    let mut seen = BTreeSet::new();
    let mut next = vec![package];
    let mut code = String::new();
    while let Some(package) = next.pop() {
        let name = package.name.as_str();
        if NO_USERS.contains(&name) || but.contains(&name) || !seen.insert(name) {
            continue;
        }
        code.push_str(&tree.code_of(&from_root(workspace, package.folder())));
        for dependency in package.dependencies.iter().filter(|d| d.kind.is_none()) {
            next.extend(
                workspace
                    .packages
                    .iter()
                    .filter(|known| known.name == dependency.name),
            );
        }
    }
    code
}

/// A package's folder as the tree's paths have it.
pub(super) fn from_root(workspace: &Workspace, folder: &Path) -> PathBuf {
    folder
        .strip_prefix(&workspace.root)
        .unwrap_or(folder)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_whole() {
        assert!(names("platform.http.send()", ".http"));
        assert!(names("platform.http", ".http"));
        assert!(!names("platform.http_client", ".http"));
        assert!(!names("x.sqlite", ".sql"));
    }

    #[test]
    fn a_store_that_is_only_handed_over_is_not_used() {
        for (code, used) in [
            (
                "Ports::system().and_sql().and_key_value().and_http()",
                false,
            ),
            ("use web::limits::{self, timeouts};", false),
            ("platform.key_value.get(&key)", true),
            ("platform\n    .key_value\n    .get(&key)", true),
            ("limits::provider(&platform, &provider).await?", true),
            (
                "const TURNS: Adjustable = Adjustable { name, window, variable };",
                true,
            ),
        ] {
            assert_eq!(uses_key_value(code), used, "{code}");
        }
    }

    #[test]
    fn templates_are_found() {
        assert_eq!(
            templates("http://{{ a }}:{{b}}/").collect::<Vec<_>>(),
            ["a", "b"]
        );
        assert_eq!(templates("none {").count(), 0);
    }
}
