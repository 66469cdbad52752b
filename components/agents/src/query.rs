//! Filters and parts of lists, as queries write them.

use contracts::studio::{PAGE_DEFAULT, PAGE_MOST};
use domain::Error;
use store::Window;
use web::{Failure, Limits, Page, Parameters, parsed};

/// Which part of a list `query` asks for.
pub(crate) fn window(query: &Parameters) -> Result<Window, Failure> {
    let limits = Limits {
        default: PAGE_DEFAULT,
        most: PAGE_MOST,
    };
    let page = Page::by_offset(query, limits)?;
    Ok(Window {
        skip: page.skip.unwrap_or(0),
        limit: page.limit,
    })
}

/// The parameter `name`, if it is given and not empty.
pub(crate) fn filter<T>(
    query: &Parameters,
    name: &str,
    parse: impl Fn(&str) -> Result<T, &'static str>,
) -> Result<Option<T>, Error> {
    let text = query.get(name).filter(|text| !text.is_empty());
    parsed(&format!("query.{name}"), text.map(parse).transpose())
}

/// A number, for [`filter`].
pub(crate) fn number(text: &str) -> Result<i64, &'static str> {
    text.parse().map_err(|_| "must be a whole number")
}
