//! `GET /sessions/{id}/export`: a conversation as a file, page by page as it is read.

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use contracts::workspace::{chat::Exported, sessions::Message};
use domain::{Error, Role, Session, SessionKey, SessionKind, Timestamp, Usage};
use futures::stream;
use http::{HeaderValue, header};
use ports::Platform;
use store::{
    Window, messages,
    sessions::{Scope, find},
};
use web::{Outcome, Parameters, Segment, SignedIn};

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
    signed_in: SignedIn,
    Segment(id): Segment,
    query: Parameters,
) -> Outcome<Response> {
    let session = own(&platform, &signed_in, &id).await?;
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

/// The asker's own session, be it a conversation of the `chat` contract.
async fn own(platform: &Platform, signed_in: &SignedIn, id: &str) -> Result<Session, Error> {
    let unknown = || Error::not_found("Session not found");
    let key = SessionKey::parse(id).ok_or_else(unknown)?;
    let scope = Scope::of(signed_in.account.id, &SessionKind::ALL);
    let found = find(&*platform.sql, scope, key).await?;
    found.ok_or_else(unknown)
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
        let took = message.usage.map(took).unwrap_or_default();
        text.push_str(&format!("\n## {who}{status}\n\n{when}{took}\n\n"));
        text.push_str(message.content.trim_end());
        text.push('\n');
    }
}

/// What a message took, after its time.
fn took(usage: Usage) -> String {
    let about = if usage.estimated { "about " } else { "" };
    let (input, output, cost) = (usage.input, usage.output, usage.units());
    format!(", {about}{input} tokens asked and {output} answered, cost {cost}")
}

/// A time as answers have it.
fn time(at: Timestamp) -> String {
    contracts::to_json(&at).trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_took() {
        let check = |output: i64, cost: i64, estimated: bool, expected: &str| {
            let usage = Usage {
                input: 1_000,
                output,
                cost,
                estimated,
            };
            assert_eq!(took(usage), expected);
        };
        check(
            10,
            2_600_000_000,
            false,
            ", 1000 tokens asked and 10 answered, cost 0.0026",
        );
        check(
            0,
            0,
            true,
            ", about 1000 tokens asked and 0 answered, cost 0",
        );
    }
}
