//! Favourites: everybody has their own.

use super::Scope;
use crate::rows::count_of;
use domain::{Error, WorkflowId};
use ports::{Sql, Value};

/// Makes a workflow one of the asker's favourites, or none. `false` when it is not in `scope`.
///
/// # Errors
/// What a failed statement means.
pub async fn set_favorite(
    sql: &dyn Sql,
    scope: Scope,
    id: WorkflowId,
    favorite: bool,
) -> Result<bool, Error> {
    // An update of nothing, because only a row that was written is returned.
    const INSERT: &str = "INSERT INTO favorites (user_id, workflow_id) \
         SELECT ?3, id FROM workflows WHERE id = ?1 AND (?2 IS NULL OR user_id = ?2) \
         ON CONFLICT DO UPDATE SET user_id = user_id RETURNING user_id";
    const EXISTS: &str = "SELECT 1 FROM workflows WHERE id = ?1 AND (?2 IS NULL OR user_id = ?2)";
    const DELETE: &str = "DELETE FROM favorites WHERE workflow_id = ?1 AND user_id = ?2";
    let which: Vec<Value> = vec![id.0.into(), scope.owner()];
    if favorite {
        let mut parameters = which;
        parameters.push(scope.asker.0.into());
        return Ok(count_of(sql, INSERT, parameters).await? > 0);
    }
    count_of(sql, DELETE, vec![id.0.into(), scope.asker.0.into()]).await?;
    Ok(count_of(sql, EXISTS, which).await? > 0)
}
