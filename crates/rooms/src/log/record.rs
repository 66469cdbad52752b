//! Records of a file: length, checksum, bytes.

use std::io::{self, Read};

/// Bytes before a record's own: its length and the CRC-32 of its bytes, both little-endian.
pub(super) const HEAD: usize = 8;

/// The largest record. What claims to be larger was never written here.
pub(super) const LARGEST: usize = 64 * 1024 * 1024;

/// What stands at a place of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read1 {
    /// A whole record.
    Whole(Vec<u8>),
    /// The file ends here.
    End,
    /// The file ends inside of a record: its writer died while it wrote.
    Torn,
    /// Bytes that nobody wrote here.
    Corrupt,
}

/// Appends a record of `bytes` to `out`.
pub(super) fn put(bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let length = u32::try_from(bytes.len())
        .ok()
        .filter(|_| bytes.len() <= LARGEST)
        .ok_or_else(|| io::Error::other("a record is too large"))?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(bytes).to_le_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

/// Reads the next record.
pub(super) fn read(from: &mut impl Read) -> io::Result<Read1> {
    let mut length = [0; 4];
    let mut checksum = [0; 4];
    match fill(from, &mut length)? {
        0 => return Ok(Read1::End),
        4 => {}
        _ => return Ok(Read1::Torn),
    }
    if fill(from, &mut checksum)? < checksum.len() {
        return Ok(Read1::Torn);
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > LARGEST {
        return Ok(Read1::Corrupt);
    }
    let mut bytes = Vec::new();
    // Grows with what is there, not with what is claimed.
    from.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() < length {
        return Ok(Read1::Torn);
    }
    if crc32fast::hash(&bytes) != u32::from_le_bytes(checksum) {
        return Ok(Read1::Corrupt);
    }
    Ok(Read1::Whole(bytes))
}

/// Reads until `buffer` is full or the file ends; how much was read.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_cut_anywhere_is_torn() {
        let mut whole = Vec::new();
        put(b"an event", &mut whole).unwrap();
        for length in 1..whole.len() {
            let found = read(&mut &whole[..length]).unwrap();
            assert_eq!(found, Read1::Torn, "{length}");
        }
        assert_eq!(
            read(&mut whole.as_slice()).unwrap(),
            Read1::Whole(b"an event".to_vec())
        );
        assert_eq!(read(&mut &[][..]).unwrap(), Read1::End);
    }

    #[test]
    fn a_changed_record_is_corrupt() {
        let mut whole = Vec::new();
        put(b"an event", &mut whole).unwrap();
        for at in HEAD - 4..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            let found = read(&mut changed.as_slice()).unwrap();
            assert_eq!(found, Read1::Corrupt, "{at}");
        }
        let endless = [0xff; 64];
        assert_eq!(read(&mut &endless[..]).unwrap(), Read1::Corrupt);
    }
}
