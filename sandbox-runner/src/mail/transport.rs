//! What carries a message away: an SMTP server, or a folder.

use super::{MailError, Settings, queue};
use crate::disk::{make_private, write_whole};
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp,
};
use std::{
    error::Error as StdError,
    fmt, io,
    path::PathBuf,
    time::{Duration, SystemTime},
};

/// How long the SMTP server may take for each step.
const STEP: Duration = Duration::from_secs(30);

/// Answers to a login, which say something about the settings and nothing about the message.
const LOGIN: [u16; 5] = [454, 530, 534, 535, 538];

/// What carries mail away.
#[derive(Clone, Debug)]
pub enum Carrier {
    /// Nothing: each message becomes an `.eml` file in this folder.
    Outbox(PathBuf),
    /// An SMTP server.
    Smtp(SmtpUrl),
}

/// The address of an SMTP server, possibly with a login. Its `Debug` form does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpUrl(String);

impl From<String> for SmtpUrl {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmtpUrl(..)")
    }
}

/// Why a message did not leave.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    /// It never will.
    #[error("{0}")]
    Final(String),
    /// It may later.
    #[error("{0}")]
    ForNow(String),
}

/// A carrier that is ready.
pub(super) struct Transport {
    from: Mailbox,
    way: Way,
}

enum Way {
    Outbox(PathBuf),
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
}

impl Transport {
    pub(super) async fn new(settings: &Settings) -> Result<Self, MailError> {
        let from = settings.from.parse().map_err(|_| MailError::From)?;
        let way = match &settings.carrier {
            Carrier::Smtp(url) => Way::Smtp(
                AsyncSmtpTransport::<Tokio1Executor>::from_url(&url.0)
                    .map_err(|_| MailError::SmtpUrl)?
                    .timeout(Some(STEP))
                    .build(),
            ),
            Carrier::Outbox(folder) => {
                let made = {
                    let folder = folder.clone();
                    on_disk(move || make_private(&folder)).await
                };
                made.map_err(|source| MailError::Folder {
                    folder: folder.clone(),
                    source,
                })?;
                Way::Outbox(folder.clone())
            }
        };
        Ok(Self { from, way })
    }

    pub(super) fn name(&self) -> &'static str {
        match self.way {
            Way::Outbox(_) => "outbox",
            Way::Smtp(_) => "smtp",
        }
    }

    pub(super) async fn send(&self, stored: &queue::Message) -> Result<(), SendError> {
        let message = self.write(stored)?;
        match &self.way {
            Way::Smtp(server) => server
                .send(message)
                .await
                .map(drop)
                .map_err(|error| of_smtp(&error)),
            Way::Outbox(folder) => {
                let (folder, name) = (folder.clone(), format!("{}.eml", stored.id));
                on_disk(move || write_whole(&folder, &name, &message.formatted()))
                    .await
                    .map_err(|error| SendError::ForNow(error.to_string()))
            }
        }
    }

    /// The message as it goes over the wire. The builder encodes what could break a header.
    fn write(&self, stored: &queue::Message) -> Result<Message, SendError> {
        let is_final = |error: &dyn StdError| SendError::Final(error.to_string());
        let to: Address = stored.to.parse().map_err(|error| is_final(&error))?;
        let id = format!("<{}@{}>", stored.id, self.from.email.domain());
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(stored.subject.as_str())
            .message_id(Some(id))
            .date(SystemTime::UNIX_EPOCH + Duration::from_millis(stored.taken))
            .header(ContentType::TEXT_PLAIN)
            .body(stored.text.clone())
            .map_err(|error| is_final(&error))
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

fn of_smtp(error: &smtp::Error) -> SendError {
    let mut reason = error.to_string();
    if let Some(source) = error
        .source()
        .filter(|source| !reason.contains(&source.to_string()))
    {
        reason = format!("{reason}: {source}");
    }
    let about_login = error
        .status()
        .is_some_and(|code| LOGIN.contains(&u16::from(code)));
    if error.is_permanent() && !about_login {
        SendError::Final(reason)
    } else {
        SendError::ForNow(reason)
    }
}

async fn on_disk(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(io::Error::other(error)))
}
