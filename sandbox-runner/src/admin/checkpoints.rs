//! Checkpoints of workspaces: `runner_api::checkpoints`; and folders of the host that may be
//! workspaces: `runner_api::projects`.

use super::{Admin, extract::Given, refused::Refused};
use axum::{
    Json, Router,
    extract::{Path, State},
    routing::{get, post, put},
};
use runner_api::{
    checkpoints::{Checkpoint, Checkpoints, Diff, Restored, Taken},
    projects::Project,
};
use sandbox_files::{
    WorkspacePath,
    checkpoint::{Content, Difference},
};
use std::sync::Arc;
use uuid::Uuid;

pub(super) fn routes() -> Router<Arc<Admin>> {
    Router::new()
        .route("/v1/projects", post(project))
        .route("/v1/sandboxes/{session}/checkpoints", get(list))
        .route("/v1/sandboxes/{session}/checkpoints/{name}", put(take))
        .route("/v1/sandboxes/{session}/checkpoints/{name}/diff", get(diff))
        .route(
            "/v1/sandboxes/{session}/checkpoints/{name}/restore",
            post(restore),
        )
}

async fn project(
    State(admin): State<Arc<Admin>>,
    Given(Json(asked)): Given<Json<Project>>,
) -> Result<Json<Project>, Refused> {
    let path = admin.sandboxes.project(&asked.path)?;
    Ok(Json(Project { path }))
}

async fn list(
    State(admin): State<Arc<Admin>>,
    Given(Path(session)): Given<Path<Uuid>>,
) -> Result<Json<Checkpoints>, Refused> {
    let (files, checkpoints) = admin.sandboxes.checkpoints(session)?;
    let all = checkpoints.list(&files.workspace).await?.into_iter();
    let checkpoints = all.map(|one| Checkpoint {
        name: one.name,
        at: one.at,
        gap: one.gap,
    });
    Ok(Json(Checkpoints {
        checkpoints: checkpoints.collect(),
    }))
}

async fn take(
    State(admin): State<Arc<Admin>>,
    Given(Path((session, name))): Given<Path<(Uuid, Uuid)>>,
) -> Result<Json<Taken>, Refused> {
    let (files, checkpoints) = admin.sandboxes.checkpoints(session)?;
    let (name, now) = (name.to_string(), rooms::now());
    let taken = checkpoints.take(&files.workspace, &name, now.0).await?;
    // They are on the same disk, and count.
    admin.sandboxes.remeasure(session);
    Ok(Json(Taken {
        created: taken.created,
        files: taken.files as u64,
        left_out: taken.left_out as u64,
    }))
}

async fn diff(
    State(admin): State<Arc<Admin>>,
    Given(Path((session, name))): Given<Path<(Uuid, String)>>,
) -> Result<Json<Diff>, Refused> {
    let (files, checkpoints) = admin.sandboxes.checkpoints(session)?;
    let compared = checkpoints.compare(&files.workspace, &name, unified_diff);
    let (unified_diff, truncated) = compared.await?;
    Ok(Json(Diff {
        unified_diff,
        truncated,
    }))
}

/// All of them in one text.
fn unified_diff(differences: Vec<Difference>) -> String {
    let text = |content: Option<Content>| {
        content.map(|content| match content {
            Content::Bytes(bytes) => String::from_utf8(bytes).ok(),
            Content::Same | Content::TooLarge | Content::Unknown => None,
        })
    };
    let one = |one: Difference| {
        let diff = match one.after {
            Some(Content::Same) => String::new(),
            after => one_diff(&one.path, text(one.before), text(after)),
        };
        match one.modes {
            Some(modes) => with_modes(&one.path, &diff, modes),
            None => diff,
        }
    };
    differences.into_iter().map(one).collect()
}

/// The same with the lines that git has for a file that can be run now and could not be, or the
/// other way round. It knows no other modes.
fn with_modes(path: &WorkspacePath, diff: &str, (before, after): (u32, u32)) -> String {
    let [old, new] = [before, after].map(|mode| match mode & 0o100 {
        0 => "100644",
        _ => "100755",
    });
    if old == new {
        return diff.to_owned();
    }
    let modes = format!("old mode {old}\nnew mode {new}\n");
    match diff.split_once('\n') {
        Some((head, rest)) => format!("{head}\n{modes}{rest}"),
        None => format!("{}\n{modes}", head(path)),
    }
}

/// What the changes of a file begin with.
fn head(path: &WorkspacePath) -> String {
    format!("diff --git a/{path} b/{path}")
}

/// What became of a file. What is no text, or not shown, is `Some(None)`.
#[expect(
    clippy::option_option,
    reason = "a file that is not there is not one that is not shown"
)]
fn one_diff(
    path: &WorkspacePath,
    before: Option<Option<String>>,
    after: Option<Option<String>>,
) -> String {
    let plain = |side: Option<Option<String>>| side.map_or(Some(None), |text| text.map(Some));
    match (plain(before), plain(after)) {
        (Some(before), Some(after)) => {
            patch::unified_diff(path.as_str(), before.as_deref(), after.as_deref())
        }
        _ => format!(
            "{}\nBinary files a/{path} and b/{path} differ\n",
            head(path)
        ),
    }
}

async fn restore(
    State(admin): State<Arc<Admin>>,
    Given(Path((session, name))): Given<Path<(Uuid, String)>>,
) -> Result<Json<Restored>, Refused> {
    let (files, checkpoints) = admin.sandboxes.checkpoints(session)?;
    let restored = checkpoints.restore(&files.workspace, &name).await?;
    admin.sandboxes.remeasure(session);
    let paths = restored.changed.iter();
    let paths = paths.filter_map(|change| WorkspacePath::parse(&change.path).ok());
    let paths: Vec<_> = paths.collect();
    files.changed(&paths.iter().collect::<Vec<_>>());
    Ok(Json(Restored {
        changed: restored.changed,
        left: restored.left,
        left_out: restored.left_out,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_shown_as_git_shows_it() {
        let check = |before: Option<Content>, after: Option<Content>, modes, expected: &str| {
            let difference = Difference {
                path: WorkspacePath::parse("a.sh").unwrap(),
                before,
                after,
                modes,
            };
            let head = "diff --git a/a.sh b/a.sh\n";
            let expected = match expected {
                "" => String::new(),
                lines => format!("{head}{lines}"),
            };
            assert_eq!(unified_diff(vec![difference]), expected);
        };
        let bytes = |text: &str| Some(Content::Bytes(text.as_bytes().to_vec()));
        let same = || Some(Content::Same);
        let modes = |before, after| Some((before, after));
        let runs = "old mode 100644\nnew mode 100755\n";
        check(same(), same(), modes(0o644, 0o755), runs);
        let runs_not = "old mode 100755\nnew mode 100644\n";
        check(same(), same(), modes(0o755, 0o600), runs_not);
        check(same(), same(), modes(0o644, 0o600), "");
        let body = "--- a/a.sh\n+++ b/a.sh\n@@ -1 +1 @@\n-a\n+b\n";
        check(bytes("a\n"), bytes("b\n"), None, body);
        let both = format!("{runs}{body}");
        check(bytes("a\n"), bytes("b\n"), modes(0o644, 0o755), &both);
        let new = "new file mode 100644\n--- /dev/null\n+++ b/a.sh\n@@ -0,0 +1 @@\n+b\n";
        check(None, bytes("b\n"), None, new);
        // Of what is no text, too large, or not known, there are no lines.
        let binary = "Binary files a/a.sh and b/a.sh differ\n";
        let odd = Some(Content::Bytes(vec![0xff]));
        check(odd, bytes("b\n"), None, binary);
        check(None, Some(Content::TooLarge), None, binary);
        check(Some(Content::Unknown), None, None, binary);
        check(
            bytes("a\n"),
            Some(Content::TooLarge),
            modes(0o644, 0o755),
            &format!("{runs}{binary}"),
        );
    }
}
