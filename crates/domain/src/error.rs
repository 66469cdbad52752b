//! The one error type: what went wrong, and what the caller can do about it.
//!
//! It knows no transport. `web` turns it into a response, once, for all five contracts.

use std::{borrow::Cow, error::Error as StdError, fmt};

/// What the caller can do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request's content breaks a rule: change the fields that [`Error::fields`] names.
    Invalid,
    /// The request was understood and is refused as its contract documents (400).
    Refused,
    /// Sign in, or sign in again.
    Unauthenticated,
    /// Signed in, but not allowed.
    Forbidden,
    /// There is no such thing, or it is not the caller's.
    NotFound,
    /// It does not fit the present state: wait, or read it again and retry.
    Conflict,
    /// The body is over its limit.
    TooLarge,
    /// The body's content type is not the one that the operation takes.
    UnsupportedMediaType,
    /// The part of a thing that is asked for is beyond its end.
    RangeNotSatisfiable,
    /// It is served elsewhere, by another protocol: the detail says where.
    UpgradeRequired,
    /// A limit on the number of requests: wait [`Error::retry_after`] seconds.
    TooManyRequests,
    /// A server that we depend on failed.
    Upstream,
    /// A server that we depend on did not answer in time.
    UpstreamTimeout,
    /// Something that we need is not configured or is down: try again later.
    Unavailable,
    /// What is stored fills its quota: remove something first.
    InsufficientStorage,
    /// Our fault. The cause is for the log, never for the caller.
    Internal,
}

/// One field at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field's path as the caller wrote it, for example `message` or `items[2].name`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// An operation failed.
///
/// One word wide: it stands in the result of almost every function, and wide results make
/// components large.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    detail: Cow<'static, str>,
    fields: Vec<FieldError>,
    retry_after: Option<u32>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind` with a sentence for the caller.
    pub fn new(kind: ErrorKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::of(kind, detail.into(), Vec::new())
    }

    #[cold]
    #[inline(never)]
    fn of(kind: ErrorKind, detail: Cow<'static, str>, fields: Vec<FieldError>) -> Self {
        Self(Box::new(Inner {
            kind,
            detail,
            fields,
            retry_after: None,
            source: None,
        }))
    }

    /// [`ErrorKind::NotFound`].
    pub fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::NotFound, detail)
    }

    /// [`ErrorKind::Invalid`], naming the fields at fault.
    #[must_use]
    #[cold]
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        let detail = match fields.as_slice() {
            [only] => format!("{}: {}", only.field, only.message),
            many => format!("{} fields are invalid", many.len()),
        };
        Self::of(ErrorKind::Invalid, detail.into(), fields)
    }

    /// [`ErrorKind::Invalid`] for a single field.
    pub fn invalid_field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError {
            field: field.into(),
            message: message.into(),
        }])
    }

    /// [`ErrorKind::Internal`]: the caller learns nothing but that it was our fault.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Internal, "Something went wrong on our side").caused_by(source)
    }

    /// The same error with its cause, which only the log shows.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The same error with the number of seconds after which a retry may work.
    #[must_use]
    pub fn retry_in(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The sentence for the caller.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The fields at fault; empty unless the kind is [`ErrorKind::Invalid`].
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }

    /// Seconds after which a retry may work.
    #[must_use]
    pub fn retry_after(&self) -> Option<u32> {
        self.0.retry_after
    }

    /// The error and its causes, for a log: never for people.
    #[must_use]
    pub fn with_causes(&self) -> impl fmt::Display + '_ {
        WithCauses(self)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}

struct WithCauses<'a>(&'a Error);

impl fmt::Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_ref()
            .map(|source| &**source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_field_speaks_in_the_detail_and_several_are_counted() {
        let one = Error::invalid_field("name", "is too long");
        assert_eq!(one.detail(), "name: is too long");
        let two = Error::invalid(vec![
            FieldError {
                field: "a".into(),
                message: "x".into(),
            },
            FieldError {
                field: "b".into(),
                message: "y".into(),
            },
        ]);
        assert_eq!(two.detail(), "2 fields are invalid");
    }

    #[test]
    fn the_cause_stays_out_of_the_text() {
        let error = Error::internal("secret path");
        assert!(!error.to_string().contains("secret"));
        assert_eq!(
            error.source().map(ToString::to_string),
            Some("secret path".to_owned())
        );
    }

    #[test]
    fn the_log_shows_all_causes() {
        let error = Error::not_found("Not here");
        assert_eq!(error.with_causes().to_string(), "Not here");
        let inner = Error::not_found("one").caused_by("two");
        let error = Error::not_found("Not here").caused_by(inner);
        assert_eq!(error.with_causes().to_string(), "Not here: one: two");
    }
}
