//! Lists in parts.

use crate::failure::Failure;
use axum::{
    Json,
    extract::Query,
    response::{IntoResponse, Response},
};
use domain::{Error, FieldError};
use serde::Serialize;
use std::collections::HashMap;

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
    /// Reads `skip` and `limit` from the query.
    ///
    /// # Errors
    /// Invalid, naming the parameters that are not whole numbers within their limits.
    pub fn of(query: &Query<HashMap<String, String>>, limits: Limits) -> Result<Self, Failure> {
        let mut invalid = Vec::new();
        let mut number = |name: &str, least: i64, most: i64| -> Option<i64> {
            let text = query.get(name)?;
            let number = text.parse().ok().filter(|number| (least..=most).contains(number));
            if number.is_none() {
                let message = match most {
                    i64::MAX => format!("must be a whole number from {least}"),
                    most => format!("must be a whole number from {least} to {most}"),
                };
                invalid.push(FieldError { field: format!("query.{name}"), message });
            }
            number
        };
        let skip = number("skip", 0, i64::MAX);
        let limit = number("limit", 1, limits.most).unwrap_or(limits.default);
        if invalid.is_empty() { Ok(Self { skip, limit }) } else { Err(Error::invalid(invalid).into()) }
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
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn pages() {
        let limits = Limits { default: 10, most: 100 };
        let check = |query: &str, expected: Option<(Option<i64>, i64)>| {
            let uri: http::Uri = format!("/?{query}").parse().unwrap();
            let query = Query::try_from_uri(&uri).unwrap();
            let page = Page::of(&query, limits).ok().map(|page| (page.skip, page.limit));
            assert_eq!(page, expected, "{uri}");
        };
        check("", Some((None, 10)));
        check("skip=5&limit=100", Some((Some(5), 100)));
        check("limit=101", None);
        check("limit=0", None);
        check("skip=-1", None);
        check("skip=x", None);
        check("limit=99999999999999999999", None);
    }
}
