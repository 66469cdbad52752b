//! Checks of request bodies: each rule stands on its field, and all fields at fault are told.

use crate::Change;
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

/// As [`parses_as`], for a member that may be left alone or cleared.
macro_rules! changes_as {
    ($parse:path) => {
        |change: &$crate::Change<String>, _: &()| match change.value() {
            Some(text) => $parse(text).map(drop).map_err(garde::Error::new),
            None => Ok(()),
        }
    };
}

/// The rules of a body whose members are not named as its fields: garde's derived rules know
/// only the fields' names, and the reader of an error knows only the members'.
macro_rules! rules {
    ($body:ty { $($field:ident as $member:literal: $rule:expr),+ $(,)? }) => {
        impl garde::Validate for $body {
            type Context = ();

            fn validate_into(
                &self,
                context: &(),
                parent: &mut dyn FnMut() -> garde::Path,
                report: &mut garde::Report,
            ) {
                $(if let Err(error) = ($rule)(&self.$field, context) {
                    report.append(parent().join($member), error);
                })+
            }
        }
    };
}

/// A rule for a number that may be missing.
pub(crate) fn within(least: i64, most: i64) -> impl Fn(&Option<i64>, &()) -> garde::Result {
    move |number, ()| match number {
        Some(number) if !(least..=most).contains(number) => {
            Err(garde::Error::new(format!("must be from {least} to {most}")))
        }
        _ => Ok(()),
    }
}

/// As [`within`], for a member that may be left alone or cleared.
pub(crate) fn change_within(least: i64, most: i64) -> impl Fn(&Change<i64>, &()) -> garde::Result {
    move |change, ()| within(least, most)(&change.value().copied(), &())
}

/// A rule for a text that may be missing: at most so many characters, lines allowed.
pub(crate) fn text_within(most: usize) -> impl Fn(&Option<String>, &()) -> garde::Result {
    let forbidden = |character: char| character.is_control() && !"\n\r\t".contains(character);
    move |text, ()| match text {
        Some(text) if text.chars().count() > most => Err(garde::Error::new(format!(
            "must be at most {most} characters"
        ))),
        Some(text) if text.chars().any(forbidden) => {
            Err(garde::Error::new("must not contain control characters"))
        }
        _ => Ok(()),
    }
}

pub(crate) use {changes_as, parses_as, parses_as_if_any, rules};
