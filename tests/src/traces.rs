//! Looking for what should be nowhere on the disk.

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
};
use std::path::{Path, PathBuf};

/// A file below `folder` that holds `text`: in clear, or as it is written in hexadecimal or
/// base64. Links are not followed: what was compiled is kept behind one.
#[must_use]
pub fn file_with(folder: &Path, text: &str) -> Option<PathBuf> {
    find(folder, &spellings(text))
}

fn find(folder: &Path, spellings: &[String]) -> Option<PathBuf> {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        let found = if kind.is_dir() {
            find(&path, spellings)
        } else if kind.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            // What is no UTF-8 around it does not change a text.
            let content = String::from_utf8_lossy(&bytes);
            let holds = |text: &String| content.contains(text.as_str());
            spellings.iter().any(holds).then_some(path)
        } else {
            None
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// The text, and what stands where it was encoded, whatever came before and after it.
fn spellings(text: &str) -> Vec<String> {
    let hexadecimal: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut spellings = vec![text.to_owned(), hexadecimal.to_uppercase(), hexadecimal];
    // Three bytes are four characters: the text may begin at the first byte of three, the second
    // or the third. Characters that it shares with its neighbours are left out.
    for (before, shared) in [(0, 0), (1, 2), (2, 3)] {
        let mut bytes = vec![0; before];
        bytes.extend(text.bytes());
        let own = shared..bytes.len() * 8 / 6;
        for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
            spellings.push(engine.encode(&bytes)[own.clone()].to_owned());
        }
    }
    spellings
}

#[cfg(test)]
mod tests {
    use super::file_with;
    use base64::{
        Engine as _,
        prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
    };

    #[test]
    fn a_text_is_found_however_it_is_written() {
        const TEXT: &str = "sk-a?~b>é-9";
        let check = |written: &[u8], found: bool| {
            let folder = tempfile::tempdir().unwrap();
            let deeper = folder.path().join("deeper");
            std::fs::create_dir(&deeper).unwrap();
            let path = deeper.join("file");
            std::fs::write(&path, [&b"\xff\xe2"[..], written, b"\x80"].concat()).unwrap();
            let seen = file_with(folder.path(), TEXT);
            let written = String::from_utf8_lossy(written);
            assert_eq!(seen, found.then_some(path), "{written}");
        };
        check(b"sk-a?~b>", false);
        check(TEXT.as_bytes(), true);
        let hexadecimal: String = TEXT.bytes().map(|byte| format!("{byte:02X}")).collect();
        check(hexadecimal.as_bytes(), true);
        check(hexadecimal.to_lowercase().as_bytes(), true);
        for before in ["", "Bearer ", "key=", "{\"k\":\""] {
            for after in ["", "\"", "; path=/"] {
                let whole = format!("{before}{TEXT}{after}");
                check(BASE64_STANDARD.encode(&whole).as_bytes(), true);
                check(BASE64_URL_SAFE_NO_PAD.encode(&whole).as_bytes(), true);
            }
        }
    }
}
