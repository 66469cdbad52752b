//! Files that people uploaded and that workflows made: what is known of them. The bytes are
//! elsewhere, under the row's uuid.
//!
//! Invariant: a row is there before its bytes are, and the note of [`remains`] when the row goes:
//! no bytes are ever without one of the two.

mod remains;

pub use remains::{Remains, abandon, buried, remains};

use crate::{
    Listed, Window,
    listed::listed,
    rows::{count_of, first, known, uuid},
};
use domain::{
    BusinessType, Error, FileId, FileName, FilePlace, StoredFile, Timestamp, UserId, WorkflowId,
};
use ports::{Row, Sql, SqlError, Value};
use uuid::Uuid;

/// How many files a user may have.
pub const FILES_MOST: i64 = 10_000;

/// How many bytes the files of a user may have together.
pub const BYTES_MOST: i64 = 2 << 30;

/// What [`read`] reads.
macro_rules! file_columns {
    () => {
        "files.id, files.uuid, files.user_id, files.business_type, files.name, files.file_type, \
         files.size, files.place, files.workflow_id, files.created_at"
    };
}

/// A `SELECT` of files whose bytes are there.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            file_columns!(),
            " FROM files WHERE stored_at IS NOT NULL AND ",
            $rest
        )
    };
}

/// A file whose bytes are to be stored.
#[derive(Clone, Copy, Debug)]
pub struct NewFile<'a> {
    /// Its number for the outside.
    pub uuid: Uuid,
    /// Whose it is.
    pub user: UserId,
    /// What it is for.
    pub business_type: BusinessType,
    /// What it is called.
    pub name: &'a FileName,
    /// Its media type.
    pub file_type: &'a str,
    /// Its bytes, or the most that they can be.
    pub size: i64,
    /// Where they will be.
    pub place: FilePlace,
    /// The workflow that it belongs to.
    pub workflow: Option<WorkflowId>,
    /// When it is made.
    pub now: i64,
}

/// Which files a list shows; what is not given does not matter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// Of this purpose.
    pub business_type: Option<BusinessType>,
    /// Of this media type, or of all that begin with it where it ends in a slash.
    pub file_type: Option<&'a str>,
    /// Of this workflow.
    pub workflow: Option<WorkflowId>,
}

/// Announces a file: nobody sees it until [`finish`]. `None` when the user has [`FILES_MOST`], or
/// [`BYTES_MOST`] with this, or is gone.
///
/// # Errors
/// What a failed statement means.
pub async fn begin(sql: &dyn Sql, new: &NewFile<'_>) -> Result<Option<StoredFile>, Error> {
    const INSERT: &str = concat!(
        "INSERT INTO files (uuid, user_id, business_type, name, file_type, size, place, \
             workflow_id, created_at) \
         SELECT ?1, users.id, ?3, ?4, ?5, ?6, ?7, \
             (SELECT workflows.id FROM workflows WHERE workflows.id = ?8), ?9 FROM users, \
             (SELECT COUNT(*) AS number, COALESCE(SUM(size), 0) AS bytes FROM files \
                 WHERE user_id = ?2) AS taken \
         WHERE users.id = ?2 AND users.realm = 'account' AND taken.number < ?10 \
             AND taken.bytes + ?6 <= ?11 RETURNING ",
        file_columns!()
    );
    let parameters = vec![
        new.uuid.to_string().into(),
        new.user.0.into(),
        new.business_type.as_str().into(),
        new.name.as_str().into(),
        new.file_type.into(),
        new.size.into(),
        new.place.as_str().into(),
        new.workflow.map(|id| id.0).into(),
        new.now.into(),
        FILES_MOST.into(),
        BYTES_MOST.into(),
    ];
    first(sql, INSERT, parameters, read).await
}

/// Shows a file whose bytes are there, so many. `false` when it was deleted meanwhile.
///
/// # Errors
/// What a failed statement means.
pub async fn finish(sql: &dyn Sql, id: FileId, size: i64, now: i64) -> Result<bool, Error> {
    const UPDATE: &str = "UPDATE files SET size = ?2, stored_at = ?3 \
         WHERE id = ?1 AND stored_at IS NULL RETURNING id";
    let parameters = vec![id.0.into(), size.into(), now.into()];
    Ok(count_of(sql, UPDATE, parameters).await? > 0)
}

/// Says which workflow a file belongs to. `false` when one of both is gone.
///
/// # Errors
/// What a failed statement means.
pub async fn assign(sql: &dyn Sql, id: FileId, workflow: WorkflowId) -> Result<bool, Error> {
    const UPDATE: &str = "UPDATE files SET workflow_id = ?2 WHERE id = ?1 \
         AND EXISTS (SELECT 1 FROM workflows WHERE workflows.id = ?2) RETURNING id";
    Ok(count_of(sql, UPDATE, vec![id.0.into(), workflow.0.into()]).await? > 0)
}

/// The file of that number, of `owner` or of anybody.
///
/// # Errors
/// What a failed statement means.
pub async fn find(
    sql: &dyn Sql,
    owner: Option<UserId>,
    id: FileId,
) -> Result<Option<StoredFile>, Error> {
    const SELECT: &str = select!("id = ?1 AND (?2 IS NULL OR user_id = ?2)");
    let parameters = vec![id.0.into(), owner.map(|user| user.0).into()];
    first(sql, SELECT, parameters, read).await
}

/// The file of that number for the outside, whosever it is: for those who have its address.
///
/// # Errors
/// What a failed statement means.
pub async fn by_uuid(sql: &dyn Sql, uuid: Uuid) -> Result<Option<StoredFile>, Error> {
    const SELECT: &str = select!("uuid = ?1");
    first(sql, SELECT, vec![uuid.to_string().into()], read).await
}

/// Files of `owner` or of anybody that `filter` leaves, newest first.
///
/// # Errors
/// What a failed statement means.
pub async fn list(
    sql: &dyn Sql,
    owner: Option<UserId>,
    filter: Filter<'_>,
    window: Window,
) -> Result<Listed<StoredFile>, Error> {
    macro_rules! condition {
        () => {
            "(?1 IS NULL OR user_id = ?1) AND (?2 IS NULL OR business_type = ?2) \
             AND (?3 IS NULL OR CASE WHEN SUBSTR(?3, -1) = '/' \
                 THEN SUBSTR(file_type, 1, LENGTH(?3)) = ?3 ELSE file_type = ?3 END) \
             AND (?4 IS NULL OR workflow_id = ?4)"
        };
    }
    const STATEMENTS: (&str, &str) = (
        concat!(
            "SELECT COUNT(*) FROM files WHERE stored_at IS NOT NULL AND ",
            condition!()
        ),
        concat!(
            "SELECT ",
            file_columns!(),
            " FROM files WHERE stored_at IS NOT NULL AND ",
            condition!(),
            " ORDER BY id DESC LIMIT ?5 OFFSET ?6"
        ),
    );
    let parameters: Vec<Value> = vec![
        owner.map(|user| user.0).into(),
        filter.business_type.map(BusinessType::as_str).into(),
        filter.file_type.into(),
        filter.workflow.map(|id| id.0).into(),
    ];
    listed(sql, STATEMENTS, parameters, window, read).await
}

/// Deletes a file of `owner` or of anybody; its bytes are among the [`remains`] from then on.
/// `false` when there is none.
///
/// # Errors
/// What a failed statement means.
pub async fn delete(sql: &dyn Sql, owner: Option<UserId>, id: FileId) -> Result<bool, Error> {
    const DELETE: &str =
        "DELETE FROM files WHERE id = ?1 AND (?2 IS NULL OR user_id = ?2) RETURNING id";
    let parameters = vec![id.0.into(), owner.map(|user| user.0).into()];
    Ok(count_of(sql, DELETE, parameters).await? > 0)
}

fn read(row: &Row) -> Result<StoredFile, SqlError> {
    Ok(StoredFile {
        id: FileId(row.get(0)?),
        uuid: uuid(row, 1)?,
        user_id: UserId(row.get(2)?),
        business_type: known(row, 3, |text| BusinessType::parse(text).ok())?,
        name: row.get(4)?,
        file_type: row.get(5)?,
        size: row.get(6)?,
        place: known(row, 7, FilePlace::parse)?,
        workflow_id: row.get::<Option<i64>>(8)?.map(WorkflowId),
        created_at: Timestamp(row.get(9)?),
    })
}
