//! Executions: the history of agents.

use crate::{
    Listed, Window,
    failure::failure,
    listed::listed,
    rows::{count_of, first, flag, instant, known, uuid},
};
use domain::{
    AgentId, Error, Execution, ExecutionId, ExecutionStatus, ExecutionType, SessionId, Timestamp,
    TokenUsage,
};
use ports::{Row, Sql, SqlError};
use uuid::Uuid;

/// What [`read`] reads.
macro_rules! columns {
    () => {
        "id, uuid, run_id, agent_id, session_id, execution_type, status, reason, started_at, \
         ended_at, input_tokens, output_tokens, cost, estimated"
    };
}

/// The condition of [`ExecutionFilter`].
macro_rules! filtered {
    () => {
        "agent_id = ?1 AND (?2 IS NULL OR session_id = ?2) AND (?3 IS NULL OR status = ?3) \
         AND (?4 IS NULL OR started_at >= ?4) AND (?5 IS NULL OR started_at <= ?5)"
    };
}

/// An execution that begins.
#[derive(Clone, Copy, Debug)]
pub struct NewExecution<'a> {
    /// Its number for the outside.
    pub uuid: Uuid,
    /// The run that it is part of.
    pub run_id: Option<&'a str>,
    /// Who executes.
    pub agent: AgentId,
    /// Where.
    pub session: Option<SessionId>,
    /// What for.
    pub execution_type: ExecutionType,
    /// When.
    pub now: i64,
}

/// How an execution ended.
#[derive(Clone, Copy, Debug)]
pub struct Ending<'a> {
    /// How; one that is `Running` has not ended.
    pub status: ExecutionStatus,
    /// Why it failed or was cancelled.
    pub reason: Option<&'a str>,
    /// What it used.
    pub usage: TokenUsage,
    /// When.
    pub now: i64,
}

/// Which executions a list shows; what is not given does not matter.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExecutionFilter {
    /// In this session.
    pub session: Option<SessionId>,
    /// Of this status.
    pub status: Option<ExecutionStatus>,
    /// Begun then or later.
    pub from: Option<Timestamp>,
    /// Begun then or earlier.
    pub to: Option<Timestamp>,
}

/// Stores an execution that begins. One with the same uuid that is there already, because a
/// crash came between it and what followed, is returned as it is. `None` when there is no such
/// agent.
///
/// # Errors
/// What a failed statement means.
pub async fn insert(sql: &dyn Sql, new: &NewExecution<'_>) -> Result<Option<Execution>, Error> {
    // An update of nothing, because only a row that was written is returned.
    const INSERT: &str = concat!(
        "INSERT INTO executions (uuid, run_id, agent_id, session_id, execution_type, status, \
             started_at) \
         SELECT ?1, ?2, agents.id, ?4, ?5, 'RUNNING', ?6 FROM agents WHERE agents.id = ?3 \
         ON CONFLICT (uuid) DO UPDATE SET uuid = excluded.uuid RETURNING ",
        columns!()
    );
    let parameters = vec![
        new.uuid.to_string().into(),
        new.run_id.into(),
        new.agent.0.into(),
        new.session.map(|id| id.0).into(),
        new.execution_type.as_str().into(),
        new.now.into(),
    ];
    first(sql, INSERT, parameters, read).await
}

/// The number of an execution.
///
/// # Errors
/// What a failed statement means.
pub async fn number(sql: &dyn Sql, uuid: Uuid) -> Result<Option<i64>, Error> {
    const SELECT: &str = "SELECT id FROM executions WHERE uuid = ?1";
    let parameters = vec![uuid.to_string().into()];
    first(sql, SELECT, parameters, |row: &Row| row.get(0)).await
}

/// Ends a running execution. `false` when it had ended, or there is none.
///
/// # Errors
/// What a failed statement means.
pub async fn finish(sql: &dyn Sql, uuid: Uuid, ending: &Ending<'_>) -> Result<bool, Error> {
    const UPDATE: &str = "UPDATE executions SET status = ?2, reason = ?3, ended_at = ?4, \
             input_tokens = ?5, output_tokens = ?6, cost = ?7, estimated = ?8 \
         WHERE uuid = ?1 AND status = 'RUNNING' RETURNING id";
    let usage = ending.usage;
    let parameters = vec![
        uuid.to_string().into(),
        ending.status.as_str().into(),
        ending.reason.into(),
        ending.now.into(),
        usage.input.into(),
        usage.output.into(),
        usage.cost.into(),
        i64::from(usage.estimated).into(),
    ];
    Ok(count_of(sql, UPDATE, parameters).await? > 0)
}

/// Adds to what an execution used, be it one that has ended.
///
/// # Errors
/// What a failed statement means.
pub async fn use_more(sql: &dyn Sql, uuid: Uuid, usage: TokenUsage) -> Result<(), Error> {
    const UPDATE: &str = "UPDATE executions SET input_tokens = input_tokens + ?2, \
             output_tokens = output_tokens + ?3, cost = cost + ?4, estimated = MAX(estimated, ?5) \
         WHERE uuid = ?1";
    let parameters = vec![
        uuid.to_string().into(),
        usage.input.into(),
        usage.output.into(),
        usage.cost.into(),
        i64::from(usage.estimated).into(),
    ];
    sql.execute(UPDATE, parameters)
        .await
        .map(drop)
        .map_err(failure)
}

/// The executions of an agent that `filter` lets through, newest first.
///
/// # Errors
/// What a failed statement means.
pub async fn list(
    sql: &dyn Sql,
    agent: AgentId,
    filter: ExecutionFilter,
    window: Window,
) -> Result<Listed<Execution>, Error> {
    const STATEMENTS: (&str, &str) = (
        concat!("SELECT COUNT(*) FROM executions WHERE ", filtered!()),
        concat!(
            "SELECT ",
            columns!(),
            " FROM executions WHERE ",
            filtered!(),
            " ORDER BY id DESC LIMIT ?6 OFFSET ?7"
        ),
    );
    let parameters = vec![
        agent.0.into(),
        filter.session.map(|id| id.0).into(),
        filter.status.map(ExecutionStatus::as_str).into(),
        filter.from.map(|from| from.0).into(),
        filter.to.map(|to| to.0).into(),
    ];
    listed(sql, STATEMENTS, parameters, window, read).await
}

fn read(row: &Row) -> Result<Execution, SqlError> {
    Ok(Execution {
        id: ExecutionId(row.get(0)?),
        uuid: uuid(row, 1)?,
        run_id: row.get(2)?,
        agent_id: AgentId(row.get(3)?),
        session_id: row.get::<Option<i64>>(4)?.map(SessionId),
        execution_type: known(row, 5, |text| ExecutionType::parse(text).ok())?,
        status: known(row, 6, |text| ExecutionStatus::parse(text).ok())?,
        reason: row.get(7)?,
        started_at: Timestamp(row.get(8)?),
        ended_at: instant(row, 9)?,
        usage: TokenUsage {
            input: row.get(10)?,
            output: row.get(11)?,
            cost: row.get(12)?,
            estimated: flag(row, 13)?,
        },
    })
}
