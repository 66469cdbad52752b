//! Chance that can be had again.

use std::hash::{BuildHasher as _, RandomState};

/// What comes after one another from a seed (xorshift).
pub struct Chance(u64);

impl Chance {
    /// From a seed that is printed; `ATELIER_SEED` names one to be played again.
    #[must_use]
    pub fn new() -> Self {
        let given = std::env::var("ATELIER_SEED").ok();
        let seed = given.map_or_else(
            || RandomState::new().hash_one("moments"),
            |seed| seed.parse().unwrap(),
        );
        println!("ATELIER_SEED={seed}");
        Self(seed | 1)
    }

    /// The next number, below `most`.
    pub fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

impl Default for Chance {
    fn default() -> Self {
        Self::new()
    }
}
