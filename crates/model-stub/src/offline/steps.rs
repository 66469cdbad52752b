//! The steps that a message asks for: lines such as "run: ls -la", each with the lines that follow
//! it.
//!
//! Invariant: a message is played only if it begins with a step. Whatever else it says is an
//! ordinary message, whose lines may look as they like.

use super::forms::{self, Extent, Form};

/// A step as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) form: &'static Form,
    /// What stands behind the word, on its line.
    pub(super) subject: String,
    /// The lines that follow, without the fence around them if there is one.
    pub(super) content: String,
    /// All of it, for somebody else to play.
    pub(super) source: String,
}

impl Step {
    /// Subject and content as one text.
    pub(super) fn text(&self) -> String {
        match (self.subject.as_str(), self.content.as_str()) {
            (subject, "") => subject.to_owned(),
            ("", content) => content.trim_end().to_owned(),
            (subject, content) => format!("{subject}\n{}", content.trim_end()),
        }
    }
}

/// The steps of a message; none if it does not begin with one. The agent that the message is
/// addressed to may stand before the first.
pub(super) fn steps(message: &str) -> Vec<Step> {
    let message = beginning(message.trim_start());
    let mut written: Vec<Written> = Vec::new();
    for line in message.split_inclusive('\n') {
        let may_begin = written.last().is_none_or(|step| step.may_end_before(line));
        match head(line).filter(|_| may_begin) {
            Some((form, subject)) => written.push(Written::new(form, subject, line)),
            None => match written.last_mut() {
                Some(step) => step.push(line),
                None => return Vec::new(),
            },
        }
    }
    written.into_iter().map(Written::done).collect()
}

/// The message from its first step on, where it is addressed to somebody: "@Alex, run: ls".
fn beginning(message: &str) -> &str {
    let line = message.lines().next().unwrap_or_default();
    if !line.starts_with('@') {
        return message;
    }
    let mut blanks = line
        .char_indices()
        .filter(|(_, letter)| letter.is_whitespace());
    let step = blanks.find_map(|(at, _)| {
        let rest = line.get(at..)?.trim_start();
        head(rest).map(|_| line.len() - rest.len())
    });
    // The step may be on the next line.
    let next = message.get(line.len()..).map(str::trim_start);
    step.and_then(|at| message.get(at..))
        .or(next.filter(|next| next.lines().next().is_some_and(|line| head(line).is_some())))
        .unwrap_or(message)
}

/// The form of the step that a line begins, and what stands behind its word.
fn head(line: &str) -> Option<(&'static Form, &str)> {
    let line = line.trim();
    match line.split_once(':') {
        Some((word, subject)) => Some((forms::named(word)?, subject.trim())),
        None => Some((forms::named(line).filter(|form| form.stands_alone)?, "")),
    }
}

/// A step while its lines are read.
struct Written {
    form: &'static Form,
    subject: String,
    content: String,
    source: String,
    /// The line that ends what must not be looked into.
    until: Option<&'static str>,
}

impl Written {
    fn new(form: &'static Form, subject: &str, line: &str) -> Self {
        Self {
            form,
            subject: subject.to_owned(),
            content: String::new(),
            source: line.to_owned(),
            until: None,
        }
    }

    /// Whether `line` can begin the next step.
    fn may_end_before(&self, line: &str) -> bool {
        let same = || head(line).is_some_and(|(form, _)| form == self.form);
        self.until.is_none()
            && match self.form.extent {
                Extent::ToNextStep => true,
                Extent::ToNextOfItsKind => same(),
            }
    }

    fn push(&mut self, line: &str) {
        let mark = line.trim();
        self.until = match self.until {
            Some(end) if mark == end => None,
            Some(end) => Some(end),
            None if mark.starts_with(FENCE) => Some(FENCE),
            None if mark == "*** Begin Patch" => Some("*** End Patch"),
            None => None,
        };
        self.content.push_str(line);
        self.source.push_str(line);
    }

    fn done(self) -> Step {
        Step {
            content: match self.form.extent {
                Extent::ToNextStep => unfenced(&self.content).to_owned(),
                Extent::ToNextOfItsKind => self.content,
            },
            form: self.form,
            subject: self.subject,
            source: self.source,
        }
    }
}

/// What opens and closes a block that is taken as it stands.
const FENCE: &str = "```";

/// What stands in the fence, where the content is nothing but a fenced block.
fn unfenced(content: &str) -> &str {
    let inner = || {
        let block = content.trim().strip_prefix(FENCE)?.strip_suffix(FENCE)?;
        let (_, inner) = block.split_once('\n')?;
        (inner.is_empty() || inner.ends_with('\n')).then_some(inner)
    };
    inner().unwrap_or(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, expected: &[(&str, &str, &str)]) {
        let steps = steps(message);
        let found = steps.iter().map(|step| {
            let (subject, content) = (step.subject.as_str(), step.content.as_str());
            (step.form.word, subject, content)
        });
        assert_eq!(found.collect::<Vec<_>>(), expected, "{message:?}");
    }

    #[test]
    fn a_message_and_its_steps() {
        check("run: ls -la", &[("run", "ls -la", "")]);
        check("\n  Run:  ls \n", &[("run", "ls", "")]);
        check(
            "write: a.txt\none\n  two\nrun: cat a.txt\nlist",
            &[
                ("write", "a.txt", "one\n  two\n"),
                ("run", "cat a.txt", ""),
                ("list", "", ""),
            ],
        );
        check("run: a\nb", &[("run", "a", "b")]);
        check("list:", &[("list", "", "")]);
        check("run", &[]);
        check("Please run: ls", &[]);
        check("Hello\nrun: ls", &[]);
        check("note: x", &[]);
        check("", &[]);
    }

    #[test]
    fn who_is_addressed_is_no_part_of_the_step() {
        for message in [
            "@Alex run: ls",
            "@Alex, run: ls",
            "@Data Scientist please run: ls",
            "@Alex\nrun: ls",
            "@Alex, do this:\nrun: ls",
        ] {
            check(message, &[("run", "ls", "")]);
        }
        check("@Alex what is this?", &[]);
        check("@", &[]);
    }

    #[test]
    fn what_is_fenced_begins_no_step() {
        check(
            "write: ci.yml\n```yaml\nrun: make\nlist: [a]\n```\nread: ci.yml",
            &[
                ("write", "ci.yml", "run: make\nlist: [a]\n"),
                ("read", "ci.yml", ""),
            ],
        );
        let patch = "*** Begin Patch\n*** Add File: a\n+x\nrun: y\n*** End Patch\n";
        check(
            &format!("patch:\n{patch}run: cat a"),
            &[("patch", "", patch), ("run", "cat a", "")],
        );
        check("write: a\n```\n```\n", &[("write", "a", "")]);
        check("write: a\n```\nopen", &[("write", "a", "```\nopen")]);
    }

    #[test]
    fn what_is_handed_on_keeps_its_lines() {
        check(
            "assign: Alex write: a\nx\nrun: cat a\nassign: Emma read: a",
            &[
                ("assign", "Alex write: a", "x\nrun: cat a\n"),
                ("assign", "Emma read: a", ""),
            ],
        );
        let [step] = &steps("@Alex, write: a\nx")[..] else {
            unreachable!("one step");
        };
        assert_eq!(step.source, "write: a\nx");
        assert_eq!(step.text(), "a\nx");
    }
}
