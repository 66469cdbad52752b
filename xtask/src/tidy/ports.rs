//! What runs at the edge asks the ports: for time, files, settings, and the network.
//!
//! Code that reaches past them compiles natively, passes its tests there, and then traps or
//! lies as WebAssembly.

use crate::workspace::Workspace;

use super::dependencies::runs_at_the_edge;
use super::grants::from_root;
use super::tree::Tree;

/// What reaches past a port, and the port.
const PAST: [(&str, &str); 9] = [
    ("std::env::var", "ports::Variables"),
    ("env::var(", "ports::Variables"),
    ("SystemTime::now", "ports::Clock"),
    ("Instant::now", "ports::Clock"),
    ("Utc::now", "ports::Clock"),
    ("std::fs", "ports::Sql and ports::KeyValue"),
    ("std::net::Tcp", "ports::Http"),
    ("std::thread", "ports::Tasks"),
    ("tokio::", "ports::Tasks and ports::Clock"),
];

/// The packages that break the rule, a line for each way.
pub(super) fn check(workspace: &Workspace, tree: &Tree) -> Vec<String> {
    let packages = workspace
        .packages
        .iter()
        .filter(|package| runs_at_the_edge(package));
    packages
        .flat_map(|package| {
            let code = tree.code_of(&from_root(workspace, package.folder()));
            past(&code)
                .into_iter()
                .map(|fault| format!("{}: {fault}", package.name))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn past(code: &str) -> Vec<String> {
    let found = PAST.iter().filter(|(name, _)| code.contains(name));
    found
        .map(|(name, port)| format!("`{name}` reaches past {port}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::past;

    #[test]
    fn ways_past_the_ports() {
        assert!(past("platform.clock.now()").is_empty());
        assert_eq!(
            past("let now = SystemTime::now();"),
            ["`SystemTime::now` reaches past ports::Clock"]
        );
    }
}
