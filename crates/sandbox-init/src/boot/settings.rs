//! `/etc`: of the host what programs need to be found and to trust others, and else made up.
//!
//! Invariant: no account, no key, no name of the host.

use super::mounts::{Fault, below, doing, folder, show};
use crate::hold::INSIDE;
use sandbox_init::protocol::Hold;
use std::fs;

/// What is the same for everybody. Nothing secret is in any of these.
const SHOWN: [&str; 20] = [
    "alternatives",
    "ca-certificates",
    "ca-certificates.conf",
    "debian_version",
    "inputrc",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "magic",
    "magic.mime",
    "mime.types",
    "os-release",
    "pki/tls/certs",
    "protocols",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
    "timezone",
];

pub(super) fn provide(plan: &Hold) -> Result<(), Fault> {
    folder("/etc")?;
    for name in SHOWN {
        show(&format!("/etc/{name}"))?;
    }
    let name = &plan.hostname;
    let servers = plan.name_server.as_ref();
    let resolv = servers.map_or(String::new(), |server| format!("nameserver {server}\n"));
    let made = [
        (
            "passwd",
            format!(
                "root:x:0:0:root:/nonexistent:/usr/sbin/nologin\n\
                 agent:x:{INSIDE}:{INSIDE}:agent:/home/agent:/bin/sh\n\
                 nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
            ),
        ),
        (
            "group",
            format!("root:x:0:\nagent:x:{INSIDE}:\nnogroup:x:65534:\n"),
        ),
        (
            "hosts",
            format!("127.0.0.1 localhost {name}\n::1 localhost ip6-localhost ip6-loopback\n"),
        ),
        ("hostname", format!("{name}\n")),
        (
            "nsswitch.conf",
            "passwd: files\ngroup: files\nhosts: files dns\nnetworks: files\n\
             protocols: files\nservices: files\n"
                .to_owned(),
        ),
        ("resolv.conf", resolv),
    ];
    for (file, text) in made {
        let path = below(&format!("/etc/{file}"));
        fs::write(path, text).map_err(doing(format!("writing /etc/{file}")))?;
    }
    Ok(())
}
