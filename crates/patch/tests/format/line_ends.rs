//! Line ends and byte order marks: what is not touched stays, byte for byte.

use super::{Case, changed, check_all};

const CASES: &[Case] = &[
    changed(
        "CRLF",
        &[("a", "one\r\ntwo\r\nthree\r\n")],
        "*** Update File: a\n@@\n one\n-two\n+2\n+zwei\n three",
        &[("a", Some("one\r\n2\r\nzwei\r\nthree\r\n"))],
        "M a",
    ),
    changed(
        "CRLF, matched exactly before anything else",
        &[("a", "two \r\ntwo\r\n")],
        "*** Update File: a\n@@\n-two\n+2",
        &[("a", Some("two \r\n2\r\n"))],
        "M a",
    ),
    changed(
        "CRLF in the patch and not in the file",
        &[("a", "one\ntwo\n")],
        "*** Update File: a\r\n@@\r\n-two\r\n+2\r",
        &[("a", Some("one\n2\n"))],
        "M a",
    ),
    changed(
        "CRLF in both",
        &[("a", "one\r\ntwo\r\n")],
        "*** Update File: a\r\n@@ one\r\n-two\r\n+2\r",
        &[("a", Some("one\r\n2\r\n"))],
        "M a",
    ),
    changed(
        "the first line says how added ones end: CRLF",
        &[("a", "one\r\ntwo\nthree\n")],
        "*** Update File: a\n@@\n two\n+new\n-three\n+3",
        &[("a", Some("one\r\ntwo\nnew\r\n3\r\n"))],
        "M a",
    ),
    changed(
        "the first line says how added ones end: LF",
        &[("a", "one\ntwo\r\nthree\r\n")],
        "*** Update File: a\n@@\n two\n+new",
        &[("a", Some("one\ntwo\r\nnew\nthree\r\n"))],
        "M a",
    ),
    changed(
        "the first line is removed",
        &[("a", "one\r\ntwo\n")],
        "*** Update File: a\n@@\n-one\n+1",
        &[("a", Some("1\r\ntwo\n"))],
        "M a",
    ),
    changed(
        "no newline at the end",
        &[("a", "one\ntwo")],
        "*** Update File: a\n@@\n-one\n+1",
        &[("a", Some("1\ntwo\n"))],
        "M a",
    ),
    changed(
        "no newline at the end of CRLF",
        &[("a", "one\r\ntwo")],
        "*** Update File: a\n@@\n two\n+three",
        &[("a", Some("one\r\ntwo\r\nthree\r\n"))],
        "M a",
    ),
    changed(
        "no newline at all",
        &[("a", "one")],
        "*** Update File: a\n@@\n-one\n+1",
        &[("a", Some("1\n"))],
        "M a",
    ),
    changed(
        "no newline at the end, and the last line is removed",
        &[("a", "one\ntwo")],
        "*** Update File: a\n@@\n-two",
        &[("a", Some("one\n"))],
        "M a",
    ),
    changed(
        "appended where there is no newline",
        &[("a", "one\r\ntwo")],
        "*** Update File: a\n@@\n+three",
        &[("a", Some("one\r\ntwo\r\nthree\r\n"))],
        "M a",
    ),
    changed(
        "the end of a file without a newline",
        &[("a", "one\ntwo")],
        "*** Update File: a\n@@\n-two\n+2\n*** End of File",
        &[("a", Some("one\n2\n"))],
        "M a",
    ),
    changed(
        "empty lines at the end stay",
        &[("a", "one\n\n\n")],
        "*** Update File: a\n@@\n-one\n+1",
        &[("a", Some("1\n\n\n"))],
        "M a",
    ),
    changed(
        "a CR in a line stays",
        &[("a", "o\rne\r\r\ntwo\n")],
        "*** Update File: a\n@@\n-two\n+2",
        &[("a", Some("o\rne\r\r\n2\r\n"))],
        "M a",
    ),
    changed(
        "moved with its line ends",
        &[("a", "one\r\ntwo\r\n")],
        "*** Update File: a\n*** Move to: b\n@@\n-two\n+2",
        &[("a", None), ("b", Some("one\r\n2\r\n"))],
        "M b",
    ),
    changed(
        "other line separators are none",
        &[("a", "one\u{2028}x\u{b}y\u{85}z\ntwo\n")],
        "*** Update File: a\n@@\n-two\n+2",
        &[("a", Some("one\u{2028}x\u{b}y\u{85}z\n2\n"))],
        "M a",
    ),
    changed(
        "a byte order mark",
        &[("a", "\u{feff}one\ntwo\n")],
        "*** Update File: a\n@@\n-one\n+1",
        &[("a", Some("\u{feff}1\ntwo\n"))],
        "M a",
    ),
    changed(
        "a byte order mark that the patch copies",
        &[("a", "\u{feff}one\ntwo\n")],
        "*** Update File: a\n@@\n-\u{feff}one\n+\u{feff}1",
        &[("a", Some("\u{feff}1\ntwo\n"))],
        "M a",
    ),
    changed(
        "a byte order mark before what is added",
        &[("a", "\u{feff}one\r\n")],
        "*** Update File: a\n@@\n+zero\n one",
        &[("a", Some("\u{feff}zero\r\none\r\n"))],
        "M a",
    ),
    changed(
        "a byte order mark of a file that is emptied",
        &[("a", "\u{feff}one\n")],
        "*** Update File: a\n@@\n-one",
        &[("a", Some("\u{feff}"))],
        "M a",
    ),
    changed(
        "a new file has LF, also over one with CRLF",
        &[("a", "\u{feff}one\r\n")],
        "*** Add File: a\r\n+1\r\n+2\r",
        &[("a", Some("1\n2\n"))],
        "A a",
    ),
    changed(
        "a file deleted with all its oddities",
        &[("a", "\u{feff}o\rne\r\n\ntwo")],
        "*** Delete File: a",
        &[("a", None)],
        "D a",
    ),
];

#[test]
fn line_ends() {
    check_all(CASES);
}
