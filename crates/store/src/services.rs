//! ComfyUI services.

mod change;
mod probe;

pub use change::{Changed, ServiceChange, update};
pub use probe::{Found, due, record};

use crate::{
    Listed, Window,
    listed::listed,
    rows::{count_of, first, instant, known, uuid},
};
use domain::{Error, Service, ServiceId, ServiceName, ServiceStatus, ServiceUrl, Timestamp};
use ports::{Row, Sql, SqlError};
use uuid::Uuid;

/// What [`read`] reads.
macro_rules! service_columns {
    () => {
        "services.id, services.uuid, services.name, services.url, services.description, \
         services.status, services.response_time, services.checked_at, services.created_at, \
         services.updated_at"
    };
}
use service_columns;

/// How many columns [`read`] reads.
const COLUMNS: usize = 10;

/// A `SELECT` of services, and how much there is on each.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            service_columns!(),
            ", (SELECT COUNT(*) FROM workflows WHERE workflows.service_id = services.id), \
             (SELECT COUNT(*) FROM workflows JOIN sessions ON sessions.workflow_id = workflows.id \
                 WHERE workflows.service_id = services.id) \
             FROM services WHERE ",
            $rest
        )
    };
}

/// A service, and how much there is on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedService {
    /// The service.
    pub service: Service,
    /// How many workflows of everybody run there.
    pub workflows: i64,
    /// How many sessions are about those.
    pub sessions: i64,
}

/// A service that is to be stored.
#[derive(Clone, Copy, Debug)]
pub struct NewService<'a> {
    /// Its number for the outside.
    pub uuid: Uuid,
    /// What people call it.
    pub name: &'a ServiceName,
    /// Where it is.
    pub url: &'a ServiceUrl,
    /// What it is for.
    pub description: &'a str,
    /// When it is made.
    pub now: i64,
}

/// Stores a service. `None` when another has its name.
///
/// # Errors
/// What a failed statement means.
pub async fn insert(sql: &dyn Sql, new: &NewService<'_>) -> Result<Option<Service>, Error> {
    const INSERT: &str = concat!(
        "INSERT INTO services (uuid, name, url, description, created_at, updated_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT (name) DO NOTHING RETURNING ",
        service_columns!()
    );
    let parameters = vec![
        new.uuid.to_string().into(),
        new.name.as_str().into(),
        new.url.as_str().into(),
        new.description.into(),
        new.now.into(),
    ];
    first(sql, INSERT, parameters, read).await
}

/// The service of that number.
///
/// # Errors
/// What a failed statement means.
pub async fn find(sql: &dyn Sql, id: ServiceId) -> Result<Option<ListedService>, Error> {
    first(sql, select!("id = ?1"), vec![id.0.into()], read_listed).await
}

/// Services in the order in which they were made, all or those of one status.
///
/// # Errors
/// What a failed statement means.
pub async fn list(
    sql: &dyn Sql,
    status: Option<ServiceStatus>,
    window: Window,
) -> Result<Listed<ListedService>, Error> {
    const STATEMENTS: (&str, &str) = (
        "SELECT COUNT(*) FROM services WHERE (?1 IS NULL OR status = ?1)",
        select!("(?1 IS NULL OR status = ?1) ORDER BY id LIMIT ?2 OFFSET ?3"),
    );
    let parameters = vec![status.map(ServiceStatus::as_str).into()];
    listed(sql, STATEMENTS, parameters, window, read_listed).await
}

/// Deletes a service; workflows that ran there stay, without one. `false` when there is none.
///
/// # Errors
/// What a failed statement means.
pub async fn delete(sql: &dyn Sql, id: ServiceId) -> Result<bool, Error> {
    const DELETE: &str = "DELETE FROM services WHERE id = ?1 RETURNING id";
    Ok(count_of(sql, DELETE, vec![id.0.into()]).await? > 0)
}

fn read_listed(row: &Row) -> Result<ListedService, SqlError> {
    Ok(ListedService {
        service: read(row)?,
        workflows: row.get(COLUMNS)?,
        sessions: row.get(COLUMNS + 1)?,
    })
}

fn read(row: &Row) -> Result<Service, SqlError> {
    Ok(Service {
        id: ServiceId(row.get(0)?),
        uuid: uuid(row, 1)?,
        name: row.get(2)?,
        url: row.get(3)?,
        description: row.get(4)?,
        status: known(row, 5, |text| ServiceStatus::parse(text).ok())?,
        response_time: row.get(6)?,
        checked_at: instant(row, 7)?,
        created_at: Timestamp(row.get(8)?),
        updated_at: Timestamp(row.get(9)?),
    })
}
