//! How services change.

use crate::rows::count_of;
use domain::{Error, ServiceId, ServiceName, ServiceUrl};
use ports::Sql;

/// New parts of a service. `None` leaves a part as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServiceChange<'a> {
    /// What people call it.
    pub name: Option<&'a ServiceName>,
    /// Where it is. Of another address nothing is known until it is probed.
    pub url: Option<&'a ServiceUrl>,
    /// What it is for.
    pub description: Option<&'a str>,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is made.
    Done,
    /// Another service has the name.
    NameTaken,
    /// There is no such service.
    Gone,
}

/// Changes the given parts, all or none.
///
/// # Errors
/// What a failed statement means.
pub async fn update(
    sql: &dyn Sql,
    id: ServiceId,
    change: &ServiceChange<'_>,
    now: i64,
) -> Result<Changed, Error> {
    const UPDATE: &str = "UPDATE OR IGNORE services SET \
             name = COALESCE(?2, name), description = COALESCE(?4, description), \
             (status, response_time, checked_at) = (SELECT \
                 CASE WHEN moved THEN 'UNKNOWN' ELSE status END, \
                 CASE WHEN moved THEN NULL ELSE response_time END, \
                 CASE WHEN moved THEN NULL ELSE checked_at END \
                 FROM (SELECT COALESCE(?3, url) <> url AS moved)), \
             url = COALESCE(?3, url), updated_at = ?5 \
         WHERE id = ?1 RETURNING id";
    const EXISTS: &str = "SELECT 1 FROM services WHERE id = ?1";
    let parameters = vec![
        id.0.into(),
        change.name.map(ServiceName::as_str).into(),
        change.url.map(ServiceUrl::as_str).into(),
        change.description.into(),
        now.into(),
    ];
    if count_of(sql, UPDATE, parameters).await? > 0 {
        return Ok(Changed::Done);
    }
    Ok(match count_of(sql, EXISTS, vec![id.0.into()]).await? {
        0 => Changed::Gone,
        _ => Changed::NameTaken,
    })
}
