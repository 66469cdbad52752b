//! Changes as others want to see them: Codex's summary and events, git's diffs, and errors.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use patch::{ApplyError, Changes, Entry, FilePath, Files, Patch, Reason};
use serde_json::json;
use std::{fs, io, path::Path, process::Command};
use tempfile::TempDir;

const FILES: [(&str, &str); 6] = [
    ("change.txt", "1\n2\n3\n4\n5\n6\n7\n8\n9\n"),
    ("crlf end.txt", "a\r\nb"),
    ("delete.txt", "gone\n"),
    ("from.txt", "m1\nm2\nm3\nm4\n"),
    ("over.txt", "old\n"),
    ("q\"uo\\te", "x\n"),
];

const PATCH: &str = "*** Begin Patch
*** Update File: change.txt
@@
-2
+two
@@
-9
+nine
*** Update File: crlf end.txt
@@
 b
+c
*** Delete File: delete.txt
*** Update File: from.txt
*** Move to: in a/to.txt
@@
 m1
+m1½
*** Add File: new/empty
*** Add File: new/file.txt
+one
+two
*** Update File: over.txt
@@
-old
+new
*** Update File: q\"uo\\te
@@
-x
+y
*** End Patch";

fn files_of(patch: &Patch) -> Files {
    let entry = |path: FilePath| {
        let found = FILES.iter().find(|(name, _)| *name == path.as_str());
        let entry = found.map_or(Entry::Absent, |(_, text)| Entry::File((*text).into()));
        (path, entry)
    };
    patch.paths().into_keys().map(entry).collect()
}

fn changes() -> Changes {
    let patch = Patch::parse(PATCH).expect("a patch");
    patch.apply(&files_of(&patch)).expect("it applies")
}

#[test]
fn the_summary_is_codexs() {
    let expected = "Success. Updated the following files:\nA new/empty\nA new/file.txt\n\
                    M change.txt\nM crlf end.txt\nM in a/to.txt\nM over.txt\nM q\"uo\\te\n\
                    D delete.txt\n";
    assert_eq!(changes().summary(), expected);
}

#[test]
fn events_are_codexs() {
    let json = serde_json::to_value(changes().file_changes()).expect("JSON");
    let update = |diff: &str, to: Option<&str>| json!({"type": "update", "unified_diff": diff, "move_path": to});
    assert_eq!(
        json,
        json!({
            "change.txt": update("@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n@@ -8,2 +8,2 @@\n 8\n-9\n+nine\n", None),
            "crlf end.txt": update(
                "@@ -1,2 +1,3 @@\n a\r\n-b\n\\ No newline at end of file\n+b\r\n+c\r\n",
                None,
            ),
            "delete.txt": {"type": "delete", "content": "gone\n"},
            "from.txt": update("@@ -1,2 +1,3 @@\n m1\n+m1½\n m2\n", Some("in a/to.txt")),
            "new/empty": {"type": "add", "content": ""},
            "new/file.txt": {"type": "add", "content": "one\ntwo\n"},
            "over.txt": update("@@ -1 +1 @@\n-old\n+new\n", None),
            "q\"uo\\te": update("@@ -1 +1 @@\n-x\n+y\n", None),
        })
    );
}

#[test]
fn diffs_have_gits_headers() {
    let expected = "\
diff --git a/change.txt b/change.txt
--- a/change.txt
+++ b/change.txt
@@ -1,9 +1,9 @@
 1
-2
+two
 3
 4
 5
 6
 7
 8
-9
+nine
diff --git a/crlf end.txt b/crlf end.txt
--- a/crlf end.txt\t
+++ b/crlf end.txt\t
@@ -1,2 +1,3 @@
 a\r
-b
\\ No newline at end of file
+b\r
+c\r
diff --git a/delete.txt b/delete.txt
deleted file mode 100644
--- a/delete.txt
+++ /dev/null
@@ -1 +0,0 @@
-gone
diff --git a/from.txt b/in a/to.txt
rename from from.txt
rename to in a/to.txt
--- a/from.txt
+++ b/in a/to.txt\t
@@ -1,4 +1,5 @@
 m1
+m1½
 m2
 m3
 m4
diff --git a/new/empty b/new/empty
new file mode 100644
diff --git a/new/file.txt b/new/file.txt
new file mode 100644
--- /dev/null
+++ b/new/file.txt
@@ -0,0 +1,2 @@
+one
+two
diff --git a/over.txt b/over.txt
--- a/over.txt
+++ b/over.txt
@@ -1 +1 @@
-old
+new
diff --git \"a/q\\\"uo\\\\te\" \"b/q\\\"uo\\\\te\"
--- \"a/q\\\"uo\\\\te\"
+++ \"b/q\\\"uo\\\\te\"
@@ -1 +1 @@
-x
+y
";
    assert_eq!(changes().unified_diff(), expected);
}

/// What git makes of the diff is what the changes say, and of the diff back what was before.
#[test]
fn git_takes_the_diffs() {
    let folder = TempDir::new().expect("a folder");
    for (path, content) in FILES {
        fs::write(folder.path().join(path), content).expect("the file is written");
    }
    let changes = changes();
    for changes in [&changes, &changes.reverse(), &moved_over()] {
        match git_apply(folder.path(), &changes.unified_diff()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                eprintln!("skipped: there is no git on this machine");
                return;
            }
            applied => applied.expect("git takes the diff"),
        }
        for write in changes.writes() {
            let present = fs::read_to_string(folder.path().join(write.path.as_str())).ok();
            assert_eq!(present.as_deref(), write.after, "{}", write.path);
        }
    }
}

/// A move over another file.
fn moved_over() -> Changes {
    let patch = "*** Begin Patch\n*** Update File: from.txt\n*** Move to: over.txt\n@@\n-m2\n*** Add File: delete.txt\n+x\n*** End Patch";
    let patch = Patch::parse(patch).expect("a patch");
    patch.apply(&files_of(&patch)).expect("it applies")
}

fn git_apply(folder: &Path, diff: &str) -> io::Result<()> {
    fs::write(folder.join("the.diff"), diff)?;
    let output = Command::new("git")
        // Not the checkout around it, if the folder of temporary files lies in one.
        .env("GIT_CEILING_DIRECTORIES", folder)
        .args(["apply", "--whitespace=nowarn", "the.diff"])
        .current_dir(folder)
        .output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(io::Error::other(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )),
    }
}

#[test]
fn what_is_moved_says_where_it_was() {
    let check = |changes: &Changes, to: &str| {
        let moved = changes.writes().filter_map(|write| {
            let origin = write.origin?;
            Some((write.path.to_string(), origin.to_string()))
        });
        let expected = [(to.to_owned(), "from.txt".to_owned())];
        assert_eq!(moved.collect::<Vec<_>>(), expected);
    };
    check(&changes(), "in a/to.txt");
    check(&moved_over(), "over.txt");
}

#[test]
fn a_path_that_was_not_read_is_refused() {
    let check = |text: &str, missing: &str| {
        let patch = Patch::parse(text).expect("a patch");
        let mut files = files_of(&patch);
        files.retain(|path, _| path.as_str() != missing);
        let error = patch.apply(&files).expect_err(missing);
        assert_eq!(*error.reason, Reason::NotRead, "{missing}");
    };
    for missing in [
        "change.txt",
        "in a",
        "in a/to.txt",
        "from.txt",
        "new",
        "new/empty",
    ] {
        check(PATCH, missing);
    }
}

#[test]
fn errors_say_where_and_what() {
    let check = |text: &str, (hunk, line): (usize, usize), message: &str| {
        let patch = Patch::parse(text).expect("a patch");
        let error: ApplyError = patch.apply(&files_of(&patch)).expect_err(text);
        assert_eq!((error.hunk, error.line), (hunk, line));
        assert_eq!(error.to_string(), message);
    };
    check(
        "*** Begin Patch\n*** Delete File: over.txt\n*** Update File: change.txt\n@@ 3\n 4\n-fife\n+V\n 6\n*** End Patch",
        (2, 5),
        "change.txt: hunk 2, line 5 of the patch: the file does not have these lines, one below \
         the other, after its line 3:\n    4\n    fife\n    6\n\
         Nearest match: line 5 of the file is `5`, the patch has `fife`.",
    );
    check(
        "*** Begin Patch\n*** Update File: change.txt\n@@\n-0\n*** End Patch",
        (1, 4),
        "change.txt: hunk 1, line 4 of the patch: the file does not have these lines, one below \
         the other:\n    0\nRead the file again: nothing like them is in it.",
    );
    let long = format!(
        "*** Begin Patch\n*** Update File: change.txt\n{}\n*** End Patch",
        "-é".repeat(300) + &"\n-x".repeat(20)
    );
    let patch = Patch::parse(&long).expect("a patch");
    let error = patch.apply(&files_of(&patch)).expect_err("it does not fit");
    assert!(error.to_string().len() < 1000, "{error}");
}
