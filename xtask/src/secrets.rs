//! The secrets of a local stack: made once, kept in `secrets.env` of its state folder.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// The file's name in the state folder.
pub const FILE: &str = "secrets.env";

/// What is kept, and how many random bytes each is made of.
const KINDS: [(&str, usize); 4] = [
    ("jwt_secret", 32),
    ("data_key", 32),
    ("runner_token", 32),
    ("admin_password", 12),
];

/// The secrets, by the name of the variable that they are the value of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets(BTreeMap<String, String>);

impl Secrets {
    /// Reads the file of a state folder; makes what is not in it yet.
    ///
    /// # Errors
    /// When the file is damaged (it is never replaced: what it protects would be lost), can
    /// be read by others, or cannot be written.
    pub fn keep(state: &Path) -> Result<Self> {
        let path = state.join(FILE);
        let mut known = match fs::read_to_string(&path) {
            Ok(text) => parse(&text).with_context(|| damaged(&path))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error).with_context(|| damaged(&path)),
        };
        let mut changed = false;
        for (name, bytes) in KINDS {
            if !known.contains_key(name) {
                known.insert(name.to_owned(), random_hex(bytes)?);
                changed = true;
            }
        }
        if changed {
            write(&path, &known)?;
        }
        Ok(Self(known))
    }

    /// The value of a secret.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

fn parse(text: &str) -> Result<BTreeMap<String, String>> {
    let mut known = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let number = number + 1;
        let Some((name, value)) = line.split_once('=') else {
            bail!("line {number} is not NAME=value");
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(plain) {
            bail!("line {number} has an odd name");
        }
        if value.is_empty() || value.chars().any(|c| c.is_control()) {
            bail!("line {number} has an empty or odd value");
        }
        if known.insert(name.to_owned(), value.to_owned()).is_some() {
            bail!("line {number} names {name} a second time");
        }
    }
    Ok(known)
}

/// Writes the whole file beside its place, readable by its owner alone, and moves it in.
fn write(path: &Path, secrets: &BTreeMap<String, String>) -> Result<()> {
    let aside = path.with_extension(format!("env.{}", std::process::id()));
    let mut text = String::from(
        "# Secrets of this stack, made by `cargo xtask up`. Keep them with the databases: they\n\
         # open what is stored encrypted there.\n",
    );
    for (name, value) in secrets {
        text.push_str(&format!("{name}={value}\n"));
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&aside)
        .with_context(|| format!("writing {}", aside.display()))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&aside, path).with_context(|| format!("writing {}", path.display()))
}

fn damaged(path: &Path) -> String {
    format!(
        "{} cannot be used. Restore it from a backup; or, if sign-ins and what is stored \
         encrypted may be lost, move it away and a new one is made",
        path.display()
    )
}

fn random_hex(bytes: usize) -> Result<String> {
    let mut random = vec![0; bytes];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut random))
        .context("reading /dev/urandom")?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn are_made_once_and_are_the_owners_alone() {
        let state = tempfile::tempdir().unwrap();
        let first = Secrets::keep(state.path()).unwrap();
        assert_eq!(first, Secrets::keep(state.path()).unwrap());
        let mode = fs::metadata(state.path().join(FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(first.get("runner_token").map(str::len), Some(64));
        assert_eq!(
            fs::read_dir(state.path()).unwrap().count(),
            1,
            "nothing else is left"
        );
    }

    #[test]
    fn what_is_missing_is_added_and_what_is_there_stays() {
        let state = tempfile::tempdir().unwrap();
        fs::write(
            state.path().join(FILE),
            "# mine\nrunner_token=abc\nextra=1\n",
        )
        .unwrap();
        let secrets = Secrets::keep(state.path()).unwrap();
        assert_eq!(secrets.get("runner_token"), Some("abc"));
        assert_eq!(secrets.get("extra"), Some("1"));
        assert!(secrets.get("jwt_secret").is_some());
    }

    #[test]
    fn a_damaged_file_is_refused_and_left_alone() {
        for text in [
            "runner_token",
            "=x",
            "a b=c",
            "runner_token=",
            "a=1\na=2",
            "a=\u{1}",
        ] {
            let state = tempfile::tempdir().unwrap();
            let path = state.path().join(FILE);
            fs::write(&path, text).unwrap();
            let error = Secrets::keep(state.path()).unwrap_err();
            assert!(
                format!("{error:#}").contains("secrets.env"),
                "{text:?}: {error:#}"
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
}
