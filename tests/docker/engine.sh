#!/usr/bin/env bash
# A container engine for the tests, on a Debian-like machine and as root: installs it if it is
# missing, starts it in a folder of its own, and makes the image that the tests run in. Nothing is
# pulled: the image is unpacked from the packages that the machine's apt knows.
#
#   export ATELIER_DOCKER_HOST="$(tests/docker/engine.sh)"   start (again: does what is missing)
#   tests/docker/engine.sh stop                              end the engine, keep its data
#
# Standard output is the engine's address and nothing else.
set -euo pipefail

folder="${ATELIER_DOCKER_FOLDER:-/var/tmp/atelier-docker}"
image=atelier-sandbox:test
host="unix://$folder/docker.sock"
# With an interpreter, because attacks are written in it, and with setuid programs to attack.
packages=(bash coreutils dash findutils git grep gzip hostname libc-bin libpython3-stdlib login
    mount passwd perl-base procps python3-minimal sed tar util-linux)

say() { printf '%s\n' "$*" >&2; }
engine() { DOCKER_HOST="$host" DOCKER_CONFIG="$folder" docker "$@"; }
pid() { cat "$folder/dockerd.pid" 2>/dev/null || true; }
runs() { local pid; pid="$(pid)"; [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]; }

install_engine() {
    local missing=()
    command -v dockerd >/dev/null || missing+=(docker.io)
    # Newer releases have the client in a package of its own.
    if ! command -v docker >/dev/null; then
        mapfile -t -O "${#missing[@]}" missing \
            < <(apt-cache --names-only search '^docker-cli$' | cut -d' ' -f1)
    fi
    command -v iptables >/dev/null || missing+=(iptables)
    [ "${#missing[@]}" -gt 0 ] || return 0
    say "installing ${missing[*]}"
    apt-get update -q >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" >&2
}

start_engine() {
    runs && return 0
    rm -f "$folder/dockerd.pid" "$folder/docker.sock"
    # Standard output is closed for it: whoever reads ours would wait for its end.
    setsid dockerd --data-root "$folder/data" --exec-root "$folder/exec" \
        --pidfile "$folder/dockerd.pid" --host "$host" --log-level warn \
        >"$folder/dockerd.log" 2>&1 </dev/null &
    for _ in $(seq 300); do
        engine version >/dev/null 2>&1 && return 0
        kill -0 $! 2>/dev/null || break
        sleep 0.1
    done
    say "the engine does not start; the end of $folder/dockerd.log:"
    tail -n 20 "$folder/dockerd.log" >&2
    return 1
}

# The files of the packages and of all that they depend on, without their install scripts.
unpack() {
    local root="$1" archives="$2" link
    local apt=(-q -o Dir::State::status=/dev/null -o "Dir::Cache::archives=$archives"
        -o APT::Sandbox::User=root)
    mkdir -p "$archives/partial" "$root"
    if ! apt-get "${apt[@]}" install --download-only -y --no-install-recommends \
        "${packages[@]}" >"$folder/packages.log" 2>&1; then
        apt-get update -q >&2
        apt-get "${apt[@]}" install --download-only -y --no-install-recommends \
            "${packages[@]}" >"$folder/packages.log" 2>&1
    fi
    for link in bin sbin lib lib64; do
        mkdir -p "$root/usr/$link"
        ln -s "usr/$link" "$root/$link"
    done
    for package in "$archives"/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$root"
    done
    # What install scripts would have done.
    ln -sf dash "$root/usr/bin/sh"
    printf 'root:x:0:0:root:/root:/bin/sh\nsandbox:x:1000:1000::/workspace:/bin/sh\n' >"$root/etc/passwd"
    printf 'root:x:0:\nsandbox:x:1000:\n' >"$root/etc/group"
    printf 'root:canary-of-the-image:19000:0:99999:7:::\n' >"$root/etc/shadow"
    chmod 600 "$root/etc/shadow"
    mkdir -p "$root"/{dev,proc,sys,run,tmp,root,workspace}
    chmod 1777 "$root/tmp"
    rm -rf "$root"/usr/share/{doc,man,locale,info}
}

make_image() {
    engine image inspect "$image" >/dev/null 2>&1 && return 0
    say "making $image"
    local work
    work="$(mktemp -d "$folder/image.XXXXXX")"
    unpack "$work/root" "$work/archives"
    tar -c --numeric-owner -C "$work/root" . |
        engine import --change 'WORKDIR /workspace' --change 'CMD ["/bin/sh"]' - "$image" >&2
    rm -rf "$work"
}

mkdir -p "$folder"
case "${1:-start}" in
start)
    install_engine
    start_engine
    make_image
    printf '%s\n' "$host"
    ;;
stop)
    if runs; then
        process="$(pid)"
        kill "$process"
        while kill -0 "$process" 2>/dev/null; do sleep 0.1; done
    fi
    ;;
*)
    say "usage: $0 [start|stop]"
    exit 2
    ;;
esac
