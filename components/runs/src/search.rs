//! `GET /messages/search`: one's own messages in which all terms stand.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use contracts::workspace::{chat::FoundMessage, sessions::Message};
use domain::Error;
use ports::Platform;
use store::search;
use web::{Limits, Outcome, Page, Paged, Parameters, SignedIn};

const MESSAGES: Limits = Limits {
    default: 50,
    most: 100,
};

/// The longest question, in characters, and the most terms of one.
const LONGEST: usize = 200;
const TERMS: usize = 16;

/// How much of a message is shown around what was found, in characters: before and in all.
const BEFORE: usize = 60;
const SHOWN: usize = 240;

pub(crate) async fn search(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    query: Parameters,
) -> Outcome<Response> {
    let question = query.get("q").unwrap_or_default();
    let terms: Vec<&str> = question.split_whitespace().collect();
    let at_fault = match terms.len() {
        0 => Some("is required"),
        _ if question.chars().count() > LONGEST => Some("must be at most 200 characters"),
        count if count > TERMS => Some("must be at most 16 terms"),
        _ if question.contains('\0') => Some("must not contain the character U+0000"),
        _ => None,
    };
    if let Some(message) = at_fault {
        return Err(Error::invalid_field("query.q", message).into());
    }
    let page = Page::by_offset(&query, MESSAGES)?;
    let found =
        search::messages(&*platform.sql, signed_in.account.id, &terms, page.window()).await?;
    let total = found.total;
    let first = terms.first().copied().unwrap_or_default();
    let body: Vec<_> = found
        .items
        .into_iter()
        .map(|found| FoundMessage {
            snippet: snippet(&found.message.content, first),
            message: Message::in_session(found.session, found.message),
            session_title: found.title,
        })
        .collect();
    Ok(Paged { body, total }.into_response())
}

/// The part of `text` around the first place of `term`.
fn snippet(text: &str, term: &str) -> String {
    // Lower case may have other lengths: places are counted in characters of either.
    let lower = |text: &str| {
        text.chars()
            .flat_map(char::to_lowercase)
            .collect::<String>()
    };
    let (searched, term) = (lower(text), lower(term));
    let place = searched.find(&term).and_then(|at| searched.get(..at));
    let start = place.map_or(0, |before| before.chars().count().saturating_sub(BEFORE));
    let mut shown = String::new();
    if start > 0 {
        shown.push('…');
    }
    let mut letters = text.chars().skip(start);
    shown.extend(letters.by_ref().take(SHOWN).map(|letter| match letter {
        letter if letter.is_control() => ' ',
        letter => letter,
    }));
    if letters.next().is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snippets() {
        let check = |text: &str, term: &str, expected: &str| {
            assert_eq!(snippet(text, term), expected, "{term}");
        };
        check("Fix the\nBuild", "build", "Fix the Build");
        check("abc", "x", "abc");
        let long = format!("{}needle{}", "a".repeat(100), "b".repeat(300));
        let expected = format!("…{}needle{}…", "a".repeat(60), "b".repeat(174));
        check(&long, "NEEDLE", &expected);
        check(&"明".repeat(300), "明", &format!("{}…", "明".repeat(240)));
        check("", "x", "");
    }
}
