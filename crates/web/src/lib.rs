//! axum glue: what stands between a request and an operation, the same for every component.
//!
//! A handler is three lines: extractors give it values that are valid, it calls an operation,
//! and the answer is wrapped. Errors leave as [`Failure`] and become a problem in [`serve`],
//! the one place that knows the path, the contract and the request's number.

mod accept;
mod answers;
mod attachment;
mod bearer;
mod body;
mod browsers;
mod client;
mod cookie;
mod default_model;
mod failure;
mod filters;
mod form;
mod fresh;
mod json;
mod language;
mod large;
pub mod limits;
mod networks;
mod own_session;
mod paging;
mod path;
mod provider_keys;
mod readiness;
mod serve;
mod settings;
mod signed_in;
mod sockets;
pub mod sse;

pub use accept::asks_for;
pub use answers::{Envelope, NoStore, PagedEnvelope};
pub use attachment::attachment;
pub use bearer::{Bearer, Runner, same_secret};
pub use body::{
    AdministratorBody, BODY_MAX_BYTES, Decoded, SignedBody, SignedBodyIfAny, UPLOAD_MAX_BYTES,
    Upload, Valid, parsed,
};
pub use browsers::{may_redirect_to, refuse_foreign, refuse_forged};
pub use client::Client;
pub use cookie::{Cookie, forget_cookie, set_cookie};
pub use default_model::DefaultModel;
pub use failure::{Failure, Outcome};
pub use filters::{filter, whole_number, window};
pub use form::{FORM_MAX_BYTES, FormWithFile};
pub use fresh::new_uuid;
pub use json::Json;
pub use language::Language;
pub use large::{LargeBody, LargeBytes, Place};
pub use own_session::{OwnSession, own_session};
pub use paging::{Limits, Page, Paged, Parameters};
pub use path::{Id, Segment, TwoIds, UuidId};
pub use provider_keys::{open_provider_key, seal_provider_key};
pub use readiness::model_can_be_asked;
pub use serve::{not_found, serve};
pub use settings::{
    Conversations, OpenChat, is_loopback_url, misread, most_sessions, setting, variable,
};
pub use signed_in::{Administrator, SignedIn, TokenSettings};
pub use sockets::elsewhere;
