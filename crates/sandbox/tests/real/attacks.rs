//! From inside: what a command may try. Each attack says `REACHED` if it gets what it wants, and
//! `TRIED` when it has tried everything, so that one which does not run at all passes for nothing.

use crate::{
    canaries::Canaries,
    site::{ALONE, Kind, Site, engine},
};
use std::time::Duration;

/// What becomes of the attacker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It fails, and goes on.
    Tries,
    /// It is ended somehow, or fails.
    Falls,
}
use Fate::{Falls, Tries};

const ATTACKS: &[(&str, Fate, &str)] = &[
    (
        "reading the host's files",
        Tries,
        r#"
        for file in /etc/shadow /proc/1/root/etc/shadow {STATE}/canary /proc/1/root{STATE}/canary \
            /proc/1/cwd/canary /workspace/../..{STATE}/canary ../canary ../../canary ../../../canary; do
            cat "$file" 2>/dev/null && echo "REACHED $file"
        done
        ls -d {STATE} 2>/dev/null && echo REACHED the state folder
        ln -s {STATE}/canary link; cat link 2>/dev/null && echo REACHED by a link
        for fd in /proc/1/fd/*; do cat "$fd"/canary 2>/dev/null && echo "REACHED $fd"; done
        ls /root /home/*/.ssh 2>/dev/null | grep -q . && echo REACHED a home
        rm link; echo TRIED"#,
    ),
    (
        "seeing the host's processes",
        Tries,
        r#"
        cat /proc/[0-9]*/cmdline | tr '\0' ' ' | grep -q '98765432[1]' && echo REACHED
        kill -9 {PROCESS} 2>/dev/null
        [ "$(ls -d /proc/[0-9]* | wc -l)" -lt 12 ] || echo REACHED too many
        echo TRIED"#,
    ),
    (
        "mounting",
        Tries,
        r#"
        mkdir -p m
        mount -t tmpfs none m 2>/dev/null && echo REACHED tmpfs
        mount --bind / m 2>/dev/null && echo REACHED bind
        mount -o remount,rw / 2>/dev/null && echo REACHED remount
        unshare -Urm true 2>/dev/null && echo REACHED user namespace
        unshare -m true 2>/dev/null && echo REACHED mount namespace
        nsenter -t 1 -m true 2>/dev/null && echo REACHED setns
        touch /outside 2>/dev/null && echo REACHED the root
        touch /usr/bin/outside 2>/dev/null && echo REACHED the programs
        chroot / true 2>/dev/null && echo REACHED chroot
        rmdir m; echo TRIED"#,
    ),
    (
        "making and opening devices",
        Tries,
        r#"
        mknod disk b 254 0 2>/dev/null && echo REACHED mknod
        for device in /dev/vda /dev/sda /dev/nvme0n1 /dev/mem /dev/kmsg /dev/port /dev/kvm /dev/fuse /dev/loop0; do
            [ -r "$device" ] && echo "REACHED $device"
        done
        echo TRIED"#,
    ),
    (
        "the engine's socket",
        Tries,
        r#"perl -e '
        use Socket;
        for my $path ("/var/run/docker.sock", "/run/docker.sock", "/run/podman/podman.sock",
                "/run/containerd/containerd.sock", "{ENGINE}", "{SOCKET}", "\0{ABSTRACT}") {
            socket(my $s, AF_UNIX, SOCK_STREAM, 0);
            print "REACHED $path\n" if connect($s, pack_sockaddr_un($path));
        }
        print "TRIED\n"'"#,
    ),
    (
        "the host's ports",
        Tries,
        r#"perl -e '
        use Socket;
        for my $host (qw({HOSTS} 0.0.0.0)) {
            for my $port ({LOOPBACK}, {EVERYWHERE}) {
                socket(my $s, AF_INET, SOCK_STREAM, 0);
                print "REACHED $host:$port\n" if connect($s, pack_sockaddr_in($port, inet_aton($host)));
            }
        }
        print "TRIED\n"'"#,
    ),
    (
        "the network",
        Tries,
        r#"perl -e '
        use Socket;
        socket(my $s, AF_INET, SOCK_DGRAM, 0);
        print "REACHED a route\n" if connect($s, pack_sockaddr_in(53, inet_aton("192.0.2.1")));
        socket(my $t, AF_INET, SOCK_STREAM, 0);
        print "REACHED tcp\n" if connect($t, pack_sockaddr_in(80, inet_aton("192.0.2.1")));
        print "REACHED a raw socket\n" if socket(my $r, AF_INET, SOCK_RAW, 1);
        print "REACHED a packet socket\n" if socket(my $p, 17, SOCK_RAW, 0);
        '
        [ "$(wc -l < /proc/net/route)" -le 1 ] || echo REACHED routes
        echo TRIED"#,
    ),
    ("a fork bomb", Falls, "perl -e 'while (1) { fork }'"),
    (
        "a fork bomb that detaches",
        Falls,
        r#"perl -e '
        use POSIX; $SIG{TERM} = $SIG{HUP} = "IGNORE"; while (1) { if (!fork) { setsid } }'"#,
    ),
    (
        "10 GB of memory",
        Falls,
        r#"perl -e '
        my @all; for (1 .. 160) { push @all, "x" x (64 << 20); } print "REACHED\n"'"#,
    ),
    (
        "10 GB of memory in many processes",
        Falls,
        r#"perl -e '
        for (1 .. 40) { if (!fork) { my $x = "x" x (256 << 20); print "HAVE\n"; sleep 60 } }
        1 while wait > 0;' | perl -e '$| = 1; while (<>) { print "REACHED\n" if ++$n >= 20 }'"#,
    ),
    (
        "filling temporary folders",
        Tries,
        r#"
        for folder in /tmp /dev/shm /run /home/agent /var/tmp; do
            for n in 1 2 3 4; do
                head -c 60000000 /dev/zero > "$folder/large$n" 2>/dev/null || break
                [ "$n" = 4 ] && echo "REACHED $folder"
            done
            rm -f "$folder"/large*
        done
        echo TRIED"#,
    ),
    (
        "a file without end",
        Tries,
        r#"
        perl -e '$SIG{XFSZ} = "IGNORE"; open(F, ">", "endless") or die;
            for (1 .. 200) { syswrite(F, "x" x (1 << 20)) or last }
            print "REACHED\n" if -s "endless" > (64 << 20)'
        rm -f endless; echo TRIED"#,
    ),
    (
        "a daemon that outlives its command",
        Tries,
        r#"
        perl -e 'use POSIX; exit if fork; setsid; exit if fork; $0 = "outliving"; close $_ for *STDIN, *STDOUT, *STDERR; sleep 600'
        (setsid nohup sleep 600600 >/dev/null 2>&1 &)
        echo TRIED"#,
    ),
    (
        "1 GB of output without a newline",
        Tries,
        "head -c 1000000000 /dev/zero | tr '\\0' x; echo TRIED",
    ),
    (
        "becoming root",
        Tries,
        r#"
        grep -q '^NoNewPrivs:.1$' /proc/self/status || echo REACHED new privileges
        grep -E '^Cap(Inh|Prm|Eff|Bnd|Amb):' /proc/self/status | grep -v '0000000000000000$' && echo REACHED capabilities
        [ "$(id -u)" = 0 ] && echo REACHED root
        for program in $(find /usr/bin /bin /usr/sbin -perm -4000 2>/dev/null); do
            case "$program" in */su) echo | su -c 'echo REACHED su' 2>/dev/null ;; esac
        done
        perl -e '$< = 0; $> = 0; print "REACHED setuid\n" if $> == 0'
        cp /usr/bin/id own 2>/dev/null; chmod 4755 own 2>/dev/null; ./own -u | grep -qx 0 && echo REACHED own
        rm -f own; echo TRIED"#,
    ),
    (
        "the kernel's settings",
        Tries,
        r#"
        for file in /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/vm/drop_caches \
            /proc/sysrq-trigger /sys/kernel/uevent_helper /proc/self/oom_score_adj.none \
            /sys/fs/cgroup/memory/release_agent /sys/fs/cgroup/release_agent /sys/fs/cgroup/cgroup.procs; do
            (echo 1 > "$file") 2>/dev/null && echo "REACHED $file"
        done
        for file in $(find /proc/sys /sys -type f -writable 2>/dev/null | head -n 50); do
            (cat "$file" > "$file") 2>/dev/null && echo "REACHED $file"
        done
        (head -c 1 /proc/kcore) 2>/dev/null | grep -q . && echo REACHED kcore
        echo TRIED"#,
    ),
    (
        "tracing process 1",
        Tries,
        r#"perl -e '
        my $ptrace = (POSIX::uname())[4] eq "x86_64" ? 101 : 117 if require POSIX;
        for my $request (16, 0x4206) { print "REACHED $request\n" if syscall($ptrace, $request, 1, 0, 0) == 0 }
        for my $file (qw(mem environ maps)) {
            print "REACHED $file\n" if open(F, "<", "/proc/1/$file") and sysread(F, $x, 1) }
        print "REACHED mem\n" if open(F, "+<", "/proc/1/mem");
        print "TRIED\n"'"#,
    ),
    (
        "killing process 1",
        Tries,
        r#"
        for signal in TERM INT HUP QUIT KILL STOP SEGV ABRT USR1 PIPE CHLD; do kill -$signal 1 2>/dev/null; done
        echo TRIED"#,
    ),
    (
        "asking process 1 to run something",
        Tries,
        r#"perl -e '
        use Socket;
        for my $path (glob("/run/atelier/*"), "/run/atelier/init.sock") {
            socket(my $s, AF_UNIX, 5, 0);
            next unless connect($s, pack_sockaddr_un($path));
            my $run = q({"tag":1,"body":{"run":{"argv":["/usr/bin/touch","/workspace/asked"],"cwd":"/workspace","env":{},"background":false,"timeout_ms":null,"note":""}}});
            send($s, $run, 0); send($s, q({"tag":2,"body":"list"}), 0);
            local $SIG{ALRM} = sub { die }; 
            eval { alarm 2; print "REACHED an answer: $x\n" if defined recv($s, my $x, 4096, 0) and length $x; };
        }
        alarm 0; print "REACHED\n" if -e "/workspace/asked"; print "TRIED\n"'"#,
    ),
    (
        "many calls that are for administrators",
        Tries,
        r#"perl -e '
        require POSIX; exit(print "TRIED\n") unless (POSIX::uname())[4] eq "x86_64";
        my %calls = (bpf => 321, perf_event_open => 298, init_module => 175, kexec_load => 246,
            open_by_handle_at => 304, swapon => 167, reboot => 169, settimeofday => 164,
            add_key => 248, userfaultfd => 323, pivot_root => 155, setns => 308, iopl => 172);
        while (my ($name, $number) = each %calls) {
            print "REACHED $name\n" if syscall($number, 0, 0, 0, 0, 0) >= 0 }
        print "TRIED\n"'"#,
    ),
];

/// Files are not taken in the table: the host is measured while the sandbox writes.
const FILLING: &[(&str, &str)] = &[
    (
        "filling the disk",
        "n=0; while :; do head -c 30000000 /dev/zero > f$n || exit; n=$((n+1)); done",
    ),
    (
        "filling the disk with files that have no name",
        r#"perl -e '
        my @held; for my $n (1 .. 400) {
            open(my $f, "+>", "f$n") or last; unlink "f$n"; push @held, $f;
            for (1 .. 30) { syswrite($f, "x" x (1 << 20)) or last } }
        sleep 60'"#,
    ),
    (
        "filling the disk beside the socket",
        // Only a container has the folder of the socket; elsewhere the workspace has to do.
        "cd /run/atelier || true; n=0; while :; do head -c 30000000 /dev/zero > f$n || exit; n=$((n+1)); done",
    ),
    (
        "filling the disk with small files",
        r#"perl -e '
        for my $d (1 .. 1000) { mkdir "d$d"; for my $n (1 .. 500) { open(my $f, ">", "d$d/$n") or exit } } sleep 60'"#,
    ),
    (
        "hiding what fills the disk",
        r#"mkdir -p a/b; head -c 50000000 /dev/zero > a/b/x; for n in 1 2 3 4 5 6; do cp a/b/x a/b/x$n; done; chmod 000 a/b a; sleep 60"#,
    ),
];

async fn attack(kind: Kind) {
    if !kind.is_here() {
        return;
    }
    let _alone = ALONE.lock().await;
    let site = Site::new(kind, |_| {}).await;
    let mut canaries = Canaries::new(site.state.path());
    let (victim, other) = (site.launch().await, site.launch().await);
    site.ok(other, "echo mine > file").await;
    let engine = engine().unwrap_or_default().replace("unix://", "");
    for (name, fate, script) in ATTACKS {
        let script = canaries.aim(&script.replace("{ENGINE}", &engine));
        // A bomb goes on until it is stopped.
        let script = match fate {
            Tries => script,
            Falls => format!("timeout -s KILL 5 {script}"),
        };
        let output = site.run(victim, &script).await;
        let text = output.as_ref().map_or_else(String::new, |output| {
            assert!(
                output.stdout.len() < 1_100_000,
                "{name}: {}",
                output.stdout.len()
            );
            format!("{}\n{}", output.stdout, output.stderr)
        });
        let short: String = text.chars().take(2000).collect();
        assert!(!text.contains("REACHED"), "{kind:?}: {name}: {short}");
        if *fate == Tries {
            assert!(
                text.contains("TRIED"),
                "{kind:?}: {name} was not tried: {short} {output:?}"
            );
        }
        canaries.are_alive(name, &text);
        // The attacker's sandbox is as good as before, the other one knows of nothing.
        let left = site
            .ok(victim, "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c 'outlivin[g]\\|60060[0]'; echo alive")
            .await;
        assert!(
            left.starts_with("0\n"),
            "{kind:?}: {name}: something is left"
        );
        assert_eq!(
            site.ok(other, "cat file; ls").await,
            "mine\nfile\n",
            "{name}"
        );
    }
    site.end().await;
}

async fn fill(kind: Kind) {
    if !kind.is_here() {
        return;
    }
    let _alone = ALONE.lock().await;
    let site = Site::new(kind, |_| {}).await;
    let other = site.launch().await;
    for (name, script) in FILLING {
        let victim = site.launch().await;
        site.run(victim, script).await;
        let refused = || site.sandboxes.files_to_write(victim).is_err();
        until(&format!("{kind:?}: {name}: it is full"), refused).await;
        let files = site.sandboxes.files(victim).unwrap();
        site.ok(other, "echo goes on > file").await;
        // Deleting is what helps, from inside.
        let delete = "chmod -R u+rwx . 2>/dev/null; find . /run/atelier -mindepth 1 -delete; true";
        // The first may come while the sandbox is still being stopped.
        while site.run(victim, delete).await.is_none() {}
        let writable = || site.sandboxes.files_to_write(victim).is_ok();
        until(&format!("{kind:?}: {name}: it is empty"), writable).await;
        assert!(files.workspace.is_dir());
        site.ok(victim, "echo again > file").await;
        site.sandboxes.destroy(victim).await.unwrap();
    }
    site.end().await;
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let waited = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), waited).await;
    waited.unwrap_or_else(|_| panic!("never: {what}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn attacks_from_inside_of_containers_fail() {
    attack(Kind::Docker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attacks_from_inside_of_namespaces_fail() {
    attack(Kind::Namespace).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_cannot_fill_the_disk() {
    fill(Kind::Docker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_cannot_fill_the_disk() {
    fill(Kind::Namespace).await;
}
