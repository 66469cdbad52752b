//! Whom a message of the user addresses: `@Alex, please …`.
//!
//! A name counts where no address goes on and where it ends as a word does. Scripts without blanks
//! between words need none around it either: `请@Alex修复`. What is quoted or code does not count, nor
//! mail addresses, packages (`@alex/ui`) or hosts (`@alex.dev`).

/// Whether the text may address somebody, whatever their names are.
#[must_use]
pub fn may_address(text: &str) -> bool {
    text.contains('@')
}

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
            && !goes_on(before)
            && let Some(name) = names.iter().find(|name| is_name(after, name))
        {
            return Some(name);
        }
        before = character;
        rest = after;
    }
    None
}

/// Whether a mail or web address goes on after this.
fn goes_on(before: char) -> bool {
    before.is_ascii_alphanumeric() || matches!(before, '.' | '_' | '-' | '+' | '@' | '/' | '\\')
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
        Some(next) if is_of_word(next) => false,
        Some('_' | '-' | '/' | '@' | '\\' | '\'' | '’' | '=') => false,
        // A sentence ends with a dot and a space; a host goes on.
        Some('.' | ':') => !rest.next().is_some_and(is_of_word),
        Some(_) => true,
    }
}

/// Whether a word that a name begins goes on with this letter or digit. Letters of scripts that set
/// no blanks between words, or write endings to a name as it is, begin something of their own.
fn is_of_word(next: char) -> bool {
    match next.is_ascii() {
        true => next.is_ascii_alphanumeric(),
        false => next.is_alphabetic() && !is_set_solid(next),
    }
}

/// Letters of East and South-East Asia: Thai to Burmese, Hangul, Khmer, Kana, Bopomofo, Han and Yi.
fn is_set_solid(letter: char) -> bool {
    matches!(
        letter,
        '\u{0E00}'..='\u{109F}'
            | '\u{1100}'..='\u{11FF}'
            | '\u{1780}'..='\u{17FF}'
            | '\u{2E80}'..='\u{A4CF}'
            | '\u{A960}'..='\u{A97F}'
            | '\u{AC00}'..='\u{D7FF}'
            | '\u{F900}'..='\u{FAFF}'
            | '\u{FF66}'..='\u{FFDC}'
            | '\u{1AFF0}'..='\u{1B16F}'
            | '\u{20000}'..='\u{3FFFF}'
    )
}

#[cfg(test)]
mod tests {
    use super::{addressed, may_address};

    const NAMES: [&str; 6] = ["Mike", "Alex", "Al", "Data Scientist", "Ægir", "小明"];

    #[test]
    fn who_is_addressed() {
        for (text, expected) in [
            ("@Alex fix it", "Alex"),
            ("@alex, fix it", "Alex"),
            ("@ALEX", "Alex"),
            ("please @Alex: fix it", "Alex"),
            ("(@alex) fix it", "Alex"),
            ("ask @Alex.", "Alex"),
            ("ask @Alex. Then go", "Alex"),
            ("@al go", "Al"),
            ("@data scientist, count", "Data Scientist"),
            ("@ægir: row", "Ægir"),
            ("first\nsecond\n@Alex third", "Alex"),
            ("@Bob and @alex and @mike", "Alex"),
            ("**@Alex** do", "Alex"),
            ("@Alex!", "Alex"),
            ("it`s late, @Alex", "Alex"),
            ("``a ` b`` @Alex", "Alex"),
            ("@Alex请修复", "Alex"),
            ("@alex修复这个", "Alex"),
            ("你好，@Alex 看一下", "Alex"),
            ("请@Alex 修", "Alex"),
            ("请@Alex修一下", "Alex"),
            ("（@Alex）", "Alex"),
            ("「@Alex」", "Alex"),
            ("完成了。@Alex。", "Alex"),
            ("@Alex：请修复", "Alex"),
            ("@Alex:请修复", "Alex"),
            ("@Alex.请修复", "Alex"),
            ("@Alexお願いします", "Alex"),
            ("@Alexサン", "Alex"),
            ("@Alex님, 고쳐 주세요", "Alex"),
            ("@Alexช่วยหน่อย", "Alex"),
            ("请@data scientist统计", "Data Scientist"),
            ("@小明请修复", "小明"),
            ("Привет!@Alex, почини", "Alex"),
            ("done!@Alex", "Alex"),
            ("```\n@Mike\n```\n@Alex", "Alex"),
            ("````\n```\n@Mike\n````\n@Alex", "Alex"),
        ] {
            assert_eq!(addressed(text, NAMES), Some(expected), "{text:?}");
            assert!(may_address(text), "{text:?}");
        }
    }

    #[test]
    fn nobody_is_addressed() {
        for text in [
            "",
            "Alex, fix it",
            "@",
            "@ Alex",
            "write to me@alex.example",
            "me@Alex",
            "foo@Alex",
            "foo.@Alex",
            "foo_@Alex",
            "foo-@Alex",
            "foo+@Alex",
            "me@alex.org",
            "请写信到me@alex.org",
            "https://example.org/@Alex",
            "@Alexander",
            "请@Alexander修",
            "@Alex2",
            "@Alexé",
            "@Alexей",
            "@Alexα",
            "@Alexა",
            "@Alex.example",
            "@小",
            "@alexander",
            "@alex.dev is down",
            "@alex:8080",
            "npm i @alex/ui",
            "@alex-bot",
            "@alex's file",
            "@alex_1",
            "@@alex",
            "`@Alex` is a decorator",
            "``@Alex``",
            "```\n@Alex fix it\n```",
            "~~~py\n@alex\ndef f(): pass",
            "> @Alex fix it",
            "    @Alex",
            "\t@Alex",
            "@Éva",
            "@Ale",
        ] {
            assert_eq!(addressed(text, NAMES), None, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken(text in "[@`~>. \\t\\nAlexé世，\u{130}]{0,40}") {
            let _ = addressed(&text, ["Alex", "é", "\u{130}x"]);
        }
    }
}
