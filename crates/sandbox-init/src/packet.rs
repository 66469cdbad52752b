//! A message as one packet: JSON, with file descriptors beside it.
//!
//! Invariant: what cannot be sent or received whole is an error, and descriptors that came with
//! it are closed. Nothing here waits: a socket that is not ready is [`io::ErrorKind::WouldBlock`].

use crate::protocol::Tagged;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

/// The largest packet, in bytes: what the kernel's default buffer of a socket takes.
pub const MAX_PACKET: usize = 192 * 1024;

/// The most descriptors with one packet.
pub const MAX_FDS: usize = 5;

/// Sends one message.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] when it is too large, or as the kernel says.
pub fn send<T: Serialize>(
    socket: impl AsFd,
    message: &Tagged<T>,
    fds: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let bytes = serde_json::to_vec(message)?;
    send_bytes(socket, &bytes, fds)
}

/// Sends one message that is JSON already.
///
/// # Errors
/// As [`send`].
pub fn send_bytes(socket: impl AsFd, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    if bytes.len() > MAX_PACKET || fds.len() > MAX_FDS {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    let sent = sendmsg(socket, &[IoSlice::new(bytes)], &mut control, flags)?;
    if sent == bytes.len() {
        Ok(())
    } else {
        Err(io::Error::from(io::ErrorKind::WriteZero))
    }
}

/// Receives one message; `None` when the other side is gone.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] for what is no message, or as the kernel says.
pub fn receive<T: DeserializeOwned>(
    socket: impl AsFd,
) -> io::Result<Option<(Tagged<T>, Vec<OwnedFd>)>> {
    let mut buffer = vec![0; MAX_PACKET];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    let got = recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut buffer)],
        &mut control,
        flags,
    )?;
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    if got
        .flags
        .intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC)
    {
        return Err(io::Error::from(io::ErrorKind::InvalidData));
    }
    match buffer.get(..got.bytes) {
        None | Some([]) => Ok(None),
        Some(bytes) => Ok(Some((serde_json::from_slice(bytes)?, fds))),
    }
}
