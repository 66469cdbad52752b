//! Asks a model, and takes its answer down.

use super::{Halt, Loop};
use crate::{
    Agent, Answer, Body, Call, Compaction, End, Kind, MessageState, Reason, Transcript, Usage,
    Wait,
    limits::{self, MESSAGE},
    retry::{Retry, retry, spread},
    usage::estimate,
};
use futures::{StreamExt, TryFutureExt};
use llm::{Event, FinishReason, Request};
use std::{pin::pin, time::Duration};
use uuid::Uuid;

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The answer is recorded, whatever it is.
    Recorded,
    /// The server says that the question is too long.
    TooLong,
    /// The model could not be asked.
    Never(End),
}

/// An answer as it comes.
#[derive(Default)]
struct Taken {
    started: bool,
    text: String,
    /// Blanks that came before the first word: they are shown only when a word comes.
    blanks: String,
    calls: Vec<llm::ToolCall>,
    arguments: usize,
    usage: Option<llm::Usage>,
    finish: Option<FinishReason>,
    /// Whether the text is ours, because the model came to its end without a word.
    silent: bool,
}

/// Why an answer is not whole.
enum Fault {
    Model(llm::Error),
    /// It goes beyond a limit of ours.
    TooLong(&'static str),
    Halt(Halt),
}

impl From<llm::Error> for Fault {
    fn from(error: llm::Error) -> Self {
        Self::Model(error)
    }
}

impl From<crate::journal::Closed> for Fault {
    fn from(closed: crate::journal::Closed) -> Self {
        Self::Halt(closed.into())
    }
}

impl Loop<'_> {
    /// Asks the agent's model and records what it answers, or that it does not.
    pub(super) async fn ask(
        &self,
        agent: &Agent,
        request: &Request,
        tokens: u64,
    ) -> Result<Asked, Halt> {
        let message_id = self.new_id();
        let mut asked = 0;
        loop {
            asked += 1;
            if let Some(end) = self.wait_for_turn(agent).await? {
                return Ok(Asked::Never(end));
            }
            let mut taken = Taken::default();
            let fault = match self
                .take(agent, request, tokens, message_id, &mut taken)
                .await
            {
                Ok(()) => None,
                Err(Fault::Halt(halt)) => return Err(halt),
                Err(Fault::TooLong(what)) => Some(what.to_owned()),
                Err(Fault::Model(error)) => {
                    self.drive.record.log(&fault_for_log(agent, &error));
                    // What was shown cannot be taken back.
                    let what = match taken.started {
                        true => Retry::No,
                        false => self.after_fault(&error, asked),
                    };
                    match what {
                        Retry::Shorten => return Ok(Asked::TooLong),
                        Retry::After(wait) => {
                            self.wait(agent, &error, wait).await?;
                            continue;
                        }
                        Retry::No => Some(error.to_string()),
                    }
                }
            };
            self.warn_of_cut(agent, &taken).await?;
            let answer = self.answer(agent, taken, message_id, tokens, fault);
            self.store(agent, Body::Answer(answer), None).await?;
            return Ok(Asked::Recorded);
        }
    }

    /// Has the older part of the transcript summarised. Returns the end of a run whose model could
    /// not be asked.
    pub(super) async fn compact(
        &self,
        agent: &Agent,
        what: Compaction,
    ) -> Result<Option<End>, Halt> {
        let tokens = what.request.messages.iter();
        let tokens = tokens.map(crate::usage::estimate_message).sum();
        let mut asked = 0;
        loop {
            asked += 1;
            if let Some(end) = self.wait_for_turn(agent).await? {
                return Ok(Some(end));
            }
            let (summary, error) = self.summarise(agent, &what.request).await;
            let fault = match error {
                None if summary.text.trim().is_empty() => "the model gave no summary".to_owned(),
                None => {
                    let usage = self.usage(agent, &summary, tokens);
                    let body = Body::Compaction {
                        through: what.through,
                        summary: summary.text,
                        usage,
                    };
                    self.store(agent, body, None).await?;
                    return Ok(None);
                }
                Some(error) => {
                    self.drive.record.log(&fault_for_log(agent, &error));
                    if let Retry::After(wait) = self.after_fault(&error, asked) {
                        self.wait(agent, &error, wait).await?;
                        continue;
                    }
                    error.to_string()
                }
            };
            let fault = format!("what happened before could not be summarised: {fault}");
            let answer = self.answer(agent, Taken::default(), self.new_id(), 0, Some(fault));
            self.store(agent, Body::Answer(answer), None).await?;
            return Ok(None);
        }
    }

    /// Waits until the agent's model may be asked. Returns the end of a run that waited for too
    /// long.
    async fn wait_for_turn(&self, agent: &Agent) -> Result<Option<End>, Halt> {
        let Some(gate) = &agent.model.gate else {
            return Ok(None);
        };
        let most = self.drive.limits.turn;
        let mut waited = Duration::ZERO;
        while let Err(Wait { after, why }) = gate.pass().await {
            let wait = spread(after, self.chance());
            if waited.saturating_add(wait) > most {
                let detail = format!("{why}; waiting for {} s did not help", waited.as_secs());
                return Ok(Some(End::new(Reason::RateLimited, detail)));
            }
            if waited.is_zero() {
                let warning = Kind::Warning {
                    code: "waiting".to_owned(),
                    text: format!("{why}; asking in {} s", wait.as_millis().div_ceil(1_000)),
                };
                self.outlet.tell(self.event(agent, warning)).await?;
            }
            self.drive.world.clock.sleep(wait).await;
            waited += wait;
        }
        Ok(None)
    }

    /// An answer that nobody is shown.
    async fn summarise(&self, agent: &Agent, request: &Request) -> (Taken, Option<llm::Error>) {
        let mut taken = Taken::default();
        let model = &agent.model;
        let client = &self.drive.world.client;
        let answer = client.stream(&model.endpoint, request, &model.timeouts);
        let mut events = pin!(answer.try_flatten_stream());
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Text(text)) if taken.text.len() + text.len() <= MESSAGE => {
                    taken.text.push_str(&text);
                }
                Ok(Event::Usage(usage)) => taken.usage = Some(usage),
                Ok(_) => {}
                Err(error) => return (taken, Some(error)),
            }
        }
        (taken, None)
    }

    async fn take(
        &self,
        agent: &Agent,
        request: &Request,
        tokens: u64,
        message_id: Uuid,
        taken: &mut Taken,
    ) -> Result<(), Fault> {
        let model = &agent.model;
        let client = &self.drive.world.client;
        let answer = client.stream(&model.endpoint, request, &model.timeouts);
        let mut events = pin!(answer.try_flatten_stream());
        while let Some(event) = events.next().await {
            match event? {
                Event::Text(text) => self.speak(agent, tokens, message_id, taken, text).await?,
                Event::Reasoning(text) if !text.is_empty() => {
                    let reasoning = Kind::Reasoning { message_id, text };
                    self.outlet.tell(self.event(agent, reasoning)).await?;
                }
                Event::ToolCall { call, .. } => {
                    taken.arguments = taken.arguments.saturating_add(call.arguments.len());
                    if taken.arguments > limits::ARGUMENTS {
                        return Err(Fault::TooLong(
                            "the arguments of the tool calls are too long",
                        ));
                    }
                    taken.calls.push(call);
                }
                Event::Usage(usage) => taken.usage = Some(usage),
                Event::Finish { reason } => taken.finish = Some(reason),
                Event::Reasoning(_)
                | Event::ToolCallStarted { .. }
                | Event::ToolCallArguments { .. } => {}
            }
        }
        if !taken.started && taken.calls.is_empty() && self.is_unanswered() {
            // Whoever asked gets a message, also of a model that has nothing to say.
            taken.silent = true;
            let words = without_a_word(taken.finish.as_ref()).to_owned();
            self.speak(agent, tokens, message_id, taken, words).await?;
        }
        Ok(())
    }

    /// Whether this is the turn itself, and nothing was said in it yet.
    fn is_unanswered(&self) -> bool {
        self.thread.is_none() && self.drive.transcript.read().output().is_none()
    }

    /// Shows a piece of text. The message is recorded as begun before its first piece goes out.
    async fn speak(
        &self,
        agent: &Agent,
        tokens: u64,
        message_id: Uuid,
        taken: &mut Taken,
        mut text: String,
    ) -> Result<(), Fault> {
        if !taken.started {
            taken.blanks.push_str(&text);
            let word = taken.blanks.trim_start();
            if word.is_empty() {
                return match taken.blanks.len() > MESSAGE {
                    true => Err(Fault::TooLong("the model's answer is too long")),
                    false => Ok(()),
                };
            }
            text = word.to_owned();
            let started = Body::Started {
                message_id,
                draft: String::new(),
                asked: tokens,
                prices: agent.model.prices,
            };
            self.outlet.put(self.step(agent, started, None)).await?;
            taken.started = true;
        }
        if taken.text.len().saturating_add(text.len()) > MESSAGE {
            return Err(Fault::TooLong("the model's answer is too long"));
        }
        taken.text.push_str(&text);
        let delta = Kind::MessageDelta { message_id, text };
        Ok(self.outlet.tell(self.event(agent, delta)).await?)
    }

    fn after_fault(&self, error: &llm::Error, asked: u32) -> Retry {
        retry(error, asked, self.drive.limits, self.chance())
    }

    fn chance(&self) -> u16 {
        let mut chance = [0; 2];
        self.drive.world.random.fill(&mut chance);
        u16::from_ne_bytes(chance)
    }

    async fn wait(&self, agent: &Agent, error: &llm::Error, wait: Duration) -> Result<(), Halt> {
        let seconds = wait.as_millis().div_ceil(1_000);
        let warning = Kind::Warning {
            code: "retrying".to_owned(),
            text: format!("{error}; asking again in {seconds} s"),
        };
        self.outlet.tell(self.event(agent, warning)).await?;
        self.drive.world.clock.sleep(wait).await;
        Ok(())
    }

    /// Says so when the server held a part of the answer back.
    async fn warn_of_cut(&self, agent: &Agent, taken: &Taken) -> Result<(), Halt> {
        let (code, text) = match taken.finish {
            Some(FinishReason::Length) => ("cut_off", "the answer reached its longest length"),
            Some(FinishReason::ContentFilter) => (
                "filtered",
                "the model server held a part of the answer back",
            ),
            _ => return Ok(()),
        };
        let warning = Kind::Warning {
            code: code.to_owned(),
            text: text.to_owned(),
        };
        Ok(self.outlet.tell(self.event(agent, warning)).await?)
    }

    fn answer(
        &self,
        agent: &Agent,
        taken: Taken,
        message_id: Uuid,
        tokens: u64,
        fault: Option<String>,
    ) -> Answer {
        let usage = match fault.is_some() && !taken.started && taken.usage.is_none() {
            // Nothing came: nothing is known to have been counted.
            true => Usage::default(),
            false => self.usage(agent, &taken, tokens),
        };
        let calls = match fault {
            None => self.calls(taken.calls),
            Some(_) => Vec::new(),
        };
        Answer {
            message_id,
            started: taken.started,
            text: taken.text,
            calls,
            state: match fault {
                None => MessageState::Complete,
                Some(_) => MessageState::Failed,
            },
            fault,
            usage,
        }
    }

    /// What the server counted, or about what it would have.
    fn usage(&self, agent: &Agent, taken: &Taken, tokens: u64) -> Usage {
        let prices = agent.model.prices;
        match taken.usage {
            Some(usage) => Usage::new(usage.prompt_tokens, usage.completion_tokens, prices, false),
            None => {
                let calls = taken.calls.iter();
                let calls: u64 = calls
                    .map(|call| estimate(&call.arguments) + estimate(&call.name))
                    .sum();
                let said = match taken.silent {
                    true => 0,
                    false => estimate(&taken.text),
                };
                Usage::new(tokens, said + calls, prices, true)
            }
        }
    }

    /// The calls, each with an id that no other call of the session has.
    fn calls(&self, calls: Vec<llm::ToolCall>) -> Vec<Call> {
        let transcript = self.drive.transcript.read();
        let mut taken = self.drive.call_ids();
        let own = calls.into_iter().map(|call| {
            let mut id = call.id;
            let mut tries = 0;
            while !is_usable(&id, &transcript) || !taken.insert(id.clone()) {
                id = self.new_call_id(tries);
                tries += 1;
            }
            Call {
                id,
                tool: call.name,
                arguments: call.arguments,
            }
        });
        own.collect()
    }

    /// Nine letters and digits: the strictest of servers take no other ids.
    fn new_call_id(&self, tries: u64) -> String {
        let mut bytes = [0; 8];
        self.drive.world.random.fill(&mut bytes);
        let mut number = u64::from_ne_bytes(bytes).wrapping_add(tries);
        let mut digit = || {
            let digit = u32::try_from(number % 36).unwrap_or_default();
            number /= 36;
            char::from_digit(digit, 36).unwrap_or('0')
        };
        (0..9).map(|_| digit()).collect()
    }

    fn new_id(&self) -> Uuid {
        let mut random = [0; 10];
        self.drive.world.random.fill(&mut random);
        domain::uuid_at(self.drive.world.clock.now(), random)
    }
}

/// What a turn says whose model came to its end, for that reason, without a word.
fn without_a_word(finish: Option<&FinishReason>) -> &'static str {
    match finish {
        Some(FinishReason::Length) => {
            "The answer reached its longest length before its first word."
        }
        Some(FinishReason::ContentFilter) => "The model server held the answer back.",
        _ => "Done.",
    }
}

/// Whether a server's id for a call can be used: servers give the same ones again and again.
fn is_usable(id: &str, transcript: &Transcript) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let fits = !id.is_empty() && id.len() <= 64 && id.bytes().all(plain);
    fits && transcript.call(id).is_none()
}

/// What the log says of a model's fault; readers are told less.
fn fault_for_log(agent: &Agent, error: &llm::Error) -> String {
    let detail = error.detail().unwrap_or_default();
    format!("the model of {}: {error}: {detail}", agent.name)
}
