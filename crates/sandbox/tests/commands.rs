//! Commands in a real sandbox: what they put out, how they end, who they leave behind.
//!
//! When root runs the tests, all of them run once more as an ordinary user.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod support;

use sandbox::exec::{CommandLine, Exec, ExecError, ExecEvent, Output};
use std::{collections::BTreeMap, fs, time::Duration};
use support::{Bench, PATIENCE, connect, is_there, ok, sh, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[test]
fn all_of_it_as_an_ordinary_user() {
    support::again_as_an_ordinary_user();
}

type Case = (Exec, i32, &'static str, &'static str);

/// Commands, with the code, the output and the errors that are expected.
fn plain_commands() -> Vec<Case> {
    vec![
        (Exec::shell("echo out; echo err >&2"), 0, "out\n", "err\n"),
        (Exec::argv(["echo", "a  b", "$HOME"]), 0, "a  b $HOME\n", ""),
        (Exec::shell("exit 7"), 7, "", ""),
        (Exec::shell("kill -TERM $$"), 143, "", ""),
        (Exec::shell("kill -SEGV $$"), 139, "", ""),
        (
            Exec::argv(["no-such-program"]),
            127,
            "",
            "no-such-program: not found\n",
        ),
        (
            Exec::argv(["/etc/passwd"]),
            126,
            "",
            "/etc/passwd: permission denied\n",
        ),
        (Exec::shell("pwd"), 0, "/workspace\n", ""),
        (Exec::shell("cat"), 0, "", ""),
        (Exec::shell("printf 'a\\377b'"), 0, "a\u{FFFD}b", ""),
        (
            Exec::shell("echo x > /dev/null; test -c /dev/zero && test -w /dev/null"),
            0,
            "",
            "",
        ),
        (
            Exec::shell("ulimit -c; id -u; hostname"),
            0,
            "0\n1000\nsandbox\n",
            "",
        ),
        // The reader is gone: SIGPIPE is as everywhere else.
        (Exec::shell("yes | head -n 1"), 0, "y\n", ""),
    ]
}

fn commands_with_more() -> Vec<Case> {
    let with = |change: fn(&mut Exec), exec: Exec| {
        let mut exec = exec;
        change(&mut exec);
        exec
    };
    let variables = |exec: &mut Exec| {
        exec.env = BTreeMap::from([("A".to_owned(), "x y\nz".to_owned())]);
    };
    vec![
        (
            with(|e| e.cwd = Some("deep/er".into()), Exec::shell("pwd")),
            0,
            "/workspace/deep/er\n",
            "",
        ),
        (
            with(
                |e| e.cwd = Some("/workspace/deep".into()),
                Exec::shell("pwd"),
            ),
            0,
            "/workspace/deep\n",
            "",
        ),
        (
            with(variables, Exec::shell("printf %s \"$A\"")),
            0,
            "x y\nz",
            "",
        ),
        (
            with(
                |e| e.stdin = Some(b"in\0put".to_vec()),
                Exec::argv(["od", "-An", "-c"]),
            ),
            0,
            "   i   n  \\0   p   u   t\n",
            "",
        ),
        (
            with(
                |e| e.stdin = Some(vec![b'x'; 1 << 20]),
                Exec::shell("wc -c"),
            ),
            0,
            "1048576\n",
            "",
        ),
        (
            with(
                |e| e.stdin = Some(vec![b'x'; 1 << 20]),
                Exec::shell("exec true"),
            ),
            0,
            "",
            "",
        ),
    ]
}

#[tokio::test]
async fn what_is_asked_for_is_what_runs() {
    let bench = Bench::new();
    let (_plan, sandbox) = bench.sandbox().await;
    ok(&sandbox, "mkdir -p deep/er").await;
    let plain = plain_commands();
    for (exec, code, stdout, stderr) in plain.into_iter().chain(commands_with_more()) {
        let output = sandbox.exec(&exec).await.unwrap();
        let got = (
            output.exit_code,
            output.stdout.as_str(),
            output.stderr.as_str(),
        );
        assert_eq!(got, (code, stdout, stderr), "{exec:?}");
        assert!(!output.timed_out && !output.truncated);
    }
    bench.end().await;
}

#[tokio::test]
async fn what_cannot_run_is_refused_with_the_reason() {
    let bench = Bench::new();
    let (_plan, sandbox) = bench.sandbox().await;
    ok(&sandbox, "touch file").await;
    for cwd in ["missing", "file", "missing/../missing"] {
        let exec = Exec {
            cwd: Some(cwd.to_owned()),
            ..Exec::shell("true")
        };
        match sandbox.exec(&exec).await {
            Err(ExecError::Directory(detail)) => assert!(detail.contains("/workspace/")),
            other => panic!("{cwd}: {other:?}"),
        }
    }
    // It fits, but not what it becomes when it is written as a message.
    let long = Exec::shell("\u{1}".repeat(100_000));
    assert!(matches!(
        sandbox.exec(&long).await,
        Err(ExecError::Invalid(_))
    ));
    assert!(matches!(sandbox.get(99), Err(ExecError::NotFound)));
    assert!(matches!(sandbox.kill(99).await, Err(ExecError::NotFound)));
    ok(&sandbox, "true").await;
    bench.end().await;
}

#[tokio::test]
async fn a_gigabyte_without_a_newline_is_bounded() {
    let bench = Bench::new();
    let (_plan, sandbox) = bench.sandbox().await;
    let before = support::peak_memory();
    let output = sh(
        &sandbox,
        "printf BEGIN; head -c 1000000000 /dev/zero | tr '\\0' x; printf END",
    )
    .await;
    let grown = support::peak_memory() - before;
    assert_eq!(output.exit_code, 0);
    assert!(output.truncated);
    assert!(output.stdout.starts_with("BEGINxxx") && output.stdout.ends_with("xxxEND"));
    assert!(output.stdout.contains(" bytes left out]\n"));
    assert!(output.stdout.len() < (1 << 20) + 100);
    assert!(grown < 64 << 20, "{grown} bytes more");
    bench.end().await;
}

#[tokio::test]
async fn a_stream_tells_what_happens_in_whole_characters() {
    let bench = Bench::new();
    let (_plan, sandbox) = bench.sandbox().await;
    // Bytes of characters one by one.
    let command = "for b in '\\342' '\\202' '\\254' '\\303' '\\251'; do printf $b; sleep 0.02; done; echo E >&2; exit 3";
    let mut stream = sandbox.stream(&Exec::shell(command)).await.unwrap();
    let (mut out, mut err) = (String::new(), String::new());
    let first = stream.next().await.unwrap().unwrap();
    assert!(matches!(first, ExecEvent::Started(1..)));
    let exit = loop {
        match stream.next().await.unwrap().unwrap() {
            ExecEvent::Stdout(text) => out.push_str(&text),
            ExecEvent::Stderr(text) => err.push_str(&text),
            ExecEvent::Exited {
                exit_code,
                timed_out,
                truncated,
                ..
            } => break (exit_code, timed_out, truncated),
            ExecEvent::Started(_) => panic!("twice"),
        }
    };
    assert_eq!(
        (out.as_str(), err.as_str(), exit),
        ("€é", "E\n", (3, false, false))
    );
    assert!(stream.next().await.is_none());
    bench.end().await;
}

#[tokio::test]
async fn whoever_does_not_read_a_stream_does_not_hold_the_command_up() {
    let bench = Bench::new();
    let (plan, sandbox) = bench.sandbox().await;
    let command = "head -c 50000000 /dev/zero | tr '\\0' x; touch done";
    let mut stream = sandbox.stream(&Exec::shell(command)).await.unwrap();
    until("the command's end", || {
        plan.folder.join("workspace/done").exists()
    })
    .await;
    let mut got = 0;
    loop {
        match stream.next().await.unwrap().unwrap() {
            ExecEvent::Stdout(text) => got += text.len(),
            ExecEvent::Exited { truncated, .. } => break assert!(truncated),
            _ => {}
        }
    }
    assert!(got < 2 << 20, "{got}");
    bench.end().await;
}

/// Ways to outlive a command.
const CLINGING: [(&str, &str); 6] = [
    ("a child", "sleep 1000 & "),
    (
        "a daemon",
        "setsid sh -c 'setsid sleep 1000 & exit' & sleep 0.1; ",
    ),
    (
        "deaf",
        "sh -c 'trap \"\" TERM HUP INT; while :; do sleep 1000; done' & ",
    ),
    ("stopped", "sleep 1000 & kill -STOP $!; "),
    (
        "many",
        "for i in 1 2 3 4 5 6 7 8 9; do setsid sleep 1000 & done; ",
    ),
    ("closed", "setsid sleep 1000 <&- >&- 2>&- & "),
];

#[tokio::test]
async fn nothing_outlives_its_command() {
    let bench = Bench::new();
    let (_plan, sandbox) = bench.sandbox().await;
    let kept = sandbox.spawn(&Exec::shell("sleep 2000")).await.unwrap();
    let ends: [(&str, i32, Option<Duration>); 4] = [
        ("exit 5", 5, None),
        ("kill -KILL $$", 137, None),
        ("sleep 1000", 137, Some(Duration::from_millis(300))),
        // The supervisor, who is the main process's parent.
        ("kill -KILL $PPID; sleep 1000", 137, None),
    ];
    for (name, clinging) in CLINGING {
        for (end, code, timeout) in ends {
            let exec = Exec {
                timeout: timeout.or(Some(PATIENCE)),
                ..Exec::shell(format!("{clinging}{end}"))
            };
            let output = sandbox.exec(&exec).await.unwrap();
            assert_eq!(
                (output.exit_code, output.timed_out),
                (code, timeout.is_some()),
                "{name}, {end}"
            );
            let left = ok(&sandbox, "ps -eo args | grep -c '[s]leep 1000' || true").await;
            assert_eq!(left, "0\n", "{name}, {end}");
        }
    }
    // What belongs to another command was left alone.
    assert_eq!(sandbox.get(kept.id).unwrap().exit_code, None);
    bench.end().await;
}

#[tokio::test]
async fn a_stopped_supervisor_saves_nobody() {
    let bench = Bench::new();
    let (_plan, sandbox) = bench.sandbox().await;
    let timeout = Some(Duration::from_millis(300));
    let exec = Exec {
        timeout,
        ..Exec::shell("kill -STOP $PPID; exit 0")
    };
    let output = sandbox.exec(&exec).await.unwrap();
    assert_eq!((output.exit_code, output.timed_out), (137, true));
    ok(&sandbox, "true").await;
    bench.end().await;
}

#[tokio::test]
async fn a_fork_bomb_ends_with_its_time() {
    let bench = Bench::new();
    let (_plan, sandbox) = bench.sandbox().await;
    let bomb = "bomb() { bomb | bomb & }; bomb; while :; do bomb; done 2>/dev/null";
    let exec = Exec {
        timeout: Some(Duration::from_secs(1)),
        ..Exec::shell(bomb)
    };
    let output = sandbox.exec(&exec).await.unwrap();
    assert!(output.timed_out || output.exit_code != 0, "{output:?}");
    // ps, sh, grep, and process 1 with a supervisor.
    let left: u32 = ok(&sandbox, "ps -e | wc -l").await.trim().parse().unwrap();
    assert!(left <= 7, "{left} processes");
    bench.end().await;
}

#[tokio::test]
async fn process_1_heeds_no_signal_from_inside() {
    let bench = Bench::new();
    let (_plan, sandbox) = bench.sandbox().await;
    ok(
        &sandbox,
        "for s in $(seq 1 64); do kill -$s 1 2>/dev/null; done; true",
    )
    .await;
    ok(&sandbox, "true").await;
    let output = sh(&sandbox, "kill -KILL -1").await;
    assert_eq!(output.exit_code, 137);
    ok(&sandbox, "true").await;
    bench.end().await;
}

#[tokio::test]
async fn a_caller_who_leaves_takes_the_command_along() {
    let bench = Bench::new();
    let (plan, sandbox) = bench.sandbox().await;
    let workspace = plan.folder.join("workspace");
    let command = |name: &str| {
        Exec::shell(format!(
            "touch {name}; while touch beat; do sleep 0.01; done"
        ))
    };
    for way in ["exec", "stream"] {
        let started = workspace.join(way);
        if way == "exec" {
            let exec = command(way);
            tokio::select! {
                output = sandbox.exec(&exec) => panic!("{output:?}"),
                () = until("its start", || started.exists()) => {}
            }
        } else {
            let stream = sandbox.stream(&command(way)).await.unwrap();
            until("its start", || started.exists()).await;
            drop(stream);
        }
        support::until_ok(&sandbox, "! ps -eo args | grep -q '[t]ouch beat'").await;
    }
    bench.end().await;
}

#[tokio::test]
async fn commands_of_the_background_outlive_a_runner() {
    let bench = Bench::new();
    let (plan, sandbox) = bench.sandbox().await;
    let workspace = plan.folder.join("workspace");
    let long =
        Exec::shell("echo one; until test -e go; do sleep 0.01; done; echo two; exec sleep 1000");
    let short = Exec::argv([
        "sh",
        "-c",
        "until test -e go; do sleep 0.01; done; echo gone; echo late >&2; exit 9",
    ]);
    let long = sandbox.spawn(&long).await.unwrap();
    let short = sandbox.spawn(&short).await.unwrap();
    let timed = Exec {
        timeout: Some(Duration::from_millis(400)),
        ..Exec::shell("sleep 1000")
    };
    let timed = sandbox.spawn(&timed).await.unwrap();
    assert_eq!((long.id, short.id, timed.id), (1, 2, 3));
    until("its first words", || {
        sandbox.get(long.id).unwrap().stdout == "one\n"
    })
    .await;
    let foreground = Exec::shell("touch foreground; exec sleep 3000");
    let follow = sandbox.stream(&foreground).await.unwrap();
    until("the command of the foreground", || {
        is_there(&workspace, "foreground")
    })
    .await;

    // The runner is killed: its descriptors are closed, and nothing else is done.
    let running = sandbox.running().clone();
    drop((sandbox, follow));
    fs::write(workspace.join("go"), "").unwrap();

    let sandbox = connect(running.clone()).await;
    let ids: Vec<u64> = sandbox.list().iter().map(|command| command.id).collect();
    assert_eq!(ids, [3, 2, 1]);
    let ended = sandbox.wait(short.id, PATIENCE).await.unwrap();
    assert_eq!(
        (
            ended.exit_code,
            ended.stdout.as_str(),
            ended.stderr.as_str()
        ),
        (Some(9), "gone\n", "late\n")
    );
    assert!(matches!(&ended.command, CommandLine::Argv(argv) if argv.len() == 3));
    assert_eq!(ended.started_at, short.started_at);
    let ended = sandbox.wait(timed.id, PATIENCE).await.unwrap();
    assert_eq!((ended.exit_code, ended.timed_out), (Some(137), true));
    until("its last words", || {
        sandbox.get(long.id).unwrap().stdout == "two\n"
    })
    .await;
    assert!(sandbox.get(long.id).unwrap().truncated);
    assert_eq!(sandbox.get(long.id).unwrap().exit_code, None);
    support::until_ok(&sandbox, "! ps -eo args | grep -q '[s]leep 3000'").await;

    let killed = sandbox.kill(long.id).await.unwrap();
    assert_eq!(killed.exit_code, Some(137));
    ok(&sandbox, "! ps -eo args | grep -q '[s]leep 1000'").await;
    // How they ended is known to the next runner too.
    drop(sandbox);
    let sandbox = connect(running).await;
    let codes: Vec<_> = sandbox
        .list()
        .iter()
        .map(|command| command.exit_code)
        .collect();
    assert_eq!(codes, [Some(137), Some(9), Some(137)]);
    bench.end().await;
}

#[tokio::test]
async fn a_sandbox_that_ends_ends_its_commands() {
    let bench = Bench::new();
    let (plan, sandbox) = bench.sandbox().await;
    let command = sandbox.spawn(&Exec::shell("sleep 1000")).await.unwrap();
    let exec = Exec::shell("touch here; sleep 1000");
    let follow = sandbox.exec(&exec);
    let workspace = plan.folder.join("workspace");
    let stop = async {
        until("its start", || is_there(&workspace, "here")).await;
        sandbox::backend::Backend::stop(&bench.backend, plan.id)
            .await
            .unwrap();
    };
    let (output, ()) = tokio::join!(follow, stop);
    assert!(matches!(output, Err(ExecError::Gone(_))), "{output:?}");
    let ended = sandbox.wait(command.id, PATIENCE).await.unwrap();
    assert_eq!(ended.exit_code, Some(137));
    assert!(matches!(
        sandbox.exec(&Exec::shell("true")).await,
        Err(ExecError::Gone(_))
    ));
    bench.end().await;
}

/// Answers each connection with what it reads, in capitals, on the address and port given.
const SERVER: &str = "use IO::Socket; my $s = IO::Socket::INET->new(Listen => 5, ReuseAddr => 1, \
    LocalAddr => '127.0.0.1', LocalPort => $ARGV[0]) or die; while (my $c = $s->accept) { \
    print $c uc <$c>; close $c }";

#[tokio::test]
async fn ports_of_the_sandbox_are_reached_and_only_those() {
    let bench = Bench::new();
    let (_plan, sandbox) = bench.sandbox().await;
    let outside = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = outside.local_addr().unwrap().port();
    assert_eq!(sandbox.listening(&[]).await.unwrap(), [0_u16; 0]);
    assert!(matches!(
        sandbox.connect_to(port).await,
        Err(ExecError::Unreachable(_))
    ));
    sandbox
        .spawn(&Exec::argv(["perl", "-e", SERVER, "8080"]))
        .await
        .unwrap();
    support::until_async("a server", async || {
        sandbox.listening(&[8080, 1]).await.unwrap() == [8080]
    })
    .await;
    let one = async |n: usize| {
        let mut socket = sandbox.connect_to(8080).await.unwrap();
        socket
            .write_all(format!("hello {n}\n").as_bytes())
            .await
            .unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, format!("HELLO {n}\n"));
    };
    tokio::join!(one(1), one(2), one(3), one(4));
    assert_eq!(sandbox.listening(&[]).await.unwrap(), [8080]);
    bench.end().await;
}

#[tokio::test]
async fn many_at_once() {
    let bench = Bench::new();
    let (_plan, sandbox) = bench.sandbox().await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..30 {
        let sandbox = sandbox.clone();
        tasks.spawn(async move {
            let output: Output = sh(&sandbox, &format!("echo {n}; exit {n}")).await;
            assert_eq!((output.exit_code, output.stdout), (n, format!("{n}\n")));
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    bench.end().await;
}
