//! Ports on this machine: free ones, and who holds one that is not.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context, Result, bail};

/// Checks that the front door can have its port.
///
/// # Errors
/// Names who has it, and what to do.
pub(super) fn check(port: u16) -> Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            let holder = holder(port).map_or_else(String::new, |who| format!(" by {who}"));
            bail!("port {port} is in use{holder}: stop that, or choose another with --port")
        }
        Err(error) => Err(error)
            .with_context(|| format!("{address} cannot be used: choose another with --port")),
    }
}

/// Loopback addresses that nobody listens on just now, all different.
pub(super) fn free<const N: usize>() -> Result<[SocketAddr; N]> {
    // Held together, so that none is given out twice.
    let mut listeners = Vec::new();
    let mut addresses = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); N];
    for address in &mut addresses {
        let listener = TcpListener::bind(*address).context("no free port on the loopback")?;
        *address = listener.local_addr()?;
        listeners.push(listener);
    }
    Ok(addresses)
}

/// `name (process 123)` of the listener on a port, as far as `/proc` tells this user.
fn holder(port: u16) -> Option<String> {
    let wanted = format!(":{port:04X}");
    let tables =
        ["/proc/net/tcp", "/proc/net/tcp6"].map(|t| fs::read_to_string(t).unwrap_or_default());
    let inode = tables
        .iter()
        .flat_map(|table| table.lines().skip(1))
        .find_map(|line| {
            let columns: Vec<_> = line.split_whitespace().collect();
            let listens = columns.get(1)?.ends_with(&wanted) && *columns.get(3)? == "0A";
            if listens {
                columns.get(9).map(|inode| (*inode).to_owned())
            } else {
                None
            }
        })?;
    process_with(&format!("socket:[{inode}]"))
}

fn process_with(link: &str) -> Option<String> {
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let mut files = fs::read_dir(entry.path().join("fd")).ok()?.flatten();
        files.find(|file| fs::read_link(file.path()).is_ok_and(|to| to.as_os_str() == link))?;
        let name = fs::read_to_string(entry.path().join("comm")).ok()?;
        Some(format!("{} (process {pid})", name.trim()))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn says_who_has_a_port() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let error = check(port).unwrap_err().to_string();
        assert!(
            error.contains(&format!("(process {})", std::process::id())),
            "{error}"
        );
        assert!(error.contains("--port"), "{error}");
    }

    #[test]
    fn free_ports_differ_and_are_free() {
        let [one, two] = free::<2>().unwrap();
        assert_ne!(one, two);
        check(one.port()).unwrap();
    }
}
