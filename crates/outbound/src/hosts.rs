//! Patterns of hosts: those of the manifest (`scheme://host:port`) and those that an operator
//! writes (`host:port`).

/// A host in a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostPattern {
    Any,
    /// Any name below this one; kept with its leading dot.
    Below(String),
    Exact(String),
}

/// A port in a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PortPattern {
    Any,
    Exact(u16),
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) host: HostPattern,
    pub(crate) port: PortPattern,
}

/// One entry of `allowed_outbound_hosts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    /// `None` for `*`.
    pub(crate) scheme: Option<String>,
    pub(crate) endpoint: Endpoint,
}

impl Endpoint {
    /// Parses `host:port`; without a port, `default` counts.
    pub(crate) fn parse(text: &str, default: Option<u16>) -> Result<Self, &'static str> {
        if text.contains(['/', '@', '?', '#']) || text.chars().any(char::is_whitespace) {
            return Err("a host and a port are all that may stand there");
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (text, None),
        };
        let port = match (port, default) {
            (Some("*"), _) => PortPattern::Any,
            (Some(port), _) => PortPattern::Exact(port.parse().map_err(|_| "no port number")?),
            (None, Some(port)) => PortPattern::Exact(port),
            (None, None) => return Err("the port is missing"),
        };
        let host = match host {
            "" => return Err("the host is missing"),
            "*" => HostPattern::Any,
            _ => match host.strip_prefix('*') {
                Some(below) if below.starts_with('.') && below.len() > 1 => {
                    HostPattern::Below(normal(below))
                }
                Some(_) => return Err("a `*` must be a whole label"),
                None if host.contains('*') => return Err("a `*` must come first"),
                None => HostPattern::Exact(normal(host)),
            },
        };
        Ok(Self { host, port })
    }

    /// `host` must be [`normal`].
    pub(crate) fn matches(&self, host: &str, port: u16) -> bool {
        let host_matches = match &self.host {
            HostPattern::Any => true,
            HostPattern::Below(below) => host.len() > below.len() && host.ends_with(below),
            HostPattern::Exact(exact) => exact == host,
        };
        let port_matches = match self.port {
            PortPattern::Any => true,
            PortPattern::Exact(exact) => exact == port,
        };
        host_matches && port_matches
    }

    /// Whether it names one host and one port.
    pub(crate) fn is_exact(&self) -> bool {
        matches!(self.host, HostPattern::Exact(_)) && matches!(self.port, PortPattern::Exact(_))
    }
}

impl Grant {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let (scheme, endpoint) = text
            .split_once("://")
            .ok_or("it is not of the form `scheme://host:port`")?;
        let endpoint = endpoint.strip_suffix('/').unwrap_or(endpoint);
        let default = default_port(scheme);
        Ok(Self {
            scheme: (scheme != "*").then(|| scheme.to_ascii_lowercase()),
            endpoint: Endpoint::parse(endpoint, default)?,
        })
    }

    pub(crate) fn matches(&self, scheme: &str, host: &str, port: u16) -> bool {
        self.scheme.as_deref().is_none_or(|own| own == scheme) && self.endpoint.matches(host, port)
    }
}

/// The port that a URL of this scheme means when it names none.
pub(crate) fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "redis" => Some(6379),
        _ => None,
    }
}

/// A host as patterns compare it: lower case, no trailing dot.
pub(crate) fn normal(host: &str) -> String {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.to_ascii_lowercase()
}
