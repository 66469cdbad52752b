//! Which commands are known to change nothing, and run nothing else.
//!
//! It errs on one side: what is not understood counts as changing something, and somebody is asked.

use domain::CommandLine;

/// Whether a command changes nothing, whatever is in the workspace.
#[must_use]
pub fn only_reads(command: &CommandLine) -> bool {
    match command {
        CommandLine::Shell(script) => script_reads(script),
        CommandLine::Argv(words) => {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            match words.as_slice() {
                [
                    "sh" | "bash" | "/bin/sh" | "/bin/bash",
                    "-c" | "-lc",
                    script,
                ] => script_reads(script),
                words => words_read(words),
            }
        }
    }
}

/// A script of such commands, joined by `&&`, `||`, `;` or `|`.
fn script_reads(script: &str) -> bool {
    let Some(words) = words(script) else {
        return false;
    };
    let commands = words.split(|word| *word == Word::Joint);
    let mut commands = commands.peekable();
    commands.peek().is_some()
        && commands.all(|command| {
            let plain: Vec<&str> = command.iter().filter_map(Word::text).collect();
            words_read(&plain)
        })
}

#[derive(Debug, PartialEq, Eq)]
enum Word {
    Plain(String),
    Joint,
}

impl Word {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Plain(text) => Some(text),
            Self::Joint => None,
        }
    }
}

/// The words of a script; `None` where it has anything but words, quotes and joints: what the shell
/// would expand, redirect or run aside.
fn words(script: &str) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = script.trim().chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        '\'' => break,
                        letter => word.push(letter),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        '"' => break,
                        '$' | '`' | '\\' | '!' => return None,
                        letter => word.push(letter),
                    }
                }
            }
            ' ' | '\t' => words.extend(word.take().map(Word::Plain)),
            ';' | '|' | '&' => {
                words.extend(word.take().map(Word::Plain));
                if letters.peek() == Some(&letter) && letter != ';' {
                    letters.next();
                } else if letter == '&' {
                    return None;
                }
                words.push(Word::Joint);
            }
            letter if is_plain(letter) => word.get_or_insert_default().push(letter),
            _ => return None,
        }
    }
    words.extend(word.take().map(Word::Plain));
    Some(words)
}

fn is_plain(letter: char) -> bool {
    letter.is_alphanumeric() || "_-./=,:@%+^".contains(letter)
}

/// One command and its arguments.
fn words_read(words: &[&str]) -> bool {
    let Some((program, arguments)) = words.split_first() else {
        return false;
    };
    let none_begins = |with: &[&str]| {
        let begins = |argument: &&str| with.iter().any(|with| argument.starts_with(with));
        !arguments.iter().any(begins)
    };
    match *program {
        "basename" | "cat" | "cmp" | "cut" | "df" | "diff" | "dirname" | "du" | "echo"
        | "egrep" | "false" | "fgrep" | "grep" | "head" | "id" | "ls" | "nl" | "pwd"
        | "readlink" | "realpath" | "stat" | "tail" | "tr" | "true" | "uname" | "wc" | "which"
        | "whoami" => true,
        "find" => none_begins(&["-exec", "-ok", "-delete", "-fls", "-fprint"]),
        "rg" => {
            none_begins(&["--pre", "--search-zip", "--hostname-bin"]) && !has_letter(arguments, 'z')
        }
        "sort" => {
            none_begins(&["--o", "--c", "--t"])
                && !has_letter(arguments, 'o')
                && !has_letter(arguments, 'T')
        }
        "sed" => matches!(arguments, ["-n", range, rest @ ..]
            if is_range(range) && rest.iter().all(|file| !file.starts_with('-'))),
        _ => false,
    }
}

/// Whether one of the arguments is a group of short options with that letter.
fn has_letter(arguments: &[&str], letter: char) -> bool {
    let mut arguments = arguments.iter();
    arguments.any(|argument| {
        argument.starts_with('-') && !argument.starts_with("--") && argument.contains(letter)
    })
}

/// Lines to print: `3p`, `3,7p`, `$p`.
fn is_range(text: &str) -> bool {
    let Some(range) = text.strip_suffix('p') else {
        return false;
    };
    let number = |text: &str| {
        text == "$" || !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    match range.split_once(',') {
        Some((from, to)) => number(from) && number(to),
        None => number(range),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_scripts(scripts: &[&str], reads: bool) {
        for script in scripts {
            let command = CommandLine::Shell((*script).to_owned());
            assert_eq!(only_reads(&command), reads, "{script}");
            let argv = ["bash", "-lc", script].map(str::to_owned).to_vec();
            assert_eq!(only_reads(&CommandLine::Argv(argv)), reads, "{script}");
        }
    }

    #[test]
    fn scripts_that_only_read() {
        let scripts = [
            "ls",
            "ls -la src",
            " cat a.txt ",
            "cat 'a b.txt' && head -n 3 \"c.txt\"",
            "grep -rn 'fn main($' src | wc -l",
            "find . -name '*.rs' -type f",
            "sed -n 1,20p src/main.rs",
            "sed -n '5p' a",
            "pwd; ls || true",
            "rg --files src | sort -u",
            "ls a|wc",
        ];
        check_scripts(&scripts, true);
    }

    #[test]
    fn scripts_that_may_do_more() {
        let scripts = [
            "",
            "ls > a",
            "ls >> a",
            "cat < a",
            "echo $(rm a)",
            "echo `rm a`",
            "echo \"$(rm a)\"",
            "echo \"`rm a`\"",
            "rm a",
            "ls; rm a",
            "ls && rm a",
            "ls || rm a",
            "ls | tee a",
            "ls &",
            "ls & rm a",
            "ls\nrm a",
            "ls ;",
            "; ls",
            "ls |& cat",
            "A=1 ls",
            "cat $HOME/a",
            "cat ~/a",
            "ls *",
            "{ ls",
            "(ls)",
            "! ls",
            "cat 'a",
            "cat \\a",
            "find . -delete",
            "find . -exec rm {} +",
            "find . -execdir rm x",
            "find . -fprintf a x",
            "find . -okdir x",
            "rg --pre rm x",
            "rg --pre=rm x",
            "rg -z x",
            "sort -o a b",
            "sort -uo a b",
            "sort --output=a b",
            "sort --compress-program=rm a",
            "sort -T . a",
            "sort --temporary-directory=. a",
            // What a shell evaluates by itself, whatever the quotes: `a[$(…)]` names a variable.
            "test -v 'a[$(rm b)]'",
            "[ -v 'a[$(rm b)]' ]",
            "printf -v 'a[$(rm b)]' x",
            "read 'a[$(rm b)]'",
            "sed -i s/a/b/ a",
            "sed -n 1p -i a",
            "sed -n 1w a",
            "sed s/a/b/ a",
            "git log",
            "env rm a",
            "xargs rm",
            "uniq a b",
            "/tmp/ls",
            "./ls",
        ];
        check_scripts(&scripts, false);
    }

    #[test]
    fn lists_of_words() {
        let check = |words: &[&str], reads: bool| {
            let argv = words.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(only_reads(&CommandLine::Argv(argv)), reads, "{words:?}");
        };
        check(&["ls", "-la"], true);
        // No shell looks at them.
        check(&["echo", "$(rm a)", ">", "b"], true);
        check(&["grep", "a|b", "c d"], true);
        check(&["rm", "a"], false);
        check(&["sh", "-c", "rm a"], false);
        check(&["bash", "-c", "ls", "x"], false);
        check(&["python3", "-c", "1"], false);
        check(&[], false);
    }
}
