//! Bodies as real servers send them, each cut at every offset.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod errors;
mod shapes;
mod tools;

use super::*;
use crate::{FinishReason, ToolCall};

type Read = (Vec<Event>, Result<(), Error>);

/// What the pieces of a body are read as, its end included.
fn read(pieces: &[&[u8]]) -> Read {
    let mut reader = Reader::new(0xabc);
    let mut events = VecDeque::new();
    for piece in pieces {
        if let Err(error) = reader.push(piece, &mut events) {
            return (events.into(), Err(error));
        }
    }
    let result = reader.end(&mut events);
    (events.into(), result)
}

/// What `body` is read as, after it gave the same whole, cut at every offset, and byte by byte.
fn read_every_way(body: &str) -> Read {
    let body = body.as_bytes();
    let whole = read(&[body]);
    for cut in 0..=body.len() {
        let (left, right) = body.split_at(cut);
        assert_eq!(read(&[left, right]), whole, "cut at {cut}");
    }
    let bytes: Vec<&[u8]> = body.chunks(1).collect();
    assert_eq!(read(&bytes), whole, "byte by byte");
    whole
}

/// A body of these chunks as events, each the JSON after `data: `.
fn stream(chunks: &[&str]) -> String {
    chunks
        .iter()
        .map(|chunk| format!("data: {chunk}\n\n"))
        .collect()
}

fn check(body: &str, expected: &[Event]) {
    assert_eq!(read_every_way(body), (expected.to_vec(), Ok(())), "{body}");
}

fn text(text: &str) -> Event {
    Event::Text(text.to_owned())
}

fn finish(reason: FinishReason) -> Event {
    Event::Finish { reason }
}

fn stop() -> Event {
    finish(FinishReason::Stop)
}

/// The events of one whole call whose arguments came in these pieces.
fn call(position: usize, id: &str, name: &str, fragments: &[&str]) -> (Vec<Event>, Event) {
    let mut pieces = vec![Event::ToolCallStarted {
        position,
        id: id.to_owned(),
        name: name.to_owned(),
    }];
    pieces.extend(fragments.iter().map(|fragment| Event::ToolCallArguments {
        position,
        fragment: (*fragment).to_owned(),
    }));
    let arguments = fragments.concat();
    let parsed = match arguments.as_str() {
        "" => serde_json::Map::new(),
        json => serde_json::from_str(json).unwrap(),
    };
    let whole = Event::ToolCall {
        position,
        call: ToolCall {
            id: id.to_owned(),
            name: name.to_owned(),
            arguments,
        },
        arguments: Ok(parsed),
    };
    (pieces, whole)
}
