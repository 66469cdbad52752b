//! A turn as `workspace` shows it.

use contracts::workspace::{
    chat::{ChatTurn, TurnRun},
    sessions::Message,
};
use domain::{Error, Role, Session};
use ports::Platform;
use store::{
    messages,
    runs::{self, StoredRun},
};

/// The turn that `run` of `session` is.
///
/// # Errors
/// Not found when the session was deleted meanwhile, or what a failed statement means.
pub(super) async fn of(
    platform: &Platform,
    session: &Session,
    run: &StoredRun,
) -> Result<ChatTurn, Error> {
    let gone = || Error::not_found("The session was deleted");
    let messages = messages::of_run(&*platform.sql, run.uuid).await?;
    let usage = runs::usage(&*platform.sql, run.id).await?;
    let usage = usage.ok_or_else(gone)?;
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
            status: match run.status.is_final() {
                true => run.status.as_str(),
                false => "running",
            },
            reason: run.reason.clone(),
            detail: run.detail.clone(),
            input_tokens: usage.input,
            output_tokens: usage.output,
            cost: agent::Cost(usage.cost.unsigned_abs()).units(),
            estimated: usage.estimated,
        },
    })
}
