//! Every documented route of what is built is an operation, and every operation is documented.

use crate::reading::{CHAT, CODEX, RUNTIME, STUDIO, WORKSPACE};
use contracts::openapi;

/// What we have besides the documents.
const BESIDES: [&str; 58] = [
    "POST /api/v1/auth/password-resets",
    "POST /api/v1/auth/password-resets/confirm",
    "POST /api/v1/users/me/email",
    "POST /api/v1/users/me/email/confirm",
    "GET /api/v1/auth/logins",
    "DELETE /api/v1/auth/logins",
    "DELETE /api/v1/auth/logins/{login_id}",
    "POST /api/v1/auth/tickets",
    "PATCH /api/v1/sessions/{session_id}",
    "POST /api/v1/sessions/{session_id}/interrupt",
    "GET /api/v1/sessions/{session_id}/export",
    "POST /api/v1/sessions/{session_id}/messages/{message_id}/regenerate",
    "POST /api/v1/sessions/{session_id}/messages/{message_id}/edit",
    "POST /api/v1/sessions/{session_id}/messages/{message_id}/select",
    "GET /api/v1/sessions/{session_id}/messages/{message_id}/siblings",
    "GET /api/v1/messages/search",
    "GET /api/v1/sandbox/{session_id}",
    "POST /api/v1/sandbox/{session_id}/commands",
    "GET /api/v1/sandbox/{session_id}/commands",
    "GET /api/v1/sandbox/{session_id}/commands/{command}",
    "DELETE /api/v1/sandbox/{session_id}/commands/{command}",
    "GET /api/v1/files/{session_id}/stat",
    "PUT /api/v1/files/{session_id}",
    "DELETE /api/v1/files/{session_id}",
    "POST /api/v1/files/{session_id}/move",
    "POST /api/v1/files/{session_id}/directory",
    "GET /api/v1/files/{session_id}/archive",
    "DELETE /api/v1/users/me",
    "GET /api/v1/users/me/api-keys",
    "POST /api/v1/users/me/api-keys",
    "DELETE /api/v1/users/me/api-keys/{key_id}",
    "GET /api/v1/agents/{id}",
    "DELETE /api/v1/agents/{id}",
    "GET /api/v1/model-providers/{id}",
    "PUT /api/v1/model-providers/{id}",
    "DELETE /api/v1/model-providers/{id}",
    "POST /api/v1/model-providers/{id}/test",
    "GET /api/v1/models/{id}",
    "PUT /api/v1/models/{id}",
    "DELETE /api/v1/models/{id}",
    "GET /api/v1/services/{id}",
    "GET /api/v1/workflows/{id}",
    "GET /api/v1/workflows/{id}/versions",
    "GET /api/v1/workflows/{id}/versions/{number}",
    "POST /api/v1/workflows/{id}/versions/{number}/restore",
    "GET /api/v1/workflows/{id}/diff",
    "POST /api/v1/workflows/{id}/validate",
    "GET /api/v1/workflows/{id}/export",
    "GET /api/v1/files/stored/{id}",
    "DELETE /api/v1/files/stored/{id}",
    "GET /api/v1/files/stored/{key}/content",
    "GET /api/v1/files/avatar/{key}",
    "GET /api/sessions",
    "GET /api/sessions/{session_id}",
    "DELETE /api/sessions/{session_id}",
    "POST /api/sessions/{session_id}/resume",
    "GET /api/sessions/{session_id}/diff",
    "POST /api/sessions/{session_id}/undo",
];

/// The routes that a document names below `base`, in `METHOD /path` without their query.
fn routes(document: &str, base: &str) -> Vec<String> {
    let words: Vec<&str> = document.split([' ', '\n', '`', '|']).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words
        .windows(2)
        .filter(|pair| ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&pair[0]))
        .filter(|pair| pair[1].starts_with('/'))
        .map(|pair| {
            let path = pair[1].split('?').next().unwrap_or_default();
            format!("{} {base}{path}", pair[0])
        })
        .collect()
}

/// Those of them that are built: their path begins with one of `built`.
fn built(document: &str, base: &str, built: &[&str]) -> Vec<String> {
    let mut routes = routes(document, base);
    routes.retain(|route| {
        let path = route.split(' ').nth(1).unwrap_or_default();
        built
            .iter()
            .any(|part| path.starts_with(&format!("{base}{part}")))
    });
    routes
}

#[test]
fn every_documented_route_is_an_operation_and_every_operation_documented() {
    let api = "/api/v1";
    let runtime = built(
        RUNTIME,
        api,
        &["/auth", "/users", "/agent-chats", "/infra", "/health"],
    );
    let parts = ["/auth", "/sessions", "/chat", "/sandbox", "/files"];
    let workspace = built(WORKSPACE, api, &parts);
    let codex = built(CODEX, "", &["/api"]);
    let studio = built(STUDIO, api, &["/"]);
    let chat = built(CHAT, api, &["/users", "/conversations", "/chat"]);
    let counts = [&runtime, &workspace, &codex, &studio, &chat].map(Vec::len);
    assert_eq!(counts, [13, 16, 8, 31, 6]);
    let mut expected = [runtime, workspace, codex, studio, chat].concat();
    expected.extend(BESIDES.map(str::to_owned));
    let mut expected: Vec<String> = expected.iter().map(|line| unnamed(line)).collect();
    expected.sort();
    let mut ours: Vec<String> = openapi::operations()
        .map(|operation| {
            let method = format!("{:?}", operation.method).to_uppercase();
            unnamed(&format!("{method} {}", operation.path))
        })
        .collect();
    ours.sort();
    assert_eq!(ours, expected);
}

/// Without the names of the parameters: two documents call the same one differently.
fn unnamed(line: &str) -> String {
    let segments = line.split('/').map(|segment| match segment {
        parameter if parameter.starts_with('{') => "{}",
        other => other,
    });
    segments.collect::<Vec<_>>().join("/")
}
