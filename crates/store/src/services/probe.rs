//! What probes find.

use super::{read, service_columns};
use crate::rows::{all, count_of};
use domain::{Error, Service, ServiceStatus};
use ports::Sql;

/// What a probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// When it began, in milliseconds since 1970.
    pub began: i64,
    /// How long the answer took, in milliseconds; none where there was none.
    pub response_time: Option<i64>,
}

/// The services that were not probed since `since`, those first that have waited longest; at most
/// `most`.
///
/// # Errors
/// What a failed statement means.
pub async fn due(sql: &dyn Sql, since: i64, most: i64) -> Result<Vec<Service>, Error> {
    const SELECT: &str = concat!(
        "SELECT ",
        service_columns!(),
        " FROM services WHERE COALESCE(checked_at, 0) <= ?1 \
         ORDER BY COALESCE(checked_at, 0), id LIMIT ?2"
    );
    all(sql, SELECT, vec![since.into(), most.into()], read).await
}

/// Records what a probe of `service` found. `false` when its address is another one by now, when
/// a probe that began later was recorded already, or when it is gone.
///
/// # Errors
/// What a failed statement means.
pub async fn record(sql: &dyn Sql, service: &Service, found: Found) -> Result<bool, Error> {
    const UPDATE: &str = "UPDATE services SET status = ?3, response_time = ?4, checked_at = ?5 \
         WHERE id = ?1 AND url = ?2 AND COALESCE(checked_at, 0) <= ?5 RETURNING id";
    let status = match found.response_time {
        Some(_) => ServiceStatus::Online,
        None => ServiceStatus::Offline,
    };
    let parameters = vec![
        service.id.0.into(),
        service.url.as_str().into(),
        status.as_str().into(),
        found.response_time.into(),
        found.began.into(),
    ];
    Ok(count_of(sql, UPDATE, parameters).await? > 0)
}
