//! Texts with alternatives: `a {red|{dark|light} blue} house // note`. The editor chooses before
//! it sends them; the server would take them as they are written.

/// How deep alternatives may hold alternatives; deeper ones stay as they are written.
const DEPTH: usize = 16;

/// The text without comments and with one alternative of each group.
pub(super) fn choose(text: &str, pick: &mut dyn FnMut(usize) -> usize) -> String {
    let text: Vec<char> = without_comments(text).chars().collect();
    let mut chosen = String::new();
    expand(&text, pick, 0, &mut chosen);
    chosen
}

fn expand(
    mut text: &[char],
    pick: &mut dyn FnMut(usize) -> usize,
    depth: usize,
    chosen: &mut String,
) {
    while let [first, rest @ ..] = text {
        text = rest;
        match (first, rest) {
            ('\\', [escaped @ ('{' | '}' | '|'), rest @ ..]) => {
                chosen.push(*escaped);
                text = rest;
            }
            ('{', _) if depth < DEPTH => {
                let (alternatives, rest) = group(rest);
                let number = pick(alternatives.len());
                if let Some(alternative) = alternatives.get(number).or(alternatives.first()) {
                    expand(alternative, pick, depth + 1, chosen);
                }
                text = rest;
            }
            (other, _) => chosen.push(*other),
        }
    }
}

/// The alternatives of a group whose brace is just behind, and what comes after it. A group that
/// is never closed ends with the text.
fn group(text: &[char]) -> (Vec<&[char]>, &[char]) {
    let mut alternatives = Vec::new();
    let (mut begin, mut at, mut depth) = (0, 0, 0_usize);
    while let Some(character) = text.get(at) {
        match character {
            '\\' => at += 1,
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            '|' if depth == 0 => {
                alternatives.push(text.get(begin..at).unwrap_or_default());
                begin = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    let end = at.min(text.len());
    alternatives.push(text.get(begin..end).unwrap_or_default());
    (alternatives, text.get(end + 1..).unwrap_or_default())
}

fn without_comments(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    let mut may_close = true;
    while let Some(at) = rest.find('/') {
        let (before, from) = rest.split_at(at);
        kept.push_str(before);
        let comment = from.strip_prefix("/*").filter(|_| may_close);
        let closed = comment.and_then(|body| body.split_once("*/"));
        // Where no end follows, none follows later: it is looked for once, not at every beginning.
        may_close &= comment.is_none() || closed.is_some();
        if let Some((_, after)) = closed {
            rest = after;
        } else if from.starts_with("//") {
            rest = from
                .find('\n')
                .map_or("", |end| from.get(end..).unwrap_or_default());
        } else {
            kept.push('/');
            rest = from.get(1..).unwrap_or_default();
        }
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_are_chosen() {
        let check = |text: &str, first: &str, last: &str| {
            assert_eq!(choose(text, &mut |_| 0), first, "{text}");
            assert_eq!(choose(text, &mut |count| count - 1), last, "{text}");
        };
        check("plain", "plain", "plain");
        check("a {red|blue} house", "a red house", "a blue house");
        check("{a|{b|c}} {d}", "a d", "c d");
        check(r"\{a|b\} {x\|y|z}", "{a|b} x|y", "{a|b} z");
        check("{a|b", "a", "b");
        check("a} b", "a} b", "a} b");
        check("{}", "", "");
        check("x /* {a|b} */y // z\nw", "x y \nw", "x y \nw");
        check("1/2 /* open", "1/2 /* open", "1/2 /* open");
        check("é{ü|ö}", "éü", "éö");
        check(r"{a\", r"a\", r"a\");
    }

    #[test]
    fn comments_without_end_take_no_longer_than_their_text() {
        let text = "/*a".repeat(300_000);
        assert_eq!(choose(&text, &mut |_| 0), text);
        let text = format!("{}*/b", "/*a".repeat(300_000));
        assert_eq!(choose(&text, &mut |_| 0), "b");
        assert_eq!(choose("/*a*/b/*c//d", &mut |_| 0), "b/*c");
    }

    #[test]
    fn a_pick_out_of_range_is_the_first() {
        assert_eq!(choose("{a|b}", &mut |_| 7), "a");
    }
}
