//! Keeping strangers out of what only the runner may ask of the edge.
//!
//! Invariant: a path goes to the edge only if none of the ways in which something behind the
//! front door might read it (decoded once or more often, cleaned up or not) leads to
//! `/internal`. In doubt it does not go.

/// The first segment of what only the runner may ask for.
const INTERNAL: &[u8] = b"internal";

/// How often a path is decoded before it counts as an attempt to hide something.
const ROUNDS: usize = 8;

/// Whether `path` leads, or could be read as leading, to `/internal`.
pub(crate) fn leads_to_internal(path: &str) -> bool {
    // Almost every path has nothing to hide in, and is what it looks like.
    if !path.bytes().any(is_special) {
        return path
            .split('/')
            .find(|segment| !segment.is_empty())
            .map(str::as_bytes)
            == Some(INTERNAL);
    }
    let mut current = path.as_bytes().to_vec();
    for _ in 0..ROUNDS {
        if reads_as_internal(&current) {
            return true;
        }
        match decoded(&current) {
            Some(next) => current = next,
            None => return false,
        }
    }
    true
}

/// Whether a byte makes a path one that readers might read in different ways.
fn is_special(byte: u8) -> bool {
    !(byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'~'))
}

/// One reading of a path: its segments without parameters, control characters and blanks.
/// Where it walks (`.` or `..`) readers differ in where it ends, so any segment counts.
fn reads_as_internal(path: &[u8]) -> bool {
    let end = path
        .iter()
        .position(|byte| matches!(byte, b'?' | b'#'))
        .unwrap_or(path.len());
    let segments: Vec<Vec<u8>> = path
        .get(..end)
        .unwrap_or(path)
        .split(|byte| matches!(byte, b'/' | b'\\'))
        .map(bare)
        .filter(|segment| !segment.is_empty())
        .collect();
    let walks = segments
        .iter()
        .any(|segment| segment == b"." || segment == b"..");
    let searched = if walks { segments.len() } else { 1 };
    segments
        .iter()
        .take(searched)
        .any(|segment| segment == INTERNAL)
}

/// A segment without its `;parameters`, and without what some parsers throw away.
fn bare(segment: &[u8]) -> Vec<u8> {
    let name = segment
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default();
    name.iter()
        .copied()
        .filter(|byte| !byte.is_ascii_control() && *byte != b' ')
        .collect()
}

/// `path` with its percent signs read once, or nothing if there are none to read.
fn decoded(path: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    let mut changed = false;
    while let Some((first, tail)) = rest.split_first() {
        match (first, octet(tail)) {
            (b'%', Some(byte)) => {
                out.push(byte);
                changed = true;
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    changed.then_some(out)
}

/// The byte that two hexadecimal digits at the start of `text` stand for.
fn octet(text: &[u8]) -> Option<u8> {
    let digit = |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let value = digit(0)? * 16 + digit(1)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_internal_is_seen() {
        let check = |path: &str| assert!(leads_to_internal(path), "{path}");
        check("/internal");
        check("/internal/");
        check("/internal/migrate");
        check("//internal/migrate");
        check("///internal");
        check("/./internal");
        check("/x/../internal");
        check("/x/y/../../internal/migrate");
        check("/x//..//internal");
        check("/../internal");
        check("/internal/../api/v1/health");
        check("/%69nternal");
        check("/%49nternal/%69nternal/../../internal");
        check("/intern%61l/migrate");
        check("/%2finternal");
        check("/%2Finternal%2Fmigrate");
        check("/internal%2fmigrate");
        check("/x%2f..%2finternal");
        check("/%2e/internal");
        check("/x/%2e%2e/internal");
        check("/x/%2E./internal");
        check("/%2569nternal");
        check("/%252569nternal");
        check("/x/%252e%252e/internal");
        check("/\\internal");
        check("\\internal");
        check("/x\\..\\internal");
        check("/%5cinternal");
        check("/%255cinternal");
        check("/internal;x=1/migrate");
        check("/;x=1/internal");
        check("/x/..;/internal");
        check("/internal%3bx");
        check("/internal%3fx");
        check("/internal%23x");
        check("/internal%00");
        check("/internal%20");
        check("/%09internal");
        check("/in%0aternal");
        let nested = format!("/%{}41", "25".repeat(ROUNDS));
        check(&nested);
    }

    #[test]
    fn other_paths_pass() {
        let check = |path: &str| assert!(!leads_to_internal(path), "{path}");
        check("/");
        check("/api/v1/health");
        check("/internals");
        check("/internal-affairs");
        check("/Internal");
        check("/api/v1/internal");
        check("/api/v1/files/1/src%2Finternal%2Fmod.rs");
        check("/api/v1/users/ada%20l;x=internal");
        check("/x/../api");
        check("/100%");
        check("/100%zz");
        check("/%2525");
        check("*");
        check("");
    }
}
