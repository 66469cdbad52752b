//! What an account shows of itself.

/// What an account wants to be called: 1 to 64 characters, no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// Checks `text`; blanks around it are dropped.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        one_line(text).map(Self)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A name as its owner writes it, without the blanks around it: 1 to 64 characters, no control
/// characters.
pub(crate) fn one_line(text: &str) -> Result<String, &'static str> {
    one_line_within(text, 64, "must be at most 64 characters")
}

/// As [`one_line`], of at most so many characters; `too_long` says so.
pub(crate) fn one_line_within(
    text: &str,
    most: usize,
    too_long: &'static str,
) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("must not be empty"),
        text if text.chars().count() > most => Err(too_long),
        text if text.chars().any(char::is_control) => Err("must not contain control characters"),
        text => Ok(text.to_owned()),
    }
}

/// What an account says of itself: at most 200 characters, lines allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bio(String);

impl Bio {
    /// Checks `text`.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let forbidden = |character: char| character.is_control() && !"\n\r\t".contains(character);
        match text {
            _ if text.chars().count() > 200 => Err("must be at most 200 characters"),
            _ if text.chars().any(forbidden) => Err("must not contain control characters"),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where an account's picture is: an absolute `http` or `https` URL of at most 2048 characters.
///
/// Others put it into their pages, so it is held to what needs no escaping there: only the
/// characters that RFC 3986 allows, a host of plain letters, no user and no password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvatarUrl(String);

impl AvatarUrl {
    /// Checks `text`.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.chars().count() > 2048 {
            return Err("must be at most 2048 characters");
        }
        match is_http_url(text) {
            true => Ok(Self(text.to_owned())),
            false => Err("must be an http or https URL"),
        }
    }

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether `text` is an absolute `http` or `https` URL of the characters that RFC 3986 allows, with
/// a host of plain letters, no user and no password.
pub(crate) fn is_http_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        let known = |known: &&str| known.eq_ignore_ascii_case(scheme);
        ["http", "https"].iter().any(known) && is_rest(rest)
    })
}

/// Whether `text` is what may follow `://`.
fn is_rest(text: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    let authority = text.split(['/', '?', '#']).next().unwrap_or_default();
    text.bytes().all(allowed) && is_authority(authority)
}

fn is_authority(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        // The last colon of an IPv6 address is none before a port.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_port =
        |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    is_host(host) && port.is_none_or(is_port)
}

fn is_host(text: &str) -> bool {
    if let Some(address) = text.strip_prefix('[') {
        return address
            .strip_suffix(']')
            .is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok());
    }
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    text.len() <= 253 && text.split('.').all(label)
}

#[cfg(test)]
mod tests;
