//! The ports over spin-sdk; the only crate that names it.
