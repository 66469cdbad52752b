//! What a run adds to the model's own times, from the model to the session's socket: the loop of
//! an agent in the edge, the runner that drives it, its room, and the WebSocket.
//!
//! As many sessions as there are to be turns at once have one turn after the other, each with a
//! socket of its own. They begin spread over the length of a turn, so that at every moment turns
//! begin, go on and end. The same number of streams asks the model directly.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::task::JoinSet;

use crate::client::{self, Connection};
use crate::report::table;
use crate::runner::Socket;
use crate::stack::{ADMINISTRATOR, INTERVAL_MS, PASSWORD, Stack};
use crate::tokens::{self, HEAD, Promise, Stamps, Times, model_request};

/// Turns at once, and how many times over.
const TURNS: [(usize, usize); 2] = [(1, 4), (50, 3)];

/// Tokens of an answer: ten seconds of it, as an agent's answers have.
const TOKENS: u32 = 500;

/// The promise for each token at 50 turns at once.
const PER_TOKEN: Promise = Promise {
    p50: 2.0,
    p99: 10.0,
};

/// How long a turn may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where turns begin.
const PATH: &str = "/api/v1/chat/messages";

/// Measures both ways and returns the table.
pub(crate) async fn measure(binaries: &Path, quick: bool) -> Result<String> {
    let stack = Stack::answering(binaries, TOKENS).await?;
    let token = sign_in(&stack).await?;
    let mut rows = Vec::new();
    for (turns, rounds) in TURNS {
        let rounds = if quick { 1 } else { rounds };
        eprintln!("measuring {turns} turns at once");
        let mut sessions = Vec::new();
        for _ in 0..turns {
            sessions.push(session(&stack, &token).await?);
        }
        let mut direct = Times::default();
        for _ in 0..rounds {
            let asked = tokens::round(stack.model, vec![model_request(); turns], TOKENS).await;
            direct.add(asked.context("the model, asked directly")?);
        }
        let mut through = conversations(&stack, &token, &sessions, rounds).await?;
        direct.sort();
        through.sort();
        rows.push(tokens::row(
            turns,
            "per token",
            &direct.token,
            &through.token,
            PER_TOKEN,
        ));
    }
    let head = [&["run to socket"], HEAD.as_slice()].concat();
    Ok(table(&head, &rows))
}

/// The administrator's access token.
async fn sign_in(stack: &Stack) -> Result<String> {
    let body = format!(r#"{{"email":"{ADMINISTRATOR}","password":"{PASSWORD}"}}"#);
    let answer = client::post(stack.front_door, "/api/v1/auth/login", &body).await?;
    text(&answer, "access_token")
}

/// A session that has a title, so that nobody asks the model for one.
async fn session(stack: &Stack, token: &str) -> Result<String> {
    let body = r#"{"title":"measure"}"#;
    let made = client::post_as(stack.front_door, token, "/api/v1/sessions", body).await?;
    text(&made, "id")
}

fn text(answer: &serde_json::Value, member: &str) -> Result<String> {
    let text = answer.get(member).and_then(serde_json::Value::as_str);
    let text = text.with_context(|| format!("an answer without `{member}`"))?;
    Ok(text.to_owned())
}

/// So many turns in each session, one after the other.
async fn conversations(
    stack: &Stack,
    token: &str,
    sessions: &[String],
    rounds: usize,
) -> Result<Times> {
    let mut conversations = JoinSet::new();
    let length = Duration::from_millis(u64::from(TOKENS * INTERVAL_MS));
    let apart = length / u32::try_from(sessions.len())?;
    for (number, session) in (0_u32..).zip(sessions) {
        let mut socket = Socket::open_as(stack.front_door, Some(token), session, 16 * 1024).await?;
        let mut connection = Connection::open(stack.front_door).await?;
        let body = format!(r#"{{"session_id":"{session}","content":"measure"}}"#);
        let request = client::post_bytes_as(token, PATH, &body);
        conversations.spawn(async move {
            tokio::time::sleep(apart * number).await;
            let mut times = Times::default();
            for _ in 0..rounds {
                let turn = turn(&mut connection, &mut socket, &request);
                let turn = tokio::time::timeout(PATIENCE, turn).await;
                times.add(turn.context("a turn did not end")??);
            }
            Ok::<_, anyhow::Error>(times)
        });
    }
    let mut times = Times::default();
    while let Some(done) = conversations.join_next().await {
        times.add(done??);
    }
    Ok(times)
}

/// One turn, read at its session's socket to the last token, and to its answer.
async fn turn(connection: &mut Connection, socket: &mut Socket, request: &[u8]) -> Result<Times> {
    let sent = Instant::now();
    let reading = async {
        let mut times = Times::default();
        while !times.is_whole(TOKENS) {
            let mut found = Vec::new();
            socket.texts(|text| found.extend(pieces(text))).await?;
            times.arrived(sent, found)?;
        }
        Ok::<_, anyhow::Error>(times)
    };
    let answering = connection.exchange(request);
    let (times, status) = tokio::try_join!(reading, answering)?;
    match status {
        200 => Ok(times),
        status => bail!("POST {PATH} answers {status}"),
    }
}

/// The stamps in a frame that is a piece of a message: the whole at its end has them again.
fn pieces(frame: &[u8]) -> Vec<Duration> {
    let has = |part: &[u8]| frame.windows(part.len()).any(|window| window == part);
    match has(br#""final":false"#) && has(br#""sender":"agent""#) {
        true => Stamps::default().read(frame),
        false => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pieces_are_counted() {
        let frame = |last: &str| {
            format!(
                "{{\"type\":\"message\",\"event_id\":\"1:2\",\"sender\":\"agent\",\
                 \"content\":\"1763000000000000001 1763000000000000002 \",\"final\":{last}}}"
            )
        };
        let expected = [1, 2].map(|n| Duration::from_nanos(1_763_000_000_000_000_000 + n));
        assert_eq!(pieces(frame("false").as_bytes()), expected);
        assert_eq!(pieces(frame("true").as_bytes()), []);
    }
}
