//! A file, the lines that are to change, and the patch that says so.

use proptest::prelude::*;
use std::fmt::Write;

/// An edit of the file `a`.
#[derive(Clone, Debug)]
pub(super) struct Edited {
    pub(super) before: String,
    pub(super) after: String,
    pub(super) patch: String,
}

/// What becomes of a line, and what is added behind it.
#[derive(Clone, Debug)]
struct Fate {
    text: String,
    end: &'static str,
    removed: bool,
    added: Vec<String>,
}

/// Files with each line once are patched with some context, others with all of it.
pub(super) fn edited() -> impl Strategy<Value = Edited> {
    let context = prop_oneof![Just(None), (0usize..4).prop_map(Some)];
    let shape = (any::<bool>(), any::<bool>(), context, 0u8..3);
    (prop::collection::vec(fate(), 1..40), shape)
        .prop_map(|(fates, shape)| edit(fates, shape))
        .prop_filter("it changes something", |edited| edited.patch.contains("@@"))
}

fn fate() -> impl Strategy<Value = Fate> {
    let text = prop_oneof![
        3 => "[a-c \\t{}]{0,3}",
        1 => "\\PC{0,12}",
        1 => prop::sample::select(vec!["@@", "*** End Patch", "+", "-", "\u{2013}", "“x”"])
            .prop_map(str::to_owned),
    ];
    let added = prop_oneof![
        3 => Just(Vec::new()),
        1 => prop::collection::vec("[a-c \\t]{0,3}|\\PC{0,12}", 1..4),
    ];
    let end = prop::sample::select(vec!["\n", "\n", "\r\n"]);
    (text, end, prop::bool::weighted(0.2), added).prop_map(|(text, end, removed, added)| Fate {
        text,
        end,
        removed,
        added,
    })
}

fn edit(
    mut fates: Vec<Fate>,
    (bom, no_end, context, ends): (bool, bool, Option<usize>, u8),
) -> Edited {
    for (number, fate) in fates.iter_mut().enumerate() {
        if context.is_some() {
            fate.text.insert_str(0, &format!("{number}:"));
        }
        // Most files have but one kind of line ends.
        match ends {
            0 => fate.end = "\n",
            1 => fate.end = "\r\n",
            _ => {}
        }
    }
    // A last line without an end and without text would be none.
    let last = fates.len() - 1;
    let ended = |number: usize| number < last || !no_end || fates[number].text.is_empty();
    let own = if ended(0) { fates[0].end } else { "\n" };
    let (mut before, mut after) = (String::new(), String::new());
    if bom {
        before.push('\u{feff}');
        after.push('\u{feff}');
    }
    for (number, fate) in fates.iter().enumerate() {
        let ended = ended(number);
        before += &fate.text;
        before += if ended { fate.end } else { "" };
        if !fate.removed {
            after += &fate.text;
            after += if ended { fate.end } else { own };
        }
        for line in &fate.added {
            after += line;
            after += own;
        }
    }
    let patch = written(&fates, context);
    Edited {
        before,
        after,
        patch,
    }
}

fn written(fates: &[Fate], context: Option<usize>) -> String {
    let mut patch = "*** Begin Patch\n*** Update File: a\n".to_owned();
    let changes = |fate: &Fate| fate.removed || !fate.added.is_empty();
    let shown = |number: usize| match context {
        None => true,
        // An addition needs the line above it.
        Some(context) => {
            let near = number.saturating_sub(context)..=number + context;
            fates
                .iter()
                .enumerate()
                .any(|(other, fate)| near.contains(&other) && changes(fate))
        }
    };
    let mut open = false;
    for (number, fate) in fates.iter().enumerate() {
        if !shown(number) {
            open = false;
            continue;
        }
        if !open {
            patch.push_str("@@\n");
            open = true;
        }
        let mark = if fate.removed { '-' } else { ' ' };
        // Writing to a String does not fail.
        let _ = writeln!(patch, "{mark}{}", fate.text);
        for line in &fate.added {
            let _ = writeln!(patch, "+{line}");
        }
    }
    patch + "*** End Patch\n"
}
