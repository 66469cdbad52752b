//! Texts that are almost patches.

use proptest::{prelude::*, sample::Index};

/// A patch of hunks that may or may not fit the files `a`, `b` and `c`.
pub(super) fn any_patch() -> impl Strategy<Value = String> {
    let path = || prop::sample::select(vec!["a", "b", "c", "d", "a/e"]);
    let line = "[-+ ][xyz]?";
    let chunk = (
        prop::bool::weighted(0.2),
        prop::collection::vec(line, 1..4),
        any::<bool>(),
    )
        .prop_map(|(anchor, lines, end)| {
            let anchor = if anchor { "@@ x" } else { "@@" };
            let end = if end { "\n*** End of File" } else { "" };
            format!("{anchor}\n{}{end}\n", lines.join("\n"))
        });
    let update = (
        path(),
        prop::option::of(path()),
        prop::collection::vec(chunk, 1..3),
    )
        .prop_map(|(path, to, chunks)| {
            let to = to
                .map(|to| format!("*** Move to: {to}\n"))
                .unwrap_or_default();
            format!("*** Update File: {path}\n{to}{}", chunks.concat())
        });
    let hunk = prop_oneof![
        4 => update,
        1 => path().prop_map(|path| format!("*** Delete File: {path}\n")),
        1 => (path(), "[xyz]").prop_map(|(path, line)| format!("*** Add File: {path}\n+{line}\n")),
    ];
    prop::collection::vec(hunk, 1..6)
        .prop_map(|hunks| format!("*** Begin Patch\n{}*** End Patch", hunks.concat()))
}

/// The text with a few of its lines and characters gone, doubled, moved or replaced.
pub(super) fn mutated(text: String) -> impl Strategy<Value = String> {
    let mutation = (0u8..6, any::<Index>(), any::<Index>(), any::<char>());
    prop::collection::vec(mutation, 1..6).prop_map(move |mutations| {
        mutations
            .into_iter()
            .fold(text.clone(), |text, (kind, at, other, character)| {
                let mut lines: Vec<_> = text.split('\n').map(str::to_owned).collect();
                let (at, other) = (at.index(lines.len()), other.index(lines.len()));
                match kind {
                    0 => drop(lines.remove(at)),
                    1 => lines.insert(other, lines[at].clone()),
                    2 => lines.swap(at, other),
                    3 => lines[at].insert(0, character),
                    4 => lines[at].push(character),
                    _ => {
                        let kept = lines[at].chars().skip(1).collect();
                        lines[at] = kept;
                    }
                }
                lines.join("\n")
            })
    })
}
