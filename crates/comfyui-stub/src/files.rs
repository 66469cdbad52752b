//! The server's files, in memory.

use crate::picture;
use bytes::Bytes;
use std::collections::BTreeMap;

/// Folder (`input`, `output`, `temp`), subfolder and name.
pub(crate) type Path = (String, String, String);

pub(crate) struct Files(BTreeMap<Path, Bytes>);

impl Default for Files {
    fn default() -> Self {
        let mut files = Self(BTreeMap::new());
        let example = picture::png(64, 48, 0x33_66_99, &[]);
        files.put("input", "", "example.png", example.into());
        files
    }
}

impl Files {
    pub(crate) fn get(&self, folder: &str, subfolder: &str, name: &str) -> Option<Bytes> {
        let path = (folder.to_owned(), subfolder.to_owned(), name.to_owned());
        self.0.get(&path).cloned()
    }

    pub(crate) fn put(&mut self, folder: &str, subfolder: &str, name: &str, bytes: Bytes) {
        let path = (folder.to_owned(), subfolder.to_owned(), name.to_owned());
        self.0.insert(path, bytes);
    }

    /// The names in the input folder itself.
    pub(crate) fn input_names(&self) -> Vec<&str> {
        let paths = self.0.keys();
        paths
            .filter(|(folder, subfolder, _)| folder == "input" && subfolder.is_empty())
            .map(|(_, _, name)| name.as_str())
            .collect()
    }

    /// A picture that a node names: `name`, `folder/name` or `name [output]`.
    pub(crate) fn named(&self, name: &str) -> Option<Bytes> {
        let (name, folder) = ["input", "output", "temp"]
            .iter()
            .find_map(|folder| Some((name.strip_suffix(&format!(" [{folder}]"))?, *folder)))
            .unwrap_or((name, "input"));
        let (subfolder, name) = name.rsplit_once('/').unwrap_or(("", name));
        self.get(folder, subfolder, name)
    }

    /// The first number that no file of this beginning has, as in `prefix_00001_.png`.
    pub(crate) fn next_number(&self, folder: &str, subfolder: &str, prefix: &str) -> u32 {
        let paths = self.0.keys();
        let numbers = paths.filter_map(|(f, s, name)| {
            let rest = name.strip_prefix(prefix)?.strip_prefix('_')?;
            let number = rest.strip_suffix("_.png")?.parse::<u32>().ok()?;
            (f == folder && s == subfolder).then_some(number)
        });
        numbers.max().unwrap_or(0) + 1
    }
}
