//! Files that are no text, and everything that is too large.

use super::{Tree, apply};
use patch::{Limits, Patch, Rules};

#[test]
fn files_that_are_no_text() {
    let check = |content: &[u8], patch: &str, error: &str| {
        let tree = Tree::with(&[("b", "one\n")]);
        tree.put("logo.png", content);
        let before = tree.snapshot();
        let patch = format!("*** Begin Patch\n*** Delete File: b\n{patch}\n*** End Patch");
        let refused = apply(&tree, &patch).expect_err(&patch);
        assert_eq!(
            refused,
            format!("logo.png: hunk 2, line 3 of the patch: {error}")
        );
        assert_eq!(tree.snapshot(), before);
    };
    let update = "*** Update File: logo.png\n@@\n-a\n+b";
    let binary = "it is binary (byte 1 is NUL): use a command instead of a patch";
    check(b"a\0b\n", update, binary);
    check(b"a\0b\n", "*** Delete File: logo.png", binary);
    check(b"a\0b\n", "*** Add File: logo.png\n+x", binary);
    let latin = "it is not UTF-8 (at byte 5): convert the file first, or use a command";
    check(b"a\ncaf\xe9\n", update, latin);
    check(b"a\ncaf\xe9\n", "*** Add File: logo.png\n+x", latin);
    let utf16 = "it is UTF-16, and a patch changes UTF-8 only: convert the file first";
    check(b"\xff\xfea\0\n\0", update, utf16);
}

#[test]
fn a_file_that_is_no_text_is_no_place_to_move_to() {
    let tree = Tree::with(&[("a", "one\n")]);
    tree.put("logo.png", b"\0");
    let patch =
        "*** Begin Patch\n*** Update File: a\n*** Move to: logo.png\n@@\n one\n*** End Patch";
    let refused = apply(&tree, patch).expect_err("it is binary");
    assert!(refused.starts_with("logo.png: hunk 1, line 2 of the patch: it is binary"));
}

#[test]
fn limits() {
    let limits = Limits {
        patch_bytes: 120,
        patch_lines: 12,
        hunks: 2,
        chunks: 2,
        file_bytes: 8,
        ..Limits::default()
    };
    let rules = Rules {
        limits,
        ..Rules::default()
    };
    let check = |body: &str, error: Option<&str>| {
        let tree = Tree::with(&[("a", "1\n2\n3\n4\n"), ("b", "1\n2\n3\n4\n5\n")]);
        let text = format!("*** Begin Patch\n{body}\n*** End Patch");
        let applied = Patch::parse_by(&text, &rules)
            .map_err(|error| error.to_string())
            .and_then(|patch| {
                let files = tree.read(&patch.paths());
                patch.apply(&files).map_err(|error| error.to_string())
            });
        assert_eq!(applied.err().as_deref(), error, "{body}");
    };
    check("*** Update File: a\n@@\n-1\n@@\n-2", None);
    check(
        "*** Update File: a\n@@\n-1\n@@\n-2\n@@\n-3",
        Some("line 7 of the patch: more chunks than 2 in one patch: split it"),
    );
    check("*** Delete File: a\n*** Add File: c", None);
    check(
        "*** Delete File: a\n*** Add File: c\n*** Add File: d",
        Some("line 4 of the patch: more hunks than 2 in one patch: split it"),
    );
    let most = Some(
        "b: hunk 1, line 2 of the patch: the file has more than 8 bytes, the most that a patch changes",
    );
    check("*** Update File: b\n@@\n-1", most);
    check("*** Delete File: b", most);
    check("*** Add File: b", most);
    check(&format!("*** Add File: c\n+{}", "x".repeat(73)), None);
    check(
        &format!("*** Add File: c\n+{}", "x".repeat(74)),
        Some("line 1 of the patch: the patch is larger than 120 bytes: split it"),
    );
    check(&format!("*** Add File: c{}", "\n+".repeat(9)), None);
    check(
        &format!("*** Add File: c{}", "\n+".repeat(10)),
        Some("line 13 of the patch: more lines than 12 in one patch: split it"),
    );
}

/// Each chunk is sought through the whole file in every pass, and found without its empty line.
#[test]
fn matching_that_takes_too_long_ends() {
    let chunks = 60;
    let check = |steps, error: Option<&str>| {
        let tree = Tree::with(&[]);
        tree.put("a", format!("\n{}", "a\n".repeat(20_000)).as_bytes());
        let body = "@@\n-a\n \n".repeat(chunks);
        let text = format!("*** Begin Patch\n*** Update File: a\n{body}*** End Patch");
        let mut rules = Rules::default();
        rules.limits.steps = steps;
        let patch = Patch::parse_by(&text, &rules).expect("a patch");
        let files = tree.read(&patch.paths());
        let refused = patch.apply(&files).err();
        let refused = refused.map(|error| error.reason.to_string());
        assert_eq!(refused.as_deref(), error);
    };
    check(200_000_000, None);
    check(
        3_000_000,
        Some("matching its chunks takes too many steps: split the patch"),
    );
}
