//! What an agent has done.

use crate::agents::unknown;
use axum::extract::State;
use contracts::studio::executions::Execution;
use domain::{AgentId, ExecutionStatus, SessionId, Timestamp};
use ports::Platform;
use store::executions::{self as stored, ExecutionFilter};
use web::{Administrator, Id, Outcome, PagedEnvelope, Parameters, filter, whole_number, window};

/// A day without its last millisecond.
const REST_OF_DAY_MS: i64 = 86_400_000 - 1;

pub(crate) async fn list(
    State(platform): State<Platform>,
    _: Administrator,
    Id(id): Id,
    query: Parameters,
) -> Outcome<PagedEnvelope<Execution>> {
    let only = ExecutionFilter {
        session: filter(&query, "sessionId", whole_number)?.map(SessionId),
        status: filter(&query, "status", ExecutionStatus::parse)?,
        from: filter(&query, "startTime", instant)?,
        to: filter(&query, "endTime", last_instant)?,
    };
    let sql = &*platform.sql;
    let listed = stored::list(sql, AgentId(id), only, window(&query)?).await?;
    if listed.total == 0 && store::agents::find(sql, AgentId(id)).await?.is_none() {
        return Err(unknown().into());
    }
    Ok(PagedEnvelope {
        items: listed.items.into_iter().map(Execution::from).collect(),
        total: listed.total,
    })
}

/// In a query that was not encoded, the plus of an offset has become a blank.
fn instant(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse(&text.replace(' ', "+"))
}

/// Until when: of a day, until its end.
fn last_instant(text: &str) -> Result<Timestamp, &'static str> {
    let Timestamp(first) = instant(text)?;
    let is_day = text.len() == "2026-01-31".len();
    let rest = if is_day { REST_OF_DAY_MS } else { 0 };
    Ok(Timestamp(first.saturating_add(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_queries() {
        let check = |text: &str, from: Option<i64>, to: Option<i64>| {
            assert_eq!(instant(text).ok(), from.map(Timestamp), "{text}");
            assert_eq!(last_instant(text).ok(), to.map(Timestamp), "{text}");
        };
        check("1970-01-01", Some(0), Some(86_399_999));
        check("1970-01-01T00:00:01Z", Some(1000), Some(1000));
        check("1970-01-01T01:00:01 01:00", Some(1000), Some(1000));
        check("today", None, None);
    }
}
