//! What a patch may be: how large, and where its absolute paths begin.

/// How a patch is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// An absolute path below it is made relative; any other absolute path is refused.
    pub root: String,
    /// How large a patch, and a file that it changes, may be.
    pub limits: Limits,
}

impl Default for Rules {
    /// Paths as a sandbox has them.
    fn default() -> Self {
        Self {
            root: "/workspace".to_owned(),
            limits: Limits::default(),
        }
    }
}

/// How large things may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a patch.
    pub patch_bytes: usize,
    /// Lines of a patch.
    pub patch_lines: usize,
    /// Hunks of a patch: changes of a file.
    pub hunks: usize,
    /// Chunks of a patch, in all its hunks.
    pub chunks: usize,
    /// Bytes of a file that is updated, deleted or overwritten.
    pub file_bytes: usize,
    /// Steps that applying a patch may take: lines compared, bytes copied. The sizes alone do
    /// not bound the time, because thousands of chunks may each search millions of lines. An
    /// honest patch takes a few steps for each line and byte.
    pub steps: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            patch_bytes: 4 << 20,
            patch_lines: 100_000,
            hunks: 1_000,
            chunks: 5_000,
            file_bytes: 8 << 20,
            // About a second.
            steps: 100_000_000,
        }
    }
}

/// What is left of [`Limits::steps`].
#[derive(Debug)]
pub(crate) struct Steps(pub(crate) u64);

/// No steps are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoStepsLeft;

impl Steps {
    pub(crate) fn take(&mut self, steps: usize) -> Result<(), NoStepsLeft> {
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        self.0 = self.0.checked_sub(steps).ok_or(NoStepsLeft)?;
        Ok(())
    }
}
