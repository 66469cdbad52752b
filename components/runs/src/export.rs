//! `GET /sessions/{id}/export`: a conversation as a file, page by page as it is read.

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use contracts::workspace::{chat::Exported, sessions::Message};
use domain::{Error, Role, Session, Timestamp};
use futures::stream;
use http::{HeaderValue, header};
use ports::Platform;
use store::{Window, messages};
use web::{Outcome, OwnSession, Parameters};

/// How many messages are read at a time.
const AT_ONCE: i64 = 100;

/// How a conversation is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Markdown,
    Json,
}

impl Format {
    fn named(name: &str) -> Result<Self, Error> {
        match name {
            "" | "markdown" => Ok(Self::Markdown),
            "json" => Ok(Self::Json),
            _ => Err(Error::invalid_field(
                "query.format",
                "must be `markdown` or `json`",
            )),
        }
    }

    /// Its media type, and how its files end.
    fn kind(self) -> (&'static str, &'static str) {
        match self {
            Self::Markdown => ("text/markdown; charset=utf-8", "md"),
            Self::Json => ("application/json", "json"),
        }
    }
}

pub(crate) async fn export(
    State(platform): State<Platform>,
    OwnSession(_, session): OwnSession,
    query: Parameters,
) -> Outcome<Response> {
    let format = Format::named(query.get("format").unwrap_or_default())?;
    let (media_type, ending) = format.kind();
    let name = format!(
        "attachment; filename=\"conversation-{}.{ending}\"",
        session.uuid
    );
    let name = HeaderValue::try_from(name).map_err(Error::internal)?;
    let mut reading = Reading {
        platform,
        session,
        format,
        skip: 0,
        at: At::Head,
    };
    // What goes wrong at once is said as an error, and not by a file that breaks off.
    let first = reading.next().await?.unwrap_or_default();
    let rest = stream::try_unfold(reading, async |mut reading| {
        let piece = reading.next().await?;
        Ok::<_, Error>(piece.map(|piece| (piece, reading)))
    });
    let first = stream::iter([Ok(first)]);
    let body = Body::from_stream(futures::StreamExt::chain(first, rest));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, body).into_response())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Head,
    Messages,
    Over,
}

struct Reading {
    platform: Platform,
    session: Session,
    format: Format,
    skip: i64,
    at: At,
}

impl Reading {
    /// The next piece of the file; it is never empty.
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        match self.at {
            At::Over => return Ok(None),
            At::Head => {
                self.at = At::Messages;
                return Ok(Some(self.head().into()));
            }
            At::Messages => {}
        }
        let (sql, now) = (&*self.platform.sql, self.platform.clock.now());
        let window = Window {
            skip: self.skip,
            limit: AT_ONCE,
        };
        let listed = messages::of_session(sql, self.session.id, Some(window), AT_ONCE, now).await?;
        let count = i64::try_from(listed.items.len()).unwrap_or(AT_ONCE);
        if count == 0 {
            self.at = At::Over;
            return Ok(match self.format {
                Format::Markdown => None,
                Format::Json => Some(Bytes::from_static(b"]}\n")),
            });
        }
        let mut text = String::new();
        for message in listed.items {
            self.write(message, &mut text);
            self.skip += 1;
        }
        Ok(Some(text.into()))
    }

    fn head(&self) -> String {
        let session = &self.session;
        match self.format {
            Format::Markdown => {
                let title = session.title.as_deref().unwrap_or("Conversation");
                format!("# {title}\n\n{}\n", time(session.created_at))
            }
            Format::Json => {
                let whole = contracts::to_json(&Exported {
                    session_id: session.uuid.to_string(),
                    title: session.title.clone(),
                    created_at: session.created_at,
                    messages: Vec::new(),
                });
                whole.trim_end_matches("]}").to_owned()
            }
        }
    }

    fn write(&self, message: domain::Message, text: &mut String) {
        if self.format == Format::Json {
            if self.skip > 0 {
                text.push(',');
            }
            let message = Message::of(&self.session, message);
            text.push_str(&contracts::to_json(&message));
            return;
        }
        let who = match message.role {
            Role::User => "User",
            Role::Assistant => message.agent.as_deref().unwrap_or("Assistant"),
        };
        let status = match message.status {
            domain::MessageStatus::Complete => String::new(),
            status => format!(" ({})", status.as_str()),
        };
        let when = time(message.created_at);
        text.push_str(&format!("\n## {who}{status}\n\n{when}\n\n"));
        text.push_str(message.content.trim_end());
        text.push('\n');
    }
}

/// A time as answers have it.
fn time(at: Timestamp) -> String {
    contracts::to_json(&at).trim_matches('"').to_owned()
}
