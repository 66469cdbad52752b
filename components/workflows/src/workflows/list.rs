//! Lists of workflows.

use super::{scope, shown};
use axum::extract::State;
use contracts::studio::workflows::StudioWorkflow;
use domain::{Error, ServiceId};
use ports::Platform;
use store::workflows::{self as stored, Filter, Order, SortBy};
use web::{Outcome, PagedEnvelope, Parameters, SignedIn, filter, whole_number, window};

/// The most characters that are searched for.
const SEARCH: usize = 200;

pub(crate) async fn list(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    query: Parameters,
) -> Outcome<PagedEnvelope<StudioWorkflow>> {
    let search = query.get("search").map(str::trim);
    let search = search.filter(|search| !search.is_empty());
    if search.is_some_and(|search| search.chars().count() > SEARCH) {
        let message = format!("must be at most {SEARCH} characters");
        return Err(Error::invalid_field("query.search", message).into());
    }
    let only = Filter {
        service: filter(&query, "serviceId", whole_number)?.map(ServiceId),
        favorite: filter(&query, "favorite", truth)?,
        search,
    };
    let by = filter(&query, "sortBy", sort_by)?.unwrap_or_default();
    let order = Order {
        by,
        descending: filter(&query, "sortOrder", descending)?.unwrap_or(by != SortBy::Name),
    };
    let (sql, scope, window) = (&*platform.sql, scope(&signed_in), window(&query)?);
    let listed = stored::list(sql, scope, only, order, window, platform.clock.now()).await?;
    let items = listed.items.into_iter();
    Ok(PagedEnvelope {
        items: items.map(|workflow| shown(workflow, None)).collect(),
        total: listed.total,
    })
}

fn truth(text: &str) -> Result<bool, &'static str> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("must be true or false"),
    }
}

fn sort_by(text: &str) -> Result<SortBy, &'static str> {
    let known = [
        ("name", SortBy::Name),
        ("createdAt", SortBy::CreatedAt),
        ("lastUsedAt", SortBy::LastUsedAt),
    ];
    let found = known
        .into_iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(text));
    found
        .map(|(_, by)| by)
        .ok_or("must be one of name, createdAt, lastUsedAt")
}

fn descending(text: &str) -> Result<bool, &'static str> {
    match text {
        _ if text.eq_ignore_ascii_case("asc") => Ok(false),
        _ if text.eq_ignore_ascii_case("desc") => Ok(true),
        _ => Err("must be asc or desc"),
    }
}
