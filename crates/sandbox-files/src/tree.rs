//! What is where: one thing, or a directory with what is in it.

use crate::{
    beneath,
    error::FileError,
    listing::{below, names, shows_something},
    path::WorkspacePath,
    workspace::{DEEPEST_TREE, Inner},
};
use runner_api::files::{Kind, Node};
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{FileType, OFlags, Stat},
    io::Errno,
};
use std::{collections::VecDeque, ffi::CString};

/// What the path names; a symlink at its end is not followed.
pub(crate) fn stat(workspace: &Inner, path: &WorkspacePath) -> Result<Node, FileError> {
    let handle = beneath::open(
        workspace.root(),
        path.as_str(),
        beneath::HANDLE | OFlags::NOFOLLOW,
    );
    let stat = handle
        .and_then(beneath::stat_of)
        .map_err(FileError::at(path))?;
    Ok(node(path, &stat))
}

/// A node without children.
pub(crate) fn node(path: &WorkspacePath, stat: &Stat) -> Node {
    described(path.name().to_owned(), path.as_str().to_owned(), stat)
}

fn described(name: String, path: String, stat: &Stat) -> Node {
    let kind = match beneath::kind(stat) {
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        _ => Kind::File,
    };
    let size = match kind {
        Kind::Directory => 0,
        Kind::File | Kind::Symlink => beneath::size(stat),
    };
    Node {
        name,
        path,
        kind,
        size,
        modified_at: beneath::modified_at(stat),
        children: None,
        truncated: false,
    }
}

/// See [`crate::Workspace::tree`].
pub(crate) fn tree(
    workspace: &Inner,
    path: &WorkspacePath,
    depth: u32,
    hidden: bool,
    most: usize,
) -> Result<Node, FileError> {
    let most = most.min(workspace.settings.largest_tree);
    let handle = beneath::open(workspace.root(), path.as_str(), beneath::HANDLE);
    let handle = handle.map_err(FileError::at(path))?;
    let stat = beneath::stat_of(&handle).map_err(FileError::at(path))?;
    let top = node(path, &stat);
    if top.kind != Kind::Directory {
        return Ok(top);
    }
    let directory =
        beneath::reopen(handle.as_fd(), beneath::ANY_DIRECTORY).map_err(FileError::at(path))?;
    let mut growing = Growing {
        directory,
        top,
        nodes: Vec::new(),
        waiting: VecDeque::from([(0, CString::default(), depth.clamp(1, DEEPEST_TREE))]),
        hidden,
        most,
        bytes: most.saturating_mul(BYTES_EACH).min(MOST_BYTES),
    };
    while let Some((index, below_top, depth)) = growing.waiting.pop_front() {
        match growing.directory(index, &below_top, depth) {
            // Gone since it was listed.
            Ok(()) | Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::AGAIN) => {}
            Err(Errno::ACCESS | Errno::PERM | Errno::NAMETOOLONG) if index != 0 => {
                growing.truncate(index);
            }
            Err(errno) => return Err(FileError::at(path)(errno)),
        }
    }
    Ok(growing.assemble())
}

/// How large a tree may get as JSON, about, in bytes.
const MOST_BYTES: usize = 8 << 20;

/// How much of that there is for each node, be it of few: whoever asks for few has little room.
const BYTES_EACH: usize = 512;

/// What a node takes in JSON besides its name and its path.
const NODE_BYTES: usize = 120;

/// A tree that grows level by level, so that the upper levels are whole when it gets too large.
struct Growing {
    directory: OwnedFd,
    /// Number 0.
    top: Node,
    /// Those with the numbers from 1 on, each with the number of its parent, which is smaller.
    nodes: Vec<(usize, Node)>,
    /// Directories to look into: number, path below the top, and how deep to go.
    waiting: VecDeque<(usize, CString, u32)>,
    hidden: bool,
    most: usize,
    /// How many bytes it may still have.
    bytes: usize,
}

impl Growing {
    fn directory(&mut self, index: usize, path: &CString, depth: u32) -> Result<(), Errno> {
        let directory = beneath::open_real(&self.directory, path.as_c_str())?;
        if depth == 0 {
            if shows_something(&directory, self.hidden)? {
                self.truncate(index);
            }
            return Ok(());
        }
        if self.bytes == 0 {
            self.truncate(index);
            return Ok(());
        }
        let (names, more) = self.names(&directory)?;
        let Some(parent) = self.node(index) else {
            return Ok(());
        };
        parent.children = Some(Vec::new());
        parent.truncated = more;
        let prefix = parent.path.clone();
        for name in names {
            let stat = match beneath::stat(&directory, name.as_c_str()) {
                Ok(stat) => stat,
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(errno),
            };
            let shown = name.to_string_lossy().into_owned();
            let shown_path = match prefix.is_empty() {
                true => shown.clone(),
                false => format!("{prefix}/{shown}"),
            };
            let size = written(&shown) + written(&shown_path) + NODE_BYTES;
            let Some(left) = self.bytes.checked_sub(size) else {
                self.bytes = 0;
                self.truncate(index);
                return Ok(());
            };
            self.bytes = left;
            let child = described(shown, shown_path, &stat);
            if child.kind == Kind::Directory {
                let path = below(path.as_bytes(), name.as_bytes());
                self.waiting
                    .push_back((self.nodes.len() + 1, path, depth - 1));
            }
            self.nodes.push((index, child));
        }
        Ok(())
    }

    /// The names to be shown, as far as there is room, and whether there are more.
    fn names(&self, directory: impl AsFd) -> Result<(Vec<CString>, bool), Errno> {
        let room = self.most.saturating_sub(self.nodes.len());
        names(directory, room, |name| {
            self.hidden || !name.to_bytes().starts_with(b".")
        })
    }

    fn truncate(&mut self, index: usize) {
        if let Some(node) = self.node(index) {
            node.truncated = true;
        }
    }

    fn node(&mut self, index: usize) -> Option<&mut Node> {
        match index.checked_sub(1) {
            None => Some(&mut self.top),
            Some(index) => self.nodes.get_mut(index).map(|(_, node)| node),
        }
    }

    /// Puts every node into its parent, the last first: then its own children are there.
    fn assemble(mut self) -> Node {
        while let Some((parent, mut node)) = self.nodes.pop() {
            if let Some(children) = &mut node.children {
                children.reverse();
            }
            if let Some(parent) = self.node(parent) {
                parent.children.get_or_insert_default().push(node);
            }
        }
        if let Some(children) = &mut self.top.children {
            children.reverse();
        }
        self.top
    }
}

/// How long a text is in JSON: control characters take six bytes there.
fn written(text: &str) -> usize {
    let long = |letter: char| match letter {
        '"' | '\\' => 2,
        letter if letter.is_ascii_control() => 6,
        letter => letter.len_utf8(),
    };
    text.chars().map(long).sum()
}
