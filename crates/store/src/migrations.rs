//! Migrations: forward only, embedded, applied once by one function.
//!
//! A migration's statements are applied and recorded one by one, because one call runs only the
//! first statement of a text. A crash between a statement and its record repeats the statement,
//! so each must bear it (`IF NOT EXISTS`; a column that is there already is tolerated here).
//! A row under a lease keeps two appliers apart, in whichever process or machine they are.

use crate::failure::failure;
use domain::{Error, ErrorKind};
use ports::{Sql, SqlError};

/// A migration: its number and name, and its text.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// The file's name without its ending, for example `0001_users_sessions_messages`.
    pub name: &'static str,
    /// Its statements.
    pub text: &'static str,
}

macro_rules! embedded {
    ($($name:literal),+ $(,)?) => {
        &[$(Migration {
            name: $name,
            text: include_str!(concat!("../../../migrations/", $name, ".sql")),
        }),+]
    };
}

/// Every migration, in order.
pub const MIGRATIONS: &[Migration] = embedded![
    "0001_users_sessions_messages",
    "0002_accounts",
    "0003_sessions_tickets",
    "0004_agents",
    "0005_runs",
    "0006_search",
    "0008_branches",
    "0009_codex",
    "0010_workflows",
    "0011_studio_runs",
    "0012_search",
];

/// How long one applier may take before another takes over.
const LEASE_MS: i64 = 60_000;

/// What [`apply`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// How many migrations were new to the database.
    pub migrations: usize,
    /// How many statements ran.
    pub statements: usize,
}

/// Brings the database to the newest of [`MIGRATIONS`]. Does nothing, with one query, where it
/// is there already. `now` is in milliseconds since 1970; `holder` tells appliers apart.
///
/// # Errors
/// Unavailable while another applies them (try again in a second) or when the database has
/// migrations that this program does not know; else what a failed statement means.
pub async fn apply(sql: &dyn Sql, now: i64, holder: &str) -> Result<Applied, Error> {
    apply_these(sql, MIGRATIONS, now, holder).await
}

async fn apply_these(
    sql: &dyn Sql,
    migrations: &[Migration],
    now: i64,
    holder: &str,
) -> Result<Applied, Error> {
    if let Some(applied) = recorded(sql).await?
        && pending(migrations, &applied)?.is_empty()
    {
        return Ok(Applied {
            migrations: 0,
            statements: 0,
        });
    }
    prepare(sql).await?;
    lock(sql, now, holder).await?;
    let done = apply_pending(sql, migrations, now).await;
    unlock(sql, holder).await?;
    done
}

/// The names and statement counts that the database has recorded; `None` for an empty database.
async fn recorded(sql: &dyn Sql) -> Result<Option<Vec<(String, i64)>>, Error> {
    let tables = sql
        .execute(
            "SELECT 1 FROM sqlite_schema WHERE name = 'migrations'",
            Vec::new(),
        )
        .await
        .map_err(failure)?;
    if tables.is_empty() {
        return Ok(None);
    }
    let rows = sql
        .execute(
            "SELECT name, MAX(statement) + 1 FROM migrations GROUP BY name",
            Vec::new(),
        )
        .await
        .map_err(failure)?;
    let applied = rows
        .iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect::<Result<_, _>>();
    applied.map(Some).map_err(failure)
}

/// The statements that are still to run: migration, place, text.
fn pending<'a>(
    migrations: &'a [Migration],
    applied: &[(String, i64)],
) -> Result<Vec<(&'a Migration, i64, &'a str)>, Error> {
    if let Some((unknown, _)) = applied
        .iter()
        .find(|(name, _)| migrations.iter().all(|known| known.name != name))
    {
        return Err(Error::new(
            ErrorKind::Unavailable,
            format!("The database is newer than this program: it has the migration {unknown}"),
        ));
    }
    let mut open = Vec::new();
    for migration in migrations {
        let done = applied
            .iter()
            .find(|(name, _)| name == migration.name)
            .map_or(0, |at| at.1);
        for (place, statement) in (0_i64..).zip(statements(migration.text)) {
            if place >= done {
                open.push((migration, place, statement));
            }
        }
    }
    Ok(open)
}

/// The statements of a migration's text: it may hold no `;` but the one that ends a statement at
/// a line's end, and comments stand on lines of their own or after a statement's part. Within a
/// trigger, which ends at a line `END;`, statements are its own.
fn statements(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let statement = first_statement(rest)?;
            rest = rest.get(statement.len()..).unwrap_or_default();
            let statement = statement.trim().trim_end_matches(';');
            if code(statement).next().is_some() {
                return Some(statement);
            }
        }
    })
}

/// The beginning of a text up to the end of its first statement; nothing of an empty one.
fn first_statement(text: &str) -> Option<&str> {
    let is_trigger = code(text).next()?.starts_with("CREATE TRIGGER ");
    let end = if is_trigger { "\nEND;\n" } else { ";\n" };
    let length = text.find(end).map_or(text.len(), |at| at + end.len());
    text.get(..length)
}

/// The lines that are more than a comment.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with("--"))
}

async fn prepare(sql: &dyn Sql) -> Result<(), Error> {
    // WAL makes commits twenty times as fast on a local file and stays with the file. A remote
    // database refuses it, and has its own way of being fast.
    let _refused = sql.execute("PRAGMA journal_mode = WAL", Vec::new()).await;
    for statement in [
        "CREATE TABLE IF NOT EXISTS migrations (name TEXT NOT NULL, statement INTEGER NOT NULL, \
         applied_at INTEGER NOT NULL, PRIMARY KEY (name, statement)) STRICT",
        "CREATE TABLE IF NOT EXISTS migration_lock (id INTEGER PRIMARY KEY CHECK (id = 1), \
         holder TEXT NOT NULL, until INTEGER NOT NULL) STRICT",
    ] {
        sql.execute(statement, Vec::new()).await.map_err(failure)?;
    }
    Ok(())
}

async fn lock(sql: &dyn Sql, now: i64, holder: &str) -> Result<(), Error> {
    const LOCK: &str = "INSERT INTO migration_lock (id, holder, until) VALUES (1, ?1, ?2) \
         ON CONFLICT (id) DO UPDATE SET holder = ?1, until = ?2 WHERE until < ?3 RETURNING id";
    let parameters = vec![holder.into(), (now + LEASE_MS).into(), now.into()];
    let rows = sql.execute(LOCK, parameters).await.map_err(failure)?;
    if rows.is_empty() {
        let detail = "The database is being migrated by another process";
        return Err(Error::new(ErrorKind::Unavailable, detail).retry_in(1));
    }
    Ok(())
}

async fn unlock(sql: &dyn Sql, holder: &str) -> Result<(), Error> {
    const UNLOCK: &str = "DELETE FROM migration_lock WHERE holder = ?1";
    sql.execute(UNLOCK, vec![holder.into()])
        .await
        .map(drop)
        .map_err(failure)
}

async fn apply_pending(
    sql: &dyn Sql,
    migrations: &[Migration],
    now: i64,
) -> Result<Applied, Error> {
    const RECORD: &str =
        "INSERT OR IGNORE INTO migrations (name, statement, applied_at) VALUES (?1, ?2, ?3)";
    // Read again under the lock: another may just have finished.
    let applied = recorded(sql).await?.unwrap_or_default();
    let open = pending(migrations, &applied)?;
    let mut names: Vec<&str> = open.iter().map(|(migration, ..)| migration.name).collect();
    names.dedup();
    for (migration, place, statement) in &open {
        run(sql, statement).await.map_err(|error| {
            Error::internal(format!(
                "migration {}, statement {place}: {error}",
                migration.name
            ))
        })?;
        let parameters = vec![migration.name.into(), (*place).into(), now.into()];
        sql.execute(RECORD, parameters).await.map_err(failure)?;
    }
    Ok(Applied {
        migrations: names.len(),
        statements: open.len(),
    })
}

async fn run(sql: &dyn Sql, statement: &str) -> Result<(), SqlError> {
    match sql.execute(statement, Vec::new()).await {
        // `ALTER TABLE … ADD COLUMN` knows no `IF NOT EXISTS`.
        Err(SqlError::Failed(reason)) if reason.contains("duplicate column name") => Ok(()),
        other => other.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_and_the_list_agree() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().replace(".sql", ""))
            .collect();
        files.sort();
        let names: Vec<&str> = MIGRATIONS.iter().map(|migration| migration.name).collect();
        assert_eq!(files, names);
    }

    #[test]
    fn texts_are_split_into_statements_that_can_run_again() {
        for migration in MIGRATIONS {
            for statement in statements(migration.text) {
                let code = code(statement).collect::<Vec<_>>().join("\n");
                let again = code.contains("IF NOT EXISTS")
                    || code.contains("IF EXISTS")
                    || code.starts_with("ALTER TABLE")
                    // What it filled is left alone.
                    || (code.starts_with("UPDATE ") && code.contains(" IS NULL"))
                    || code.starts_with("INSERT OR IGNORE");
                assert!(again, "{}: {code}", migration.name);
                match code.starts_with("CREATE TRIGGER ") {
                    true => assert!(code.ends_with("\nEND"), "{}: {code}", migration.name),
                    false => assert!(!code.contains(';'), "{}: {code}", migration.name),
                }
            }
        }
    }
}
