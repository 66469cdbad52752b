//! No path leaves the workspace.

use super::{Case, Tree, apply, changed, check_all, refused};
use std::os::unix::fs::symlink;

const A: super::Contents = &[("src/a.txt", "one\n")];

const CASES: &[Case] = &[
    changed(
        "a path with detours",
        A,
        "*** Update File: ./src/.//a.txt\n@@\n-one\n+1",
        &[("src/a.txt", Some("1\n"))],
        "M src/a.txt",
    ),
    changed(
        "an absolute path in the workspace",
        A,
        "*** Update File: /workspace/src/a.txt\n*** Move to: /workspace/b\n@@\n-one\n+1",
        &[("src/a.txt", None), ("b", Some("1\n"))],
        "M b",
    ),
    changed(
        "one file by two names",
        A,
        "*** Update File: src/a.txt\n@@\n-one\n+1\n*** Update File: /workspace/src/./a.txt\n@@\n-1\n+eins",
        &[("src/a.txt", Some("eins\n"))],
        "M src/a.txt",
    ),
    changed(
        "blanks and signs",
        &[],
        "*** Add File: ein ordner/ü \"x\" \\ $(y).txt\n+x",
        &[("ein ordner/ü \"x\" \\ $(y).txt", Some("x\n"))],
        "A ein ordner/ü \"x\" \\ $(y).txt",
    ),
    refused(
        "up",
        A,
        "*** Add File: ../evil\n+x",
        &["line 2", "`../evil` has a `..`"],
    ),
    refused(
        "up from within",
        A,
        "*** Add File: src/../../evil\n+x",
        &["line 2", "has a `..`"],
    ),
    refused(
        "up that stays inside",
        A,
        "*** Delete File: src/../src/a.txt",
        &["line 2", "has a `..`"],
    ),
    refused(
        "up in a move",
        A,
        "*** Update File: src/a.txt\n*** Move to: ../evil\n@@\n one",
        &["line 3", "has a `..`"],
    ),
    refused(
        "absolute",
        A,
        "*** Add File: /etc/cron.d/evil\n+x",
        &["line 2", "outside of the workspace", "/workspace"],
    ),
    refused(
        "absolute, with the workspace as the beginning of a name",
        A,
        "*** Add File: /workspace-2/evil\n+x",
        &["line 2", "outside of the workspace"],
    ),
    refused(
        "absolute, up from the workspace",
        A,
        "*** Add File: /workspace/../evil\n+x",
        &["line 2", "has a `..`"],
    ),
    refused(
        "absolute in a deletion",
        A,
        "*** Delete File: //etc/passwd",
        &["line 2", "outside of the workspace"],
    ),
    refused(
        "no path",
        A,
        "*** Add File:\n+x",
        &["line 2", "the path of a file is missing"],
    ),
    refused(
        "blanks for a path",
        A,
        "*** Delete File:   ",
        &["line 2", "the path of a file is missing"],
    ),
    refused(
        "the workspace itself",
        A,
        "*** Delete File: /workspace",
        &["line 2", "the path of a file is missing"],
    ),
    refused(
        "this folder",
        A,
        "*** Delete File: ./.",
        &["line 2", "the path of a file is missing"],
    ),
    refused(
        "a path of a folder",
        A,
        "*** Delete File: src/",
        &["line 2", "names a folder"],
    ),
    refused(
        "a NUL in a path",
        A,
        "*** Add File: a\0b\n+x",
        &["line 2", "NUL"],
    ),
    refused(
        "a terminal's control sequence",
        A,
        "*** Add File: a\u{1b}[2Kb\n+x",
        &["line 2", "control characters", "\\u{1b}"],
    ),
    refused(
        "a carriage return in a path",
        A,
        "*** Add File: a\rb\n+x",
        &["line 2", "control characters"],
    ),
    refused(
        "a path that reads backwards",
        A,
        "*** Add File: a\u{202e}txt.sh\n+x",
        &["line 2", "control characters"],
    ),
];

#[test]
fn paths() {
    check_all(CASES);
}

#[test]
fn nothing_is_written_through_a_link() {
    let check = |patch: &str, error: &str| {
        let outside = Tree::with(&[("secret", "one\n")]);
        let tree = Tree::with(A);
        symlink(outside.path(""), tree.path("out")).expect("a link");
        symlink(outside.path("secret"), tree.path("src/link")).expect("a link");
        let before = outside.snapshot();
        let patch = format!("*** Begin Patch\n{patch}\n*** End Patch");
        let refused = apply(&tree, &patch).expect_err(&patch);
        assert!(refused.contains(error), "{refused}");
        assert_eq!(outside.snapshot(), before);
        assert!(tree.path("out").is_symlink() && tree.path("src/link").is_symlink());
    };
    check(
        "*** Add File: src/link\n+x",
        "src/link: hunk 1, line 2 of the patch: it is neither",
    );
    check(
        "*** Update File: src/link\n@@\n-one",
        "it is neither a regular file nor a folder",
    );
    check(
        "*** Delete File: src/link",
        "it is neither a regular file nor a folder",
    );
    check(
        "*** Update File: out/secret\n@@\n-one",
        "it is neither a regular file nor a folder",
    );
    check(
        "*** Add File: out/new\n+x",
        "it is neither a regular file nor a folder",
    );
    check(
        "*** Add File: out/new/deep\n+x",
        "it is neither a regular file nor a folder",
    );
    let to = "*** Update File: src/a.txt\n*** Move to: src/link\n@@\n one";
    check(to, "src/link: hunk 1");
}
