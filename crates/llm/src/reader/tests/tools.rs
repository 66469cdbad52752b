//! Tool calls: as documented, and as servers send them.

use super::*;

/// A chunk with these tool call deltas.
fn calls(deltas: &str) -> String {
    format!(r#"{{"choices":[{{"index":0,"delta":{{"tool_calls":[{deltas}]}}}}]}}"#)
}

/// Reads chunks with these deltas, then `finish`, and expects the two calls.
fn check_calls(deltas: &[&str], expected: &[(Vec<Event>, Event)]) {
    for reason in ["tool_calls", "stop"] {
        let mut chunks: Vec<String> = deltas.iter().map(|delta| calls(delta)).collect();
        chunks.push(format!(
            r#"{{"choices":[{{"delta":{{}},"finish_reason":"{reason}"}}]}}"#
        ));
        let chunks: Vec<&str> = chunks.iter().map(String::as_str).collect();
        let mut events: Vec<Event> = expected
            .iter()
            .flat_map(|(pieces, _)| pieces.clone())
            .collect();
        events.extend(expected.iter().map(|(_, whole)| whole.clone()));
        events.push(finish(FinishReason::ToolCalls));
        check(&stream(&chunks), &events);
    }
}

#[test]
fn as_documented() {
    check_calls(
        &[
            r#"{"index":0,"id":"a","type":"function","function":{"name":"exec","arguments":""}}"#,
            r#"{"index":0,"function":{"arguments":"{\"command\":"}}"#,
            r#"{"index":0,"function":{"arguments":"\"ls 🦀\"}"}}"#,
            r#"{"index":1,"id":"b","type":"function","function":{"name":"read","arguments":""}}"#,
            r#"{"index":1,"function":{"arguments":"{}"}}"#,
        ],
        &[
            call(0, "a", "exec", &[r#"{"command":"#, r#""ls 🦀"}"#]),
            call(1, "b", "read", &["{}"]),
        ],
    );
}

#[test]
fn indexes_that_do_not_tell_calls_apart() {
    let expected = [
        call(0, "a", "exec", &[r#"{"x":"#, "1}"]),
        call(1, "b", "exec", &[r#"{"x":"#, "2}"]),
    ];
    // Omitted, null, all 0, from 1; the id only on the first piece.
    for [first, second] in [
        ["", ""],
        [r#""index":null,"#, r#""index":null,"#],
        [r#""index":0,"#, r#""index":0,"#],
        [r#""index":1,"#, r#""index":2,"#],
        [r#""index":"0","#, r#""index":"1","#],
    ] {
        let deltas = [
            format!(r#"{{{first}"id":"a","function":{{"name":"exec","arguments":"{{\"x\":"}}}}"#),
            format!(r#"{{{first}"function":{{"arguments":"1}}"}}}}"#),
            format!(r#"{{{second}"id":"b","function":{{"name":"exec","arguments":"{{\"x\":"}}}}"#),
            format!(r#"{{{second}"id":"","function":{{"arguments":"2}}"}}}}"#),
        ];
        check_calls(&deltas.each_ref().map(String::as_str), &expected);
    }
}

#[test]
fn ids_and_names_on_every_piece() {
    check_calls(
        &[
            r#"{"index":0,"id":"a","function":{"name":"exec","arguments":"{\"x\":"}}"#,
            r#"{"index":0,"id":"a","function":{"name":"exec","arguments":"1"}}"#,
            r#"{"index":0,"id":"a","function":{"name":"exec","arguments":"}"}}"#,
        ],
        &[call(0, "a", "exec", &[r#"{"x":"#, "1", "}"])],
    );
    // Without the id after the first piece, the name still repeated.
    check_calls(
        &[
            r#"{"index":0,"id":"a","function":{"name":"exec","arguments":""}}"#,
            r#"{"index":0,"id":null,"function":{"name":"exec","arguments":"{\"x\":"}}"#,
            r#"{"index":0,"id":"","function":{"name":"exec","arguments":"1}"}}"#,
            r#"{"index":0,"function":{"name":"exec","arguments":""}}"#,
            r#"{"index":0,"function":{"name":"","arguments":null}}"#,
        ],
        &[call(0, "a", "exec", &[r#"{"x":"#, "1}"])],
    );
}

#[test]
fn whole_calls_in_one_piece() {
    let two = [
        call(0, "a", "exec", &[r#"{"x":1}"#]),
        call(1, "b", "read", &[r#"{"y":2}"#]),
    ];
    check_calls(
        &[
            r#"{"id":"a","function":{"name":"exec","arguments":"{\"x\":1}"}}"#,
            r#"{"id":"b","function":{"name":"read","arguments":"{\"y\":2}"}}"#,
        ],
        &two,
    );
    // Arguments as objects; the type missing.
    check_calls(
        &[
            r#"{"index":0,"id":"a","function":{"name":"exec","arguments":{"x":1}}}"#,
            r#"{"index":0,"id":"b","function":{"name":"read","arguments":{"y":2}}}"#,
        ],
        &two,
    );
    // Both in one chunk.
    check_calls(
        &[concat!(
            r#"{"index":0,"id":"a","function":{"name":"exec","arguments":"{\"x\":1}"}},"#,
            r#"{"index":0,"id":"b","function":{"name":"read","arguments":"{\"y\":2}"}}"#
        )],
        &two,
    );
}

#[test]
fn calls_without_any_id() {
    let ids = ["call_abc_0", "call_abc_1"];
    for index in ["", r#""index":0,"#] {
        // Each whole in one piece, of the same tool.
        let deltas = [
            format!(r#"{{{index}"function":{{"name":"exec","arguments":"{{\"x\":1}}"}}}}"#),
            format!(r#"{{{index}"function":{{"name":"exec","arguments":"{{\"x\":2}}"}}}}"#),
        ];
        let expected = [
            call(0, ids[0], "exec", &[r#"{"x":1}"#]),
            call(1, ids[1], "exec", &[r#"{"x":2}"#]),
        ];
        check_calls(&deltas.each_ref().map(String::as_str), &expected);
    }
    // In pieces, told apart by their names alone.
    check_calls(
        &[
            r#"{"function":{"name":"exec","arguments":"{\"x\":1}"}}"#,
            r#"{"function":{"name":"read","arguments":""}}"#,
            r#"{"function":{"arguments":"{}"}}"#,
        ],
        &[
            call(0, ids[0], "exec", &[r#"{"x":1}"#]),
            call(1, ids[1], "read", &["{}"]),
        ],
    );
    // In pieces, told apart by index, and mixed up.
    let body = stream(&[
        &calls(r#"{"index":0,"function":{"name":"exec"}}"#),
        &calls(r#"{"index":1,"function":{"name":"read"}}"#),
        &calls(
            r#"{"index":0,"function":{"arguments":"{"}},{"index":1,"function":{"arguments":"{"}}"#,
        ),
        &calls(
            r#"{"index":0,"function":{"arguments":"}"}},{"index":1,"function":{"arguments":"}"}}"#,
        ),
        "[DONE]",
    ]);
    let (first, first_whole) = call(0, ids[0], "exec", &["{", "}"]);
    let (second, second_whole) = call(1, ids[1], "read", &["{", "}"]);
    let mut expected = Vec::new();
    for (one, other) in first.into_iter().zip(second) {
        expected.extend([one, other]);
    }
    expected.extend([first_whole, second_whole, finish(FinishReason::ToolCalls)]);
    check(&body, &expected);
}

#[test]
fn pieces_that_come_late() {
    // The id after the name: the call keeps the id that it was given here.
    check_calls(
        &[
            r#"{"index":0,"function":{"name":"exec","arguments":""}}"#,
            r#"{"index":0,"id":"late","function":{"arguments":"{\"x\":"}}"#,
            r#"{"index":0,"id":"late","function":{"arguments":"1}"}}"#,
        ],
        &[call(0, "call_abc_0", "exec", &[r#"{"x":"#, "1}"])],
    );
    // The name after the first arguments: they wait for it.
    check_calls(
        &[
            r#"{"index":0,"id":"a","function":{"arguments":"{\"x\":"}}"#,
            r#"{"index":0,"id":"a","function":{"name":"exec","arguments":"1}"}}"#,
        ],
        &[call(0, "a", "exec", &[r#"{"x":1}"#])],
    );
    // An index only from the second piece on.
    check_calls(
        &[
            r#"{"id":"a","function":{"name":"exec","arguments":"{"}}"#,
            r#"{"index":0,"function":{"arguments":"}"}}"#,
        ],
        &[call(0, "a", "exec", &["{", "}"])],
    );
}

#[test]
fn arguments_that_are_none() {
    let no_arguments = r#"{"index":0,"id":"a","function":{"name":"exec"}}"#;
    check_calls(&[no_arguments], &[call(0, "a", "exec", &[])]);
    for nonsense in [r#"{\"x\":"#, "[1]", "ls -la"] {
        let delta = format!(
            r#"{{"index":0,"id":"a","function":{{"name":"exec","arguments":"{nonsense}"}}}}"#
        );
        let (events, result) = read_every_way(&stream(&[&calls(&delta), "[DONE]"]));
        assert_eq!(result, Ok(()));
        let parsed = events.iter().find_map(|event| match event {
            Event::ToolCall { arguments, .. } => Some(arguments.is_err()),
            _ => None,
        });
        assert_eq!(parsed, Some(true), "{nonsense}");
    }
}

#[test]
fn a_whole_message_with_calls() {
    let body = r#"{"choices":[{"message":{"content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"exec","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}"#;
    let (mut events, whole) = call(0, "a", "exec", &["{}"]);
    events.extend([whole, finish(FinishReason::ToolCalls)]);
    check(body, &events);
}

#[test]
fn calls_cut_off_by_the_longest_answer() {
    let body = stream(&[
        &calls(r#"{"index":0,"id":"a","function":{"name":"exec","arguments":"{}"}}"#),
        r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#,
    ]);
    let (events, _) = read_every_way(&body);
    assert_eq!(events.last(), Some(&finish(FinishReason::Length)));
}
