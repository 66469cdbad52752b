//! The sockets of `/ws`.

use crate::state::{Locked, State};
use axum::extract::ws::{Message, WebSocket};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::{mpsc, watch};

#[derive(Default)]
pub(crate) struct Sockets {
    inner: Locked<Inner>,
    /// Changes when all sockets are to be cut off.
    cuts: watch::Sender<u64>,
}

#[derive(Default)]
struct Inner {
    by_client: BTreeMap<String, Socket>,
    /// The client whose prompt runs, and the node that does.
    running: Option<(String, Option<String>)>,
    /// The type of frames that are no JSON.
    garbled: Option<String>,
}

struct Socket {
    sender: mpsc::UnboundedSender<Message>,
    wants_metadata: bool,
}

impl Sockets {
    pub(crate) fn clients(&self) -> Vec<String> {
        self.inner.lock().by_client.keys().cloned().collect()
    }

    /// Sends to one client, if it has a socket, or to all.
    pub(crate) fn send(&self, client: Option<&str>, kind: &str, data: &Value) {
        let mut text = json!({"type": kind, "data": data}).to_string();
        let inner = self.inner.lock();
        if inner.garbled.as_deref() == Some(kind) {
            // As Python writes what is no number.
            text = text.replacen('{', "{\"odd\":NaN,", 1);
        }
        for (id, socket) in &inner.by_client {
            if client.is_none_or(|client| client == id) {
                // A socket that is gone is forgotten by its own task.
                let _ = socket.sender.send(Message::text(text.clone()));
            }
        }
    }

    /// Sends a preview picture to one client, in the form that it can read.
    pub(crate) fn send_preview(&self, client: &str, prompt_id: &str, node: &str, png: &[u8]) {
        let inner = self.inner.lock();
        let Some(socket) = inner.by_client.get(client) else {
            return;
        };
        let mut frame = Vec::new();
        if socket.wants_metadata {
            let about = json!({"node_id": node, "display_node_id": node, "real_node_id": node,
                "prompt_id": prompt_id, "parent_node_id": null, "image_type": "image/png"});
            let about = about.to_string();
            let length = u32::try_from(about.len()).unwrap_or_default();
            frame.extend_from_slice(&4_u32.to_be_bytes());
            frame.extend_from_slice(&length.to_be_bytes());
            frame.extend_from_slice(about.as_bytes());
        } else {
            frame.extend_from_slice(&1_u32.to_be_bytes());
            frame.extend_from_slice(&2_u32.to_be_bytes());
        }
        frame.extend_from_slice(png);
        let _ = socket.sender.send(Message::binary(frame));
    }

    /// Notes which node of whose prompt runs, for clients that come back.
    pub(crate) fn runs(&self, running: Option<(String, Option<String>)>) {
        self.inner.lock().running = running;
    }

    pub(crate) fn garble(&self, kind: &str) {
        self.inner.lock().garbled = Some(kind.to_owned());
    }

    pub(crate) fn drop_all(&self) {
        self.inner.lock().by_client.clear();
        self.cuts.send_modify(|count| *count += 1);
    }
}

/// Serves one socket until either side ends it.
pub(crate) async fn serve(mut socket: WebSocket, client: String, state: Arc<State>) {
    let (sender, mut frames) = mpsc::unbounded_channel();
    let mut cuts = state.sockets.cuts.subscribe();
    // The old socket of this client, if there is one, is forgotten but stays open: it keeps a
    // sender of its own, as this one does.
    let _own = sender.clone();
    state.sockets.inner.lock().by_client.insert(
        client.clone(),
        Socket {
            sender,
            wants_metadata: false,
        },
    );
    greet(&state, &client);
    let mut is_first = true;
    loop {
        tokio::select! {
            // Without a close frame.
            _ = cuts.changed() => return,
            Some(frame) = frames.recv() => if socket.send(frame).await.is_err() { break },
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => {
                    if std::mem::take(&mut is_first) {
                        note_features(&state, &client, &text);
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
        }
    }
    // A new socket of the same client goes with the old one: so does the real server.
    state.sockets.inner.lock().by_client.remove(&client);
}

fn greet(state: &State, client: &str) {
    let remaining = state.queue.lock().remaining();
    let status = json!({"status": {"exec_info": {"queue_remaining": remaining}}, "sid": client});
    state.sockets.send(Some(client), "status", &status);
    let running = state.sockets.inner.lock().running.clone();
    if let Some((running, Some(node))) = running
        && running == client
    {
        let executing = json!({"node": node});
        state.sockets.send(Some(client), "executing", &executing);
    }
}

fn note_features(state: &State, client: &str, text: &str) {
    let Ok(frame) = serde_json::from_str::<Value>(text) else {
        return;
    };
    if frame.get("type").and_then(Value::as_str) != Some("feature_flags") {
        return;
    }
    let wants = frame
        .get("data")
        .and_then(|data| data.get("supports_preview_metadata")?.as_bool());
    if let Some(socket) = state.sockets.inner.lock().by_client.get_mut(client) {
        socket.wants_metadata = wants.unwrap_or(false);
    }
    let features = json!({"supports_preview_metadata": true, "max_upload_size": 104_857_600});
    state.sockets.send(Some(client), "feature_flags", &features);
}
