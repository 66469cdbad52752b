//! What an execution that died was waiting for.

use domain::{
    Error, Event,
    event::{DecidedEvent, Decision},
};
use ports::Platform;
use runner_api::{Client, rooms::Publish};
use store::{codex::approvals, runs::StoredRun};

/// Withdraws it, and tells the room: whoever was asked need not decide any more. The run goes on,
/// and may ask again.
///
/// # Errors
/// What a failed statement means.
pub(super) async fn withdraw(
    platform: &Platform,
    client: &Client,
    run: &StoredRun,
) -> Result<(), Error> {
    let now = platform.clock.now();
    let calls = approvals::withdraw(&*platform.sql, run.id, now).await?;
    if calls.is_empty() {
        return Ok(());
    }
    let events = calls.into_iter().map(|call_id| {
        Event::ApprovalDecided(DecidedEvent {
            call_id,
            decision: Decision::Withdrawn,
        })
    });
    let events = Publish {
        events: events.collect(),
    };
    if let Err(error) = client.publish(run.session_uuid, &events).await {
        eprintln!("run {}: withdrawals not told: {error}", run.uuid);
    }
    Ok(())
}
