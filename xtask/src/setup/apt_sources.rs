//! The machine's own apt sources: which mirror it uses, and which keys it trusts.

use std::fs;
use std::path::Path;

/// One mirror with everything that belongs to it besides suites and components.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mirror {
    /// Its address, as the machine's sources have it.
    pub(super) uri: String,
    /// deb822 fields that say how to trust it: `Signed-By`, `Trusted`, …; a field may go on
    /// over several lines.
    pub(super) fields: Vec<(String, String)>,
}

impl Mirror {
    /// A deb822 stanza that lists these suites of the mirror.
    pub(super) fn stanza(&self, types: &str, suites: &[&str]) -> String {
        let mut text = format!(
            "Types: {types}\nURIs: {}\nSuites: {}\nComponents: main\n",
            self.uri,
            suites.join(" ")
        );
        for (name, value) in &self.fields {
            text.push_str(&format!("{name}: {value}\n"));
        }
        text.push('\n');
        text
    }

    /// The same mirror, checked against another keyring.
    pub(super) fn signed_by(&self, keyring: &Path) -> Self {
        let mut fields = self.fields.clone();
        fields.retain(|(name, _)| !name.eq_ignore_ascii_case("signed-by"));
        fields.push(("Signed-By".to_owned(), keyring.display().to_string()));
        Self {
            uri: self.uri.clone(),
            fields,
        }
    }
}

/// The mirrors of a machine whose apt configuration lies in `etc`, in the order of the
/// files. Those of security updates and of others than Debian are left out as far as their
/// suites and components show it.
pub(super) fn mirrors(etc: &Path) -> Vec<Mirror> {
    let mut files = vec![etc.join("sources.list")];
    if let Ok(entries) = fs::read_dir(etc.join("sources.list.d")) {
        let mut parts: Vec<_> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
        parts.sort();
        files.extend(parts);
    }
    let mut found: Vec<Mirror> = Vec::new();
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        let mirrors = match file.extension().and_then(|e| e.to_str()) {
            Some("sources") => deb822(&text),
            Some("list") => one_line(&text),
            _ => continue,
        };
        for mirror in mirrors {
            if !found.iter().any(|known| known.uri == mirror.uri) {
                found.push(mirror);
            }
        }
    }
    found
}

/// Reads the stanzas of a `.sources` file.
fn deb822(text: &str) -> Vec<Mirror> {
    let text: String = text
        .lines()
        .filter(|l| !l.starts_with('#'))
        .map(|l| format!("{l}\n"))
        .collect();
    text.split("\n\n").flat_map(stanza_mirrors).collect()
}

fn stanza_mirrors(stanza: &str) -> Vec<Mirror> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in stanza.lines().filter(|line| !line.trim().is_empty()) {
        match line.split_once(':') {
            Some((name, value)) if !line.starts_with([' ', '\t']) => {
                fields.push((name.trim().to_owned(), value.trim().to_owned()));
            }
            _ => {
                if let Some((_, value)) = fields.last_mut() {
                    value.push('\n');
                    value.push_str(line);
                }
            }
        }
    }
    let mut take = |wanted: &str| -> String {
        let at = fields
            .iter()
            .position(|(name, _)| name.eq_ignore_ascii_case(wanted));
        at.map(|at| fields.remove(at).1).unwrap_or_default()
    };
    let (types, uris) = (take("Types"), take("URIs"));
    let (suites, components) = (take("Suites"), take("Components"));
    let enabled = take("Enabled");
    // Which processor and languages the machine wants says nothing about ours.
    for unused in ["Architectures", "Languages", "Targets", "PDiffs"] {
        take(unused);
    }
    let binary = types.split_whitespace().any(|t| t == "deb");
    if !binary || enabled.eq_ignore_ascii_case("no") || !wanted(&suites, &components) {
        return Vec::new();
    }
    let uris = uris.split_whitespace();
    uris.map(|uri| Mirror {
        uri: uri.to_owned(),
        fields: fields.clone(),
    })
    .collect()
}

/// Reads the lines of a `.list` file: `deb [option=value …] URI suite component…`.
fn one_line(text: &str) -> Vec<Mirror> {
    text.lines().filter_map(line_mirror).collect()
}

fn line_mirror(line: &str) -> Option<Mirror> {
    let line = line.split('#').next()?.trim();
    let rest = line.strip_prefix("deb")?;
    let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace();
    let (uri, suite) = (words.next()?, words.next()?);
    let components: Vec<_> = words.collect();
    if !wanted(suite, &components.join(" ")) {
        return None;
    }
    let fields = options.split_whitespace().filter_map(|option| {
        let (name, value) = option.split_once('=')?;
        let unused = ["arch", "lang", "target", "pdiffs"];
        (!unused.contains(&name)).then(|| (name.to_owned(), value.replace(',', " ")))
    });
    Some(Mirror {
        uri: uri.to_owned(),
        fields: fields.collect(),
    })
}

fn wanted(suites: &str, components: &str) -> bool {
    let main = components
        .split_whitespace()
        .any(|component| component == "main");
    let plain = suites
        .split_whitespace()
        .any(|suite| !suite.contains("-security") && !suite.contains('/'));
    main && plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(read: fn(&str) -> Vec<Mirror>, text: &str, expected: &[(&str, &[(&str, &str)])]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(uri, fields)| Mirror {
                uri: (*uri).to_owned(),
                fields: fields
                    .iter()
                    .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                    .collect(),
            })
            .collect();
        assert_eq!(read(text), expected, "{text}");
    }

    #[test]
    fn reads_deb822() {
        let key = ("Signed-By", "/k.gpg");
        let plain = "Types: deb deb-src\nURIs: http://m/debian\nSuites: trixie trixie-updates\n\
                     Components: main\nSigned-By: /k.gpg\n";
        check(deb822, plain, &[("http://m/debian", &[key])]);
        check(
            deb822,
            &format!("# a comment\n{plain}"),
            &[("http://m/debian", &[key])],
        );
        check(deb822, &format!("Enabled: no\n{plain}"), &[]);
        check(deb822, &plain.replace("deb deb-src", "deb-src"), &[]);
        check(
            deb822,
            &plain.replace("Suites: trixie trixie-updates", "Suites: trixie-security"),
            &[],
        );
        check(
            deb822,
            &plain.replace("Components: main", "Components: universe"),
            &[],
        );
        check(
            deb822,
            &format!(
                "{plain}Architectures: amd64\n\n{}",
                plain.replace("http://m", "http://n http://o")
            ),
            &[
                ("http://m/debian", &[key]),
                ("http://n", &[key]),
                ("http://o/debian", &[key]),
            ],
        );
        check(
            deb822,
            "Types: deb\nURIs: http://m\nSuites: s\nComponents: main\nSigned-By:\n -----BEGIN\n .\n x\n",
            &[("http://m", &[("Signed-By", "\n -----BEGIN\n .\n x")])],
        );
    }

    #[test]
    fn reads_one_line_entries() {
        check(
            one_line,
            "deb http://m/debian bookworm main contrib\n",
            &[("http://m/debian", &[])],
        );
        check(
            one_line,
            "deb [arch=amd64 signed-by=/k.gpg,/l.gpg] http://m stable main # why\n",
            &[("http://m", &[("signed-by", "/k.gpg /l.gpg")])],
        );
        check(one_line, "deb-src http://m bookworm main\n", &[]);
        check(one_line, "# deb http://m bookworm main\n", &[]);
        check(one_line, "deb http://m bookworm-security main\n", &[]);
        check(one_line, "deb http://m ./\n", &[]);
        check(one_line, "deb\n", &[]);
    }
}
