//! Models that can be asked now, for whoever names one.

use super::{MODEL_COLUMNS, model_columns, read_at};
use crate::{
    providers::{self, provider_columns},
    rows::first,
};
use domain::{Error, Model, Provider};
use ports::{Row, Sql, SqlError};

/// The usable model to chat with that is called `wanted`, by its server or by people, in whatever
/// case; whichever comes first where nothing is wanted. With `local`, of a machine of the
/// operator's own only.
///
/// # Errors
/// What a failed statement means.
pub async fn usable(
    sql: &dyn Sql,
    wanted: Option<&str>,
    local: bool,
) -> Result<Option<(Model, Provider)>, Error> {
    const SELECT: &str = concat!(
        "SELECT ",
        model_columns!(),
        ", ",
        provider_columns!(),
        " FROM models JOIN providers ON providers.id = models.provider_id \
         WHERE models.model_type = 'CHAT' AND models.status = 'ACTIVE' \
             AND providers.status = 'ACTIVE' AND (providers.local = 1 OR ?2 = 0) \
             AND (?1 IS NULL OR models.model_code = ?1 COLLATE NOCASE \
                 OR models.name = ?1 COLLATE NOCASE) \
         ORDER BY models.model_code = ?1 DESC, models.id LIMIT 1"
    );
    let read = |row: &Row| -> Result<_, SqlError> {
        Ok((read_at(row, 0)?, providers::read_at(row, MODEL_COLUMNS)?))
    };
    let parameters = vec![wanted.into(), i64::from(local).into()];
    first(sql, SELECT, parameters, read).await
}
