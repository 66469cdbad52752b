//! `GET /sandbox/preview/{session_id}`.

use axum::extract::State;
use contracts::workspace::sandbox::{Preview, PreviewPort};
use http::HeaderMap;
use ports::Platform;
use runner_api::Client;
use web::{Json, NoStore, Outcome, OwnSession};

/// The URLs hold an entry, which is a secret.
pub(crate) async fn show(
    State(platform): State<Platform>,
    OwnSession(_, session): OwnSession,
    headers: HeaderMap,
) -> Outcome<NoStore<Json<Preview>>> {
    let client = Client::of(&platform, &headers);
    let previews = client.previews(session.uuid).await?;
    let ports = previews.ports.into_iter().map(|port| PreviewPort {
        container_port: port.container_port,
        host_port: port.host_port,
        url: port.url,
        listening: port.listening,
    });
    Ok(NoStore(Json(Preview {
        session_id: session.uuid.to_string(),
        ports: ports.collect(),
    })))
}
