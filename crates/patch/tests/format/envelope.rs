//! What stands around the hunks, and their headers.

use super::{Case, as_is, changed, check_all, refused};

const A: super::Contents = &[("a.txt", "one\ntwo\nthree\n")];
const TWO: &[(&str, Option<&str>)] = &[("a.txt", Some("one\n2\nthree\n"))];

const CASES: &[Case] = &[
    as_is(changed(
        "nothing around it",
        A,
        "*** Begin Patch\n*** Update File: a.txt\n@@\n-two\n+2\n*** End Patch",
        TWO,
        "M a.txt",
    )),
    as_is(changed(
        "a newline behind it",
        A,
        "*** Begin Patch\n*** Update File: a.txt\n@@\n-two\n+2\n*** End Patch\n",
        TWO,
        "M a.txt",
    )),
    as_is(changed(
        "blanks and lines around it",
        A,
        "\n \t\n  *** Begin Patch\n*** Update File: a.txt\n@@\n-two\n+2\n*** End Patch  \n\n  ",
        TWO,
        "M a.txt",
    )),
    as_is(changed(
        "a byte order mark before it",
        A,
        "\u{feff}*** Begin Patch\n*** Update File: a.txt\n@@\n-two\n+2\n*** End Patch\n",
        TWO,
        "M a.txt",
    )),
    as_is(changed(
        "a here document",
        A,
        "<<EOF\n*** Begin Patch\n*** Update File: a.txt\n@@\n-two\n+2\n*** End Patch\nEOF",
        TWO,
        "M a.txt",
    )),
    as_is(changed(
        "a here document in single quotes",
        A,
        "<<'EOF'\n*** Begin Patch\n*** Update File: a.txt\n@@\n-two\n+2\n*** End Patch\nEOF\n",
        TWO,
        "M a.txt",
    )),
    as_is(changed(
        "a here document in double quotes",
        A,
        "<<\"EOF\"\n*** Begin Patch\n*** Update File: a.txt\n@@\n-two\n+2\n*** End Patch\n\nEOF\n",
        TWO,
        "M a.txt",
    )),
    as_is(refused(
        "a here document in unequal quotes",
        A,
        "<<\"EOF'\n*** Begin Patch\n*** Update File: a.txt\n@@\n-two\n+2\n*** End Patch\nEOF\n",
        &["line 1", "expected `*** Begin Patch`"],
    )),
    as_is(refused(
        "a here document without an end",
        A,
        "<<EOF\n*** Begin Patch\n*** Update File: a.txt\n@@\n-two\n+2\n*** End Patch",
        &["line 7", "expected `EOF`", "`*** End Patch`"],
    )),
    as_is(changed(
        "blanks around headers",
        A,
        " *** Begin Patch \n  *** Add File:  b.txt\t\n+b\n \t*** Delete File: a.txt  \n *** End Patch",
        &[("a.txt", None), ("b.txt", Some("b\n"))],
        "A b.txt\nD a.txt",
    )),
    changed(
        "blanks around the headers of an update",
        A,
        "  *** Update File: a.txt \n\t*** Move to: b.txt \n@@ \n-three\n+3\n\t*** End of File ",
        &[("a.txt", None), ("b.txt", Some("one\ntwo\n3\n"))],
        "M b.txt",
    ),
    changed(
        "empty lines between hunks",
        A,
        "\n*** Add File: b\n+b\n\n*** Delete File: a.txt\n\n\n*** Add File: c\n+c\n\n",
        &[("a.txt", None), ("b", Some("b\n")), ("c", Some("c\n"))],
        "A b\nA c\nD a.txt",
    ),
    as_is(changed(
        "a patch with CRLF",
        A,
        "*** Begin Patch\r\n*** Update File: a.txt\r\n@@ one\r\n-two\r\n+2\r\n three\r\n*** Add File: b\r\n+b\r\n*** End Patch\r\n",
        &[("a.txt", Some("one\n2\nthree\n")), ("b", Some("b\n"))],
        "A b\nM a.txt",
    )),
    changed(
        "what looks like a header is a line of the file after its mark",
        &[("a.txt", "*** End Patch\n*** Begin Patch\n")],
        "*** Update File: a.txt\n@@\n *** End Patch\n-*** Begin Patch\n+*** Add File: x\n+@@\n",
        &[("a.txt", Some("*** End Patch\n*** Add File: x\n@@\n"))],
        "M a.txt",
    ),
    as_is(refused(
        "no text",
        &[],
        "",
        &["line 1", "expected `*** Begin Patch`"],
    )),
    refused("no hunks", A, "", &["No files were modified."]),
    refused("blank lines only", A, "\n  \n\t\n", &["line 3", "found ``"]),
    as_is(refused(
        "no begin",
        A,
        "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+1\n",
        &["line 1", "expected `*** Begin Patch`", "--- a/a.txt"],
    )),
    as_is(refused(
        "no end",
        A,
        "*** Begin Patch\n*** Update File: a.txt\n@@\n-two\n+2\n",
        &["line 6", "the patch ends here", "`*** End Patch`"],
    )),
    as_is(refused(
        "something behind the end",
        A,
        "*** Begin Patch\n*** Delete File: a.txt\n*** End Patch\n*** Delete File: b\n",
        &["line 4", "nothing after `*** End Patch`"],
    )),
    as_is(refused(
        "two patches",
        A,
        "*** Begin Patch\n*** Delete File: a.txt\n*** End Patch\n*** Begin Patch\n*** End Patch\n",
        &["line 4", "nothing after `*** End Patch`"],
    )),
    refused(
        "lower case",
        A,
        "*** delete file: a.txt",
        &["line 2", "`*** Delete File: PATH`"],
    ),
    as_is(refused(
        "lower case in the envelope",
        A,
        "*** begin patch\n*** Delete File: a.txt\n*** End Patch",
        &["line 1", "expected `*** Begin Patch`"],
    )),
    refused(
        "an unknown header",
        A,
        "*** Rename File: a.txt",
        &["line 2", "found `*** Rename File"],
    ),
    refused(
        "a line outside of hunks",
        A,
        "one\n*** Delete File: a.txt",
        &["line 2", "found `one`"],
    ),
    refused(
        "lines below a deletion",
        A,
        "*** Delete File: a.txt\n-one",
        &["line 3", "found `-one`"],
    ),
    refused(
        "a NUL",
        A,
        "*** Update File: a.txt\n@@\n-two\n+t\0o",
        &["line 5", "NUL"],
    ),
];

#[test]
fn envelopes_and_headers() {
    check_all(CASES);
}
