//! Writes the OpenAPI document from the types of `contracts`, so that the component carries the
//! text and not the program that makes it.

use std::{env, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    let folder = env::var_os("OUT_DIR")
        .map(PathBuf::from)
        .unwrap_or_default();
    let document = contracts::to_json(&contracts::openapi::document());
    fs::write(folder.join("openapi.json"), document)
}
