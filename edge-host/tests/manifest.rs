//! Routes, variables, and what a manifest may say.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use edge_host::manifest::{Application, ManifestError, Routes};
use std::collections::BTreeMap;

fn find(routes: &[&str], path: &str) -> Option<(String, String)> {
    let pairs = routes
        .iter()
        .map(|route| ((*route).to_owned(), "c".to_owned()));
    let routes = Routes::new(pairs).unwrap();
    let found = routes.find(path)?;
    Some((found.route.text.clone(), found.rest.to_owned()))
}

#[test]
fn the_most_specific_route_wins() {
    let routes = [
        "/...",
        "/api/users/...",
        "/api/users/:id/conversations/...",
        "/api/users/me",
        "/api/:area/list",
        "/api/chat",
        "/",
    ];
    let cases = [
        ("/", "/", ""),
        ("/x", "/...", "/x"),
        ("/x/", "/...", "/x/"),
        ("/api", "/...", "/api"),
        ("/api/users", "/api/users/...", ""),
        ("/api/users/", "/api/users/...", "/"),
        ("/api/users/7", "/api/users/...", "/7"),
        ("/api/users/me", "/api/users/me", ""),
        ("/api/users/me/", "/api/users/me", ""),
        ("/api/users/me/x", "/api/users/...", "/me/x"),
        (
            "/api/users/7/conversations",
            "/api/users/:id/conversations/...",
            "",
        ),
        (
            "/api/users/7/conversations/8/x",
            "/api/users/:id/conversations/...",
            "/8/x",
        ),
        (
            "/api/users//conversations",
            "/api/users/...",
            "//conversations",
        ),
        ("/api/users/list", "/api/users/...", "/list"),
        ("/api/agents/list", "/api/:area/list", ""),
        ("/api/chat", "/api/chat", ""),
        ("/api/chat/", "/api/chat", ""),
        ("/api/chat/x", "/...", "/api/chat/x"),
        ("/api/chatter", "/...", "/api/chatter"),
        ("//api/chat", "/...", "//api/chat"),
    ];
    for (path, route, rest) in cases {
        let found = find(&routes, path);
        assert_eq!(found, Some((route.to_owned(), rest.to_owned())), "{path}");
    }
    assert_eq!(find(&["/api/chat"], "/api"), None);
}

#[test]
fn malformed_and_repeated_routes_are_refused() {
    for routes in [
        &["api"][..],
        &["/a//b"],
        &["/a..."],
        &["/.../a"],
        &["/:"],
        &["/a", "/a/"],
        &["/:x/b", "/:y/b"],
        &["/...", "/..."],
    ] {
        let pairs = routes
            .iter()
            .map(|route| ((*route).to_owned(), String::new()));
        assert!(Routes::new(pairs).is_err(), "{routes:?}");
    }
}

const HEAD: &str = "spin_manifest_version = 2\n[application]\nname = 'a'\nauthors = ['x']\n";
const ROUTE: &str = "[[trigger.http]]\nroute = '/...'\ncomponent = 'c'\n";
const COMPONENT: &str = "[component.c]\nsource = 'c.wasm'\n";

fn load(text: &str, set: &[(&str, &str)]) -> Result<Application, ManifestError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spin.toml");
    std::fs::write(&path, text).unwrap();
    let set: BTreeMap<_, _> = set
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Application::load(&path, &set)
}

#[test]
fn variables_are_resolved_where_they_stand() {
    let text = format!(
        "{HEAD}[variables]\nhost = {{ default = 'a.org' }}\nkey = {{ required = true, secret = true }}\n\
         {ROUTE}{COMPONENT}allowed_outbound_hosts = ['http://{{{{ host }}}}:{{{{key}}}}']\n\
         [component.c.variables]\nown = 'at {{{{ host }}}}'\n[component.c.build]\ncommand = 'x'\n"
    );
    let application = load(&text, &[("key", "80"), ("unknown", "x")]).unwrap();
    let component = &application.components["c"];
    assert_eq!(component.outbound, ["http://a.org:80"]);
    assert_eq!(component.variables["own"], "at a.org");
    assert!(component.source.ends_with("c.wasm") && component.source.is_absolute());
    let application = load(&text, &[("key", ""), ("host", "b.org")]).unwrap();
    assert_eq!(application.components["c"].variables["own"], "at b.org");
}

#[test]
fn every_missing_variable_is_named() {
    let text = format!(
        "{HEAD}[variables]\none = {{ required = true }}\ntwo = {{ secret = true }}\n\
         three = {{ default = '' }}\n{ROUTE}{COMPONENT}"
    );
    let error = load(&text, &[]).unwrap_err().to_string();
    assert!(error.contains("one (SPIN_VARIABLE_ONE)"), "{error}");
    assert!(error.contains("two (SPIN_VARIABLE_TWO)"), "{error}");
    assert!(!error.contains("three"), "{error}");
}

#[test]
fn what_is_not_supported_is_refused() {
    let whole = format!("{HEAD}{ROUTE}{COMPONENT}");
    load(&whole, &[]).unwrap();
    for (addition, named) in [
        ("files = ['x']\n", "files"),
        ("ai_models = ['x']\n", "ai_models"),
        ("environment = { A = 'b' }\n", "environment"),
        (
            "allowed_outbound_hosts = ['http://{{ missing }}']\n",
            "missing",
        ),
        ("allowed_outbound_hosts = ['http://{{ missing']\n", "}}"),
        ("[[trigger.http]]\nroute = '/a'\ncomponent = 'd'\n", "`d`"),
        ("[[trigger.redis]]\nchannel = 'a'\n", "redis"),
    ] {
        let error = load(&format!("{whole}{addition}"), &[]).unwrap_err();
        assert!(error.to_string().contains(named), "{addition}: {error}");
    }
    assert!(load(&whole.replace("= 2", "= 1"), &[]).is_err());
}
