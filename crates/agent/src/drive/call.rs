//! Carries calls out.

use super::{Halt, Loop, Worked};
use crate::{
    Agent, Body, Call, CallResult, CallState, Caller, Reason, Tool, arguments,
    builtin::{ASSIGN, READ_OUTPUT},
    output, schema, transcript,
};
use futures::{
    StreamExt,
    future::{Either, select},
    stream,
};
use serde_json::{Map, Value};
use std::{pin::pin, sync::Arc, sync::atomic::AtomicUsize};

/// What came of a call.
struct Made {
    state: CallState,
    text: String,
    detail: Option<Value>,
}

impl Made {
    fn new(state: CallState, text: impl Into<String>) -> Self {
        Self {
            state,
            text: text.into(),
            detail: None,
        }
    }
}

/// What the page of an output says besides the page itself.
const PAGE_NOTE: usize = 200;

impl Loop<'_> {
    /// Carries calls out at once, as many as may, and records their results in the calls' order.
    /// Returns whether one of them was put down because the slice is over.
    pub(super) async fn call(&self, agent: &Agent, calls: Vec<Call>) -> Result<bool, Halt> {
        let made = stream::iter(calls).map(|call| self.carry_out(agent, call));
        let mut made = pin!(made.buffered(self.drive.limits.parallel.max(1)));
        let mut yielded = false;
        while let Some(result) = made.next().await {
            match result? {
                Some((result, output)) => {
                    self.store(agent, Body::Result(result), output).await?;
                }
                None => yielded = true,
            }
        }
        Ok(yielded)
    }

    /// One call: its result, and its whole output if the result does not show it. `None` when it
    /// was put down.
    async fn carry_out(
        &self,
        agent: &Agent,
        call: Call,
    ) -> Result<Option<(CallResult, Option<String>)>, Halt> {
        let clock = &self.drive.world.clock;
        let limits = self.drive.limits;
        let began = clock.now();
        let offers = self.drive.team.offers(agent, self.depth, limits.depth);
        let made = match arguments::check(&call, &offers) {
            Err(fault) => Made::new(CallState::Refused, fault),
            Ok(arguments) if call.tool == ASSIGN => match self.assign(&call, &arguments).await? {
                Some(made) => made,
                None => return Ok(None),
            },
            Ok(arguments) if call.tool == READ_OUTPUT => self.read_output(&arguments).await?,
            Ok(arguments) => self.use_tool(agent, &call, arguments).await,
        };
        let took = clock.now().saturating_sub(began).max(0).unsigned_abs();
        let shown = output::show(&made.text, limits.output_shown, &call.id).into_owned();
        let is_cut = made.text.len() > limits.output_shown;
        let kept = is_cut.then(|| output::keep(&made.text, limits.output_kept).into_owned());
        let result = CallResult {
            call_id: call.id,
            tool: call.tool,
            state: made.state,
            shown,
            size: u64::try_from(made.text.len()).unwrap_or(u64::MAX),
            detail: made.detail,
            duration_ms: took,
        };
        Ok(Some((result, kept)))
    }

    async fn use_tool(&self, agent: &Agent, call: &Call, arguments: Map<String, Value>) -> Made {
        let named = |tool: &&Arc<dyn Tool>| tool.spec().name == call.tool;
        let Some(tool) = agent.tools.iter().find(named) else {
            return Made::new(CallState::Refused, "There is no such tool.");
        };
        let caller = Caller {
            agent: agent.name.clone(),
            thread: self.thread.clone(),
            call: call.clone(),
            outlet: self.outlet.clone(),
            put_out: AtomicUsize::new(0),
        };
        let limit = tool.spec().timeout;
        let limit = limit.unwrap_or(self.drive.limits.tool_timeout);
        let timer = self.drive.world.clock.sleep(limit);
        match select(tool.call(arguments, &caller), timer).await {
            Either::Left((Ok(output), _)) => Made {
                state: CallState::Done,
                detail: output.bounded_detail(),
                text: output.text,
            },
            Either::Left((Err(error), _)) => Made::new(CallState::Failed, error.0),
            Either::Right(_) => {
                let seconds = limit.as_secs_f64();
                let text = format!("The tool was stopped: it took longer than {seconds} s.");
                Made::new(CallState::TimedOut, text)
            }
        }
    }

    /// Another agent's loop within this one.
    async fn assign(
        &self,
        call: &Call,
        arguments: &Map<String, Value>,
    ) -> Result<Option<Made>, Halt> {
        let name = arguments.get("agent").and_then(Value::as_str);
        let Some(other) = name.and_then(|name| self.drive.team.agent(name)) else {
            return Ok(Some(Made::new(
                CallState::Refused,
                "There is no such agent.",
            )));
        };
        let work = Loop {
            drive: self.drive,
            agent: Some(other),
            thread: Some(call.id.clone()),
            depth: self.depth.saturating_add(1),
            outlet: self.outlet.clone(),
        };
        let end = match work.work().await? {
            Worked::Yielded => return Ok(None),
            Worked::Finished(end) => end,
        };
        let transcript = self.drive.transcript.read();
        let said = transcript
            .thread(Some(&call.id))
            .rev()
            .filter_map(transcript::answer)
            .find(|answer| !answer.text.is_empty());
        let said = said.map_or("", |answer| &answer.text);
        Ok(Some(match (end.reason, said) {
            (Reason::Completed, "") => Made::new(CallState::Done, "(done, without a word)"),
            (Reason::Completed, said) => Made::new(CallState::Done, said),
            (_, "") => Made::new(CallState::Failed, format!("Not done: {}.", end.detail)),
            (_, said) => {
                let text = format!("Not done: {}. The last message was:\n{said}", end.detail);
                Made::new(CallState::Failed, text)
            }
        }))
    }

    async fn read_output(&self, arguments: &Map<String, Value>) -> Result<Made, Halt> {
        let call_id = arguments.get("call_id").and_then(Value::as_str);
        let call_id = call_id.unwrap_or_default();
        let offset = arguments.get("offset").and_then(schema::whole);
        let offset = usize::try_from(offset.unwrap_or_default()).unwrap_or(usize::MAX);
        let kept = self.drive.record.output(call_id).await;
        let kept = kept.map_err(Halt::Record)?.or_else(|| {
            let transcript = self.drive.transcript.read();
            Some(transcript.result_of(call_id)?.shown.clone())
        });
        let room = self.drive.limits.output_shown.saturating_sub(PAGE_NOTE);
        Ok(match kept {
            Some(kept) => Made::new(CallState::Done, output::page(&kept, offset, room)),
            None => Made::new(
                CallState::Failed,
                "There is no output of a call with that id.",
            ),
        })
    }
}
