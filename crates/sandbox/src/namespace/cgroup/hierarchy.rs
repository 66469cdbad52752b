//! Where groups can be made on this machine.
//!
//! Version 1 has a tree for each controller, and groups are made below the runner's own.
//! Version 2 has one tree, in which a group with processes cannot deal its limits out to groups
//! below: there they are made beside the runner's own, in the nearest group above that this user
//! may change.

use rustix::fs::{Access, access};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

const CONTROLLERS: [&str; 3] = ["memory", "pids", "cpu"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

/// A folder in which groups can be made, and what can be limited there.
#[derive(Debug)]
pub(super) struct Hierarchy {
    pub(super) version: Version,
    pub(super) parent: PathBuf,
    pub(super) controllers: Vec<String>,
}

/// A mounted tree: where, of which group on, and with which controllers (version 1).
#[derive(Debug, PartialEq, Eq)]
struct Mounted {
    version: Version,
    root: PathBuf,
    target: PathBuf,
    options: Vec<String>,
}

/// All that can be used. `probe` is the name of a group that is made and removed to see it.
pub(super) fn usable(probe: &str) -> io::Result<Vec<Hierarchy>> {
    let own = fs::read_to_string("/proc/self/cgroup")?;
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let mut usable = Vec::new();
    for mounted in mounts.lines().filter_map(mounted) {
        let Some(group) = own_group(&own, &mounted) else {
            continue;
        };
        usable.extend(match mounted.version {
            Version::One => below(group, &mounted, probe),
            Version::Two => beside(&group, &mounted, probe),
        });
    }
    Ok(usable)
}

/// `ID PARENT DEVICE ROOT TARGET OPTIONS … - TYPE SOURCE OPTIONS`.
fn mounted(line: &str) -> Option<Mounted> {
    let (mount, system) = line.split_once(" - ")?;
    let mut mount = mount.split(' ').skip(3);
    let mut system = system.split(' ');
    let version = match system.next()? {
        "cgroup" => Version::One,
        "cgroup2" => Version::Two,
        _ => return None,
    };
    Some(Mounted {
        version,
        root: mount.next()?.into(),
        target: mount.next()?.into(),
        options: system.nth(1)?.split(',').map(str::to_owned).collect(),
    })
}

/// The runner's own group in that tree, as a folder. Lines are `ID:CONTROLLERS:GROUP`.
fn own_group(own: &str, mounted: &Mounted) -> Option<PathBuf> {
    let group = own.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, group) = (fields.next()?, fields.next()?);
        let is_it = match mounted.version {
            Version::Two => controllers.is_empty(),
            Version::One => controllers
                .split(',')
                .any(|name| !name.is_empty() && mounted.options.iter().any(|has| has == name)),
        };
        is_it.then_some(group)
    })?;
    let below = Path::new(group).strip_prefix(&mounted.root).ok()?;
    // Component by component: joining nothing would leave a slash at the end.
    Some(mounted.target.iter().chain(below.iter()).collect())
}

fn below(parent: PathBuf, mounted: &Mounted, probe: &str) -> Option<Hierarchy> {
    let controllers = CONTROLLERS
        .into_iter()
        .filter(|name| mounted.options.iter().any(|has| has == name));
    let controllers: Vec<String> = controllers.map(str::to_owned).collect();
    (!controllers.is_empty() && can_make(&parent, probe)).then_some(Hierarchy {
        version: Version::One,
        parent,
        controllers,
    })
}

fn beside(own: &Path, mounted: &Mounted, probe: &str) -> Option<Hierarchy> {
    let first = if own == mounted.target {
        own
    } else {
        own.parent()?
    };
    let above = first.ancestors();
    let mut above = above.take_while(|folder| folder.starts_with(&mounted.target));
    above.find_map(|parent| {
        if access(parent.join("cgroup.procs"), Access::WRITE_OK).is_err() {
            return None;
        }
        let controllers: Vec<String> = CONTROLLERS
            .into_iter()
            .filter(|name| deals_out(parent, name))
            .map(str::to_owned)
            .collect();
        (!controllers.is_empty() && can_make(parent, probe)).then(|| Hierarchy {
            version: Version::Two,
            parent: parent.to_owned(),
            controllers,
        })
    })
}

/// Whether groups in that one have the controller, or can be given it.
fn deals_out(parent: &Path, controller: &str) -> bool {
    let file = parent.join("cgroup.subtree_control");
    let has = || {
        let text = fs::read_to_string(&file).unwrap_or_default();
        text.split_whitespace().any(|name| name == controller)
    };
    // Where it is refused, the file says so afterwards.
    has() || (fs::write(&file, format!("+{controller}")).is_ok() && has())
}

fn can_make(parent: &Path, probe: &str) -> bool {
    let group = parent.join(probe);
    let made = fs::create_dir(&group).is_ok();
    made && fs::remove_dir(&group).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_group_is_found_in_each_tree() {
        let own = "9:name=systemd:/\n8:pids:/\n4:cpu,cpuacct:/a\n3:memory:/box/b\n0::/x/y\n";
        let line = |text| mounted(text).unwrap();
        let cases = [
            ("1 2 0:3 / /c/pids rw - cgroup cgroup rw,pids", "/c/pids"),
            (
                "1 2 0:3 / /c/cpu rw - cgroup cgroup rw,cpu,cpuacct",
                "/c/cpu/a",
            ),
            (
                "1 2 0:3 /box /c/memory rw shared:1 - cgroup cgroup rw,memory",
                "/c/memory/b",
            ),
            (
                "1 2 0:3 / /c/unified rw - cgroup2 cgroup2 rw",
                "/c/unified/x/y",
            ),
        ];
        for (mount, expected) in cases {
            assert_eq!(
                own_group(own, &line(mount)),
                Some(expected.into()),
                "{mount}"
            );
        }
        let elsewhere = line("1 2 0:3 /other /c/memory rw - cgroup cgroup rw,memory");
        assert_eq!(own_group(own, &elsewhere), None);
        assert_eq!(mounted("1 2 0:3 / /proc rw - proc proc rw"), None);
    }
}
