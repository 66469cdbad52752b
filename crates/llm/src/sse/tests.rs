//! Server-sent events of every shape, cut anyhow.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use proptest::prelude::*;

type Decoded = (Vec<ServerEvent>, Result<(), TooLong>);

/// Decodes `pieces` as they are, the end included.
fn decode(pieces: &[&[u8]], limit: usize) -> Decoded {
    let mut decoder = Decoder::with_limit(limit);
    let mut events = Vec::new();
    for piece in pieces {
        if let Err(error) = decoder.push(piece, &mut events) {
            return (events, Err(error));
        }
    }
    let result = decoder.finish().map(|last| events.extend(last));
    (events, result)
}

/// What `input` decodes to, after it gave the same whole, cut at every offset, and byte by byte.
fn decode_every_way(input: &[u8], limit: usize) -> Decoded {
    let whole = decode(&[input], limit);
    for cut in 0..=input.len() {
        let (left, right) = input.split_at(cut);
        assert_eq!(decode(&[left, right], limit), whole, "cut at {cut}");
    }
    let bytes: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(decode(&bytes, limit), whole, "byte by byte");
    whole
}

fn check(input: &[u8], expected: &[(&str, &str)]) {
    let (events, result) = decode_every_way(input, 1 << 10);
    let events: Vec<_> = events
        .iter()
        .map(|event| (event.name.as_str(), event.data.as_str()))
        .collect();
    assert_eq!(events, expected, "{}", String::from_utf8_lossy(input));
    assert_eq!(result, Ok(()));
}

#[test]
fn events_of_every_shape() {
    check(b"", &[]);
    check(b"data: a\n\ndata: b\n\n", &[("", "a"), ("", "b")]);
    check(b"data: a\r\n\r\ndata: b\r\n\r\n", &[("", "a"), ("", "b")]);
    check(b"data: a\r\rdata: b\r\r", &[("", "a"), ("", "b")]);
    check(b"data: a\r\n\ndata: b\n\r\n", &[("", "a"), ("", "b")]);
    check(b"data: one\ndata: two\ndata:\n\n", &[("", "one\ntwo\n")]);
    check(b"data: one\r\ndata: two\r\n\r\n", &[("", "one\ntwo")]);
    check(b"data:a\n\ndata:  b \n\n", &[("", "a"), ("", " b ")]);
    check(b"data\n\n", &[("", "")]);
    check(b": keep-alive\n\n:\n\ndata: a\n\n", &[("", "a")]);
    check(b"\n\n\r\n\rdata: a\n\n", &[("", "a")]);
    check(
        b"id: 7\nretry: 10\nevent: error\ndata: x\n\n",
        &[("error", "x")],
    );
    check(b"event: lost\n\ndata: a\n\n", &[("", "a")]);
    check(b"error: {\"code\":500}\n\n", &[("error", "{\"code\":500}")]);
    check(b"\xEF\xBB\xBFdata: a\n\n", &[("", "a")]);
    check(b"\xEF\xBB\xBF\xEF\xBB\xBFdata: a\n\n", &[]);
    check(b"data: a:b: c\n\n", &[("", "a:b: c")]);
    check(
        "data: Grüße, 世界 🦀\n\n".as_bytes(),
        &[("", "Grüße, 世界 🦀")],
    );
    check(b"data: \xF0\x9F\xA6\n\n", &[("", "\u{FFFD}")]);
    check(b"data: cut off", &[("", "cut off")]);
    check(b"data: cut off\n", &[("", "cut off")]);
    check(b"data: cut off\r", &[("", "cut off")]);
}

#[test]
fn lines_and_events_have_a_limit() {
    let fits = b"data: 34567890\n\n";
    assert_eq!(decode_every_way(fits, 14).1, Ok(()));
    assert_eq!(decode_every_way(fits, 13).1, Err(TooLong(13)));
    let many_lines = b"data: 1\n\ndata: 3456\ndata: 3456\ndata: 3456\n\n";
    let (events, result) = decode_every_way(many_lines, 10);
    assert_eq!(events.len(), 1, "what came before the fault is kept");
    assert_eq!(result, Err(TooLong(10)));
    let endless = vec![b'x'; 100];
    assert_eq!(decode_every_way(&endless, 99).1, Err(TooLong(99)));

    let mut decoder = Decoder::with_limit(3);
    let mut events = Vec::new();
    assert!(decoder.push(b"long line", &mut events).is_err());
    assert!(decoder.push(b"\ndata: a\n\n", &mut events).is_err());
    assert!(events.is_empty());
}

proptest! {
    #[test]
    fn any_bytes_cut_anyhow_give_the_same(
        pieces in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..12),
                prop::sample::select(vec![
                    "data: ", "data", ":", "\n", "\r", "\r\n", "\n\n", "event: e", "\u{FEFF}", "é",
                ]).prop_map(|text| text.as_bytes().to_vec()),
            ],
            0..24,
        ),
        limit in 1usize..40,
    ) {
        let cut: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        let whole = pieces.concat();
        prop_assert_eq!(decode(&cut, limit), decode(&[&whole], limit));
        let bytes: Vec<&[u8]> = whole.chunks(1).collect();
        prop_assert_eq!(decode(&bytes, limit), decode(&[&whole], limit));
    }
}
