//! A patch over the files that it names: hunk by hunk, each on what the ones before it made.
//!
//! Invariant: no [`Changes`] exist before the last hunk has fitted.

mod error;
mod update;

pub use error::{ApplyError, Mismatch, Reason};

use crate::{
    FilePath, Limits, Patch,
    changes::{Changes, Net},
    hunk::{Action, Hunk},
    rules::Steps,
    text,
};
use std::{borrow::Cow, collections::BTreeMap};

/// What was found at the paths of a patch.
pub type Files = BTreeMap<FilePath, Entry>;

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Nothing.
    Absent,
    /// A regular file with this content.
    File(Vec<u8>),
    /// A folder.
    Folder,
    /// Anything else, or what is reached through a symbolic link.
    Other,
}

pub(crate) fn apply(patch: &Patch, files: &Files) -> Result<Changes, ApplyError> {
    let mut tree = Tree {
        files,
        limits: patch.limits,
        touched: Vec::new(),
        now: BTreeMap::new(),
        steps: Steps(patch.limits.steps),
    };
    for (index, hunk) in patch.hunks.iter().enumerate() {
        tree.hunk(index + 1, hunk)?;
    }
    for path in &tree.touched {
        tree.check_parents(path)?;
    }
    Ok(tree.into_changes())
}

/// The files as the hunks so far left them.
struct Tree<'a> {
    files: &'a Files,
    limits: Limits,
    /// The paths that hunks changed, in their order.
    touched: Vec<FilePath>,
    now: BTreeMap<FilePath, State<'a>>,
    steps: Steps,
}

struct State<'a> {
    content: Option<Cow<'a, str>>,
    /// The path that the file had before the patch, unless the patch made it.
    origin: Option<FilePath>,
    /// The hunk that made it so, from 1, and its line.
    hunk: (usize, usize),
}

impl<'a> Tree<'a> {
    fn hunk(&mut self, number: usize, hunk: &Hunk) -> Result<(), ApplyError> {
        let fault = |path: &FilePath, line, reason| ApplyError {
            path: path.clone(),
            hunk: number,
            line,
            reason: Box::new(reason),
        };
        let at = (number, hunk.line);
        let here = |reason| fault(&hunk.path, hunk.line, reason);
        let state = |content, origin| State {
            content,
            origin,
            hunk: at,
        };
        match &hunk.action {
            Action::Add { content } => {
                self.check_free(&hunk.path).map_err(here)?;
                let content = Cow::Owned(content.clone());
                self.set(&hunk.path, state(Some(content), None));
            }
            Action::Delete => {
                self.content(&hunk.path).map_err(here)?;
                self.set(&hunk.path, state(None, None));
            }
            Action::Update { move_to, chunks } => {
                let (content, origin) = self.content(&hunk.path).map_err(here)?;
                let updated = update::update(&content, chunks, &mut self.steps)
                    .map_err(|(line, reason)| fault(&hunk.path, line, reason))?;
                let updated = state(Some(Cow::Owned(updated)), origin);
                let Some(to) = move_to else {
                    self.set(&hunk.path, updated);
                    return Ok(());
                };
                self.check_free(to)
                    .map_err(|reason| fault(to, hunk.line, reason))?;
                self.set(&hunk.path, state(None, None));
                self.set(to, updated);
            }
        }
        Ok(())
    }

    /// The content of a file as it is now, and the path that it had before the patch.
    fn content(&mut self, path: &FilePath) -> Result<(Cow<'a, str>, Option<FilePath>), Reason> {
        match self.now.get(path) {
            Some(State {
                content: Some(content),
                origin,
                ..
            }) => {
                self.steps.take(content.len())?;
                Ok((content.clone(), origin.clone()))
            }
            Some(state) => Err(Reason::Gone(state.hunk.0)),
            None => match found(self.files, path, self.limits)? {
                Some(content) => Ok((Cow::Borrowed(content), Some(path.clone()))),
                None => Err(Reason::Missing),
            },
        }
    }

    /// A file may be written there, over one that is there.
    fn check_free(&self, path: &FilePath) -> Result<(), Reason> {
        found(self.files, path, self.limits).map(|_| ())
    }

    fn set(&mut self, path: &FilePath, state: State<'a>) {
        if self.now.insert(path.clone(), state).is_none() {
            self.touched.push(path.clone());
        }
    }

    /// What a new file is to be in is a folder, or nothing: before the patch and after it, so
    /// that the changes can be written in any order.
    fn check_parents(&self, path: &FilePath) -> Result<(), ApplyError> {
        let new = self.files.get(path) == Some(&Entry::Absent);
        let Some(state) = self
            .now
            .get(path)
            .filter(|now| new && now.content.is_some())
        else {
            return Ok(());
        };
        for folder in path.parents() {
            let becomes = self.now.get(&folder);
            let reason = match self.files.get(&folder) {
                _ if becomes.is_some_and(|now| now.content.is_some()) => Reason::Parent(folder),
                Some(Entry::Folder | Entry::Absent) => continue,
                Some(Entry::File(_) | Entry::Other) => Reason::Parent(folder),
                None => Reason::NotRead,
            };
            return Err(ApplyError {
                path: path.clone(),
                hunk: state.hunk.0,
                line: state.hunk.1,
                reason: Box::new(reason),
            });
        }
        Ok(())
    }

    fn into_changes(mut self) -> Changes {
        let mut nets = Vec::with_capacity(self.touched.len());
        for path in self.touched {
            let Some(state) = self.now.remove(&path) else {
                continue;
            };
            // What was read as text before is text still.
            let before = found(self.files, &path, self.limits).ok().flatten();
            nets.push(Net {
                before: before.map(str::to_owned),
                after: state.content.map(Cow::into_owned),
                origin: state.origin,
                path,
            });
        }
        Changes::of(nets)
    }
}

/// The text of a file as it was before the patch; `None` where there is none.
fn found<'a>(files: &'a Files, path: &FilePath, limits: Limits) -> Result<Option<&'a str>, Reason> {
    match files.get(path) {
        None => Err(Reason::NotRead),
        Some(Entry::Absent) => Ok(None),
        Some(Entry::Folder) => Err(Reason::Folder),
        Some(Entry::Other) => Err(Reason::Other),
        Some(Entry::File(bytes)) if bytes.len() > limits.file_bytes => {
            Err(Reason::TooLarge(limits.file_bytes))
        }
        Some(Entry::File(bytes)) => text::of_bytes(bytes).map(Some).map_err(Reason::NotText),
    }
}
