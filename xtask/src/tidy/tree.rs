//! The text files of the repository.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Folders that are made, not written.
const MADE: [&str; 5] = ["target", ".git", ".atelier", "node_modules", ".venv"];

/// Every text file, with its path from the root.
#[derive(Debug)]
pub(super) struct Tree {
    /// In the order of their paths.
    pub(super) files: Vec<TextFile>,
}

/// One file.
#[derive(Debug)]
pub(super) struct TextFile {
    /// Its path from the root.
    pub(super) path: PathBuf,
    /// What is in it.
    pub(super) text: String,
}

impl Tree {
    /// Reads all files below the root; those that are no UTF-8 are no text and left out.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut files = Vec::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            let entries =
                fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
            for entry in entries {
                let entry = entry?;
                let (path, kind) = (entry.path(), entry.file_type()?);
                if kind.is_dir() {
                    if !MADE.iter().any(|made| entry.file_name() == *made) {
                        folders.push(path);
                    }
                } else if kind.is_file() {
                    let Ok(text) = fs::read_to_string(&path) else {
                        continue;
                    };
                    let path = path.strip_prefix(root).unwrap_or(&path).to_owned();
                    files.push(TextFile { path, text });
                }
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files })
    }

    /// The Rust files.
    pub(super) fn rust(&self) -> impl Iterator<Item = &TextFile> {
        self.files
            .iter()
            .filter(|file| file.path.extension().is_some_and(|e| e == "rs"))
    }

    /// The code of a package as it is compiled for others: below its `src/`, without what
    /// stands in test modules.
    pub(super) fn code_of(&self, folder: &Path) -> String {
        let source = folder.join("src");
        self.rust()
            .filter(|file| file.path.starts_with(&source) && !file.is_test_module())
            .map(TextFile::code)
            .collect()
    }
}

impl TextFile {
    /// What stands before the file's own tests, comment lines left out.
    pub(super) fn code(&self) -> String {
        let before = self
            .text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        let lines = before
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        lines.map(|line| format!("{line}\n")).collect()
    }

    fn is_test_module(&self) -> bool {
        self.path.file_stem().is_some_and(|stem| stem == "tests")
            || self
                .path
                .components()
                .any(|part| part.as_os_str() == "tests")
    }
}
