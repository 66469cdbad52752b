//! `cargo xtask test`: everything there is to test, counted.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::build::{self, WASM_ONLY};
use crate::manifest::Manifest;
use crate::process::shown;
use crate::workspace::{WASM_TARGET, Workspace};

/// How many tests passed and failed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Count {
    passed: u64,
    failed: u64,
    ignored: u64,
}

/// Builds what the tests run, and runs them all. The last line is `N passed, N failed`.
///
/// # Errors
/// When a build or a test fails, or a test was skipped.
pub fn test(workspace: &Workspace, manifest: &Manifest) -> Result<()> {
    let built = build::for_tests(workspace, manifest)?;
    build::check_sizes(&built.sizes)?;
    // Its check stands in for its tests.
    let mut wasm = workspace.cargo();
    wasm.args(["check", "-p", WASM_ONLY, "--target", WASM_TARGET]);
    crate::process::run(&mut wasm)?;

    let mut tests = build::tests(workspace, &["--no-fail-fast"]);
    tests
        // Where the end-to-end tests find the binaries that they start and kill.
        .env("ATELIER_BIN_DIR", &built.binaries)
        .env("ATELIER_SANDBOX_INIT", &built.init)
        .stdout(Stdio::piped());
    let mut child = tests.spawn().with_context(|| shown(&tests))?;
    let stdout = child.stdout.take().context("cargo has no stdout")?;
    let mut count = Count::default();
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        count.add(&line);
        writeln!(std::io::stdout(), "{line}")?;
    }
    let status = child.wait()?;
    // Without a single result line it is the build that failed.
    if !status.success() && count.failed == 0 {
        count.failed = 1;
    }
    if count.ignored > 0 {
        bail!("{} tests were skipped: none may be", count.ignored);
    }
    println!("{} passed, {} failed", count.passed, count.failed);
    if !status.success() {
        bail!("`{}` failed ({status})", shown(&tests));
    }
    Ok(())
}

impl Count {
    /// Reads the line with which a test binary ends:
    /// `test result: ok. 3 passed; 0 failed; 0 ignored; …`.
    fn add(&mut self, line: &str) {
        let Some((_, numbers)) = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for part in numbers.split("; ") {
            let Some((number, what)) = part.split_once(' ') else {
                continue;
            };
            let number = number.parse().unwrap_or(0);
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Count;

    #[test]
    fn counts_result_lines() {
        let mut count = Count::default();
        for line in [
            "running 3 tests",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test test result: ok ... ok",
            "test result: FAILED. 10 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 1.20s",
        ] {
            count.add(line);
        }
        assert_eq!(
            count,
            Count {
                passed: 13,
                failed: 2,
                ignored: 1
            }
        );
    }
}
