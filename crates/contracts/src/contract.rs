//! Which contract a path belongs to.

use domain::Audience;

/// One of the five documented APIs, or what the platform has besides them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contract {
    /// An agent team works in a sandbox.
    Workspace,
    /// Coding sessions.
    Codex,
    /// Accounts and agent chats.
    Runtime,
    /// ComfyUI workflows, and administration.
    Studio,
    /// Open users, conversations and chat.
    Chat,
}

/// Paths of each contract, and how they begin. A path that several contracts share stands under
/// the one that answers when no token says otherwise; the first match counts.
const PREFIXES: [(&str, Contract); 28] = [
    ("/api/sessions", Contract::Codex),
    ("/api/login", Contract::Codex),
    ("/api/logout", Contract::Codex),
    ("/api/health", Contract::Codex),
    ("/api/ws", Contract::Workspace),
    ("/api/v1/ws", Contract::Workspace),
    ("/ws", Contract::Studio),
    ("/api/v1/services", Contract::Studio),
    ("/api/v1/workflows", Contract::Studio),
    ("/api/v1/agents", Contract::Studio),
    ("/api/v1/model-providers", Contract::Studio),
    ("/api/v1/models", Contract::Studio),
    ("/api/v1/files/avatar", Contract::Studio),
    ("/api/v1/files/workflow", Contract::Studio),
    ("/api/v1/files/stored", Contract::Studio),
    ("/api/v1/auth/logout", Contract::Studio),
    ("/api/v1/auth/refresh", Contract::Studio),
    ("/api/v1/files", Contract::Workspace),
    ("/api/v1/sandbox", Contract::Workspace),
    ("/api/v1/auth/login", Contract::Workspace),
    ("/api/v1/auth/me", Contract::Workspace),
    ("/api/v1/sessions", Contract::Workspace),
    ("/api/v1/chat/messages", Contract::Workspace),
    ("/api/v1/chat", Contract::Chat),
    ("/api/v1/conversations", Contract::Chat),
    ("/api/v1/users/me/password", Contract::Studio),
    ("/api/v1/users/me", Contract::Runtime),
    ("/api/v1/users", Contract::Chat),
];

impl Contract {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Codex => "codex",
            Self::Runtime => "runtime",
            Self::Studio => "studio",
            Self::Chat => "chat",
        }
    }

    /// The contract that answers `path` for whoever has a token of `audience`: on the few paths
    /// that `studio` shares with others, its tokens get its words.
    #[must_use]
    pub fn of(path: &str, audience: Option<Audience>) -> Self {
        let shared = path == "/api/v1/users/me" || is_below(path, "/api/v1/sessions");
        match audience {
            Some(Audience::Studio) if shared => Self::Studio,
            _ => Self::of_path(path),
        }
    }

    /// The contract that `path` belongs to when no token says otherwise.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        // Those below it, of sandboxes, are of `workspace`.
        if path == "/api/v1/files" {
            return Self::Studio;
        }
        PREFIXES
            .iter()
            .find(|(prefix, _)| is_below(path, prefix))
            .map_or(Self::Runtime, |(_, contract)| *contract)
    }
}

fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let check = |path: &str, contract: Contract| {
            assert_eq!(Contract::of_path(path), contract, "{path}");
        };
        check("/api/sessions/x/events", Contract::Codex);
        check("/api/v1/sessions", Contract::Workspace);
        check("/api/v1/chat", Contract::Chat);
        check("/api/v1/chat/", Contract::Chat);
        check("/api/v1/chat/messages", Contract::Workspace);
        check("/api/v1/chatter", Contract::Runtime);
        check("/api/v1/users/ada", Contract::Chat);
        check("/api/v1/users/me/password", Contract::Studio);
        check("/api/v1/users/me/email", Contract::Runtime);
        check("/api/v1/auth/login", Contract::Workspace);
        check("/api/v1/auth/logins", Contract::Runtime);
        check("/api/v1/files", Contract::Studio);
        check("/api/v1/files/stored/7", Contract::Studio);
        check("/api/v1/files/x/tree", Contract::Workspace);
        check("/api/v1/files/avatar", Contract::Studio);
        check("/api/v1/infra/health", Contract::Runtime);
        check("/api/ws/sessions/7", Contract::Workspace);
        check("/ws/chat", Contract::Studio);
        check("/api/v1/sessions/7/events", Contract::Workspace);
        check("/nowhere", Contract::Runtime);
    }

    #[test]
    fn shared_paths_answer_as_the_token_says() {
        let check = |path: &str, audience: Option<Audience>, contract: Contract| {
            assert_eq!(
                Contract::of(path, audience),
                contract,
                "{path} {audience:?}"
            );
        };
        let studio = Some(Audience::Studio);
        check("/api/v1/users/me", studio, Contract::Studio);
        check(
            "/api/v1/users/me",
            Some(Audience::Runtime),
            Contract::Runtime,
        );
        check("/api/v1/users/me", None, Contract::Runtime);
        check("/api/v1/users/me/email", studio, Contract::Runtime);
        check("/api/v1/sessions/7/messages", studio, Contract::Studio);
        check(
            "/api/v1/sessions",
            Some(Audience::Codex),
            Contract::Workspace,
        );
        check("/api/v1/auth/logins", studio, Contract::Runtime);
    }
}
