//! A turn as `workspace` shows it.

use contracts::workspace::{
    chat::{ChatTurn, TurnRun},
    sessions::Message,
};
use domain::{Error, Role, Session};
use ports::Platform;
use store::{
    messages,
    runs::{RunStatus, StoredRun},
};
use uuid::Uuid;

/// A turn that has ended.
pub(super) struct Ended {
    pub(super) turn: ChatTurn,
    /// Why nobody answered, where nobody did although somebody should have.
    pub(super) fault: Option<Error>,
}

/// Waits until `run` of `session` has ended, and returns the turn that it is.
///
/// # Errors
/// Not found when the session was deleted meanwhile, a timeout when it takes too long, or what a
/// failed statement means.
pub(super) async fn ended(
    platform: &Platform,
    session: &Session,
    run: Uuid,
) -> Result<Ended, Error> {
    let run = runs::ended(platform, run).await?;
    let turn = of(platform, session, &run).await?;
    let is_unanswered = turn.responses.is_empty() && run.status != RunStatus::Succeeded;
    let fault = is_unanswered.then(|| runs::unanswered(&run));
    Ok(Ended { turn, fault })
}

async fn of(platform: &Platform, session: &Session, run: &StoredRun) -> Result<ChatTurn, Error> {
    let gone = || Error::not_found("The session was deleted");
    let messages = messages::of_run(&*platform.sql, run.uuid).await?;
    let (user, responses): (Vec<_>, Vec<_>) = messages
        .into_iter()
        .partition(|message| message.role == Role::User);
    let user = user.into_iter().next().ok_or_else(gone)?;
    let responses = responses.into_iter();
    Ok(ChatTurn {
        user: Message::of(session, user),
        responses: responses
            .map(|message| Message::of(session, message))
            .collect(),
        run: TurnRun {
            id: run.uuid.to_string(),
            status: run.status.as_str(),
            reason: run.reason.clone(),
            detail: run.detail.clone(),
            usage: run.usage.into(),
        },
    })
}
