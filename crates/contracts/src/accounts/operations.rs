//! The operations besides the documents.

use crate::Contract::Runtime;
use crate::operation::{
    Access::{self, Open, SignedIn},
    Answer, Body,
    Method::{self, Delete, Get, Post},
    Operation, Query,
};

const fn operation(
    access: Access,
    line: (Method, &'static str),
    summary: &'static str,
) -> Operation {
    crate::operation::operation(Runtime, access, line, summary)
}

const SENT: Answer = Answer::new(
    202,
    "The same whether the address is known or not.",
    Body::Json("EmailSent"),
);
const WRONG_CODE: Answer = Answer::problem(401, "The code is wrong or has expired.");
const WRONG_PASSWORD: Answer = Answer::problem(403, "The password is wrong.");
const TOO_MANY: Answer = Answer::problem(429, "Too many requests; `Retry-After` says how long.");
const PART: &[Query] = &[
    Query::number("offset", "How many to skip.", 0, i64::MAX),
    Query::number("limit", "How many at most.", 50, 100),
];

pub(crate) const OPERATIONS: &[Operation] = &[
    operation(
        Open,
        (Post, "/api/v1/auth/password-resets"),
        "Forgotten password: a code is sent to the address",
    )
    .body("EmailOnly")
    .answers(&[SENT, TOO_MANY]),
    operation(
        Open,
        (Post, "/api/v1/auth/password-resets/confirm"),
        "Set a new password by the code",
    )
    .body("PasswordReset")
    .answers(&[
        Answer::new(200, "The tokens.", Body::Json("Tokens")),
        WRONG_CODE,
        TOO_MANY,
    ]),
    operation(
        SignedIn,
        (Post, "/api/v1/users/me/email"),
        "Change the address: a code is sent to the new one",
    )
    .body("EmailChange")
    .answers(&[SENT, WRONG_PASSWORD, TOO_MANY]),
    operation(
        SignedIn,
        (Post, "/api/v1/users/me/email/confirm"),
        "Confirm the new address by its code",
    )
    .body("EmailConfirm")
    .answers(&[
        Answer::new(200, "The profile.", Body::Json("Profile")),
        WRONG_CODE,
        WRONG_PASSWORD,
        TOO_MANY,
    ]),
    operation(
        SignedIn,
        (Get, "/api/v1/auth/logins"),
        "List where one is signed in, newest first",
    )
    .query(PART)
    .answers(&[Answer::new(
        200,
        "The logins; `X-Total-Count` says how many there are.",
        Body::JsonList("OpenLogin"),
    )]),
    operation(
        SignedIn,
        (Delete, "/api/v1/auth/logins"),
        "End every login but this one",
    )
    .answers(&[Answer::nothing("They have ended.")]),
    operation(
        SignedIn,
        (Delete, "/api/v1/auth/logins/{login_id}"),
        "End a login",
    )
    .answers(&[
        Answer::nothing("It has ended."),
        Answer::problem(404, "There is no such login."),
    ]),
    operation(
        SignedIn,
        (Post, "/api/v1/auth/tickets"),
        "Get a ticket for one socket or stream",
    )
    .answers(&[
        Answer::new(201, "The ticket.", Body::Json("Ticket")),
        TOO_MANY,
    ]),
    operation(
        SignedIn,
        (Delete, "/api/v1/users/me"),
        "Delete one's account and all that is its",
    )
    .body("AccountDelete")
    .answers(&[Answer::nothing("It is gone."), WRONG_PASSWORD, TOO_MANY]),
    operation(
        SignedIn,
        (Get, "/api/v1/users/me/api-keys"),
        "List one's API keys",
    )
    .query(PART)
    .answers(&[Answer::new(
        200,
        "The keys; `X-Total-Count` says how many there are.",
        Body::JsonList("ApiKey"),
    )]),
    operation(
        SignedIn,
        (Post, "/api/v1/users/me/api-keys"),
        "Make an API key",
    )
    .body("ApiKeyCreate")
    .answers(&[
        Answer::new(201, "The key, shown this once.", Body::Json("NewApiKey")),
        WRONG_PASSWORD,
        TOO_MANY,
    ]),
    operation(
        SignedIn,
        (Delete, "/api/v1/users/me/api-keys/{key_id}"),
        "Delete an API key",
    )
    .answers(&[
        Answer::nothing("It is gone."),
        Answer::problem(404, "There is no such key."),
    ]),
];
