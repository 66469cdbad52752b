//! Who says which addresses a name has.

use std::{fmt::Debug, io, net::SocketAddr, pin::Pin};

/// The addresses of a name, when they are known.
pub type Addresses<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>>;

/// Knows the addresses of names. Its answers are not trusted: each is checked.
pub trait Resolver: Debug + Send + Sync {
    /// The addresses of `host`, with that port.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Addresses<'a>;
}

/// The machine's own.
#[derive(Clone, Copy, Debug)]
pub struct System;

impl Resolver for System {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Addresses<'a> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}
