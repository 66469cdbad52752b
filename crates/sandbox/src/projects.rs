//! Folders of the host that may be workspaces: those below a root that the operator names.
//!
//! Invariant: a path is resolved beneath its root by the kernel, and no symlink is followed on the
//! way. Whoever can write in one project cannot have another folder taken for one.

use rustix::{
    fd::OwnedFd,
    fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2},
};
use serde::{Deserialize, Serialize};
use std::{
    io,
    path::{Component, Path, PathBuf},
};

/// A folder below one of the roots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// The root, without a symlink in its path.
    pub root: PathBuf,
    /// The folder, relative to it.
    pub below: PathBuf,
}

/// A path names no folder that may be a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoProject {
    /// It is not below a root.
    #[error("is not below a folder that the operator allows (RUNNER_PROJECT_ROOTS)")]
    Elsewhere,
    /// It is none, or a symlink leads there.
    #[error("is no folder, or a symbolic link is on the way to it")]
    NoFolder,
}

/// The operator's roots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Projects(Vec<(PathBuf, PathBuf)>);

impl Projects {
    /// Those below `roots`, which are there.
    ///
    /// # Errors
    /// If one of them is no folder, or the root of the whole file system.
    pub fn below(roots: &[PathBuf]) -> io::Result<Self> {
        let real = |root: &PathBuf| {
            let real = root.canonicalize()?;
            match real.is_dir() && real.parent().is_some() {
                true => Ok((root.clone(), real)),
                false => Err(io::Error::from(io::ErrorKind::NotADirectory)),
            }
        };
        roots.iter().map(real).collect::<io::Result<_>>().map(Self)
    }

    /// The project at a path, which begins as the operator wrote a root, or as the root really is.
    ///
    /// # Errors
    /// [`NoProject`]
    pub fn at(&self, path: &Path) -> Result<Project, NoProject> {
        let plain = |part| matches!(part, Component::RootDir | Component::Normal(_));
        if !path.is_absolute() || !path.components().all(plain) {
            return Err(NoProject::Elsewhere);
        }
        let mut roots = self.0.iter();
        let found = roots.find_map(|(written, real)| {
            let below = path.strip_prefix(real).or(path.strip_prefix(written));
            let below = below.ok().filter(|below| !below.as_os_str().is_empty())?;
            Some(Project {
                root: real.clone(),
                below: below.to_owned(),
            })
        });
        let found = found.ok_or(NoProject::Elsewhere)?;
        found.open().map_err(|_| NoProject::NoFolder)?;
        Ok(found)
    }
}

impl Project {
    /// Its path on the host.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.root.join(&self.below)
    }

    /// A handle on the folder.
    ///
    /// # Errors
    /// If it is none, or a symlink is on the way to it.
    pub fn open(&self) -> io::Result<OwnedFd> {
        let handle = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = openat(CWD, &self.root, handle, Mode::empty())?;
        let how = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        Ok(openat2(root, &self.below, handle, Mode::empty(), how)?)
    }

    /// Whose it is, uid and gid.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn owner(&self) -> io::Result<(u32, u32)> {
        let stat = rustix::fs::fstat(self.open()?)?;
        Ok((stat.st_uid, stat.st_gid))
    }

    /// Whether that is this folder.
    pub(crate) fn is(&self, other: &Path) -> io::Result<bool> {
        let (own, other) = (rustix::fs::fstat(self.open()?)?, rustix::fs::stat(other)?);
        Ok((own.st_dev, own.st_ino) == (other.st_dev, other.st_ino))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    #[test]
    fn only_what_is_really_below_a_root() {
        let place = tempfile::tempdir().unwrap();
        let place = place.path().canonicalize().unwrap();
        let root = place.join("root");
        fs::create_dir_all(root.join("app/src")).unwrap();
        fs::create_dir_all(place.join("rooted")).unwrap();
        fs::write(root.join("file"), "").unwrap();
        symlink(&root, place.join("link")).unwrap();
        symlink("/etc", root.join("out")).unwrap();
        symlink("app", root.join("inside")).unwrap();
        let projects = Projects::below(&[place.join("link")]).unwrap();
        let check = |path: PathBuf, expected: Result<&str, NoProject>| {
            let found = projects.at(&path).map(|found| found.path());
            assert_eq!(found, expected.map(|below| root.join(below)), "{path:?}");
        };
        check(root.join("app"), Ok("app"));
        check(root.join("app/src"), Ok("app/src"));
        check(place.join("link/app"), Ok("app"));
        check(root.clone(), Err(NoProject::Elsewhere));
        check(place.join("rooted"), Err(NoProject::Elsewhere));
        check(root.join("app/../../rooted"), Err(NoProject::Elsewhere));
        check("app".into(), Err(NoProject::Elsewhere));
        check("/etc".into(), Err(NoProject::Elsewhere));
        check("/".into(), Err(NoProject::Elsewhere));
        for none in ["nothing", "file", "out", "out/ssh", "inside", "inside/src"] {
            check(root.join(none), Err(NoProject::NoFolder));
        }
        // Replaced after it was found.
        let found = projects.at(&root.join("app")).unwrap();
        fs::rename(root.join("app"), root.join("gone")).unwrap();
        symlink("/etc", root.join("app")).unwrap();
        assert!(found.open().is_err());
    }

    #[test]
    fn roots_are_folders() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("file"), "").unwrap();
        assert!(Projects::below(&[place.path().join("file")]).is_err());
        assert!(Projects::below(&[place.path().join("missing")]).is_err());
        assert!(Projects::below(&["/".into()]).is_err());
        assert_eq!(
            Projects::default().at(Path::new("/srv/x")),
            Err(NoProject::Elsewhere)
        );
    }
}
