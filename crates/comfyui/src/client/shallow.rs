//! JSON without what lies deep in it, for answers of which little counts.
//!
//! Invariant: of what lies deep nothing is kept or understood; what it is does not matter.

use domain::weight::Texts;

/// Takes JSON in pieces and keeps its outer levels. Of lists and objects that lie deeper the
/// brackets are kept, with nothing in them.
pub(super) struct Shallow {
    levels: usize,
    /// How many lists and objects are open.
    depth: usize,
    texts: Texts,
    kept: Vec<u8>,
}

impl Shallow {
    pub(super) fn new(levels: usize) -> Self {
        Self {
            levels,
            depth: 0,
            texts: Texts::default(),
            kept: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, piece: &[u8]) {
        for byte in piece {
            self.take(*byte);
        }
    }

    pub(super) fn kept(&self) -> usize {
        self.kept.len()
    }

    pub(super) fn into_kept(self) -> Vec<u8> {
        self.kept
    }

    fn take(&mut self, byte: u8) {
        match (byte, self.texts.take(byte)) {
            (b'[' | b'{', false) => {
                self.keep(byte);
                self.depth += 1;
            }
            (b']' | b'}', false) => {
                self.depth = self.depth.saturating_sub(1);
                self.keep(byte);
            }
            _ => self.keep(byte),
        }
    }

    fn keep(&mut self, byte: u8) {
        if self.depth <= self.levels {
            self.kept.push(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shallow(levels: usize, pieces: &[&[u8]]) -> String {
        let mut shallow = Shallow::new(levels);
        for piece in pieces {
            shallow.add(piece);
        }
        String::from_utf8(shallow.into_kept()).unwrap()
    }

    #[test]
    fn outer_levels_are_kept() {
        let check = |json: &str, expected: &str| {
            assert_eq!(shallow(2, &[json.as_bytes()]), expected, "{json}");
            // Wherever it is cut.
            let bytes: Vec<&[u8]> = json.as_bytes().chunks(1).collect();
            assert_eq!(shallow(2, &bytes), expected, "{json}");
        };
        check("1", "1");
        check("[[1, \"é\"]]", "[[1, \"é\"]]");
        check("[[[1], {\"a\": [2]}, 3]]", "[[[], {}, 3]]");
        check(r#"[["[\\\"]", ["]\"["], 1]]"#, r#"[["[\\\"]", [], 1]]"#);
        // Python writes what is no JSON.
        check("[[{\"a\": NaN}, 1]]", "[[{}, 1]]");
        check("]]]", "]]]");
        check("[[[\"", "[[[");
    }
}
