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
use sandbox_files::{WorkspacePath, checkpoint::Content};
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
    let compared = checkpoints.compare(&files.workspace, &name);
    let (differences, truncated) = compared.await?;
    let text = |content: Option<Content>| {
        content.map(|content| match content {
            Content::Bytes(bytes) => String::from_utf8(bytes).ok(),
            Content::TooLarge => None,
        })
    };
    // Comparing texts takes its time.
    let written = tokio::task::spawn_blocking(move || {
        let differences = differences.into_iter();
        differences
            .map(|one| one_diff(&one.path, text(one.before), text(one.after)))
            .collect()
    });
    Ok(Json(Diff {
        unified_diff: written.await.map_err(|error| Refused::internal(&error))?,
        truncated,
    }))
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
        _ => format!("diff --git a/{path} b/{path}\nBinary files a/{path} and b/{path} differ\n"),
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
    }))
}
