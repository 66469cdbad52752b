//! Request bodies: JSON, read within a limit, checked, every field at fault told.

use crate::{
    failure::Failure,
    signed_in::{Administrator, SignedIn},
};
use axum::{
    body::Body,
    extract::{FromRef, FromRequest, FromRequestParts, Request},
};
use bytes::Bytes;
use contracts::{Validate, invalid_members};
use domain::{Error, ErrorKind};
use futures::future::{Either, select};
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use ports::Platform;
use serde::de::{DeserializeOwned, IgnoredAny};
use std::{pin::pin, time::Duration};

/// The largest JSON body.
pub const BODY_MAX_BYTES: usize = 256 * 1024;

/// The largest file that is taken in one request. An instance has 128 MiB for up to 16 requests,
/// and bytes on their way are there more than once.
pub const UPLOAD_MAX_BYTES: usize = 2 * 1024 * 1024;

/// How long a file may take to arrive.
const UPLOAD_ARRIVAL: Duration = Duration::from_secs(120);

/// How long a body may take to arrive: whoever sends one holds a place among the requests in
/// flight.
const ARRIVAL: Duration = Duration::from_secs(20);

/// A JSON body of type `T` that keeps every rule of `T`.
#[derive(Debug)]
pub struct Valid<T>(pub T);

impl<T, S> FromRequest<S> for Valid<T>
where
    T: DeserializeOwned + Validate,
    S: Send + Sync,
    Platform: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        Ok(Self(valid(&json(request, state).await?)?))
    }
}

/// A JSON body of type `T` whose rules depend on more than one member; whoever takes it asks it.
#[derive(Debug)]
pub struct Decoded<T>(pub T);

impl<T, S> FromRequest<S> for Decoded<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
    Platform: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        Ok(Self(parse(&json(request, state).await?)?))
    }
}

/// Who sends the request, and its body. The login is looked at when the body has arrived: one
/// that ended while it was on its way changes nothing any more.
#[derive(Debug)]
pub struct SignedBody<T>(pub SignedIn, pub T);

impl<T, S> FromRequest<S> for SignedBody<T>
where
    T: DeserializeOwned + Validate,
    S: Send + Sync,
    Platform: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let bytes = read(body, &Platform::from_ref(state)).await?;
        let signed_in = SignedIn::from_request_parts(&mut parts, state).await?;
        check_type(&parts.headers)?;
        Ok(Self(signed_in, valid(&bytes)?))
    }
}

/// As [`SignedBody`], of an administrator. Nobody else learns what is wrong with a body.
#[derive(Debug)]
pub struct AdministratorBody<T>(pub T);

impl<T, S> FromRequest<S> for AdministratorBody<T>
where
    T: DeserializeOwned + Validate,
    S: Send + Sync,
    Platform: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let bytes = read(body, &Platform::from_ref(state)).await?;
        Administrator::from_request_parts(&mut parts, state).await?;
        check_type(&parts.headers)?;
        Ok(Self(valid(&bytes)?))
    }
}

/// As [`SignedBody`], where a request without a body says nothing.
#[derive(Debug)]
pub struct SignedBodyIfAny<T>(pub SignedIn, pub T);

impl<T, S> FromRequest<S> for SignedBodyIfAny<T>
where
    T: DeserializeOwned + Validate + Default,
    S: Send + Sync,
    Platform: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let bytes = read(body, &Platform::from_ref(state)).await?;
        let signed_in = SignedIn::from_request_parts(&mut parts, state).await?;
        if bytes.is_empty() {
            return Ok(Self(signed_in, T::default()));
        }
        check_type(&parts.headers)?;
        Ok(Self(signed_in, valid(&bytes)?))
    }
}

/// Who sends a file, and its bytes, whatever they are. Strangers fill no memory: the login is
/// looked at before the bytes are read, and, as in [`SignedBody`], again when they are there.
#[derive(Debug)]
pub struct Upload(pub SignedIn, pub Bytes);

impl<S> FromRequest<S> for Upload
where
    S: Send + Sync,
    Platform: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        SignedIn::from_request_parts(&mut parts, state).await?;
        let platform = Platform::from_ref(state);
        let bytes = read_within(body, &platform, UPLOAD_MAX_BYTES, UPLOAD_ARRIVAL).await?;
        let signed_in = SignedIn::from_request_parts(&mut parts, state).await?;
        Ok(Self(signed_in, bytes))
    }
}

/// What a member was parsed to.
///
/// # Errors
/// Invalid, naming `field`.
pub fn parsed<T>(field: &str, parsed: Result<T, &'static str>) -> Result<T, Error> {
    parsed.map_err(|reason| Error::invalid_field(field, reason))
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = value
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim();
    essence.eq_ignore_ascii_case("application/json")
        || (essence.len() > 5
            && essence.is_char_boundary(essence.len() - 5)
            && essence
                .split_at(essence.len() - 5)
                .1
                .eq_ignore_ascii_case("+json"))
}

/// The bytes of a body that says it is JSON.
async fn json<S>(request: Request, state: &S) -> Result<Bytes, Error>
where
    Platform: FromRef<S>,
{
    let (parts, body) = request.into_parts();
    check_type(&parts.headers)?;
    read(body, &Platform::from_ref(state)).await
}

pub(crate) fn check_type(headers: &HeaderMap) -> Result<(), Error> {
    if is_json(headers) {
        return Ok(());
    }
    let detail = "The body must be application/json";
    Err(Error::new(ErrorKind::UnsupportedMediaType, detail))
}

async fn read(body: Body, platform: &Platform) -> Result<Bytes, Error> {
    read_within(body, platform, BODY_MAX_BYTES, ARRIVAL).await
}

pub(crate) async fn read_within(
    body: Body,
    platform: &Platform,
    most: usize,
    arrival: Duration,
) -> Result<Bytes, Error> {
    let collected = pin!(Limited::new(body, most).collect());
    let Either::Left((collected, _)) = select(collected, platform.clock.sleep(arrival)).await
    else {
        let detail = "The body did not arrive in time";
        return Err(Error::new(ErrorKind::Refused, detail));
    };
    match collected {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let detail = format!("The body is over its limit of {most} bytes");
            Err(Error::new(ErrorKind::TooLarge, detail))
        }
        Err(error) => Err(Error::new(ErrorKind::Refused, "The body broke off").caused_by(error)),
    }
}

pub(crate) fn valid<T: DeserializeOwned + Validate>(bytes: &[u8]) -> Result<T, Error> {
    let body: T = parse(bytes)?;
    match invalid_members(&body) {
        invalid if invalid.is_empty() => Ok(body),
        invalid => Err(Error::invalid(invalid)),
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    check_object(bytes)?;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| Error::invalid_field(field_of(&error), reason_of(error.inner())))?;
    json.end()
        .map_err(|error| Error::invalid_field("body", reason_of(&error)))?;
    Ok(value)
}

/// Refuses JSON that is no object. What is derived for a structure reads a list of its members too,
/// in an order that no document knows, and an empty one where every member may be left out.
fn check_object(bytes: &[u8]) -> Result<(), Error> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first.is_none_or(|first| *first == b'{') {
        return Ok(());
    }
    let reason = match serde_json::from_slice::<IgnoredAny>(bytes) {
        Ok(_) => "must be an object".to_owned(),
        Err(error) => reason_of(&error),
    };
    Err(Error::invalid_field("body", reason))
}

/// The member at fault: the path to it, and of a missing member its name.
fn field_of(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    if !error.inner().is_data() {
        return "body".to_owned();
    }
    let text = error.inner().to_string();
    let missing = text
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split('`').next());
    let path = error.path().to_string();
    match (path.as_str(), missing) {
        (".", Some(name)) => name.to_owned(),
        (".", None) => "body".to_owned(),
        (path, Some(name)) => format!("{path}.{name}"),
        (path, None) => path.to_owned(),
    }
}

fn reason_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("missing field") {
        return "is required".to_owned();
    }
    if error.is_data() {
        // The place in the text says less than the field's name.
        return text
            .split(" at line ")
            .next()
            .unwrap_or_default()
            .to_owned();
    }
    format!("is not valid JSON: {text}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only its shape counts")]
    struct Outer {
        id: i64,
        inner: Option<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only its shape counts")]
    struct Inner {
        name: String,
    }

    #[test]
    fn the_member_at_fault_is_named() {
        let check = |text: &str, field: &str, reason: &str| {
            let error = parse::<Outer>(text.as_bytes()).unwrap_err();
            let at = error.fields().first().unwrap();
            assert_eq!(at.field, field, "{text}");
            assert!(at.message.starts_with(reason), "{text}: {}", at.message);
        };
        check("{}", "id", "is required");
        check(
            r#"{"id":"7"}"#,
            "id",
            "invalid type: string \"7\", expected i64",
        );
        check(r#"{"id":7,"inner":{}}"#, "inner.name", "is required");
        check(
            r#"{"id":7,"inner":{"name":1}}"#,
            "inner.name",
            "invalid type: integer `1`",
        );
        check(r#"{"id":7"#, "body", "is not valid JSON");
        check(r#"{"id":7} x"#, "body", "is not valid JSON");
        check("", "body", "is not valid JSON");
        check(r#"{"id":9223372036854775808}"#, "id", "invalid value");
        for other in ["[]", " [7]", "\n[7, null] ", "null", "7", "\"id\"", "true"] {
            check(other, "body", "must be an object");
        }
        check("[", "body", "is not valid JSON");
        check("hello", "body", "is not valid JSON");
        check(&"[".repeat(200_000), "body", "is not valid JSON");
    }

    /// Not even of a structure whose members may all be left out.
    #[test]
    fn a_list_is_no_object() {
        #[derive(Debug, Deserialize)]
        #[allow(dead_code, reason = "only its shape counts")]
        struct Optional {
            #[serde(default)]
            id: Option<i64>,
        }
        assert!(parse::<Optional>(b"{}").is_ok());
        for list in ["[]", "[7]"] {
            let error = parse::<Optional>(list.as_bytes()).unwrap_err();
            assert_eq!(error.detail(), "body: must be an object");
        }
    }

    #[test]
    fn content_types() {
        let check = |value: &str, json: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
            assert_eq!(is_json(&headers), json, "{value}");
        };
        check("application/json", true);
        check("Application/JSON; charset=utf-8", true);
        check("application/merge-patch+json", true);
        check("text/plain", false);
        check("é+json", false);
        check("ééé", false);
        assert!(!is_json(&HeaderMap::new()));
    }
}
