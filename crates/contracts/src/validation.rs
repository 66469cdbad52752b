//! Checks of request bodies: each rule stands on its field, and all fields at fault are told.

use domain::FieldError;

/// A request body that knows its own rules.
pub trait Validate: garde::Validate<Context = ()> {}

impl<T: garde::Validate<Context = ()>> Validate for T {}

/// The members of `body` that break a rule.
#[must_use]
pub fn invalid_members<T: Validate>(body: &T) -> Vec<FieldError> {
    let Err(report) = body.validate() else {
        return Vec::new();
    };
    report
        .iter()
        .map(|(path, error)| FieldError {
            field: path.to_string(),
            message: error.to_string(),
        })
        .collect()
}

/// A garde rule from a domain type's `parse`, so that the rule stands in one place.
macro_rules! parses_as {
    ($parse:path) => {
        |text: &str, _: &()| $parse(text).map(drop).map_err(garde::Error::new)
    };
}

/// As [`parses_as`], for an optional member.
macro_rules! parses_as_if_any {
    ($parse:path) => {
        |text: &Option<String>, _: &()| match text {
            Some(text) => $parse(text).map(drop).map_err(garde::Error::new),
            None => Ok(()),
        }
    };
}

pub(crate) use {parses_as, parses_as_if_any};
