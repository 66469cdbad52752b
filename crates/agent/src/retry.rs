//! When a question to a model is asked again.

use crate::Limits;
use llm::Error;
use std::time::Duration;

/// The first wait is about this long, each further one twice as long.
const FIRST: Duration = Duration::from_secs(1);

/// How far those come apart who wait for the same moment.
const SPREAD: Duration = Duration::from_secs(2);

/// No wait of our own is longer.
const LONGEST: Duration = Duration::from_secs(30);

/// What to do about a fault of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Ask again after this time.
    After(Duration),
    /// The question does not fit into the model's window: ask a shorter one.
    Shorten,
    /// Give up.
    No,
}

/// How often a question is asked again that was waited for in vain: each time costs the whole wait.
const AFTER_TIMEOUT: u32 = 1;

/// What to do about `error` after `asked` questions, none of whose answers was shown to anybody.
/// `chance` is a random number: waits vary, so that those who were refused together do not come
/// back together.
pub(crate) fn retry(error: &Error, asked: u32, limits: &Limits, chance: u16) -> Retry {
    if is_too_long(error) {
        return Retry::Shorten;
    }
    let most = match error.is_timeout() {
        true => limits.retries.min(AFTER_TIMEOUT),
        false => limits.retries,
    };
    if !is_passing(error) || asked > most {
        return Retry::No;
    }
    match error.retry_after() {
        Some(wait) if wait > limits.retry_after => Retry::No,
        // Never earlier than the server says, and not all at once either.
        Some(wait) => Retry::After(wait + FIRST.mul_f64(share(chance))),
        None => {
            let doubled = 2_u32.saturating_pow(asked.saturating_sub(1));
            let wait = FIRST.saturating_mul(doubled).min(LONGEST);
            Retry::After(wait.mul_f64(0.5 + share(chance) / 2.0))
        }
    }
}

/// How long to wait before a question is tried again that may pass after `wait`: a little longer,
/// and not as long as the others that wait for the same.
pub(crate) fn spread(wait: Duration, chance: u16) -> Duration {
    wait.saturating_add(SPREAD.mul_f64(share(chance)))
}

/// From 0 to 1.
fn share(chance: u16) -> f64 {
    f64::from(chance) / f64::from(u16::MAX)
}

fn is_passing(error: &Error) -> bool {
    match error {
        Error::Status { code, .. } => matches!(code, 408 | 425 | 429 | 500..=599),
        Error::Connect { .. }
        | Error::ConnectTimeout
        | Error::FirstTokenTimeout
        | Error::SilenceTimeout
        | Error::Broken { .. }
        | Error::InStream { .. }
        | Error::Truncated => true,
        Error::Denied { .. } | Error::Malformed { .. } | Error::TooLong { .. } => false,
    }
}

/// Servers say it in their own words.
fn is_too_long(error: &Error) -> bool {
    let message = match error {
        Error::Status {
            code: 400 | 413 | 422 | 500,
            message,
            ..
        }
        | Error::InStream { message } => message.to_ascii_lowercase(),
        _ => return false,
    };
    let says = |words: &[&str]| words.iter().all(|word| message.contains(word));
    says(&["context", "length"])
        || says(&["context", "window"])
        || says(&["context", "size"])
        || says(&["maximum", "tokens"])
        || says(&["too many", "tokens"])
        || says(&["prompt is too long"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16, message: &str, retry_after: Option<u64>) -> Error {
        Error::Status {
            code,
            message: message.to_owned(),
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    #[test]
    fn what_is_asked_again_and_when() {
        let limits = Limits::default();
        let seconds = |seconds: f64| Retry::After(Duration::from_secs_f64(seconds));
        for (error, asked, chance, expected) in [
            (status(429, "", None), 1, u16::MAX, seconds(1.0)),
            (status(429, "", None), 1, 0, seconds(0.5)),
            (status(503, "", None), 2, u16::MAX, seconds(2.0)),
            (status(500, "", None), 5, u16::MAX, seconds(16.0)),
            (status(529, "", None), 6, 0, Retry::No),
            (status(429, "", Some(7)), 1, 0, seconds(7.0)),
            (status(429, "", Some(7)), 5, u16::MAX, seconds(8.0)),
            (status(429, "", Some(60)), 1, 0, seconds(60.0)),
            (status(429, "", Some(61)), 1, 0, Retry::No),
            (status(400, "bad", None), 1, 0, Retry::No),
            (status(401, "", None), 1, 0, Retry::No),
            (status(404, "", None), 1, 0, Retry::No),
            (Error::Truncated, 1, 0, seconds(0.5)),
            (Error::SilenceTimeout, 1, 0, seconds(0.5)),
            (Error::SilenceTimeout, 2, 0, Retry::No),
            (Error::FirstTokenTimeout, 1, 0, seconds(0.5)),
            (Error::FirstTokenTimeout, 2, 0, Retry::No),
            (Error::ConnectTimeout, 1, 0, seconds(0.5)),
            (Error::ConnectTimeout, 2, 0, Retry::No),
            (
                Error::Denied {
                    detail: String::new(),
                },
                1,
                0,
                Retry::No,
            ),
            (
                status(
                    400,
                    "This model's maximum context length is 8192 tokens",
                    None,
                ),
                1,
                0,
                Retry::Shorten,
            ),
            (
                status(400, "prompt is too long: 9 > 8", None),
                9,
                0,
                Retry::Shorten,
            ),
            (
                status(500, "the request exceeds the available context size", None),
                1,
                0,
                Retry::Shorten,
            ),
            (
                status(429, "too many tokens per minute", None),
                1,
                0,
                seconds(0.5),
            ),
        ] {
            assert_eq!(
                retry(&error, asked, &limits, chance),
                expected,
                "{error:?} {asked}"
            );
        }
    }

    #[test]
    fn no_wait_is_longer_than_half_a_minute() {
        let limits = Limits {
            retries: u32::MAX,
            ..Limits::default()
        };
        for asked in [6, 40, u32::MAX] {
            let longest = retry(&Error::Truncated, asked, &limits, u16::MAX);
            assert_eq!(longest, Retry::After(LONGEST));
        }
    }
}
