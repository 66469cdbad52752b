//! Bytes that come in pieces, as text.
//!
//! Invariant: no piece of text ends in the middle of a character; what is no UTF-8 is replaced.

/// Joins the pieces of one stream.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// The beginning of a character.
    rest: Vec<u8>,
}

impl Text {
    /// The text so far, without a character that is not whole yet.
    pub(super) fn push(&mut self, bytes: &[u8]) -> String {
        self.rest.extend_from_slice(bytes);
        let whole = self.rest.len() - begun(&self.rest);
        let rest = self.rest.split_off(whole);
        let whole = std::mem::replace(&mut self.rest, rest);
        String::from_utf8_lossy(&whole).into_owned()
    }

    /// What is left at the end.
    pub(super) fn finish(self) -> String {
        String::from_utf8_lossy(&self.rest).into_owned()
    }
}

/// How many bytes at the end are the beginning of a character.
pub(super) fn begun(bytes: &[u8]) -> usize {
    let last = bytes.iter().rev().take(3).enumerate();
    for (after, byte) in last {
        let length = match byte {
            0x80..=0xBF => continue,
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF7 => 4,
            _ => 1,
        };
        return if after + 1 < length { after + 1 } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_to_the_whole_without_a_halved_character() {
        let text = "a€é𝄞\u{1F469}\u{200D}ß\n".repeat(3);
        for size in 1..12 {
            let mut joined = Text::default();
            let mut all = String::new();
            for piece in text.as_bytes().chunks(size) {
                let text = joined.push(piece);
                assert!(!text.contains('\u{FFFD}'), "pieces of {size}");
                all.push_str(&text);
            }
            all.push_str(&joined.finish());
            assert_eq!(all, text, "pieces of {size}");
        }
    }

    #[test]
    fn what_is_no_text_passes_replaced_and_is_not_kept_back() {
        let mut text = Text::default();
        assert_eq!(text.push(b"\xFF\xFEa"), "\u{FFFD}\u{FFFD}a");
        assert_eq!(
            text.push(b"\x80\x80\x80\x80b"),
            format!("{}b", "\u{FFFD}".repeat(4))
        );
        assert_eq!(text.push(b"\xE2\x82"), "");
        assert_eq!(text.finish(), "\u{FFFD}");
    }
}
