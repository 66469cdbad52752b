//! Texts, reasons, usage: as servers send them.

use super::*;
use crate::Usage;

const USAGE: Event = Event::Usage(Usage {
    prompt_tokens: 5,
    completion_tokens: 2,
    total_tokens: 7,
});

#[test]
fn a_stream_as_documented() {
    let body = stream(&[
        r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"x"}"#,
        r#"{"id":"c","choices":[{"index":0,"delta":{"content":"Grüße"},"finish_reason":null}],"usage":null}"#,
        r#"{"id":"c","choices":[{"index":0,"delta":{"content":",\n \"世界\" 🦀"},"finish_reason":null}],"usage":null}"#,
        r#"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}"#,
        r#"{"id":"c","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7,"prompt_tokens_details":{"cached_tokens":0}}}"#,
        "[DONE]",
    ]);
    let expected = [text("Grüße"), text(",\n \"世界\" 🦀"), USAGE, stop()];
    check(&body, &expected);
    check(&body.replace('\n', "\r\n"), &expected);
    check(&format!("\u{FEFF}{body}"), &expected);
    check(&body.replace("data: ", "data:"), &expected);
    check(
        &body.replace("data: ", ": keep-alive\n\n: \n\ndata: "),
        &expected,
    );
    check(
        &format!("\n\n{body}data: {{\"after\":\"the end\"}}\n\n"),
        &expected,
    );
    check(&format!("{body}data: nonsense"), &expected);
}

#[test]
fn ends_of_every_kind() {
    let hi = r#"{"choices":[{"delta":{"content":"hi"}}]}"#;
    let finished = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
    let expected = [text("hi"), stop()];
    check(&stream(&[hi, finished, "[DONE]"]), &expected);
    check(&stream(&[hi, finished]), &expected);
    check(&stream(&[hi, "[DONE]"]), &expected);
    check(stream(&[hi, "[DONE]"]).trim_end(), &expected);
    check(stream(&[hi, finished]).trim_end(), &expected);
    check(&stream(&[hi, " [DONE] "]), &expected);
    check(&stream(&["[DONE]"]), &[stop()]);
    let in_one = r#"{"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}"#;
    check(&stream(&[in_one]), &expected);
}

#[test]
fn reasons() {
    let reason = |word: &str| stream(&[&format!(r#"{{"choices":[{{"finish_reason":{word}}}]}}"#)]);
    check(&reason(r#""length""#), &[finish(FinishReason::Length)]);
    check(
        &reason(r#""content_filter""#),
        &[finish(FinishReason::ContentFilter)],
    );
    check(
        &reason(r#""eos""#),
        &[finish(FinishReason::Other("eos".to_owned()))],
    );
    // Calls that are announced but never come are none.
    check(&reason(r#""tool_calls""#), &[stop()]);
    // An empty reason on every chunk is none.
    let empty = r#"{"choices":[{"delta":{"content":"a"},"finish_reason":""}]}"#;
    check(
        &stream(&[empty, empty, "[DONE]"]),
        &[text("a"), text("a"), stop()],
    );
}

#[test]
fn usage_of_every_shape() {
    let finished = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
    let with = |usage: &str| stream(&[finished, usage, "[DONE]"]);
    let counts = r#"{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}"#;
    check(
        &with(&format!(r#"{{"choices":null,"usage":{counts}}}"#)),
        &[USAGE, stop()],
    );
    check(&with(&format!(r#"{{"usage":{counts}}}"#)), &[USAGE, stop()]);
    check(
        &with(r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}"#),
        &[USAGE, stop()],
    );
    check(&with(r#"{"choices":[],"usage":{}}"#), &[stop()]);
    check(&with(r#"{"choices":[],"usage":"none"}"#), &[stop()]);
    // Counted along: the last count is the one, and it is given once.
    let early = r#"{"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":5,"completion_tokens":1}}"#;
    let late =
        format!(r#"{{"choices":[{{"delta":{{}},"finish_reason":"stop"}}],"usage":{counts}}}"#);
    check(
        &stream(&[early, &late, "[DONE]"]),
        &[text("a"), USAGE, stop()],
    );
}

#[test]
fn reasoning_under_either_name() {
    let delta = |members: &str| format!(r#"{{"choices":[{{"delta":{{{members}}}}}]}}"#);
    let body = stream(&[
        &delta(r#""reasoning_content":"one","content":null"#),
        &delta(r#""reasoning":"two","content":"""#),
        &delta(r#""reasoning":"three","reasoning_content":"three""#),
        &delta(r#""reasoning":"four","reasoning_content":"""#),
        &delta(r#""reasoning":{"effort":"low"},"content":"hi","reasoning_content":null"#),
        "[DONE]",
    ]);
    let thought = |text: &str| Event::Reasoning(text.to_owned());
    let expected = [
        thought("one"),
        thought("two"),
        thought("three"),
        thought("four"),
    ];
    check(&body, &[&expected[..], &[text("hi"), stop()]].concat());
}

#[test]
fn texts_in_other_places() {
    let delta = |members: &str| {
        stream(&[
            &format!(r#"{{"choices":[{{"delta":{{{members}}}}}]}}"#),
            "[DONE]",
        ])
    };
    check(
        &delta(r#""refusal":"I will not.""#),
        &[text("I will not."), stop()],
    );
    check(
        &delta(r#""content":[{"type":"text","text":"a"},{"type":"x"},{"type":"text","text":"b"}]"#),
        &[text("ab"), stop()],
    );
    check(
        &stream(&[r#"{"choices":[{"delta":null}]}"#, "{}", "[DONE]"]),
        &[stop()],
    );
}

#[test]
fn one_json_text_instead_of_a_stream() {
    let body = r#"{"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}"#;
    let expected = [text("hi"), USAGE, stop()];
    check(body, &expected);
    check(&format!("\n\n \r\n{body}\n"), &expected);
    check(&format!("\u{FEFF}{body}"), &expected);
}
