//! Writes the OpenAPI document from the types of `contracts`, so that the component carries the
//! text, deflated, and not the program that makes it.

use std::{env, fs, io, path::PathBuf};

/// The level that makes the smallest.
const BEST: u8 = 10;

fn main() -> io::Result<()> {
    let folder = env::var_os("OUT_DIR")
        .map(PathBuf::from)
        .unwrap_or_default();
    let document = contracts::to_json(&contracts::openapi::document());
    let deflated = miniz_oxide::deflate::compress_to_vec(document.as_ref(), BEST);
    fs::write(folder.join("openapi.json.deflate"), deflated)
}
