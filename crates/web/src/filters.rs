//! Filters of lists, and parts of those of `studio`, as queries write them.

use crate::{
    body::parsed,
    failure::Failure,
    paging::{Limits, Page, Parameters},
};
use contracts::studio::{PAGE_DEFAULT, PAGE_MOST};
use domain::Error;
use store::Window;

/// Which part of a list `query` asks for.
///
/// # Errors
/// Invalid, naming the parameters that are not whole numbers within their limits.
pub fn window(query: &Parameters) -> Result<Window, Failure> {
    let limits = Limits {
        default: PAGE_DEFAULT,
        most: PAGE_MOST,
    };
    Ok(Page::by_offset(query, limits)?.window())
}

/// The parameter `name`, if it is given and not empty.
///
/// # Errors
/// Invalid, naming the parameter.
pub fn filter<T>(
    query: &Parameters,
    name: &str,
    parse: impl Fn(&str) -> Result<T, &'static str>,
) -> Result<Option<T>, Error> {
    let text = query.given(name);
    parsed(&format!("query.{name}"), text.map(parse).transpose())
}

/// A number, for [`filter`].
///
/// # Errors
/// The sentence that says that it is none.
pub fn whole_number(text: &str) -> Result<i64, &'static str> {
    text.parse().map_err(|_| "must be a whole number")
}
