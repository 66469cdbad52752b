//! Folders of the host as workspaces, and workspaces in which nothing may be changed.

use crate::site::{Kind, Site};
use sandbox::{projects::Projects, registry::Launch};
use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown, symlink},
    path::{Path, PathBuf},
};
use uuid::Uuid;

fn launch(project: &Path, read_only: bool) -> Launch {
    Launch {
        user: 1,
        network: false,
        project: Some(project.to_owned()),
        read_only,
    }
}

/// A root with a project in it that belongs to whoever sandboxes are.
fn root() -> (tempfile::TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let project = place.path().canonicalize().unwrap().join("app");
    fs::create_dir(&project).unwrap();
    fs::write(project.join("a.txt"), "mine").unwrap();
    if rustix::process::geteuid().is_root() {
        for path in [project.clone(), project.join("a.txt")] {
            chown(path, Some(4_321), Some(4_321)).unwrap();
        }
    }
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(place.path(), open).unwrap();
    (place, project)
}

async fn a_project_is_the_workspace(kind: Kind) {
    if !kind.is_here() {
        return;
    }
    let (place, project) = root();
    let roots = [place.path().to_owned()];
    let projects = Projects::below(&roots).unwrap();
    let site = Site::new(kind, |settings| settings.projects = projects).await;
    let session = Uuid::new_v4();
    let asked = launch(&project, false);
    site.sandboxes.launch(session, asked).await.unwrap();
    let told = site.ok(session, "pwd; cat a.txt; echo yours > b.txt").await;
    assert_eq!(told, "/workspace\nmine");
    assert_eq!(
        fs::read_to_string(project.join("b.txt")).unwrap(),
        "yours\n"
    );
    // The same folder is what is reached from outside.
    let files = site.sandboxes.files(session).unwrap();
    assert_eq!(files.workspace, project);
    // Also after it was stopped; and nothing beside it is to be seen.
    site.sandboxes.stop(session).await.unwrap();
    assert_eq!(
        site.ok(
            session,
            "cat b.txt; ls /workspace/..  | grep -c app || true"
        )
        .await,
        "yours\n0\n"
    );
    site.sandboxes.destroy(session).await.unwrap();
    assert_eq!(fs::read_to_string(project.join("a.txt")).unwrap(), "mine");
    // Nothing may be changed in this one.
    let session = Uuid::new_v4();
    let asked = launch(&project, true);
    site.sandboxes.launch(session, asked).await.unwrap();
    let tried = site
        .run(session, "cat a.txt; echo x > a.txt; touch c")
        .await
        .unwrap();
    assert_eq!(tried.stdout, "mine");
    assert_ne!(tried.exit_code, 0);
    assert!(!project.join("c").exists());
    site.ok(session, "touch /tmp/c").await;
    site.end().await;
    assert_eq!(fs::read_to_string(project.join("a.txt")).unwrap(), "mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_the_workspace_of_namespaces() {
    a_project_is_the_workspace(Kind::Namespace).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_the_workspace_of_a_container() {
    a_project_is_the_workspace(Kind::Docker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_symlink_makes_another_folder_a_project() {
    let (place, project) = root();
    let roots = [place.path().to_owned()];
    let projects = Projects::below(&roots).unwrap();
    let site = Site::new(Kind::Namespace, |settings| settings.projects = projects).await;
    symlink("/etc", project.join("etc")).unwrap();
    for path in ["/etc", "/", "relative"] {
        let refused = site
            .sandboxes
            .launch(Uuid::new_v4(), launch(Path::new(path), false));
        assert!(refused.await.is_err(), "{path}");
    }
    let refused = site
        .sandboxes
        .launch(Uuid::new_v4(), launch(&project.join("etc"), false));
    assert!(refused.await.is_err());
    // One that was a folder when it was launched, and is a symlink when it is started again.
    let session = Uuid::new_v4();
    let asked = launch(&project, false);
    site.sandboxes.launch(session, asked).await.unwrap();
    site.sandboxes.stop(session).await.unwrap();
    fs::rename(&project, place.path().join("gone")).unwrap();
    symlink("/etc", &project).unwrap();
    assert!(site.sandboxes.enter(session).await.is_err());
    site.end().await;
}
