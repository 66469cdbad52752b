//! Lists in parts.

use crate::failure::Failure;
use crate::json::Json;
use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use domain::{Error, FieldError};
use http::request::Parts;
use serde::Serialize;
use std::convert::Infallible;
use store::Window;

/// The parameters of the query, decoded. Of one given twice, the first counts.
#[derive(Clone, Debug, Default)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Those of a query string.
    #[must_use]
    pub fn parse(query: &str) -> Self {
        Self(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// The value of `name`, if there is one: forms send the fields that nobody filled in as well.
    #[must_use]
    pub fn given(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// The value of `name`, be it empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.uri.query().map(Self::parse).unwrap_or_default())
    }
}

/// How long a part may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// When the reader does not say.
    pub default: i64,
    /// At most; more is an error, so that nobody takes a part for the whole.
    pub most: i64,
}

/// Which part of a list the reader asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many to pass over.
    pub skip: Option<i64>,
    /// How many at most.
    pub limit: i64,
}

impl Page {
    /// Reads `skip` and `limit` from the query, as `chat` names them.
    ///
    /// # Errors
    /// Invalid, naming the parameters that are not whole numbers within their limits.
    pub fn of(query: &Parameters, limits: Limits) -> Result<Self, Failure> {
        Self::from("skip", query, limits)
    }

    /// Reads `offset` and `limit` from the query, as every other list names them.
    ///
    /// # Errors
    /// As [`Page::of`].
    pub fn by_offset(query: &Parameters, limits: Limits) -> Result<Self, Failure> {
        Self::from("offset", query, limits)
    }

    /// The part, of a list that begins at its beginning where the reader does not say.
    #[must_use]
    pub fn window(&self) -> Window {
        Window {
            skip: self.skip.unwrap_or(0),
            limit: self.limit,
        }
    }

    fn from(skip: &str, query: &Parameters, limits: Limits) -> Result<Self, Failure> {
        let mut invalid = Vec::new();
        let mut number = |name: &str, least: i64, most: i64| -> Option<i64> {
            let text = query.given(name)?;
            let number = text
                .parse()
                .ok()
                .filter(|number| (least..=most).contains(number));
            if number.is_none() {
                let message = match most {
                    i64::MAX => format!("must be a whole number from {least}"),
                    most => format!("must be a whole number from {least} to {most}"),
                };
                invalid.push(FieldError {
                    field: format!("query.{name}"),
                    message,
                });
            }
            number
        };
        let skip = number(skip, 0, i64::MAX);
        let limit = number("limit", 1, limits.most).unwrap_or(limits.default);
        if invalid.is_empty() {
            Ok(Self { skip, limit })
        } else {
            Err(Error::invalid(invalid).into())
        }
    }
}

/// Part of a list; `X-Total-Count` says how long the whole is.
#[derive(Debug)]
pub struct Paged<T> {
    /// The part, as the contract writes it.
    pub body: T,
    /// The length of the whole.
    pub total: i64,
}

impl<T: Serialize> IntoResponse for Paged<T> {
    fn into_response(self) -> Response {
        ([("x-total-count", self.total.to_string())], Json(self.body)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages() {
        let limits = Limits {
            default: 10,
            most: 100,
        };
        let check = |query: &str, expected: Option<(Option<i64>, i64)>| {
            let page = Page::of(&Parameters::parse(query), limits).ok();
            assert_eq!(
                page.map(|page| (page.skip, page.limit)),
                expected,
                "{query}"
            );
        };
        check("", Some((None, 10)));
        check("skip=5&limit=100", Some((Some(5), 100)));
        check("skip=&limit=", Some((None, 10)));
        check("skip=5&limit=", Some((Some(5), 10)));
        check("limit=101", None);
        check("limit=%20", None);
        check("limit=0", None);
        check("skip=-1", None);
        check("skip=x", None);
        check("limit=99999999999999999999", None);
        let other = Page::by_offset(&Parameters::parse("offset=5&skip=7"), limits);
        let other = other.ok().map(|page| page.window());
        assert_eq!(other, Some(Window { skip: 5, limit: 10 }));
        let first = Page::of(&Parameters::parse("limit=7"), limits);
        let first = first.ok().map(|page| page.window());
        assert_eq!(first, Some(Window { skip: 0, limit: 7 }));
    }
}
