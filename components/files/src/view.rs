//! The runner's words in those of the contract.

use contracts::workspace::files::{FileContent, FileNode};
use domain::Timestamp;
use runner_api::files::{Encoding, File, Kind, Node};

pub(crate) fn node(node: Node) -> FileNode {
    FileNode {
        name: node.name,
        path: node.path,
        kind: match node.kind {
            Kind::File => "file",
            Kind::Directory => "directory",
            Kind::Symlink => "symlink",
        },
        size: node.size,
        modified_at: Timestamp(node.modified_at),
        children: node
            .children
            .map(|children| children.into_iter().map(self::node).collect()),
        truncated: node.truncated,
    }
}

pub(crate) fn content(file: File) -> FileContent {
    FileContent {
        path: file.path,
        content: file.content,
        encoding: match file.encoding {
            Encoding::Utf8 => "utf-8",
            Encoding::Base64 => "base64",
        },
        size: file.size,
        modified_at: Timestamp(file.modified_at),
        truncated: file.truncated,
    }
}
