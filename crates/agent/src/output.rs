//! Long outputs: what the model is shown of them, and how it reads on.

use serde_json::Value;
use std::{borrow::Cow, iter};

/// What the texts of a shortened value are cut to at least.
const SHORTEST: usize = 64;

/// What a long output is cut to: three quarters of the room for its beginning, a quarter for its
/// end, and `marker` between, which is told how many bytes are missing and where.
pub(crate) fn cut(
    text: &str,
    room: usize,
    marker: impl FnOnce(usize, usize) -> String,
) -> Cow<'_, str> {
    if text.len() <= room {
        return Cow::Borrowed(text);
    }
    let head = text.floor_char_boundary(room / 4 * 3);
    let tail = text.ceil_char_boundary(text.len() - room / 4);
    let (first, last) = (
        text.get(..head).unwrap_or_default(),
        text.get(tail..).unwrap_or_default(),
    );
    let marker = marker(tail - head, head);
    Cow::Owned(format!("{first}\n[… {marker} …]\n{last}"))
}

/// A marker that says how much is missing.
pub(crate) fn left_out(missing: usize, _: usize) -> String {
    format!("{missing} bytes left out")
}

/// The value with its long texts cut, so that its JSON takes at most `room` bytes; nothing where
/// it is other things that take more.
pub(crate) fn shorten(value: &Value, room: usize) -> Option<Value> {
    iter::successors(Some(room), |most| Some(most / 2))
        .take_while(|most| *most >= SHORTEST)
        .map(|most| with_texts(value, most))
        .find(|short| short.to_string().len() <= room)
}

fn with_texts(value: &Value, most: usize) -> Value {
    match value {
        Value::String(text) => Value::String(cut(text, most, left_out).into_owned()),
        Value::Array(items) => items.iter().map(|item| with_texts(item, most)).collect(),
        Value::Object(members) => {
            let members = members.iter();
            members
                .map(|(name, value)| (name.clone(), with_texts(value, most)))
                .collect()
        }
        other => other.clone(),
    }
}

/// What the model is shown of a call's output.
pub(crate) fn show<'a>(output: &'a str, room: usize, call_id: &str) -> Cow<'a, str> {
    cut(output, room, |missing, offset| {
        format!(
            "{missing} bytes are left out here; read_output with call_id {call_id:?} and offset \
             {offset} reads on"
        )
    })
}

/// What is kept of a call's output.
pub(crate) fn keep(output: &str, room: usize) -> Cow<'_, str> {
    cut(output, room, |missing, _| {
        format!("{missing} bytes were not kept")
    })
}

/// A part of a kept output, from the byte `offset` on.
pub(crate) fn page(output: &str, offset: usize, room: usize) -> String {
    let start = output.ceil_char_boundary(offset.min(output.len()));
    let end = output.floor_char_boundary(start.saturating_add(room).min(output.len()));
    let part = output.get(start..end).unwrap_or_default();
    let total = output.len();
    let rest = match end < total {
        true => format!("offset {end} reads on"),
        false => "this is the end".to_owned(),
    };
    format!("{part}\n[bytes {start} to {end} of {total}; {rest}]")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_short_output_is_shown_whole() {
        assert_eq!(show("abc", 3, "c1"), "abc");
    }

    #[test]
    fn a_long_output_says_how_to_read_on() {
        let shown = show("0123456789abcdef", 8, "c1");
        assert_eq!(
            shown,
            "012345\n[… 8 bytes are left out here; read_output with call_id \"c1\" and offset 6 \
             reads on …]\nef"
        );
        assert_eq!(
            page("0123456789abcdef", 6, 8),
            "6789abcd\n[bytes 6 to 14 of 16; offset 14 reads on]"
        );
        assert_eq!(
            page("0123456789abcdef", 14, 8),
            "ef\n[bytes 14 to 16 of 16; this is the end]"
        );
        assert_eq!(page("abc", 99, 8), "\n[bytes 3 to 3 of 3; this is the end]");
    }

    proptest! {
        #[test]
        fn reading_on_misses_nothing(text in "[a-cé世]{0,200}", room in 8_usize..40) {
            let mut read = String::new();
            loop {
                let page = page(&text, read.len(), room);
                let (part, note) = page.rsplit_once('\n').unwrap();
                read.push_str(part);
                if note.ends_with("this is the end]") {
                    break;
                }
            }
            prop_assert_eq!(&read, &text);
            prop_assert!(cut(&text, room, |_, _| String::new()).len() <= room + 12);
        }
    }
}
