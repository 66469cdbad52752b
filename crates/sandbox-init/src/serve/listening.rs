//! Which TCP ports somebody in the sandbox listens on, as the kernel's tables say.

use std::{collections::BTreeSet, fs, io};

/// `TCP_LISTEN` in the kernel's tables.
const LISTEN: &str = "0A";

/// The most ports that are told.
const MAX_PORTS: usize = 1024;

/// Those of `wanted` that somebody listens on; of none, all.
pub(super) fn ports(wanted: &[u16]) -> io::Result<Vec<u16>> {
    let mut open = parse(&fs::read_to_string("/proc/self/net/tcp")?);
    match fs::read_to_string("/proc/self/net/tcp6") {
        Ok(table) => open.extend(parse(&table)),
        // A kernel without IPv6.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let asked = open
        .into_iter()
        .filter(|port| wanted.is_empty() || wanted.contains(port));
    Ok(asked.take(MAX_PORTS).collect())
}

/// The second column is the local address, `ADDRESS:PORT` in hexadecimal, the fourth the state.
fn parse(table: &str) -> BTreeSet<u16> {
    let ports = table.lines().skip(1).filter_map(|line| {
        let mut columns = line.split_whitespace().skip(1);
        let (_, port) = columns.next()?.rsplit_once(':')?;
        (columns.nth(1)? == LISTEN)
            .then(|| u16::from_str_radix(port, 16).ok())
            .flatten()
    });
    ports.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listening_sockets_count() {
        let table = "  sl  local_address rem_address   st\n\
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000000\n\
            1: 0100007F:1F91 0100007F:1F90 01 00000000:00000000\n\
            2: nonsense\n";
        assert_eq!(parse(table), BTreeSet::from([8080]));
    }
}
