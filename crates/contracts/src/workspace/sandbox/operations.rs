//! The operations of "Sandbox Management", and those on commands in the background.

use crate::Contract;
use crate::operation::{Access, Answer, Body, Method, Operation, Query};

const fn operation(line: (Method, &'static str), summary: &'static str) -> Operation {
    crate::operation::operation(Contract::Workspace, Access::SignedIn, line, summary)
}

const UNKNOWN: Answer = Answer::problem(
    404,
    "There is no such session of yours, or it has no sandbox.",
);
const NO_COMMAND: Answer = Answer::problem(404, "There is no such command.");
const DOWN: Answer = Answer::problem(
    503,
    "Sandboxes cannot be had at the moment; `Retry-After` says when to ask again.",
);
const FORBIDDEN: Answer = Answer::problem(403, "The operator does not allow the network.");

pub(crate) const OPERATIONS: &[Operation] = &[
    operation(
        (Method::Post, "/api/v1/sandbox/launch"),
        "Launch a session's sandbox, or a new session with one",
    )
    .body_if_any("LaunchRequest")
    .answers(&[
        Answer::new(200, "The sandbox is there.", Body::Json("Launched")),
        FORBIDDEN,
        UNKNOWN,
        Answer::problem(
            409,
            "There are as many sandboxes or sessions of yours as may be: destroy or delete one \
             first.",
        ),
        DOWN,
    ]),
    operation(
        (Method::Post, "/api/v1/sandbox/destroy"),
        "Destroy a session's sandbox and its files",
    )
    .body("DestroyRequest")
    .answers(&[
        Answer::new(200, "It is gone.", Body::Json("Destroyed")),
        UNKNOWN,
        DOWN,
    ]),
    operation(
        (Method::Post, "/api/v1/sandbox/destroy_all"),
        "Destroy all of one's sandboxes",
    )
    .answers(&[
        Answer::new(200, "They are gone.", Body::Json("AllDestroyed")),
        DOWN,
    ]),
    operation(
        (Method::Post, "/api/v1/sandbox/exec"),
        "Run a command in a session's sandbox",
    )
    .body("ExecRequest")
    .answers(&[
        Answer::new(200, "How it ended.", Body::Json("ExecResult")),
        Answer::new(
            200,
            "With `Accept: text/event-stream`: what happens as it happens.",
            Body::EventStream,
        ),
        UNKNOWN,
        DOWN,
    ]),
    operation(
        (Method::Get, "/api/v1/sandbox/preview/{session_id}"),
        "List where a sandbox's servers can be seen",
    )
    .answers(&[
        Answer::new(200, "The ports.", Body::Json("Preview")),
        UNKNOWN,
        DOWN,
    ]),
    operation(
        (Method::Get, "/api/v1/sandbox/{session_id}"),
        "Get how a session's sandbox is",
    )
    .answers(&[
        Answer::new(200, "The sandbox.", Body::Json("SandboxState")),
        UNKNOWN,
        DOWN,
    ]),
    operation(
        (Method::Post, "/api/v1/sandbox/{session_id}/commands"),
        "Start a command that goes on in the background",
    )
    .body("ExecRequest")
    .answers(&[
        Answer::new(201, "It runs.", Body::Json("BackgroundCommand")),
        UNKNOWN,
        DOWN,
    ]),
    operation(
        (Method::Get, "/api/v1/sandbox/{session_id}/commands"),
        "List the commands in the background, newest first",
    )
    .answers(&[
        Answer::new(200, "The commands.", Body::JsonList("BackgroundCommand")),
        UNKNOWN,
        DOWN,
    ]),
    operation(
        (
            Method::Get,
            "/api/v1/sandbox/{session_id}/commands/{command}",
        ),
        "Get how a command in the background is",
    )
    .query(&[Query::number(
        "wait",
        "Seconds to wait for its end before answering.",
        0,
        60,
    )])
    .answers(&[
        Answer::new(200, "The command.", Body::Json("BackgroundCommand")),
        NO_COMMAND,
        DOWN,
    ]),
    operation(
        (
            Method::Delete,
            "/api/v1/sandbox/{session_id}/commands/{command}",
        ),
        "Kill a command in the background, with all its children",
    )
    .answers(&[
        Answer::new(200, "How it ended.", Body::Json("BackgroundCommand")),
        NO_COMMAND,
        DOWN,
    ]),
];
