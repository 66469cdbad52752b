//! What hunks do to files: add, delete, update, move, and several of them to one file.

use super::{Case, changed, check_all, refused};

const A: super::Contents = &[("a.txt", "one\ntwo\nthree\n")];
const TWO_FILES: super::Contents = &[("a.txt", "one\ntwo\n"), ("b.txt", "uno\ndos\n")];

const CASES: &[Case] = &[
    changed(
        "add",
        &[],
        "*** Add File: a.txt\n+one\n+\n+  two",
        &[("a.txt", Some("one\n\n  two\n"))],
        "A a.txt",
    ),
    changed(
        "add in folders that are not there",
        &[],
        "*** Add File: x/y/z.txt\n+one",
        &[("x/y/z.txt", Some("one\n"))],
        "A x/y/z.txt",
    ),
    changed(
        "add over a file",
        A,
        "*** Add File: a.txt\n+new",
        &[("a.txt", Some("new\n"))],
        "A a.txt",
    ),
    changed(
        "add an empty file",
        &[],
        "*** Add File: a.txt",
        &[("a.txt", Some(""))],
        "A a.txt",
    ),
    changed(
        "add lines with marks",
        &[],
        "*** Add File: a\n++\n+-\n+ @@\n+*** End Patch",
        &[("a", Some("+\n-\n @@\n*** End Patch\n"))],
        "A a",
    ),
    refused(
        "add without a plus",
        &[],
        "*** Add File: a\n+one\ntwo",
        &["line 4", "begins with `+`", "found `two`"],
    ),
    refused(
        "add with an empty line without a plus",
        &[],
        "*** Add File: a\n+one\n\n+two",
        &["line 5", "even if it is empty"],
    ),
    refused(
        "add a folder",
        &[("a/b", "x\n")],
        "*** Add File: a\n+one",
        &["a: hunk 1, line 2", "it is a folder"],
    ),
    refused(
        "add below a file",
        A,
        "*** Add File: a.txt/b\n+one",
        &["a.txt/b: hunk 1", "`a.txt` is not a folder"],
    ),
    refused(
        "add a file, and another below it",
        &[],
        "*** Add File: a\n+one\n*** Add File: a/b/c\n+x",
        &["a/b/c: hunk 2, line 4", "`a` is not a folder"],
    ),
    refused(
        "add below what is deleted",
        A,
        "*** Delete File: a.txt\n*** Add File: a.txt/b\n+one",
        &["a.txt/b: hunk 2", "`a.txt` is not a folder"],
    ),
    changed(
        "delete",
        A,
        "*** Delete File: a.txt",
        &[("a.txt", None)],
        "D a.txt",
    ),
    refused(
        "delete what is not there",
        A,
        "*** Delete File: b.txt",
        &["b.txt: hunk 1, line 2", "does not exist"],
    ),
    refused(
        "delete a folder",
        &[("a/b", "x\n")],
        "*** Delete File: a",
        &["a: hunk 1, line 2", "it is a folder"],
    ),
    refused(
        "delete twice",
        A,
        "*** Delete File: a.txt\n*** Delete File: a.txt",
        &["hunk 2, line 3", "hunk 1 deleted or moved it"],
    ),
    changed(
        "update",
        A,
        "*** Update File: a.txt\n@@\n one\n-two\n+2\n+zwei\n three",
        &[("a.txt", Some("one\n2\nzwei\nthree\n"))],
        "M a.txt",
    ),
    changed(
        "update to nothing",
        A,
        "*** Update File: a.txt\n@@\n-one\n-two\n-three",
        &[("a.txt", Some(""))],
        "M a.txt",
    ),
    changed(
        "update an empty file",
        &[("a", "")],
        "*** Update File: a\n@@\n+one",
        &[("a", Some("one\n"))],
        "M a",
    ),
    changed(
        "update with context only",
        A,
        "*** Update File: a.txt\n@@\n two",
        &[],
        "M a.txt",
    ),
    refused(
        "update what is not there",
        A,
        "*** Update File: b.txt\n@@\n-one\n+1",
        &["b.txt: hunk 1, line 2", "does not exist", "*** Add File:"],
    ),
    refused(
        "update without chunks",
        A,
        "*** Update File: a.txt",
        &["line 2", "has no chunk"],
    ),
    refused(
        "update with an anchor only",
        A,
        "*** Update File: a.txt\n@@ one",
        &["line 3", "a chunk without lines"],
    ),
    refused(
        "update with an empty chunk before a good one",
        A,
        "*** Update File: a.txt\n@@\n\n@@\n-one",
        &["line 3", "a chunk without lines"],
    ),
    refused(
        "update with the end of the file only",
        A,
        "*** Update File: a.txt\n@@\n*** End of File",
        &["line 3", "a chunk without lines"],
    ),
    refused(
        "update with a line that is none",
        A,
        "*** Update File: a.txt\n@@\n-one\n+1\ntwo",
        &["line 6", "found `two`", "` ` (kept)"],
    ),
    refused(
        "update with a header in lower case",
        A,
        "*** Update File: a.txt\n@@\n-one\n+1\n*** end of file",
        &["line 6", "*** End Patch"],
    ),
    changed(
        "move",
        A,
        "*** Update File: a.txt\n*** Move to: x/b.txt\n@@\n-two\n+2",
        &[("a.txt", None), ("x/b.txt", Some("one\n2\nthree\n"))],
        "M x/b.txt",
    ),
    changed(
        "move over a file",
        TWO_FILES,
        "*** Update File: a.txt\n*** Move to: b.txt\n@@\n-two\n+2",
        &[("a.txt", None), ("b.txt", Some("one\n2\n"))],
        "M b.txt",
    ),
    changed(
        "move without a change",
        A,
        "*** Update File: a.txt\n*** Move to: b.txt\n@@\n one",
        &[("a.txt", None), ("b.txt", Some("one\ntwo\nthree\n"))],
        "M b.txt",
    ),
    changed(
        "move to where it is",
        A,
        "*** Update File: a.txt\n*** Move to: ./a.txt\n@@\n-two\n+2",
        &[("a.txt", Some("one\n2\nthree\n"))],
        "M a.txt",
    ),
    refused(
        "move without chunks",
        A,
        "*** Update File: a.txt\n*** Move to: b.txt",
        &["line 2", "has no chunk"],
    ),
    refused(
        "move to a folder",
        &[("a", "x\n"), ("b/c", "y\n")],
        "*** Update File: a\n*** Move to: b\n@@\n x",
        &["b: hunk 1", "it is a folder"],
    ),
    refused(
        "move below itself",
        A,
        "*** Update File: a.txt\n*** Move to: a.txt/b\n@@\n one",
        &["a.txt/b: hunk 1", "`a.txt` is not a folder"],
    ),
    refused(
        "move twice",
        A,
        "*** Update File: a.txt\n*** Move to: b\n*** Move to: c\n@@\n one",
        &["line 4", "`*** Move to:` only right below"],
    ),
    refused(
        "move below a chunk",
        A,
        "*** Update File: a.txt\n@@\n one\n*** Move to: b",
        &["line 5", "`*** Move to:` only right below"],
    ),
    refused(
        "move a file that is added",
        &[],
        "*** Add File: a\n+x\n*** Move to: b",
        &["line 4", "`*** Add File: PATH`"],
    ),
    changed(
        "several files",
        TWO_FILES,
        "*** Update File: b.txt\n@@\n-dos\n+2\n*** Add File: c.txt\n+c\n*** Delete File: a.txt\n*** Add File: d.txt\n+d",
        &[
            ("a.txt", None),
            ("b.txt", Some("uno\n2\n")),
            ("c.txt", Some("c\n")),
            ("d.txt", Some("d\n")),
        ],
        "A c.txt\nA d.txt\nM b.txt\nD a.txt",
    ),
    refused(
        "all or nothing: the last hunk does not fit",
        TWO_FILES,
        "*** Add File: c.txt\n+c\n*** Delete File: a.txt\n*** Update File: b.txt\n@@\n-tres\n+3",
        &["b.txt: hunk 3, line 7"],
    ),
    refused(
        "all or nothing: the last chunk does not fit",
        A,
        "*** Update File: a.txt\n@@\n-one\n+1\n@@\n-four\n+4",
        &["a.txt: hunk 1, line 7"],
    ),
    changed(
        "a file updated twice",
        A,
        "*** Update File: a.txt\n@@\n-one\n+1\n*** Update File: a.txt\n@@\n-1\n+eins\n two",
        &[("a.txt", Some("eins\ntwo\nthree\n"))],
        "M a.txt",
    ),
    changed(
        "a file updated twice, the second time further up",
        A,
        "*** Update File: a.txt\n@@\n-three\n+3\n*** Update File: a.txt\n@@\n-one\n+1",
        &[("a.txt", Some("1\ntwo\n3\n"))],
        "M a.txt",
    ),
    changed(
        "added and updated",
        &[],
        "*** Add File: a\n+one\n*** Update File: a\n@@\n-one\n+1",
        &[("a", Some("1\n"))],
        "A a",
    ),
    changed(
        "added and moved",
        &[],
        "*** Add File: a\n+one\n*** Update File: a\n*** Move to: b\n@@\n-one\n+1",
        &[("b", Some("1\n"))],
        "A b",
    ),
    changed(
        "added twice",
        &[],
        "*** Add File: a\n+one\n*** Add File: a\n+1",
        &[("a", Some("1\n"))],
        "A a",
    ),
    changed(
        "deleted and added",
        A,
        "*** Delete File: a.txt\n*** Add File: a.txt\n+1",
        &[("a.txt", Some("1\n"))],
        "A a.txt",
    ),
    changed(
        "moved and moved on",
        A,
        "*** Update File: a.txt\n*** Move to: b\n@@\n-one\n+1\n*** Update File: b\n*** Move to: c\n@@\n-two\n+2",
        &[("a.txt", None), ("c", Some("1\n2\nthree\n"))],
        "M c",
    ),
    changed(
        "moved and updated",
        A,
        "*** Update File: a.txt\n*** Move to: b\n@@\n-one\n+1\n*** Update File: b\n@@\n-two\n+2",
        &[("a.txt", None), ("b", Some("1\n2\nthree\n"))],
        "M b",
    ),
    changed(
        "moved and deleted",
        TWO_FILES,
        "*** Update File: a.txt\n*** Move to: b.txt\n@@\n-one\n+1\n*** Delete File: b.txt",
        &[("a.txt", None), ("b.txt", None)],
        "D a.txt\nD b.txt",
    ),
    changed(
        "moved, and another put in its place",
        TWO_FILES,
        "*** Update File: a.txt\n*** Move to: c\n@@\n-one\n+1\n*** Add File: a.txt\n+new",
        &[("a.txt", Some("new\n")), ("c", Some("1\ntwo\n"))],
        "A a.txt\nA c",
    ),
    changed(
        "two files exchanged",
        TWO_FILES,
        "*** Update File: a.txt\n*** Move to: t\n@@\n one\n*** Update File: b.txt\n*** Move to: a.txt\n@@\n uno\n*** Update File: t\n*** Move to: b.txt\n@@\n two",
        &[("a.txt", Some("uno\ndos\n")), ("b.txt", Some("one\ntwo\n"))],
        "A a.txt\nA b.txt",
    ),
    changed(
        "a chain of moves over one another",
        TWO_FILES,
        "*** Update File: b.txt\n*** Move to: c\n@@\n uno\n*** Update File: a.txt\n*** Move to: b.txt\n@@\n one",
        &[
            ("a.txt", None),
            ("b.txt", Some("one\ntwo\n")),
            ("c", Some("uno\ndos\n")),
        ],
        "A c\nM b.txt",
    ),
    refused(
        "updated after it was moved",
        A,
        "*** Update File: a.txt\n*** Move to: b\n@@\n one\n*** Update File: a.txt\n@@\n-two",
        &["a.txt: hunk 2, line 6", "hunk 1 deleted or moved it"],
    ),
    refused(
        "updated after it was deleted",
        A,
        "*** Delete File: a.txt\n*** Update File: a.txt\n@@\n-two",
        &["a.txt: hunk 2, line 3", "hunk 1 deleted or moved it"],
    ),
];

#[test]
fn files() {
    check_all(CASES);
}

#[test]
fn what_is_made_and_deleted_again_is_nothing() {
    let tree = super::Tree::with(&[]);
    let patch = "*** Begin Patch\n*** Add File: a\n+x\n*** Delete File: a\n*** End Patch";
    let changes = super::apply(&tree, patch).expect("it applies");
    assert!(changes.is_empty());
    assert_eq!(changes.summary(), "No files were modified.\n");
}
