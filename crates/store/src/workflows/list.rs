//! Lists of workflows.

use super::{ListedWorkflow, Scope, read, workflow_columns, workflow_tables};
use crate::{Listed, Window, failure::failure};
use domain::{Error, ServiceId};
use ports::{Sql, Value};

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortBy {
    /// The name, whatever the case of its letters.
    Name,
    /// When they were made.
    #[default]
    CreatedAt,
    /// When they were last used; those that never were come before all.
    LastUsedAt,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// What it is sorted by.
    pub by: SortBy,
    /// Whether the largest comes first.
    pub descending: bool,
}

impl Order {
    fn sql(self) -> &'static str {
        match (self.by, self.descending) {
            (SortBy::Name, false) => "workflows.name COLLATE NOCASE, workflows.id",
            (SortBy::Name, true) => "workflows.name COLLATE NOCASE DESC, workflows.id DESC",
            (SortBy::CreatedAt, false) => "workflows.id",
            (SortBy::CreatedAt, true) => "workflows.id DESC",
            (SortBy::LastUsedAt, false) => "COALESCE(workflows.last_used_at, 0), workflows.id",
            (SortBy::LastUsedAt, true) => {
                "COALESCE(workflows.last_used_at, 0) DESC, workflows.id DESC"
            }
        }
    }
}

/// Which workflows a list shows; what is not given does not matter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// On this service.
    pub service: Option<ServiceId>,
    /// Whether they are the asker's favourites.
    pub favorite: Option<bool>,
    /// Whose name or description contains this, whatever the case of ASCII letters.
    pub search: Option<&'a str>,
}

/// The workflows in `scope` that `filter` leaves, in `order`.
///
/// # Errors
/// What a failed statement means.
pub async fn list(
    sql: &dyn Sql,
    scope: Scope,
    filter: Filter<'_>,
    order: Order,
    window: Window,
    now: i64,
) -> Result<Listed<ListedWorkflow>, Error> {
    /// Parameters 2 to 6.
    const CONDITION: &str = "WHERE (?3 IS NULL OR workflows.user_id = ?3) \
         AND (?4 IS NULL OR workflows.service_id = ?4) \
         AND (?5 IS NULL OR ?5 = EXISTS (SELECT 1 FROM favorites \
             WHERE favorites.workflow_id = workflows.id AND favorites.user_id = ?2)) \
         AND (?6 IS NULL OR workflows.name LIKE ?6 ESCAPE '\\' \
             OR workflows.description LIKE ?6 ESCAPE '\\')";
    let mut parameters: Vec<Value> = vec![
        now.into(),
        scope.asker.0.into(),
        scope.owner(),
        filter.service.map(|id| id.0).into(),
        filter.favorite.map(i64::from).into(),
        filter.search.map(containing).into(),
    ];
    let count = format!("SELECT COUNT(*) FROM workflows {CONDITION}");
    let counted = sql.execute(&count, parameters.clone()).await;
    let counted = counted.map_err(failure)?;
    let select = format!(
        concat!(
            "SELECT ",
            workflow_columns!(),
            workflow_tables!(),
            "{} ORDER BY {} LIMIT ?7 OFFSET ?8"
        ),
        CONDITION,
        order.sql()
    );
    parameters.extend([window.limit.into(), window.skip.into()]);
    let rows = sql.execute(&select, parameters).await.map_err(failure)?;
    Listed::of(&rows, &counted, read)
}

/// The pattern of texts that contain `text`.
fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_letters_as_they_are() {
        let check = |text: &str, pattern: &str| assert_eq!(containing(text), pattern);
        check("cat", "%cat%");
        check("100%_\\", "%100\\%\\_\\\\%");
        check("", "%%");
    }
}
