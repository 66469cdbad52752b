//! Where one component, or one program, may send requests.

use crate::{
    Resolver, System,
    addresses::is_public,
    hosts::{Endpoint, Grant, HostPattern, default_port, normal},
};
use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

/// What a component's manifest grants, and which private addresses the operator opened.
#[derive(Debug)]
pub struct Policy {
    grants: Vec<Grant>,
    private: Vec<Endpoint>,
    pub(crate) resolver: Arc<dyn Resolver>,
}

/// A pattern that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{place}: `{pattern}`: {reason}")]
pub struct PolicyError {
    /// Where it stands.
    pub place: String,
    /// The pattern.
    pub pattern: String,
    /// What is wrong.
    pub reason: &'static str,
}

impl Policy {
    /// `allowed` is the component's `allowed_outbound_hosts`; `variables` are the application's,
    /// of which `outbound_allow`, `llm_base_url` and `redis_url` open private addresses.
    ///
    /// # Errors
    /// When a pattern cannot be read.
    pub fn new(
        component: &str,
        allowed: &[String],
        variables: &BTreeMap<String, String>,
    ) -> Result<Self, PolicyError> {
        let mut policy =
            Self::of_operator(variables.get("outbound_allow").map_or("", String::as_str))?;
        for pattern in allowed.iter().filter(|pattern| !pattern.is_empty()) {
            let grant = Grant::parse(pattern).map_err(|reason| PolicyError {
                place: format!("allowed_outbound_hosts of `{component}`"),
                pattern: pattern.clone(),
                reason,
            })?;
            if grant.endpoint.is_exact() {
                policy.private.push(grant.endpoint.clone());
            }
            policy.grants.push(grant);
        }
        for name in ["llm_base_url", "redis_url"] {
            let url = variables.get(name).map(String::as_str);
            policy.private.extend(url.and_then(authority_of));
        }
        Ok(policy)
    }

    /// What a program may do that asks for whatever it is told to: `opened` are the operator's
    /// patterns, as `outbound_allow` has them. No grant is in it.
    ///
    /// # Errors
    /// When a pattern cannot be read.
    pub fn of_operator(opened: &str) -> Result<Self, PolicyError> {
        Ok(Self {
            grants: Vec::new(),
            private: operators_patterns(opened)?,
            resolver: Arc::new(System),
        })
    }

    /// The same, with names looked up elsewhere.
    #[must_use]
    pub fn resolving_by(self, resolver: Arc<dyn Resolver>) -> Self {
        Self { resolver, ..self }
    }

    /// Whether the component may ask for this host at all.
    #[must_use]
    pub fn permits(&self, scheme: &str, host: &str, port: u16) -> bool {
        let host = normal(host);
        let mut grants = self.grants.iter();
        grants.any(|grant| grant.matches(scheme, &host, port))
    }

    /// Whether it may connect to `address`, which `host` resolved to.
    #[must_use]
    pub fn permits_address(&self, host: &str, address: IpAddr, port: u16) -> bool {
        if is_public(address) {
            return true;
        }
        let host = normal(host);
        let literal = match address {
            IpAddr::V4(_) => address.to_string(),
            IpAddr::V6(_) => format!("[{address}]"),
        };
        let mut private = self.private.iter();
        private.any(|endpoint| endpoint.matches(&host, port) || endpoint.matches(&literal, port))
    }
}

fn operators_patterns(text: &str) -> Result<Vec<Endpoint>, PolicyError> {
    let patterns = text.split(',').map(str::trim);
    patterns
        .filter(|pattern| !pattern.is_empty())
        .map(|pattern| {
            let failed = |reason| PolicyError {
                place: "the variable `outbound_allow`".to_owned(),
                pattern: pattern.to_owned(),
                reason,
            };
            let endpoint = Endpoint::parse(pattern, None).map_err(failed)?;
            if endpoint.host == HostPattern::Any {
                return Err(failed("`*` alone would open every private address"));
            }
            Ok(endpoint)
        })
        .collect()
}

/// The host and port of a URL that the operator gave.
fn authority_of(url: &str) -> Option<Endpoint> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let endpoint = Endpoint::parse(host, default_port(scheme)).ok()?;
    endpoint.is_exact().then_some(endpoint)
}
