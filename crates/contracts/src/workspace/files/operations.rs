//! The operations of "Files", and those that change them.

use crate::Contract;
use crate::operation::{Access, Answer, Body, Method, Operation, Query};

const fn operation(line: (Method, &'static str), summary: &'static str) -> Operation {
    crate::operation::operation(Contract::Workspace, Access::SignedIn, line, summary)
}

const BYTES: &str = "application/octet-stream";
const PATH: Query = Query::text(
    "path",
    "Relative to the workspace, or absolute below `/workspace`.",
    true,
);
const ROOT: Query = Query::text("root", "From where; else from the workspace's root.", false);
const OUTSIDE: Answer = Answer::problem(400, "The path leads out of the workspace.");
const UNKNOWN: Answer = Answer::problem(
    404,
    "There is no such session of yours, it has no sandbox, or nothing is at the path.",
);
const OTHER: Answer = Answer::problem(
    409,
    "A directory where a file is wanted, the other way round, or something is there already.",
);
const LARGE: Answer = Answer::problem(413, "The body is over its limit.");
const FULL: Answer = Answer::problem(507, "The workspace's quota is full.");
const DOWN: Answer = Answer::problem(
    503,
    "Sandboxes cannot be had at the moment; `Retry-After` says when to ask again.",
);
const NODE: Answer = Answer::new(200, "What is there now.", Body::Json("FileNode"));

pub(crate) const OPERATIONS: &[Operation] = &[
    operation(
        (Method::Get, "/api/v1/files/{session_id}/tree"),
        "List the files of a sandbox",
    )
    .query(&[
        ROOT,
        Query::number("depth", "How deep, from 1.", 3, 16),
        Query::flag(
            "include_hidden",
            "Whether names that begin with a dot are shown.",
        ),
    ])
    .answers(&[
        Answer::new(200, "The directory.", Body::Json("FileNode")),
        OUTSIDE,
        UNKNOWN,
        OTHER,
        DOWN,
    ]),
    operation(
        (Method::Get, "/api/v1/files/{session_id}/stat"),
        "Get what is at a path",
    )
    .query(&[PATH])
    .answers(&[NODE, OUTSIDE, UNKNOWN, DOWN]),
    operation((Method::Get, "/api/v1/files/{session_id}"), "Read a file")
        .query(&[PATH])
        .answers(&[
            Answer::new(200, "The file.", Body::Json("FileContent")),
            Answer::new(
                200,
                "With `Accept: application/octet-stream`: its bytes.",
                Body::Bytes(BYTES),
            ),
            Answer::new(206, "With `Range` besides: these.", Body::Bytes(BYTES)),
            OUTSIDE,
            UNKNOWN,
            OTHER,
            Answer::problem(416, "The range is beyond the file's end."),
            DOWN,
        ]),
    operation((Method::Put, "/api/v1/files/{session_id}"), "Write a file")
        .query(&[
            PATH,
            Query::flag("append", "Whether the bytes are added at the file's end."),
        ])
        .upload()
        .answers(&[NODE, OUTSIDE, UNKNOWN, OTHER, LARGE, DOWN, FULL]),
    operation(
        (Method::Delete, "/api/v1/files/{session_id}"),
        "Remove a file or a directory",
    )
    .query(&[
        PATH,
        Query::flag(
            "recursive",
            "Whether a directory goes with all that is in it.",
        ),
    ])
    .answers(&[
        Answer::nothing("It is gone."),
        OUTSIDE,
        UNKNOWN,
        OTHER,
        DOWN,
    ]),
    operation(
        (Method::Post, "/api/v1/files/{session_id}/move"),
        "Give a file or a directory another path",
    )
    .body("FileMove")
    .answers(&[NODE, OUTSIDE, UNKNOWN, OTHER, DOWN, FULL]),
    operation(
        (Method::Post, "/api/v1/files/{session_id}/directory"),
        "Make a directory",
    )
    .body("DirectoryCreate")
    .answers(&[NODE, OUTSIDE, UNKNOWN, OTHER, DOWN, FULL]),
    operation(
        (Method::Get, "/api/v1/files/{session_id}/archive"),
        "Get a directory as one file, without what its ignore files name",
    )
    .query(&[
        ROOT,
        Query::text(
            "format",
            "`tar.gz`, which it is by default, or `zip`.",
            false,
        ),
    ])
    .answers(&[
        Answer::new(200, "The archive.", Body::Bytes(BYTES)),
        OUTSIDE,
        UNKNOWN,
        OTHER,
        DOWN,
    ]),
];
