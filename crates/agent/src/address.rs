//! Whom a message of the user addresses: `@Alex, please …`.
//!
//! A name counts where a word could begin and where it ends as a word does. What is quoted or
//! code does not count, nor mail addresses, packages (`@alex/ui`) or hosts (`@alex.dev`).

/// The first of `names` that the text addresses. Case does not matter; of names that begin alike,
/// the longest counts.
pub fn addressed<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.chars().count()));
    let mut fence: Option<(char, usize)> = None;
    for line in text.lines() {
        let start = line.trim_start();
        if let Some(mark) = fence_mark(start) {
            match fence {
                None => fence = Some(mark),
                Some((character, length)) if mark.0 == character && mark.1 >= length => {
                    fence = None;
                }
                Some(_) => {}
            }
            continue;
        }
        let is_code = line.starts_with("    ") || line.starts_with('\t');
        if fence.is_some() || is_code || start.starts_with('>') {
            continue;
        }
        if let Some(name) = in_line(line, &names) {
            return Some(name);
        }
    }
    None
}

/// The character and the length of a code fence that the line begins with.
fn fence_mark(line: &str) -> Option<(char, usize)> {
    let character = line
        .chars()
        .next()
        .filter(|first| matches!(first, '`' | '~'))?;
    let length = line.chars().take_while(|next| *next == character).count();
    (length >= 3).then_some((character, length))
}

fn in_line<'a>(line: &str, names: &[&'a str]) -> Option<&'a str> {
    let mut rest = line;
    let mut before = ' ';
    while let Some(character) = rest.chars().next() {
        let after = rest.get(character.len_utf8()..).unwrap_or_default();
        if character == '`' {
            // A span of code ends with as many backticks as it began with; one that does not end
            // is text.
            let ticks = rest.bytes().take_while(|byte| *byte == b'`').count();
            let (mark, inner) = rest.split_at(ticks);
            let end = inner.find(mark).map(|found| found + ticks);
            rest = end.and_then(|end| inner.get(end..)).unwrap_or(inner);
            before = '`';
            continue;
        }
        if character == '@'
            && begins_word(before)
            && let Some(name) = names.iter().find(|name| is_name(after, name))
        {
            return Some(name);
        }
        before = character;
        rest = after;
    }
    None
}

fn begins_word(before: char) -> bool {
    before.is_whitespace() || matches!(before, '(' | '[' | '{' | '"' | '\'' | ',' | ';' | ':' | '*')
}

/// Whether the text begins with the name, as a whole word.
fn is_name(text: &str, name: &str) -> bool {
    let length: usize = text
        .chars()
        .take(name.chars().count())
        .map(char::len_utf8)
        .sum();
    let (said, rest) = text.split_at(length);
    if said.to_lowercase() != name.to_lowercase() {
        return false;
    }
    let mut rest = rest.chars();
    match rest.next() {
        None => true,
        Some(next) if next.is_alphanumeric() => false,
        Some('_' | '-' | '/' | '@' | '\\' | '\'' | '’' | '=') => false,
        // A sentence ends with a dot and a space; a host goes on.
        Some('.' | ':') => !rest.next().is_some_and(char::is_alphanumeric),
        Some(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::addressed;

    #[test]
    fn who_is_addressed() {
        let names = ["Mike", "Alex", "Al", "Data Scientist", "Ægir"];
        for (text, expected) in [
            ("@Alex fix it", Some("Alex")),
            ("@alex, fix it", Some("Alex")),
            ("@ALEX", Some("Alex")),
            ("please @Alex: fix it", Some("Alex")),
            ("(@alex) fix it", Some("Alex")),
            ("ask @Alex.", Some("Alex")),
            ("ask @Alex. Then go", Some("Alex")),
            ("@al go", Some("Al")),
            ("@data scientist, count", Some("Data Scientist")),
            ("@ægir: row", Some("Ægir")),
            ("first\nsecond\n@Alex third", Some("Alex")),
            ("@Bob and @alex and @mike", Some("Alex")),
            ("**@Alex** do", Some("Alex")),
            ("@Alex!", Some("Alex")),
            ("it`s late, @Alex", Some("Alex")),
            ("``a ` b`` @Alex", Some("Alex")),
            ("```\n@Mike\n```\n@Alex", Some("Alex")),
            ("````\n```\n@Mike\n````\n@Alex", Some("Alex")),
            ("", None),
            ("Alex, fix it", None),
            ("@", None),
            ("@ Alex", None),
            ("write to me@alex.example", None),
            ("me@Alex", None),
            ("@alexander", None),
            ("@alex.dev is down", None),
            ("@alex:8080", None),
            ("npm i @alex/ui", None),
            ("@alex-bot", None),
            ("@alex's file", None),
            ("@alex_1", None),
            ("@@alex", None),
            ("`@Alex` is a decorator", None),
            ("``@Alex``", None),
            ("```\n@Alex fix it\n```", None),
            ("~~~py\n@alex\ndef f(): pass", None),
            ("> @Alex fix it", None),
            ("    @Alex", None),
            ("\t@Alex", None),
            ("@Éva", None),
            ("@Ale", None),
        ] {
            assert_eq!(addressed(text, names), expected, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken(text in "[@`~>. \\t\\nAlexé世\u{130}]{0,40}") {
            let _ = addressed(&text, ["Alex", "é", "\u{130}x"]);
        }
    }
}
