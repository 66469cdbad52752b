//! Has the runner drive a turn of a coding session.

use runner_api::{
    Client,
    runs::{Drive, Executor},
};
use uuid::Uuid;

/// Has the runner drive a run that is stored. Where it cannot be asked it looks for such runs by
/// itself, later.
pub async fn drive(client: &Client, run: Uuid, session: Uuid, user: i64) {
    let drive = Drive {
        run,
        session,
        user,
        executor: Executor::Sandbox,
        room: None,
    };
    if let Err(error) = client.drive(&drive).await {
        eprintln!("run {run}: not driven yet: {error}");
    }
}
