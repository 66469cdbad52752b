//! Packages from the machine's own Debian mirror, with a private apt state: the machine's
//! sources, lists and installed packages are never touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::apt_sources::{Mirror, mirrors};
use crate::process::{is_installed, output_for, run, shown};

/// Where the packages are looked for, in this order.
const SUITES: [&str; 4] = ["trixie", "trixie-backports", "forky", "sid"];

const UPDATE_LIMIT: Duration = Duration::from_secs(180);
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(300);

/// A private apt that knows the suites of [`SUITES`] that one of the mirrors has.
pub(super) struct Apt {
    work: PathBuf,
    mirror: Mirror,
}

impl Apt {
    /// Reads the package lists of the first of the machine's mirrors that has `wasi-libc`.
    pub(super) fn new(work: &Path) -> Result<Self> {
        for program in ["apt-get", "apt-cache", "dpkg"] {
            if !is_installed(program) {
                bail!("`{program}` is not there: this machine is no relative of Debian");
            }
        }
        let mirrors = mirrors(Path::new("/etc/apt"));
        if mirrors.is_empty() {
            bail!("the machine's apt sources name no Debian mirror");
        }
        let mut said = Vec::new();
        for mirror in mirrors {
            match Self::with_mirror(work, mirror.clone()) {
                Ok(apt) => return Ok(apt),
                Err(error) => said.push(format!("{}: {error:#}", mirror.uri)),
            }
        }
        bail!(
            "no mirror of this machine's apt sources helps: {}",
            said.join("; ")
        )
    }

    /// Rust's `library/` folder of exactly this release.
    pub(super) fn rust_library(&self, release: &str) -> Result<PathBuf> {
        let binary = self.rust_src(release);
        let library = match binary {
            Ok(library) => library,
            Err(error) => {
                eprintln!("  {error:#}; trying the source package");
                self.rustc_source(release)
                    .with_context(|| format!("{error:#}"))?
            }
        };
        eprintln!("  Rust's source: {}", library.display());
        Ok(library)
    }

    /// The folder with the C start files and C library of the wasm target.
    pub(super) fn wasi_libc(&self) -> Result<PathBuf> {
        let versions = self.versions("wasi-libc")?;
        let mut said = Vec::new();
        for version in &versions {
            let tree = self.unpack("wasi-libc", version)?;
            let folder = tree.join("usr/lib").join(crate::workspace::WASM_TARGET);
            if folder.join("crt1-reactor.o").is_file() {
                eprintln!("  C library: wasi-libc {version}");
                return Ok(folder);
            }
            said.push(version.as_str());
        }
        bail!(
            "no version of wasi-libc has the target's files (looked at: {})",
            said.join(", ")
        )
    }

    fn rust_src(&self, release: &str) -> Result<PathBuf> {
        let versions = self.versions("rust-src")?;
        let Some(version) = versions.iter().find(|version| is_release(version, release)) else {
            bail!(
                "no package rust-src {release} in {} (there are: {})",
                SUITES.join(", "),
                versions.join(", ")
            );
        };
        let tree = self.unpack("rust-src", version)?;
        let library = tree.join(format!("usr/src/rustc-{release}/library"));
        if !library.join("std/Cargo.toml").is_file() {
            bail!("rust-src {version} has no library/ where it should be");
        }
        Ok(library)
    }

    /// The source package has everything and is three times as large.
    fn rustc_source(&self, release: &str) -> Result<PathBuf> {
        self.update("deb deb-src")?;
        let output = self.ask("apt-cache", &["showsrc", "rustc"], UPDATE_LIMIT)?;
        let version = output
            .lines()
            .filter_map(|line| line.strip_prefix("Version: "))
            .find(|version| is_release(version, release))
            .with_context(|| format!("no source package rustc {release} in {}", SUITES.join(", ")))?
            .to_owned();
        eprintln!("  fetching the source package rustc {version} (large)");
        let wanted = format!("rustc={version}");
        self.ask(
            "apt-get",
            &["source", "--download-only", &wanted],
            DOWNLOAD_LIMIT,
        )?;
        let archive = fs::read_dir(&self.work)?
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .find(|path| path.to_string_lossy().ends_with(".orig.tar.xz"))
            .context("the source package has no .orig.tar.xz")?;
        let tree = self.work.join("rustc");
        fs::create_dir_all(&tree)?;
        run(Command::new("tar")
            .args([
                "-xf".as_ref(),
                archive.as_os_str(),
                "-C".as_ref(),
                tree.as_os_str(),
            ])
            .args(["--strip-components=1", "--wildcards", "*/library"]))?;
        let library = tree.join("library");
        if !library.join("std/Cargo.toml").is_file() {
            bail!("the source package rustc {version} has no library/ where it should be");
        }
        Ok(library)
    }

    fn with_mirror(work: &Path, mirror: Mirror) -> Result<Self> {
        let apt = Self {
            work: work.to_owned(),
            mirror,
        };
        eprintln!("  reading the package lists of {}", apt.mirror.uri);
        let said = apt.update("deb")?;
        if !apt.versions("wasi-libc")?.is_empty() {
            return Ok(apt);
        }
        if !said.contains("NO_PUBKEY") {
            bail!(
                "it has no wasi-libc in {} ({})",
                SUITES.join(", "),
                last_line(&said)
            );
        }
        // The machine is older than the keys of these suites. Its own suites have the newer
        // ones, in a package that is checked with the keys it trusts today.
        eprintln!("  fetching newer archive keys from the machine's own suites");
        let keyring = apt.newer_keyring()?;
        let apt = Self {
            mirror: apt.mirror.signed_by(&keyring),
            work: apt.work,
        };
        let said = apt.update("deb")?;
        if apt.versions("wasi-libc")?.is_empty() {
            bail!(
                "its suites {} cannot be read ({})",
                SUITES.join(", "),
                last_line(&said)
            );
        }
        Ok(apt)
    }

    /// Writes the private sources and reads the lists; returns what apt said. A suite that
    /// the mirror does not have is no error: apt reads the others.
    fn update(&self, types: &str) -> Result<String> {
        self.lay_out()?;
        let stanza = self.mirror.stanza(types, &SUITES);
        fs::write(self.work.join("apt/sources.d/mirror.sources"), stanza)?;
        let mut update = self.private("apt-get");
        update.args(["update", "-q"]);
        let output = output_for(&mut update, UPDATE_LIMIT)?;
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn newer_keyring(&self) -> Result<PathBuf> {
        let mut download = Command::new("apt-get");
        download
            .current_dir(&self.work)
            .args(["download", "-q", "debian-archive-keyring"]);
        let output = output_for(&mut download, DOWNLOAD_LIMIT)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            bail!(
                "the archive keys are too old, and newer ones cannot be had: {}",
                last_line(&said)
            );
        }
        let tree = self.unpack_file("debian-archive-keyring")?;
        Ok(tree.join("usr/share/keyrings/debian-archive-keyring.gpg"))
    }

    /// The versions of a package, in the order of [`SUITES`].
    fn versions(&self, package: &str) -> Result<Vec<String>> {
        let table = self.ask("apt-cache", &["madison", package], UPDATE_LIMIT)?;
        let mut found: Vec<(usize, String)> = Vec::new();
        for line in table.lines() {
            let mut columns = line.split('|').map(str::trim);
            let (Some(_), Some(version), Some(place)) =
                (columns.next(), columns.next(), columns.next())
            else {
                continue;
            };
            let rank = SUITES
                .iter()
                .position(|suite| place.contains(&format!(" {suite}/")))
                .unwrap_or(SUITES.len());
            if !found.iter().any(|(_, known)| known == version) {
                found.push((rank, version.to_owned()));
            }
        }
        found.sort_by_key(|(rank, _)| *rank);
        Ok(found.into_iter().map(|(_, version)| version).collect())
    }

    /// Downloads one version of a package and unpacks it; nothing is installed.
    fn unpack(&self, package: &str, version: &str) -> Result<PathBuf> {
        eprintln!("  fetching {package} {version}");
        let wanted = format!("{package}={version}");
        self.ask("apt-get", &["download", "-q", &wanted], DOWNLOAD_LIMIT)?;
        self.unpack_file(package)
    }

    fn unpack_file(&self, package: &str) -> Result<PathBuf> {
        let start = format!("{package}_");
        let file = fs::read_dir(&self.work)?
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .find(|path| {
                let name = path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                name.starts_with(&start) && name.ends_with(".deb")
            })
            .with_context(|| format!("the download of {package} left no file"))?;
        let tree = self.work.join(format!("{package}.tree"));
        if tree.exists() {
            fs::remove_dir_all(&tree)?;
        }
        run(Command::new("dpkg").arg("-x").arg(&file).arg(&tree))?;
        fs::remove_file(&file)?;
        Ok(tree)
    }

    fn ask(&self, program: &str, words: &[&str], limit: Duration) -> Result<String> {
        let mut command = self.private(program);
        command.args(words);
        let output = output_for(&mut command, limit)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            bail!(
                "`{program} {}` failed: {}",
                words.join(" "),
                last_line(&said)
            );
        }
        String::from_utf8(output.stdout)
            .with_context(|| format!("`{}` wrote no UTF-8", shown(&command)))
    }

    /// An apt program whose every folder is ours. It keeps the machine's own configuration
    /// otherwise: proxies, certificates.
    fn private(&self, program: &str) -> Command {
        let apt = self.work.join("apt");
        let mut command = Command::new(program);
        command.current_dir(&self.work).env("LC_ALL", "C.UTF-8");
        for (name, value) in [
            ("Dir::State", apt.join("state")),
            ("Dir::State::status", apt.join("status")),
            ("Dir::Cache", apt.join("cache")),
            ("Dir::Etc::sourcelist", apt.join("none.list")),
            ("Dir::Etc::sourceparts", apt.join("sources.d")),
        ] {
            command.arg("-o").arg(format!("{name}={}", value.display()));
        }
        for option in [
            "APT::Sandbox::User=root",
            "Acquire::Languages=none",
            "Acquire::Retries=1",
            "Acquire::http::Timeout=30",
            "Acquire::https::Timeout=30",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
            "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false",
        ] {
            command.args(["-o", option]);
        }
        command
    }

    fn lay_out(&self) -> Result<()> {
        let apt = self.work.join("apt");
        for folder in ["state/lists/partial", "cache/archives/partial", "sources.d"] {
            fs::create_dir_all(apt.join(folder))?;
        }
        fs::write(apt.join("status"), "")?;
        fs::write(apt.join("none.list"), "")?;
        Ok(())
    }
}

/// Whether a Debian version is a packaging of this upstream release.
fn is_release(version: &str, release: &str) -> bool {
    let upstream = version.split_once(':').map_or(version, |(_, rest)| rest);
    upstream
        .strip_prefix(release)
        .is_some_and(|rest| rest.starts_with(['+', '-', '~']))
}

fn last_line(text: &str) -> &str {
    text.lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("apt said nothing")
}

#[cfg(test)]
mod tests {
    use super::is_release;

    #[test]
    fn finds_the_packaging_of_a_release() {
        let check = |version, fits| assert_eq!(is_release(version, "1.95.0"), fits, "{version}");
        check("1.95.0+dfsg1-2~bpo13+1", true);
        check("1.95.0-1", true);
        check("2:1.95.0-1", true);
        check("1.95.01-1", false);
        check("1.95.0", false);
        check("1.94.1+dfsg1-1", false);
    }
}
