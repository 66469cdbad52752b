//! Dependencies point one way: components, libraries, contracts and ports, domain.

use std::collections::BTreeSet;

use crate::workspace::{Dependency, Package, Workspace};

/// What a package is, which says whom it may know. Only packages of the workspace count,
/// and only what they need when they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    Domain,
    /// Pure types over the domain.
    Contracts,
    /// Which pages may call: pure, and the same for the edge and the runner.
    Origins,
    /// What the platform gives, as traits.
    Ports,
    Library,
    /// The ports over one platform.
    Platform,
    Component,
    /// Libraries of the native programs alone.
    Native,
    /// Native programs and the tests of the whole.
    Program,
}

use Layer::{Component, Contracts, Domain, Library, Native, Origins, Platform, Ports, Program};

/// The libraries of `crates/` that are neither the bottom nor a platform.
const LIBRARIES: &[&str] = &[
    "accounts",
    "agent",
    "auth",
    "coding",
    "comfyui",
    "comfyui-stub",
    "file-store",
    "llm",
    "model-stub",
    "patch",
    "runner-api",
    "runs",
    "store",
    "web",
];

/// Crates that reach out of the process. `domain`, `contracts` and `origins` compute only.
const IO: [&str; 18] = [
    "axum",
    "futures-channel",
    "hyper",
    "hyper-rustls",
    "hyper-util",
    "lettre",
    "mio",
    "reqwest",
    "rusqlite",
    "rustls",
    "socket2",
    "spin-sdk",
    "tempfile",
    "tokio",
    "tokio-util",
    "tracing",
    "wasmtime",
    "wit-bindgen",
];

/// The packages that break a rule, a line each.
pub(super) fn check(workspace: &Workspace) -> Vec<String> {
    let names = workspace.package_names();
    workspace
        .packages
        .iter()
        .flat_map(|package| check_package(package, &names))
        .collect()
}

/// Whether a package becomes part of a component. (The stubs are libraries of programs.)
pub(super) fn runs_at_the_edge(package: &Package) -> bool {
    let edge = matches!(
        layer(package),
        Some(Domain | Contracts | Origins | Ports | Library | Component)
    );
    edge && !matches!(package.name.as_str(), "comfyui-stub" | "model-stub")
}

fn check_package(package: &Package, ours: &BTreeSet<&str>) -> Vec<String> {
    let Some(layer) = layer(package) else {
        return vec![format!(
            "{}: no layer is known for it; add it to the rules in xtask/src/tidy/dependencies.rs",
            package.name
        )];
    };
    let mut faults = Vec::new();
    let mut fault =
        |on: &str, why: &str| faults.push(format!("{} depends on {on}: {why}", package.name));
    for Dependency { name, kind } in &package.dependencies {
        if name == "spin-sdk" && package.name != "platform-spin" {
            fault(name, "only platform-spin names spin-sdk");
        }
        if kind.as_deref() == Some("dev") {
            continue;
        }
        if matches!(layer, Domain | Contracts | Origins) && IO.contains(&name.as_str()) {
            fault(name, "domain, contracts and origins know no IO");
        }
        if !ours.contains(name.as_str()) {
            continue;
        }
        if let Some(why) = layer_of(name, package).and_then(|on| forbidden(layer, on, name)) {
            fault(name, why);
        }
    }
    faults
}

/// Why a package of one layer may not know one of another.
fn forbidden(layer: Layer, on: Layer, name: &str) -> Option<&'static str> {
    let allowed = match layer {
        Domain | Origins | Ports => false,
        Contracts => on == Domain,
        Library => matches!(on, Library | Contracts | Origins | Ports | Domain),
        // It passes requests on to a component's router, which `web` describes.
        Platform if name == "web" => true,
        Platform => matches!(on, Ports | Domain),
        // Behind `cfg(target_family = "wasm")`: what makes a router a component.
        Component if name == "platform-spin" => true,
        Component => matches!(on, Library | Contracts | Origins | Ports | Domain),
        // The words in which the runner answers.
        Native if name == "runner-api" => true,
        Native => matches!(on, Native | Contracts | Domain | Ports),
        Program => on != Component && name != "platform-spin",
    };
    (!allowed).then_some(match (layer, on) {
        (Component, Component) => "never component to component",
        (Library, Platform) => "never a library to a platform",
        _ => "dependencies point one way (docs/architecture.md)",
    })
}

fn layer(package: &Package) -> Option<Layer> {
    let folder = package.folder();
    let in_components = folder
        .parent()
        .is_some_and(|parent| parent.ends_with("components"));
    // The guest that edge-host's own tests serve is a component without a place in `spin.toml`.
    if in_components || package.name == "edge-host-guest" {
        return Some(Component);
    }
    layer_of_name(&package.name)
}

/// A dependency's layer; the components are those that have no other place.
fn layer_of(name: &str, of: &Package) -> Option<Layer> {
    layer_of_name(name).or_else(|| (name != of.name).then_some(Component))
}

fn layer_of_name(name: &str) -> Option<Layer> {
    Some(match name {
        "domain" => Domain,
        "contracts" => Contracts,
        "origins" => Origins,
        "ports" => Ports,
        "platform-native" | "platform-spin" => Platform,
        "edge-host" | "sandbox-runner" | "xtask" | "tests" | "test-app" | "bench" => Program,
        "logging" | "outbound" | "rooms" | "sandbox" | "sandbox-files" | "sandbox-init" => Native,
        _ if LIBRARIES.contains(&name) => Library,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_know_whom() {
        let check = |layer, name: &str, fine: bool| {
            let on = layer_of_name(name).unwrap_or(Component);
            assert_eq!(
                forbidden(layer, on, name).is_none(),
                fine,
                "{layer:?} -> {name}"
            );
        };
        for (layer, name, fine) in [
            (Component, "web", true),
            (Component, "platform-spin", true),
            (Component, "platform-native", false),
            (Component, "users", false),
            (Component, "edge-host", false),
            (Library, "ports", true),
            (Library, "store", true),
            (Library, "platform-native", false),
            (Library, "chat", false),
            (Contracts, "domain", true),
            (Contracts, "ports", false),
            (Domain, "contracts", false),
            (Library, "origins", true),
            (Program, "origins", true),
            (Contracts, "origins", false),
            (Origins, "domain", false),
            (Ports, "domain", false),
            (Platform, "ports", true),
            (Platform, "store", false),
            (Program, "platform-native", true),
            (Program, "platform-spin", false),
            (Program, "chat", false),
            (Program, "sandbox", true),
            (Native, "sandbox-init", true),
            (Native, "domain", true),
            (Native, "ports", true),
            (Native, "runner-api", true),
            (Native, "store", false),
            (Library, "sandbox", false),
            (Component, "rooms", false),
        ] {
            check(layer, name, fine);
        }
    }
}
