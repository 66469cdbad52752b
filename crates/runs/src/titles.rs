//! A title for a session that has none, made from its first exchange.
//!
//! It is made beside the answer, which never waits for it. Where it cannot be made, the session
//! stays called as its first message begins.

use crate::stored;
use agent::{Body, Model, Transcript};
use domain::SessionTitle;
use futures::{
    StreamExt, TryFutureExt,
    future::{Either, select},
};
use llm::{Event, Message, Request, Role};
use ports::Platform;
use std::{pin::pin, time::Duration};
use store::runs::StoredRun;

/// How long the model may take for it.
const LONGEST: Duration = Duration::from_secs(30);

/// The most of each message that the model is told, in characters.
const TOLD: usize = 2_000;

/// The longest title that is taken, in characters. A longer one is no title but an answer.
const LETTERS: usize = 80;

const INSTRUCTION: &str = "Give the conversation that follows a title of two to six words, in the \
    language of its first message. Answer with the title alone, without quotes.";

/// What is told of the first exchange; nothing where this is not the first, or nobody answered.
fn question(transcript: &Transcript) -> Option<Request> {
    let is_user = |step: &&agent::Step| matches!(step.body, Body::User { .. });
    if transcript.all().iter().filter(is_user).count() != 1 {
        return None;
    }
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
    let asking = pin!(ask(platform, model, &question));
    let text = match select(asking, platform.clock.sleep(LONGEST)).await {
        Either::Left((text, _)) => text.map_err(|error| error.to_string())?,
        Either::Right(_) => return Err("the model took too long".to_owned()),
    };
    let title = title(&text).ok_or("the model gave none")?;
    let given = store::sessions::entitle(sql, run.session, &title).await;
    given.map_err(|error| error.to_string())
}

async fn ask(platform: &Platform, model: &Model, question: &Request) -> Result<String, llm::Error> {
    let client = llm::Client::new(platform.http.clone(), platform.clock.clone());
    let answer = client.stream(&model.endpoint, question, &model.timeouts);
    let mut events = pin!(answer.try_flatten_stream());
    let mut text = String::new();
    while let Some(event) = events.next().await {
        if let Event::Text(piece) = event? {
            text.push_str(&piece);
        }
        if text.len() > LETTERS * 8 {
            break;
        }
    }
    Ok(text)
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
