//! Turns the JSON of chunks into events. Knows nothing of bytes, sockets or time.

use crate::{
    Error, Event, FinishReason, Usage,
    chunk::{Choice, Chunk, Content, Delta},
    failure, limits,
    tool_calls::ToolCalls,
};
use std::collections::VecDeque;

/// What is known of one answer so far.
#[derive(Debug)]
pub(crate) struct Interpreter {
    calls: ToolCalls,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
    size: usize,
}

impl Interpreter {
    pub(crate) fn new(seed: i64) -> Self {
        Self {
            calls: ToolCalls::new(seed),
            finish: None,
            usage: None,
            size: 0,
        }
    }

    /// Whether the model said that it is done; usage may still follow.
    pub(crate) fn is_finished(&self) -> bool {
        self.finish.is_some()
    }

    /// Takes one chunk.
    pub(crate) fn chunk(
        &mut self,
        chunk: Chunk,
        events: &mut VecDeque<Event>,
    ) -> Result<(), Error> {
        if let Some(error) = chunk.failure() {
            return Err(Error::InStream {
                message: failure::message_in_value(error),
            });
        }
        if let Some(usage) = chunk.usage.as_ref().and_then(Usage::from_wire) {
            // Some servers count along; the last count is the one.
            self.usage = Some(usage);
        }
        match chunk.choice {
            Some(choice) => self.choice(choice, events),
            None => Ok(()),
        }
    }

    /// The answer is whole: gives out the tool calls, the usage and the reason.
    pub(crate) fn complete(&mut self, events: &mut VecDeque<Event>) -> Result<(), Error> {
        // Real servers say `stop` after tool calls, or `tool_calls` without any: the calls count.
        let called = !self.calls.is_empty();
        let reason = match self.finish.take() {
            None | Some(FinishReason::Stop | FinishReason::ToolCalls) if called => {
                FinishReason::ToolCalls
            }
            None | Some(FinishReason::ToolCalls) => FinishReason::Stop,
            Some(reason) => reason,
        };
        self.calls.complete(events)?;
        events.extend(self.usage.take().map(Event::Usage));
        events.push_back(Event::Finish { reason });
        Ok(())
    }

    fn choice(&mut self, choice: Choice, events: &mut VecDeque<Event>) -> Result<(), Error> {
        if let Some(delta) = choice.delta.or(choice.message) {
            self.delta(delta, events)?;
        }
        // An empty reason on every chunk is what some send for none.
        if let Some(word) = choice.finish_reason.filter(|word| !word.is_empty()) {
            self.finish = Some(FinishReason::from_wire(&word));
        }
        Ok(())
    }

    fn delta(&mut self, delta: Delta, events: &mut VecDeque<Event>) -> Result<(), Error> {
        if let Some(reasoning) = delta.reasoning() {
            self.speak(reasoning.to_owned(), Event::Reasoning, events)?;
        }
        let content = delta.content.map_or_else(String::new, Content::into_text);
        self.speak(content, Event::Text, events)?;
        // A refusal stands where the text would: it is what the model says to the reader.
        self.speak(delta.refusal.unwrap_or_default(), Event::Text, events)?;
        for call in delta.tool_calls.unwrap_or_default() {
            let added = self.calls.add(call, events)?;
            self.grow(added)?;
        }
        Ok(())
    }

    fn speak(
        &mut self,
        text: String,
        event: fn(String) -> Event,
        events: &mut VecDeque<Event>,
    ) -> Result<(), Error> {
        if text.is_empty() {
            return Ok(());
        }
        self.grow(text.len())?;
        events.push_back(event(text));
        Ok(())
    }

    fn grow(&mut self, added: usize) -> Result<(), Error> {
        self.size += added;
        if self.size > limits::ANSWER {
            return Err(Error::TooLong {
                what: "the answer",
                limit: limits::ANSWER,
            });
        }
        Ok(())
    }
}
