//! From inside of a sandbox: what must not work.
//!
//! When root runs the tests, all of them run once more as an ordinary user.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use sandbox::{
    backend::{Backend, Limits},
    exec::{Exec, Sandbox},
};
use std::{
    fs,
    os::{linux::net::SocketAddrExt, unix::net::SocketAddr},
    time::Duration,
};
use support::{Bench, connect, ok, sh};

#[test]
fn all_of_it_as_an_ordinary_user() {
    support::again_as_an_ordinary_user();
}

/// Runs each and expects each to fail, for one of these reasons where there is one to be seen.
async fn fail(sandbox: &Sandbox, attacks: &[&str]) {
    for attack in attacks {
        let output = sh(sandbox, attack).await;
        assert_ne!(output.exit_code, 0, "{attack}: {output:?}");
        // It was tried: a program that is missing proves nothing.
        assert!(!output.stderr.contains("not found"), "{attack}: {output:?}");
    }
}

#[tokio::test]
async fn files_of_the_host_are_not_there() {
    let bench = Bench::new();
    let secret = bench.state.path().join("secret");
    fs::write(&secret, "canary").unwrap();
    let (plan, sandbox) = bench.sandbox().await;
    let (other_plan, _other) = bench.sandbox().await;
    fs::write(other_plan.folder.join("workspace/secret"), "canary").unwrap();
    for path in [
        "/etc/shadow",
        "/etc/gshadow",
        "/etc/ssh",
        "/etc/ssl/private",
        "/root",
        "/var/run/docker.sock",
        "/run/docker.sock",
        "/run/atelier",
        "/sys/kernel",
        "/boot",
        "/home/agent/..data",
        "/var/lib",
        "/mnt",
        "/srv",
        "/dev/sda",
        "/dev/vda",
        "/dev/kmsg",
        "/dev/mem",
        "/dev/fuse",
        "/dev/tty0",
        secret.to_str().unwrap(),
        plan.folder.to_str().unwrap(),
        other_plan.folder.to_str().unwrap(),
    ] {
        ok(&sandbox, &format!("! test -e '{path}'")).await;
        ok(
            &sandbox,
            &format!("! ls -d '/proc/1/root/{path}' 2>/dev/null"),
        )
        .await;
    }
    let users = ok(&sandbox, "cut -d: -f1 /etc/passwd").await;
    assert_eq!(users, "root\nagent\nnobody\n");
    // Neither by a path, nor by a walk over all that there is.
    let found = ok(
        &sandbox,
        "grep -rls canary / --include=secret 2>/dev/null; true",
    )
    .await;
    assert_eq!(found, "");
    fs::write(plan.folder.join("workspace/mine"), "x").unwrap();
    assert_eq!(ok(&sandbox, "cat mine").await, "x");
    bench.end().await;
}

#[tokio::test]
async fn nothing_but_its_own_folders_can_be_written_to() {
    let bench = Bench::new();
    let (plan, sandbox) = bench.sandbox().await;
    fail(
        &sandbox,
        &[
            "touch /x",
            "touch /usr/x",
            "touch /bin/sh",
            "touch /etc/x",
            "echo > /etc/passwd",
            "touch /dev/x",
            "touch /lib/x",
            "mkdir /var/x",
            "rm -f /etc/hostname",
            "mv /home /home2",
            "chmod 777 /etc",
            "echo 1 > /proc/sys/kernel/core_pattern",
            "echo 1 > /proc/sys/net/ipv4/ip_forward",
            "echo b > /proc/sysrq-trigger",
            "echo x > /proc/sys/kernel/hostname",
            "mknod /tmp/null c 1 3",
            "mknod device b 254 0",
            "touch /proc/1/x",
            "cp /bin/sh /.empty/x",
        ],
    )
    .await;
    for folder in [
        "/workspace",
        "/tmp",
        "/run",
        "/home/agent",
        "/var/tmp",
        "/dev/shm",
    ] {
        ok(&sandbox, &format!("echo x > {folder}/y && cat {folder}/y")).await;
    }
    // What it writes is the workspace's owner's, and bits that would give power do not.
    ok(
        &sandbox,
        "cp /bin/sh suid && chmod 6755 suid && test \"$(./suid -p -c 'id -u')\" = 1000",
    )
    .await;
    let metadata = fs::metadata(plan.folder.join("workspace/suid")).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&metadata), plan.user.0);
    fail(
        &sandbox,
        &[
            "chown 0 suid",
            "chown 1 suid",
            "chgrp 1 suid",
            "su root -c id </dev/null",
        ],
    )
    .await;
    bench.end().await;
}

#[tokio::test]
async fn powers_are_gone_for_good() {
    let bench = Bench::new();
    let (_plan, sandbox) = bench.sandbox().await;
    let status = ok(
        &sandbox,
        "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status",
    )
    .await;
    for line in status.lines() {
        let (name, value) = line.split_once(":\t").unwrap();
        let expected = match name {
            "NoNewPrivs" => "1",
            "Seccomp" => "2",
            _ => "0000000000000000",
        };
        assert_eq!(value, expected, "{name}");
    }
    fail(
        &sandbox,
        &[
            "mount -t tmpfs x /tmp",
            "mount --bind /etc /tmp",
            "mount -o remount,rw /",
            "mount -t proc proc /tmp",
            "umount /proc/kcore",
            "umount -l /usr",
            "unshare -U true",
            "unshare -m true",
            "unshare -Ur id",
            "unshare -n true",
            "unshare -p -f true",
            "nsenter -t 1 -m true",
            "nsenter -t 1 -U true",
            "chroot / true",
            "hostname other",
            "cat /proc/1/environ",
            "ls /proc/1/fd",
            "ls /proc/1/root/",
            "cat /proc/1/mem",
            "readlink /proc/1/exe",
            "setpriv --reuid 0 true",
            "setpriv --inh-caps +sys_admin true",
        ],
    )
    .await;
    bench.end().await;
}

/// Calls by number, the same on all machines of a kind: what is refused says EPERM, what is
/// unknown ENOSYS. Perl has `syscall`.
#[tokio::test]
async fn calls_for_administrators_are_refused() {
    let bench = Bench::new();
    let (_plan, sandbox) = bench.sandbox().await;
    if std::env::consts::ARCH != "x86_64" {
        return bench.end().await;
    }
    const EPERM: i32 = 1;
    const ENOSYS: i32 = 38;
    let calls = [
        ("keyctl", "250, 0, 0", EPERM),
        ("add_key", "248, 0, 0, 0, 0, 0", EPERM),
        ("bpf", "321, 0, 0, 0", EPERM),
        ("perf_event_open", "298, 0, 0, 0, 0, 0", EPERM),
        ("userfaultfd", "323, 0", EPERM),
        ("kexec_load", "246, 0, 0, 0, 0", EPERM),
        ("init_module", "175, 0, 0, 0", EPERM),
        ("open_by_handle_at", "304, 0, 0, 0", EPERM),
        ("io_uring_setup", "425, 1, 0", EPERM),
        ("mount", "165, 0, 0, 0, 0, 0", EPERM),
        ("fsopen", "430, 0, 0", EPERM),
        ("open_tree", "428, 0, 0, 0", EPERM),
        ("move_mount", "429, 0, 0, 0, 0, 0", EPERM),
        ("setns", "308, 0, 0", EPERM),
        ("unshare", "272, 0x10000000", EPERM),
        (
            "clone with a user namespace",
            "56, 0x10000011, 0, 0, 0, 0",
            EPERM,
        ),
        (
            "clone with high bits",
            "56, 0x100010000011, 0, 0, 0, 0",
            EPERM,
        ),
        ("clone3", "435, 0, 0", ENOSYS),
        ("of the future", "999, 0", ENOSYS),
        ("of x32: mount", "0x40000000 + 165, 0, 0, 0, 0, 0", ENOSYS),
        ("socket(AF_VSOCK)", "41, 40, 1, 0", EPERM),
        ("socket(AF_ALG)", "41, 38, 5, 0", EPERM),
        ("socket(AF_PACKET)", "41, 17, 3, 0", EPERM),
        ("socket(NETLINK_AUDIT)", "41, 16, 3, 9", EPERM),
        ("ioctl(TIOCSTI)", "16, 0, 0x5412, 0", EPERM),
        (
            "ioctl(TIOCSTI) with high bits",
            "16, 0, 0x100005412, 0",
            EPERM,
        ),
        ("personality(ADDR_NO_RANDOMIZE)", "135, 0x40000", EPERM),
    ];
    for (name, call, error) in calls {
        let program = format!("my $r = syscall({call}); print $r, ' ', $!+0");
        let output = sandbox
            .exec(&Exec::argv(["perl", "-e", &program]))
            .await
            .unwrap();
        assert_eq!(output.stdout, format!("-1 {error}"), "{name}: {output:?}");
    }
    // And what programs need is not.
    ok(&sandbox, "perl -MSocket -e 'socket(my $s, AF_INET, SOCK_DGRAM, 0) or die; socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, 0) or die; fork // die; '").await;
    bench.end().await;
}

#[tokio::test]
async fn processes_of_others_are_not_to_be_seen() {
    let bench = Bench::new();
    let (_plan, sandbox) = bench.sandbox().await;
    let (_, other) = bench.sandbox().await;
    other.spawn(&Exec::shell("exec sleep 4321")).await.unwrap();
    let seen = ok(&sandbox, "ps -e -o pid=,args=").await;
    assert!(!seen.contains("4321"), "{seen}");
    for line in seen.lines() {
        let pid: u32 = line.split_whitespace().next().unwrap().parse().unwrap();
        assert!(pid < 20, "{seen}");
    }
    let host = std::process::id();
    fail(
        &sandbox,
        &[&format!("kill -0 {host}"), &format!("test -e /proc/{host}")],
    )
    .await;
    // Neither are their shared memory and their queues.
    assert_eq!(
        ok(
            &sandbox,
            "ipcmk -M 100 >/dev/null; ipcs -m | grep -c 0x || true"
        )
        .await,
        "1\n"
    );
    assert_eq!(ok(&other, "ipcs -m | grep -c 0x || true").await, "0\n");
    bench.end().await;
}

#[tokio::test]
async fn there_is_no_network() {
    let bench = Bench::new();
    let listener = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (_plan, sandbox) = bench.sandbox().await;
    let connect = |host: &str| {
        format!(
            "perl -MIO::Socket -e 'exit(IO::Socket::INET->new(PeerAddr => q({host}), PeerPort => {port}, Timeout => 2) ? 0 : 1)'"
        )
    };
    let hosts = [
        "127.0.0.1",
        "localhost",
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",
        "1.1.1.1",
    ];
    for host in hosts {
        fail(&sandbox, &[&connect(host)]).await;
    }
    let interfaces = ok(&sandbox, "tail -n +3 /proc/net/dev | cut -d: -f1").await;
    assert!(
        interfaces.lines().all(|name| matches!(
            name.trim(),
            "lo" | "sit0"
                | "tunl0"
                | "ip6tnl0"
                | "gre0"
                | "gretap0"
                | "erspan0"
                | "ip_vti0"
                | "ip6_vti0"
                | "ip6gre0"
        )),
        "{interfaces}"
    );
    // Sockets with names in no file system are of the network namespace.
    let name = format!("atelier-{port}");
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind_addr(&address).unwrap();
    fail(&sandbox, &[&format!("perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_STREAM, 0) or exit 0; exit(connect($s, pack_sockaddr_un(qq(\\0{name}))) ? 0 : 1)'")]).await;
    bench.end().await;
}

#[tokio::test]
async fn what_is_used_up_ends_and_the_host_goes_on() {
    let bench = Bench::new();
    let mut plan = bench.plan();
    plan.limits = Limits {
        memory: 200 << 20,
        processes: 40,
        file_size: 10 << 20,
        tmpfs: 20 << 20,
        ..plan.limits
    };
    let sandbox = connect(bench.backend.start(&plan).await.unwrap()).await;
    let within = |seconds, command: &str| Exec {
        timeout: Some(Duration::from_secs(seconds)),
        ..Exec::shell(command)
    };
    // Memory: ten gigabytes, at once and bit by bit.
    for hog in [
        "my $x = 'x' x 10_000_000_000; print length $x",
        "my @x; push @x, 'x' x 1_000_000 for 1..10_000; print scalar @x",
    ] {
        let exec = Exec {
            timeout: Some(Duration::from_secs(60)),
            ..Exec::argv(["perl", "-e", hog])
        };
        let output = sandbox.exec(&exec).await.unwrap();
        assert_ne!(output.exit_code, 0, "{output:?}");
        assert_eq!(output.stdout, "");
    }
    // A file, and the temporary folders together.
    let output = sandbox
        .exec(&within(60, "head -c 20000000 /dev/zero > big"))
        .await
        .unwrap();
    assert_ne!(output.exit_code, 0);
    assert_eq!(
        fs::metadata(plan.folder.join("workspace/big"))
            .unwrap()
            .len(),
        10 << 20
    );
    for folder in ["/tmp", "/run", "/dev/shm"] {
        let fill =
            format!("for i in 1 2 3; do head -c 9000000 /dev/zero > {folder}/$i || exit 1; done");
        let output = sandbox.exec(&within(60, &fill)).await.unwrap();
        assert_ne!(output.exit_code, 0, "{folder}");
    }
    ok(&sandbox, "rm /tmp/* /run/* /dev/shm/* 2>/dev/null; true").await;
    // Processes.
    let output = sandbox
        .exec(&within(
            20,
            "for i in $(seq 100); do sleep 100 & done; wait",
        ))
        .await
        .unwrap();
    assert_ne!(output.exit_code, 0, "{output:?}");
    assert!(output.stderr.to_lowercase().contains("fork"), "{output:?}");
    // It still works, and so does a neighbour.
    ok(&sandbox, "true").await;
    let (_, neighbour) = bench.sandbox().await;
    ok(&neighbour, "true").await;
    bench.end().await;
}
