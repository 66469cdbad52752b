//! What agents of coding sessions want to do, and what is said to it.

use crate::{
    failure::failure,
    rows::{all, count_of, first, known},
    runs::RunId,
};
use domain::{Error, ErrorKind, SessionId};
use ports::{Row, Sql, SqlError};

/// What is to be approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalKind {
    /// A command.
    Command,
    /// A patch.
    Patch,
}

impl ApprovalKind {
    /// Its name in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Patch => "patch",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Command, Self::Patch]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// What was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes, this once.
    Approved,
    /// Yes, and to the same for the rest of the session: to every patch, or to this command.
    ApprovedForSession,
    /// No.
    Denied,
    /// Nothing, in time.
    Expired,
    /// Nothing: the turn ended, or its executor did.
    Withdrawn,
}

impl Verdict {
    const ALL: [Self; 5] = [
        Self::Approved,
        Self::ApprovedForSession,
        Self::Denied,
        Self::Expired,
        Self::Withdrawn,
    ];

    /// Its name in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::ApprovedForSession => "approved_for_session",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The verdict of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// Whether it is a yes.
    #[must_use]
    pub fn is_yes(self) -> bool {
        matches!(self, Self::Approved | Self::ApprovedForSession)
    }
}

/// Something that is to be approved.
#[derive(Clone, Copy, Debug)]
pub struct NewApproval<'a> {
    /// The call that wants it.
    pub call_id: &'a str,
    /// What it is.
    pub kind: ApprovalKind,
    /// What it is, as JSON. Of the same command always the same text.
    pub subject: &'a str,
    /// Now.
    pub now: i64,
    /// Until when somebody may say something to it.
    pub expires_at: i64,
}

/// Asks for an approval, for a run that is being executed. `None` where somebody has to decide; else
/// what was said to the same before, for the whole session.
///
/// # Errors
/// A conflict when the run is not executed any more, else what a failed statement means.
pub async fn ask(
    sql: &dyn Sql,
    run: RunId,
    new: &NewApproval<'_>,
) -> Result<Option<Verdict>, Error> {
    const INSERT: &str = "\
        INSERT INTO codex_approvals (session_id, run_id, call_id, kind, subject, created_at, \
            expires_at, decision, decided_at) \
        SELECT session_id, id, ?2, ?3, ?4, ?5, ?6, said, CASE WHEN said IS NOT NULL THEN ?5 END \
        FROM (SELECT runs.session_id, runs.id, CASE WHEN EXISTS ( \
                SELECT 1 FROM codex_approvals AS earlier \
                WHERE earlier.session_id = runs.session_id AND earlier.kind = ?3 \
                    AND earlier.decision = 'approved_for_session' \
                    AND (?3 = 'patch' OR earlier.subject = ?4)) THEN 'approved' END AS said \
            FROM runs WHERE runs.id = ?1 AND runs.status = 'running') WHERE TRUE \
        ON CONFLICT (session_id, call_id) DO NOTHING RETURNING decision";
    let parameters = vec![
        run.0.into(),
        new.call_id.into(),
        new.kind.as_str().into(),
        new.subject.into(),
        new.now.into(),
        new.expires_at.into(),
    ];
    let said = first(sql, INSERT, parameters, verdict).await?;
    said.ok_or_else(|| {
        let detail = "The run is somebody else's, or gone";
        Error::new(ErrorKind::Conflict, detail)
    })
}

/// What was said to a call; the first `None` where nothing was ever asked, the second while nobody
/// has decided.
///
/// # Errors
/// What a failed statement means.
pub async fn said(
    sql: &dyn Sql,
    session: SessionId,
    call_id: &str,
) -> Result<Option<Option<Verdict>>, Error> {
    const SELECT: &str = "\
        SELECT decision FROM codex_approvals WHERE session_id = ?1 AND call_id = ?2";
    let parameters = vec![session.0.into(), call_id.into()];
    first(sql, SELECT, parameters, verdict).await
}

fn verdict(row: &Row) -> Result<Option<Verdict>, SqlError> {
    match row.get::<Option<String>>(0)? {
        None => Ok(None),
        Some(_) => known(row, 0, Verdict::parse).map(Some),
    }
}

/// Says something to a call. `false` where nothing waits for it: it was never asked, somebody was
/// first, its time is up, or nobody executes its run any more who could hear it.
///
/// # Errors
/// What a failed statement means.
pub async fn decide(
    sql: &dyn Sql,
    session: SessionId,
    call_id: &str,
    verdict: Verdict,
    now: i64,
) -> Result<bool, Error> {
    const UPDATE: &str = "\
        UPDATE codex_approvals SET decision = ?3, decided_at = ?4 \
        WHERE session_id = ?1 AND call_id = ?2 AND decision IS NULL \
            AND (?3 IN ('expired', 'withdrawn') OR (expires_at > ?4 AND EXISTS ( \
                SELECT 1 FROM runs \
                WHERE runs.id = codex_approvals.run_id AND runs.lease_until > ?4))) \
        RETURNING id";
    let parameters = vec![
        session.0.into(),
        call_id.into(),
        verdict.as_str().into(),
        now.into(),
    ];
    Ok(count_of(sql, UPDATE, parameters).await? > 0)
}

/// The call of the newest patch that waits.
///
/// # Errors
/// What a failed statement means.
pub async fn newest_patch(
    sql: &dyn Sql,
    session: SessionId,
    now: i64,
) -> Result<Option<String>, Error> {
    const SELECT: &str = "\
        SELECT call_id FROM codex_approvals \
        WHERE session_id = ?1 AND kind = 'patch' AND decision IS NULL AND expires_at > ?2 \
        ORDER BY id DESC LIMIT 1";
    let call = |row: &Row| row.get(0);
    first(sql, SELECT, vec![session.0.into(), now.into()], call).await
}

/// What came of an approved patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatchOutcome {
    /// It is applied.
    Applied,
    /// It could not be, and why.
    Failed(String),
}

/// Notes that an approved patch is being applied: what comes of it is not known until it is, also
/// where its turn ends meanwhile.
///
/// # Errors
/// What a failed statement means.
pub async fn applying(sql: &dyn Sql, session: SessionId, call_id: &str) -> Result<(), Error> {
    const UPDATE: &str = "\
        UPDATE codex_approvals SET outcome = 'applying' \
        WHERE session_id = ?1 AND call_id = ?2 AND outcome IS NULL";
    let parameters = vec![session.0.into(), call_id.into()];
    let done = sql.execute(UPDATE, parameters).await;
    done.map(drop).map_err(failure)
}

/// Notes what came of a patch that was approved.
///
/// # Errors
/// What a failed statement means.
pub async fn settle(
    sql: &dyn Sql,
    session: SessionId,
    call_id: &str,
    outcome: &PatchOutcome,
) -> Result<(), Error> {
    const UPDATE: &str = "\
        UPDATE codex_approvals SET outcome = ?3, detail = ?4 \
        WHERE session_id = ?1 AND call_id = ?2";
    let (word, detail) = match outcome {
        PatchOutcome::Applied => ("applied", None),
        PatchOutcome::Failed(why) => ("failed", Some(why.as_str())),
    };
    let parameters = vec![session.0.into(), call_id.into(), word.into(), detail.into()];
    let done = sql.execute(UPDATE, parameters).await;
    done.map(drop).map_err(failure)
}

/// What came of a patch; `None` while it is not known.
///
/// # Errors
/// Not found when the session was deleted, else what a failed statement means.
pub async fn outcome(
    sql: &dyn Sql,
    session: SessionId,
    call_id: &str,
) -> Result<Option<PatchOutcome>, Error> {
    const SELECT: &str = "\
        SELECT outcome, detail FROM codex_approvals WHERE session_id = ?1 AND call_id = ?2";
    let read = |row: &Row| {
        let detail: Option<String> = row.get(1)?;
        Ok(match row.get::<Option<String>>(0)?.as_deref() {
            None | Some("applying") => None,
            Some("applied") => Some(PatchOutcome::Applied),
            Some(_) => Some(PatchOutcome::Failed(detail.unwrap_or_default())),
        })
    };
    let found = first(sql, SELECT, vec![session.0.into(), call_id.into()], read).await?;
    found.ok_or_else(|| Error::not_found("Session not found"))
}

/// What a call wants to have approved, as JSON.
///
/// # Errors
/// What a failed statement means.
pub async fn subject(
    sql: &dyn Sql,
    session: SessionId,
    call_id: &str,
) -> Result<Option<String>, Error> {
    const SELECT: &str = "\
        SELECT subject FROM codex_approvals WHERE session_id = ?1 AND call_id = ?2";
    let parameters = vec![session.0.into(), call_id.into()];
    first(sql, SELECT, parameters, |row: &Row| row.get(0)).await
}

/// Withdraws what an execution that died was waiting for, and returns the calls on which nobody had
/// decided.
///
/// # Errors
/// What a failed statement means.
pub async fn withdraw(sql: &dyn Sql, run: RunId, now: i64) -> Result<Vec<String>, Error> {
    const UPDATE: &str = "\
        UPDATE codex_approvals SET \
            decision = COALESCE(decision, 'withdrawn'), decided_at = COALESCE(decided_at, ?2), \
            outcome = CASE WHEN kind = 'patch' THEN 'failed' END, \
            detail = 'The turn was interrupted' \
        WHERE run_id = ?1 AND (decision IS NULL OR ( \
            kind = 'patch' AND decision LIKE 'approved%' \
            AND (outcome IS NULL OR outcome = 'applying'))) \
        RETURNING CASE decision WHEN 'withdrawn' THEN call_id END";
    let call = |row: &Row| row.get::<Option<String>>(0);
    let calls = all(sql, UPDATE, vec![run.0.into(), now.into()], call).await?;
    Ok(calls.into_iter().flatten().collect())
}

/// An approval that is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The call that wants it.
    pub call_id: String,
    /// What it is.
    pub kind: ApprovalKind,
    /// What it is, as JSON.
    pub subject: String,
    /// Since when it is waited for.
    pub created_at: i64,
    /// Until when.
    pub expires_at: i64,
}

/// What a session waits for, oldest first, at most a hundred.
///
/// # Errors
/// What a failed statement means.
pub async fn pending(sql: &dyn Sql, session: SessionId, now: i64) -> Result<Vec<Pending>, Error> {
    const SELECT: &str = "\
        SELECT call_id, kind, subject, created_at, expires_at FROM codex_approvals \
        WHERE session_id = ?1 AND decision IS NULL AND expires_at > ?2 ORDER BY id LIMIT 100";
    let read = |row: &Row| {
        Ok(Pending {
            call_id: row.get(0)?,
            kind: known(row, 1, ApprovalKind::parse)?,
            subject: row.get(2)?,
            created_at: row.get(3)?,
            expires_at: row.get(4)?,
        })
    };
    all(sql, SELECT, vec![session.0.into(), now.into()], read).await
}
