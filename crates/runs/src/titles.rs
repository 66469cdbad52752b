//! A title for a session that has none, made from its first exchange.
//!
//! It is made beside the answer, which never waits for it. Where it cannot be made, the session
//! stays called as its first message begins. What it takes is a part of the turn's execution.

use crate::{record::token_usage, stored};
use agent::{Body, Model, Transcript, Usage, estimate};
use domain::SessionTitle;
use futures::{
    StreamExt, TryFutureExt,
    future::{Either, select},
};
use llm::{Event, Message, Request, Role};
use ports::Platform;
use std::{pin::pin, time::Duration};
use store::{executions, runs::StoredRun};

/// How long the model may take for it.
const LONGEST: Duration = Duration::from_secs(30);

/// The most of each message that the model is told, in characters.
const TOLD: usize = 2_000;

/// The longest title that is taken, in characters. A longer one is no title but an answer.
const LETTERS: usize = 80;

const INSTRUCTION: &str = "Give the conversation that follows a title of two to six words, in the \
    language of its first message. Answer with the title alone, without quotes.";

/// Whether this is the first exchange, as far as the transcript tells.
pub(crate) fn is_first(transcript: &Transcript) -> bool {
    let is_user = |step: &&agent::Step| matches!(step.body, Body::User { .. });
    transcript.all().iter().filter(is_user).count() == 1
}

/// What is told of the first exchange; nothing where nobody answered.
fn question(transcript: &Transcript) -> Option<Request> {
    let Body::User { text, .. } = &transcript.beginning()?.body else {
        return None;
    };
    let answer = &transcript.output()?.text;
    let short = |text: &str| text.chars().take(TOLD).collect::<String>();
    let exchange = format!("User: {}\n\nAssistant: {}", short(text), short(answer));
    Some(Request {
        messages: vec![
            Message::new(Role::System, INSTRUCTION),
            Message::new(Role::User, exchange),
        ],
        max_tokens: Some(40),
        ..Request::default()
    })
}

/// Asks for a title after a session's first exchange, and gives it to the session if it still has
/// none.
pub(crate) async fn entitle(platform: Platform, run: StoredRun, model: Model) {
    if let Err(fault) = make(&platform, &run, &model).await {
        eprintln!("session {}: no title: {fault}", run.session_uuid);
    }
}

async fn make(platform: &Platform, run: &StoredRun, model: &Model) -> Result<(), String> {
    let sql = &*platform.sql;
    let transcript = stored::transcript(sql, run).await;
    let transcript = transcript.map_err(|error| error.to_string())?;
    let Some(question) = question(&transcript) else {
        return Ok(());
    };
    if let Some(gate) = &model.gate {
        // A title is not worth the wait.
        gate.pass().await.map_err(|wait| wait.why)?;
    }
    let mut asked = Asked::default();
    let outcome = {
        let asking = pin!(ask(platform, model, &question, &mut asked));
        match select(asking, platform.clock.sleep(LONGEST)).await {
            Either::Left((outcome, _)) => outcome.map_err(|error| error.to_string()),
            Either::Right(_) => Err("the model took too long".to_owned()),
        }
    };
    if let Some(usage) = asked.usage(&question, model)
        && let Err(error) = executions::use_more(sql, run.uuid, token_usage(usage)).await
    {
        eprintln!(
            "run {}: what its title took is not counted: {error}",
            run.uuid
        );
    }
    outcome?;
    let title = title(&asked.text).ok_or("the model gave none")?;
    let given = store::sessions::entitle(sql, run.session, &title).await;
    given.map_err(|error| error.to_string())
}

/// What came of asking for a title.
#[derive(Default)]
struct Asked {
    text: String,
    counted: Option<llm::Usage>,
}

impl Asked {
    /// What it took: as the server counted it, else about. Nothing where nothing came.
    fn usage(&self, question: &Request, model: &Model) -> Option<Usage> {
        if let Some(counted) = self.counted {
            let (asked, said) = (counted.prompt_tokens, counted.completion_tokens);
            return Some(Usage::new(asked, said, model.prices, false));
        }
        let messages = question.messages.iter();
        let asked: u64 = messages.map(|message| estimate(&message.content)).sum();
        let about = || Usage::new(asked, estimate(&self.text), model.prices, true);
        (!self.text.is_empty()).then(about)
    }
}

async fn ask(
    platform: &Platform,
    model: &Model,
    question: &Request,
    asked: &mut Asked,
) -> Result<(), llm::Error> {
    let client = llm::Client::new(platform.http.clone(), platform.clock.clone());
    let answer = client.stream(&model.endpoint, question, &model.timeouts);
    let mut events = pin!(answer.try_flatten_stream());
    while let Some(event) = events.next().await {
        match event? {
            Event::Text(piece) => asked.text.push_str(&piece),
            Event::Usage(usage) => asked.counted = Some(usage),
            _ => {}
        }
        if asked.text.len() > LETTERS * 8 {
            break;
        }
    }
    Ok(())
}

/// The title in what a model answered.
fn title(text: &str) -> Option<SessionTitle> {
    let quotes = [
        '"', '\'', '`', '“', '”', '«', '»', '「', '」', '*', '#', ' ',
    ];
    let title = text.trim().trim_matches(quotes);
    let fits = !title.is_empty() && title.chars().count() <= LETTERS;
    let is_line = !title.contains(['\n', '\r']);
    let parsed = (fits && is_line).then(|| SessionTitle::parse(title).ok());
    parsed.flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles() {
        let check = |text: &str, expected: Option<&str>| {
            let found = title(text);
            assert_eq!(
                found.as_ref().map(SessionTitle::as_str),
                expected,
                "{text:?}"
            );
        };
        check("A plan", Some("A plan"));
        check(" \"A plan\"\n", Some("A plan"));
        check("**修复构建**", Some("修复构建"));
        check("One\nTwo", None);
        check("", None);
        check("\"\"", None);
        check(&"x".repeat(81), None);
    }
}
