//! Who descends from whom, read from `/proc`, and the end of a whole tree.
//!
//! Invariant: [`kill`] first stops everything it finds, until nothing new is found, and kills
//! only then: what is stopped cannot fork away.

use rustix::process::{Pid, Signal, kill_process};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
};

/// How often [`kill`] looks for more, at most: whoever outruns that is met at the next call.
const ROUNDS: usize = 16;

/// A process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Process {
    pid: i32,
    parent: i32,
    /// Ended, and not yet reaped.
    zombie: bool,
}

/// Kills all that descend from the `roots`, and these themselves, and all children of process 1
/// that are not among `known`, with their descendants. Returns whether there was anything.
pub(super) fn kill(roots: &BTreeSet<i32>, known: &BTreeSet<i32>) -> io::Result<bool> {
    let mut stopped = BTreeSet::new();
    for _ in 0..ROUNDS {
        let living = victims(&processes()?, roots, known);
        let new: Vec<i32> = living.difference(&stopped).copied().collect();
        if new.is_empty() {
            break;
        }
        for pid in new {
            signal(pid, Signal::STOP);
            stopped.insert(pid);
        }
    }
    for pid in &stopped {
        signal(*pid, Signal::KILL);
    }
    Ok(!stopped.is_empty())
}

/// Sends it; a process that is gone needs none.
pub(super) fn signal(pid: i32, signal: Signal) {
    // Above 1: 0 and below are groups, and 1 is this process.
    if let Some(pid) = Pid::from_raw(pid).filter(|_| pid > 1) {
        let _gone = kill_process(pid, signal);
    }
}

fn victims(processes: &[Process], roots: &BTreeSet<i32>, known: &BTreeSet<i32>) -> BTreeSet<i32> {
    let mut children: BTreeMap<i32, Vec<&Process>> = BTreeMap::new();
    for process in processes {
        children.entry(process.parent).or_default().push(process);
    }
    let me = std::process::id().cast_signed();
    let strays = children.get(&me).into_iter().flatten();
    let strays = strays.map(|process| process.pid);
    let strays = strays.filter(|pid| !known.contains(pid));
    let mut open: Vec<i32> = roots.iter().copied().chain(strays).collect();
    let mut seen: BTreeSet<i32> = open.iter().copied().collect();
    while let Some(pid) = open.pop() {
        for child in children.get(&pid).into_iter().flatten() {
            if seen.insert(child.pid) {
                open.push(child.pid);
            }
        }
    }
    let living = processes.iter().filter(|process| !process.zombie);
    let living = living.map(|process| process.pid);
    living
        .filter(|pid| seen.contains(pid) && *pid != me)
        .collect()
}

fn processes() -> io::Result<Vec<Process>> {
    let mut processes = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // One that ended in the meantime has no file any longer.
        if let Ok(stat) = fs::read(format!("/proc/{pid}/stat"))
            && let Some(process) = parse(pid, &String::from_utf8_lossy(&stat))
        {
            processes.push(process);
        }
    }
    Ok(processes)
}

/// `PID (NAME) STATE PARENT …`, where the name may have anything in it, parentheses too.
fn parse(pid: i32, stat: &str) -> Option<Process> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let zombie = matches!(fields.next()?, "Z" | "X");
    let parent = fields.next()?.parse().ok()?;
    Some(Process {
        pid,
        parent,
        zombie,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_hides_nothing() {
        let expected = Process {
            pid: 7,
            parent: 3,
            zombie: false,
        };
        assert_eq!(parse(7, "7 (a) R 1 (b) S 3 7 7 0"), Some(expected));
        assert_eq!(parse(7, "7 (x"), None);
        assert_eq!(parse(7, "7 (x) Z"), None);
    }

    #[test]
    fn victims_are_the_trees_below_and_strays_but_no_zombies() {
        let me = std::process::id().cast_signed();
        let of = |pid, parent, zombie| Process {
            pid,
            parent,
            zombie,
        };
        let all = [
            of(me, 0, false),
            of(1_000_010, me, false),
            of(1_000_011, 1_000_010, false),
            of(1_000_012, 1_000_011, true),
            of(1_000_013, 1_000_012, false),
            of(1_000_020, me, false),
            of(1_000_021, 1_000_020, false),
            of(1_000_030, me, false),
            of(1_000_031, 1_000_030, false),
        ];
        let roots = BTreeSet::from([1_000_010]);
        let known = BTreeSet::from([1_000_010, 1_000_020]);
        let expected = [1_000_010, 1_000_011, 1_000_013, 1_000_030, 1_000_031];
        assert_eq!(victims(&all, &roots, &known), BTreeSet::from(expected));
    }
}
