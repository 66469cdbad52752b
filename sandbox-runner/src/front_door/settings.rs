//! How the front door treats requests.

use ipnet::IpNet;
use origins::Origins;
use runner_api::runs::LONGEST_WAIT;
use std::time::Duration;

/// Limits and trust of the front door.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Requests that an address may send in a minute; 0 for no limit.
    pub rate_limit: u32,
    /// Connections at a time. One more is answered with 503.
    pub connections: usize,
    /// Connections at a time of one address; 0 for no limit. An IPv6 /64 is one address. This
    /// machine and [`trusted_proxies`](Self::trusted_proxies) are not counted. It holds for
    /// previews as well, as do the times of connections.
    pub connections_per_address: usize,
    /// Requests of one address that the edge is answering at a time; 0 for no limit. Each counts
    /// until its answer has ended. Who is one address, and who is not counted, is as with
    /// connections. Sockets and streams of events have limits of their own.
    pub requests_per_address: usize,
    /// The largest request body, in bytes.
    pub body: u64,
    /// How long a request's head may take to arrive. An idle connection is closed after it, too.
    pub head_timeout: Duration,
    /// How long a request's body may be silent.
    pub body_silence: Duration,
    /// How long the edge may take to begin its answer. A turn that is answered as one body is
    /// answered at its end, so this is longer than the edge waits for that.
    pub answer_timeout: Duration,
    /// How long a client may take nothing of what it is sent until its connection is closed.
    pub unread: Duration,
    /// Proxies in front of the front door, whose `X-Forwarded-*` headers count.
    pub trusted_proxies: Vec<IpNet>,
    /// Which pages of other origins may read a refusal of the front door itself.
    pub origins: Origins,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rate_limit: 6000,
            connections: 4096,
            connections_per_address: 512,
            requests_per_address: 128,
            body: 32 * 1024 * 1024,
            head_timeout: Duration::from_secs(15),
            body_silence: Duration::from_secs(60),
            answer_timeout: LONGEST_WAIT + Duration::from_secs(5 * 60),
            unread: Duration::from_secs(180),
            trusted_proxies: Vec::new(),
            origins: Origins::Nobody,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edge_gives_up_waiting_before_the_front_door_does() {
        assert!(Settings::default().answer_timeout > LONGEST_WAIT);
    }
}
