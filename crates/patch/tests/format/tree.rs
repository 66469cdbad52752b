//! A folder on disk: what a caller of the library does with files.

use patch::{Changes, Entry, FilePath, Files, Need};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// Every file below a folder, by its path.
pub(super) type Snapshot = BTreeMap<String, Vec<u8>>;

/// Files that no patch of a test names.
const UNTOUCHED: [(&str, &[u8]); 3] = [
    ("untouched/data.bin", b"\x00\xff\xfe\r\n\r"),
    ("untouched/notes.md", b"no newline at the end"),
    ("untouched/crlf.txt", b"a\r\nb\r\n"),
];

/// A folder with files, removed with the value.
pub(super) struct Tree(TempDir);

impl Tree {
    pub(super) fn with(files: &[(&str, &str)]) -> Self {
        let tree = Self(TempDir::new().expect("a folder"));
        for (path, content) in UNTOUCHED {
            tree.put(path, content);
        }
        for (path, content) in files {
            tree.put(path, content.as_bytes());
        }
        tree
    }

    pub(super) fn put(&self, path: &str, content: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("the folder is made");
        fs::write(path, content).expect("the file is written");
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::new();
        let mut folders = vec![self.0.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(self.0.path()).expect("it is below");
                    let name = name.to_str().expect("UTF-8").to_owned();
                    snapshot.insert(name, fs::read(&path).expect("a file"));
                }
            }
        }
        snapshot
    }

    /// Looks at what a patch asks for.
    pub(super) fn read(&self, paths: &BTreeMap<FilePath, Need>) -> Files {
        let entry = |(path, need): (&FilePath, &Need)| {
            let entry = self.entry(&self.path(path.as_str()), *need);
            (path.clone(), entry)
        };
        paths.iter().map(entry).collect()
    }

    fn entry(&self, path: &Path, need: Need) -> Entry {
        let linked = path
            .ancestors()
            .take_while(|above| *above != self.0.path())
            .any(Path::is_symlink);
        match fs::metadata(path) {
            _ if linked => Entry::Other,
            Ok(found) if found.is_dir() => Entry::Folder,
            Ok(found) if found.is_file() && need == Need::Content => {
                Entry::File(fs::read(path).expect("the file is read"))
            }
            Ok(_) => Entry::Other,
            Err(error) => {
                let absent = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
                assert!(absent.contains(&error.kind()), "{error}");
                Entry::Absent
            }
        }
    }

    /// Writes changes. That the files are as they were read is part of the test.
    pub(super) fn write(&self, changes: &Changes) {
        let writes: Vec<_> = changes.writes().collect();
        for write in &writes {
            let present = fs::read_to_string(self.path(write.path.as_str())).ok();
            assert_eq!(present.as_deref(), write.before, "{}", write.path);
        }
        // Any order will do: here the last one first.
        for write in writes.iter().rev() {
            match write.after {
                Some(content) => self.put(write.path.as_str(), content.as_bytes()),
                None => {
                    fs::remove_file(self.path(write.path.as_str())).expect("the file is removed");
                }
            }
        }
    }
}
