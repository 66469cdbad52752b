//! The operations of sections 1 and 2.

use crate::Contract::Studio;
use crate::operation::{
    Access::{self, Open, SignedIn},
    Answer, Body,
    Method::{self, Get, Post, Put},
    Operation,
};

const fn operation(
    access: Access,
    line: (Method, &'static str),
    summary: &'static str,
) -> Operation {
    crate::operation::operation(Studio, access, line, summary)
}

const CHANGED: Answer = Answer::new(200, "It is changed.", Body::Envelope("Changed"));

pub(crate) const OPERATIONS: &[Operation] = &[
    operation(Open, (Post, "/api/v1/auth/login"), "Sign in by name")
        .body("Login")
        .answers(&[
            Answer::new(
                200,
                "With `username`: the token and who signed in.",
                Body::Envelope("StudioToken"),
            ),
            Answer::problem(401, "The name, the address or the password is wrong."),
            Answer::problem(429, "Too many tries; `Retry-After` says how long."),
        ]),
    operation(SignedIn, (Post, "/api/v1/auth/logout"), "Sign out").answers(&[Answer::new(
        200,
        "The login has ended.",
        Body::EmptyEnvelope,
    )]),
    // A token that has expired is none for any other operation.
    operation(
        SignedIn,
        (Post, "/api/v1/auth/refresh"),
        "Get a new token for one that expired at most 7 days ago",
    )
    .answers(&[Answer::new(
        200,
        "The new token.",
        Body::Envelope("NewToken"),
    )]),
    operation(SignedIn, (Get, "/api/v1/users/me"), "Get one's own account").answers(&[
        Answer::new(
            200,
            "With a token of `studio`: the account.",
            Body::Envelope("OwnAccount"),
        ),
    ]),
    operation(
        SignedIn,
        (Put, "/api/v1/users/me"),
        "Change one's own account",
    )
    .body("OwnAccountChange")
    .answers(&[CHANGED]),
    operation(
        SignedIn,
        (Put, "/api/v1/users/me/password"),
        "Change one's own password",
    )
    .body("PasswordChange")
    .answers(&[CHANGED]),
];
