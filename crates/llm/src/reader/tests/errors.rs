//! What is no answer, and what is only the beginning of one.

use super::*;

fn check_error(body: &str, expected: &[Event], error: &Error) {
    let (events, result) = read_every_way(body);
    assert_eq!(events, expected, "{body}");
    assert_eq!(result.as_ref(), Err(error), "{body}");
}

#[test]
fn errors_inside_a_stream() {
    let hi = r#"{"choices":[{"delta":{"content":"hi"}}]}"#;
    let failed = Error::InStream {
        message: "out of memory".to_owned(),
    };
    for error in [
        r#"{"error":{"message":"out of memory","type":"server_error","code":500}}"#,
        r#"{"error":"out of memory"}"#,
        r#"{"object":"error","message":"out of memory","code":500}"#,
        r#"{"choices":[],"error":{"message":"out of memory"}}"#,
    ] {
        check_error(&stream(&[hi, error, "[DONE]"]), &[text("hi")], &failed);
        check_error(error, &[], &failed);
        let named = format!("{}event: error\ndata: {error}\n\n", stream(&[hi]));
        check_error(&named, &[text("hi")], &failed);
    }
    check_error("event: error\ndata: out of memory\n\n", &[], &failed);
    check_error("error: {\"message\":\"out of memory\"}\n\n", &[], &failed);
    // No error at all.
    let none = r#"{"error":null,"choices":[{"delta":{"content":"hi"}}]}"#;
    check(&stream(&[none, "[DONE]"]), &[text("hi"), stop()]);
}

#[test]
fn ends_that_come_too_early() {
    let hi = r#"{"choices":[{"delta":{"content":"hi"}}]}"#;
    for rest in [
        "",
        "\n\n",
        ": bye\n\n",
        "data: {\"choices\":[",
        "data: ",
        "data: {\"choices\":[]}",
    ] {
        check_error(
            &format!("data: {hi}\n\n{rest}"),
            &[text("hi")],
            &Error::Truncated,
        );
    }
    check_error("", &[], &Error::Truncated);
    check_error("\n: keep-alive\n\n", &[], &Error::Truncated);
    check_error(r#"{"choices":[{"message":{"con"#, &[], &Error::Truncated);
    // A tool call that may lack its other half is not given out as whole.
    let call_begun = r#"{"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"exec","arguments":"{}"}}]}}]}"#;
    let (events, result) = read_every_way(&stream(&[call_begun]));
    assert_eq!((events.len(), result), (2, Err(Error::Truncated)));
}

#[test]
fn what_is_no_answer() {
    let hi = r#"{"choices":[{"delta":{"content":"hi"}}]}"#;
    for body in [
        "<html><title>Welcome</title></html>".to_owned(),
        "[1,2]".to_owned(),
        stream(&["{not json", "[DONE]"]),
        stream(&["{\"choices\":[", "[DONE]"]),
        stream(&["hello", "[DONE]"]),
        r#"{"detail":"hello"}"#.to_owned(),
        r#"{"choices":[]}"#.to_owned(),
        stream(&[r#"{"choices":7}"#, "[DONE]"]),
        stream(&[r#"{"choices":[{"delta":{"content":7}}]}"#, "[DONE]"]),
        stream(&[
            r#"{"choices":[{"delta":{"tool_calls":[{"id":"a"}]}}]}"#,
            "[DONE]",
        ]),
    ] {
        let (events, result) = read_every_way(&body);
        assert_eq!(events, [], "{body}");
        assert!(
            matches!(result, Err(Error::Malformed { .. })),
            "{body}: {result:?}"
        );
    }
    // What came before the fault is given out.
    let (events, result) = read_every_way(&stream(&[hi, "{not json"]));
    assert_eq!(events, [text("hi")]);
    assert!(matches!(result, Err(Error::Malformed { .. })));
}

#[test]
fn limits_hold() {
    let check = |pieces: &mut dyn Iterator<Item = String>| {
        let mut reader = Reader::new(0);
        let mut events = VecDeque::new();
        let mut pieces = pieces.take(1 << 16);
        let result = pieces.try_for_each(|piece| {
            events.clear();
            reader.push(piece.as_bytes(), &mut events).map(|_| ())
        });
        assert!(matches!(result, Err(Error::TooLong { .. })), "{result:?}");
    };
    let long = "x".repeat(1 << 20);
    let text = format!(r#"{{"choices":[{{"delta":{{"content":"{long}"}}}}]}}"#);
    check(&mut std::iter::repeat(stream(&[&text])));
    let arguments = format!(
        r#"{{"choices":[{{"delta":{{"tool_calls":[{{"index":0,"function":{{"name":"n","arguments":"{long}"}}}}]}}}}]}}"#
    );
    check(&mut std::iter::repeat(stream(&[&arguments])));
    // Few bytes of text, and many of memory.
    let heavy = r#"{"":0},"#.repeat(100_000);
    for name in ["usage", "error", "choices"] {
        check(&mut std::iter::once(stream(&[&format!(
            r#"{{"{name}":[{heavy}0]}}"#
        )])));
    }
    check(&mut std::iter::repeat(format!("data: {long}")));
    check(&mut std::iter::repeat(format!("{{{long}")));
    check(&mut std::iter::repeat(format!(": {long}\n\n")));
    check(&mut (0..).map(|id| {
        stream(&[&format!(
            r#"{{"choices":[{{"delta":{{"tool_calls":[{{"id":"{id}","function":{{"name":"n"}}}}]}}}}]}}"#
        )])
    }));
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
        cut in 0usize..200,
    ) {
        let (left, right) = body.split_at(cut.min(body.len()));
        proptest::prop_assert_eq!(read(&[left, right]), read(&[&body]));
        let mut event = b"data: {\"choices\":[{\"delta\":".to_vec();
        event.extend(&body);
        let (left, right) = event.split_at(cut.min(event.len()));
        proptest::prop_assert_eq!(read(&[left, right]), read(&[&event]));
    }
}
