//! The operations of "Auth" and "Users".

use crate::Contract::Runtime;
use crate::operation::{
    Access::{self, Open, SignedIn},
    Answer, Body,
    Method::{self, Delete, Get, Patch, Post},
    Operation, Query,
};

const fn operation(
    access: Access,
    line: (Method, &'static str),
    summary: &'static str,
) -> Operation {
    crate::operation::operation(Runtime, access, line, summary)
}

const TOKENS: Answer = Answer::new(200, "The tokens.", Body::Json("Tokens"));
const PROFILE: Answer = Answer::new(200, "The profile.", Body::Json("Profile"));
const TOO_MANY: Answer = Answer::problem(429, "Too many requests; `Retry-After` says how long.");

pub(crate) const OPERATIONS: &[Operation] = &[
    operation(
        Open,
        (Post, "/api/v1/auth/verifications"),
        "Sign up: a code is sent to the address",
    )
    .body("SignUp")
    .answers(&[
        Answer::new(
            202,
            "The same whether the address is known or not.",
            Body::Json("EmailSent"),
        ),
        TOO_MANY,
    ]),
    operation(
        Open,
        (Post, "/api/v1/auth/verifications/resend"),
        "Send a new code; the one before is void",
    )
    .body("EmailOnly")
    .answers(&[
        Answer::nothing("The same whether the address is known or not."),
        TOO_MANY,
    ]),
    operation(
        Open,
        (Post, "/api/v1/auth/verifications/verify"),
        "Confirm the address by its code; the account is made and signed in",
    )
    .body("Verify")
    .answers(&[
        TOKENS,
        Answer::problem(401, "The code is wrong or has expired."),
        TOO_MANY,
    ]),
    operation(Open, (Post, "/api/v1/auth/sessions"), "Sign in")
        .body("SignIn")
        .answers(&[
            TOKENS,
            Answer::problem(401, "The address or the password is wrong."),
            TOO_MANY,
        ]),
    operation(
        Open,
        (Post, "/api/v1/auth/sessions/refresh"),
        "Get new tokens for a refresh token, which is used up",
    )
    .body("RefreshToken")
    .answers(&[
        TOKENS,
        Answer::problem(401, "The token is not, or no longer, good."),
    ]),
    operation(
        Open,
        (Delete, "/api/v1/auth/sessions"),
        "Sign out: the refresh token's login ends",
    )
    .body("RefreshToken")
    .answers(&[Answer::nothing("It has ended, or there was none.")]),
    operation(
        SignedIn,
        (Get, "/api/v1/auth/users"),
        "Get an account by its address: one's own, or as an administrator any",
    )
    .query(&[Query::text("email", "The address.", true)])
    .answers(&[
        Answer::new(200, "The account.", Body::Json("AccountByEmail")),
        Answer::problem(403, "It is somebody else's."),
        Answer::problem(404, "There is none."),
    ]),
    operation(SignedIn, (Get, "/api/v1/users/me"), "Get one's own profile").answers(&[PROFILE]),
    operation(
        SignedIn,
        (Patch, "/api/v1/users/me"),
        "Change one's own profile",
    )
    .body("ProfileChange")
    .answers(&[PROFILE]),
    operation(
        SignedIn,
        (Get, "/api/v1/users/{username}"),
        "Get an account's profile by its name",
    )
    .answers(&[PROFILE, Answer::problem(404, "There is none of that name.")]),
];
