//! The writer of an answer.
//!
//! It runs as a task of its own: from the model to the database, and to the reader as long as
//! there is one. It holds the answer under a lease; whoever finds the lease run out knows that
//! the writer is gone.

use crate::{context, model, tokens::Tokens};
use bytes::Bytes;
use contracts::{Contract, Problem};
use domain::{Error, ErrorKind, MessageId, MessageStatus, SessionId};
use futures::{
    StreamExt, TryFutureExt,
    channel::{
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
        oneshot,
    },
    future::{Either, select},
};
use llm::Event;
use ports::Platform;
use std::{pin::pin, time::Duration};
use web::{DefaultModel, sse};

/// How long an answer is held without renewal, in milliseconds.
pub(crate) const LEASE_MS: i64 = 15_000;

/// How often the lease is renewed and the text so far is stored.
const TICK: Duration = Duration::from_secs(3);

/// A silent stream gets a heartbeat every so many ticks: every 15 s.
const TICKS_PER_HEARTBEAT: u32 = 5;

/// The longest answer, in bytes.
const ANSWER_MAX_BYTES: usize = 256 * 1024;

/// How often the end of an answer is tried to be stored, a second apart.
const FINISH_TRIES: u32 = 5;

/// What a writer is to do.
pub(crate) struct Assignment {
    pub(crate) session: SessionId,
    pub(crate) answer: MessageId,
    pub(crate) model: DefaultModel,
}

/// Sets a writer on the answer. Returns what it sends, once there is a first token.
///
/// # Errors
/// The model's fault, if there is none.
pub(crate) async fn write(
    platform: &Platform,
    assignment: Assignment,
) -> Result<UnboundedReceiver<Bytes>, Error> {
    let (head, first) = oneshot::channel();
    let writer = Writer {
        platform: platform.clone(),
        answer: assignment.answer,
        text: String::new(),
        stored: 0,
        tokens: Tokens::default(),
        reader: Reader::Waiting(head),
    };
    platform.tasks.spawn(Box::pin(writer.run(assignment)));
    first
        .await
        .unwrap_or_else(|gone| Err(Error::internal(gone)))
}

/// The reader, from the writer's side.
enum Reader {
    /// For the first token, or the error in its place.
    Waiting(oneshot::Sender<Result<UnboundedReceiver<Bytes>, Error>>),
    /// For more.
    Reading(UnboundedSender<Bytes>),
    /// No more.
    Gone,
}

struct Writer {
    platform: Platform,
    answer: MessageId,
    text: String,
    /// How much of the text is stored.
    stored: usize,
    tokens: Tokens,
    reader: Reader,
}

impl Writer {
    async fn run(mut self, assignment: Assignment) {
        let outcome = self.take_down(&assignment).await;
        self.end(outcome).await;
    }

    /// Takes down what the model says, to its end.
    async fn take_down(&mut self, assignment: &Assignment) -> Result<(), Error> {
        let Assignment {
            session,
            answer,
            model,
        } = assignment;
        let request = context::request(&*self.platform.sql, *session, *answer).await?;
        let client = llm::Client::new(self.platform.http.clone(), self.platform.clock.clone());
        let asked = client.stream(&model.endpoint, &request, &model.timeouts);
        let mut events = pin!(asked.try_flatten_stream());
        let mut tick = self.platform.clock.sleep(TICK);
        let mut ticks = 0;
        loop {
            match select(events.next(), &mut tick).await {
                Either::Left((Some(Ok(Event::Text(text))), _)) => self.take(&text)?,
                Either::Left((Some(Ok(Event::Finish { .. })) | None, _)) => return Ok(()),
                // Reasoning and usage are not part of this contract, and it offers no tools.
                Either::Left((Some(Ok(_)), _)) => {}
                Either::Left((Some(Err(error)), _)) => return Err(model::fault(&error)),
                Either::Right(((), _)) => {
                    tick = self.platform.clock.sleep(TICK);
                    ticks += 1;
                    self.renew().await?;
                    if ticks % TICKS_PER_HEARTBEAT == 0 {
                        self.send(sse::HEARTBEAT);
                    }
                }
            }
        }
    }

    fn take(&mut self, text: &str) -> Result<(), Error> {
        if self.text.len() + text.len() > ANSWER_MAX_BYTES {
            let detail = "The model's answer is longer than the limit";
            return Err(Error::new(ErrorKind::Upstream, detail));
        }
        self.text.push_str(text);
        if let Some(event) = self.tokens.event(text) {
            self.open();
            self.send(event);
        }
        Ok(())
    }

    /// Lets the waiting reader in.
    fn open(&mut self) {
        if let Reader::Waiting(_) = self.reader {
            let (sender, receiver) = unbounded();
            let reader = std::mem::replace(&mut self.reader, Reader::Reading(sender));
            if let Reader::Waiting(head) = reader
                && head.send(Ok(receiver)).is_err()
            {
                self.reader = Reader::Gone;
            }
        }
    }

    fn send(&mut self, event: Bytes) {
        if let Reader::Reading(sender) = &self.reader
            && sender.unbounded_send(event).is_err()
        {
            self.reader = Reader::Gone;
        }
    }

    async fn renew(&mut self) -> Result<(), Error> {
        let sql = &*self.platform.sql;
        let until = self.platform.clock.now() + LEASE_MS;
        let news = (self.stored < self.text.len()).then_some(self.text.as_str());
        match store::answers::renew(sql, self.answer, news, until).await {
            Ok(true) => self.stored = self.text.len(),
            Ok(false) => return Err(Error::not_found("The conversation is no longer there")),
            // The next tick tries again; the lease bears several that fail.
            Err(error) => eprintln!("answer {}: not renewed: {error}", self.answer),
        }
        Ok(())
    }

    async fn end(mut self, outcome: Result<(), Error>) {
        let stored = match &outcome {
            Err(_) if self.text.is_empty() => self.withdraw().await,
            Err(_) => self.finish(MessageStatus::Failed).await,
            Ok(()) => self.finish(MessageStatus::Complete).await,
        };
        match outcome.and(stored) {
            // An answer without a word is an answer: an empty stream.
            Ok(()) => self.open(),
            Err(error) => self.report(error),
        }
    }

    /// Tells the reader that the answer was cut short.
    fn report(mut self, error: Error) {
        eprintln!("answer {}: {}", self.answer, error.with_causes());
        match std::mem::replace(&mut self.reader, Reader::Gone) {
            // A reader that has left in the meantime needs no error.
            Reader::Waiting(head) => drop(head.send(Err(error))),
            reader => {
                self.reader = reader;
                self.send(sse::error(&Problem::of(
                    &error,
                    Contract::Chat,
                    "/api/v1/chat",
                )));
            }
        }
    }

    async fn withdraw(&self) -> Result<(), Error> {
        store::answers::withdraw(&*self.platform.sql, self.answer).await
    }

    async fn finish(&self, status: MessageStatus) -> Result<(), Error> {
        let mut tries = 0;
        loop {
            let (sql, now) = (&*self.platform.sql, self.platform.clock.now());
            match store::answers::finish(sql, self.answer, &self.text, status, now).await {
                Ok(true) => return Ok(()),
                Ok(false) => return Err(Error::not_found("The conversation is no longer there")),
                Err(error) if tries == FINISH_TRIES => return Err(error),
                Err(_) => tries += 1,
            }
            self.platform.clock.sleep(Duration::from_secs(1)).await;
        }
    }
}
