//! Tokens as server-sent events, byte for byte as the `chat` contract shows them.

use bytes::Bytes;

/// Writes tokens as events. A line end within a token becomes a second `data:` line, because
/// the format has no other way to carry it.
#[derive(Default)]
pub(crate) struct Tokens {
    /// The last token ended in CR: an LF that begins the next is the same line end.
    after_cr: bool,
}

impl Tokens {
    /// The event for `token`; `None` if there is nothing of it to send.
    pub(crate) fn event(&mut self, token: &str) -> Option<Bytes> {
        let token = match token.strip_prefix('\n') {
            Some(rest) if self.after_cr => rest,
            _ => token,
        };
        if token.is_empty() {
            return None;
        }
        self.after_cr = token.ends_with('\r');
        let mut event = String::with_capacity(token.len() + 10);
        event.push_str("data: ");
        let mut characters = token.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\r' => {
                    characters.next_if_eq(&'\n');
                    event.push_str("\ndata: ");
                }
                '\n' => event.push_str("\ndata: "),
                other => event.push(other),
            }
        }
        event.push_str("\n\n");
        Some(event.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens() {
        let check = |tokens: &[&str], expected: &str| {
            let mut writer = Tokens::default();
            let bytes: Vec<u8> = tokens
                .iter()
                .filter_map(|token| writer.event(token))
                .flatten()
                .collect();
            assert_eq!(String::from_utf8_lossy(&bytes), expected, "{tokens:?}");
        };
        check(
            &["The", " sky", " is"],
            "data: The\n\ndata:  sky\n\ndata:  is\n\n",
        );
        check(&["a\nb"], "data: a\ndata: b\n\n");
        check(&["\n"], "data: \ndata: \n\n");
        check(&["a\r\nb"], "data: a\ndata: b\n\n");
        check(&["a\r", "\nb"], "data: a\ndata: \n\ndata: b\n\n");
        check(&["a\r", "\n"], "data: a\ndata: \n\n");
        check(&["a\rb"], "data: a\ndata: b\n\n");
        check(&["", "a"], "data: a\n\n");
        check(&["天", "空"], "data: 天\n\ndata: 空\n\n");
        check(&["[DONE]"], "data: [DONE]\n\n");
    }
}
