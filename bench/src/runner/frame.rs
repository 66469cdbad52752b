//! Frames of WebSockets (RFC 6455, 5.2), as a server sends them: unmasked and whole.

use anyhow::{Result, bail};

/// What a client answers to a ping that says nothing: masked, with a mask of zeros.
pub(super) const PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Ping,
    Close,
}

/// A frame at the beginning of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) kind: Kind,
    pub(super) payload: &'a [u8],
    /// How many bytes it takes in all.
    pub(super) length: usize,
}

/// The frame that the bytes begin with, if all of it is there.
pub(super) fn first(bytes: &[u8]) -> Result<Option<Frame<'_>>> {
    let Some((&[first, second], rest)) = bytes.split_first_chunk() else {
        return Ok(None);
    };
    let kind = match first {
        0x81 => Kind::Text,
        0x89 => Kind::Ping,
        0x88 => Kind::Close,
        other => bail!("a frame that begins with {other:#x}"),
    };
    let (size, rest) = match second {
        0..=125 => (u64::from(second), rest),
        126 => match rest.split_first_chunk() {
            Some((size, rest)) => (u64::from(u16::from_be_bytes(*size)), rest),
            None => return Ok(None),
        },
        127 => match rest.split_first_chunk() {
            Some((size, rest)) => (u64::from_be_bytes(*size), rest),
            None => return Ok(None),
        },
        _ => bail!("a masked frame from a server"),
    };
    let size = usize::try_from(size)?;
    Ok(rest.get(..size).map(|payload| Frame {
        kind,
        payload,
        length: bytes.len() - rest.len() + size,
    }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn frames() {
        let check = |bytes: &[u8], kind, size, length| {
            let frame = first(bytes).unwrap().unwrap();
            assert_eq!(
                (frame.kind, frame.payload.len(), frame.length),
                (kind, size, length)
            );
            for cut in 0..length {
                assert_eq!(first(&bytes[..cut]).unwrap(), None, "cut at {cut}");
            }
        };
        check(b"\x81\x02hi\x89\x00", Kind::Text, 2, 4);
        check(b"\x89\x00", Kind::Ping, 0, 2);
        check(b"\x88\x02\x03\xe9", Kind::Close, 2, 4);
        let long = [b"\x81\x7e\x01\x00".as_slice(), &[b'x'; 256]].concat();
        check(&long, Kind::Text, 256, 260);
        let longer = [b"\x81\x7f\0\0\0\0\0\x01\0\0".as_slice(), &[b'x'; 65536]].concat();
        check(&longer, Kind::Text, 65536, 65546);
        assert!(first(b"\x82\x00").is_err());
        assert!(first(b"\x01\x00").is_err());
        assert!(first(b"\x81\x80").is_err());
    }
}
