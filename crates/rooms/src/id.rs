//! Numbers of events.

use crate::clock::now;
use std::{fmt, str::FromStr};

/// Random bits of an epoch. With 42 bits of time, an epoch is exact as a JSON number too.
const RANDOM_BITS: u32 = 11;

/// The number of an event: `epoch:seq`. The epoch is another when history was lost; `seq` counts
/// from 1 without a gap. `seq` 0 stands before the first event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventId {
    /// Which history.
    pub epoch: u64,
    /// Which event of it.
    pub seq: u64,
}

/// A text is no event's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected EPOCH:SEQ, two numbers")]
pub struct EventIdError;

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.seq)
    }
}

impl FromStr for EventId {
    type Err = EventIdError;

    fn from_str(text: &str) -> Result<Self, EventIdError> {
        let (epoch, seq) = text.split_once(':').ok_or(EventIdError)?;
        Ok(Self {
            epoch: number(epoch)?,
            seq: number(seq)?,
        })
    }
}

/// Digits as they are written here: no sign, no zero in front.
fn number(text: &str) -> Result<u64, EventIdError> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let written = text == "0" || !text.starts_with('0');
    if !digits || !written {
        return Err(EventIdError);
    }
    text.parse().map_err(|_| EventIdError)
}

/// Where a reader wants to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// From now.
    Now,
    /// From the first event on that is still kept.
    Start,
    /// After this event.
    Event(EventId),
    /// After the event of that number, in whatever epoch: for readers of a lasting room, who see
    /// no other.
    Number(u64),
    /// After something that was never an event's number: whatever it was, it is lost.
    Unknown,
}

impl After {
    /// Reads what a reader named: nothing, `0` for the start, or an event's number.
    #[must_use]
    pub fn parse(text: Option<&str>) -> Self {
        match text.map(str::trim) {
            None | Some("") => Self::Now,
            Some("0") => Self::Start,
            Some(text) => text.parse().map_or(Self::Unknown, Self::Event),
        }
    }

    /// Reads what a reader named who sees numbers alone.
    #[must_use]
    pub fn parse_number(text: Option<&str>) -> Self {
        match text.map(str::trim) {
            None | Some("") => Self::Now,
            Some(text) => number(text).map_or(Self::Unknown, Self::Number),
        }
    }
}

/// A number that no earlier epoch had: the time, then chance, for clocks that are set back.
pub(crate) fn new_epoch() -> Result<u64, getrandom::Error> {
    let mut chance = [0; 2];
    getrandom::fill(&mut chance)?;
    let chance = u64::from(u16::from_le_bytes(chance)) & ((1 << RANDOM_BITS) - 1);
    let millis = u64::try_from(now().0).unwrap_or_default();
    Ok((millis << RANDOM_BITS) | chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_readers_name() {
        let check = |text: &str, expected: After| {
            assert_eq!(After::parse(Some(text)), expected, "{text}");
        };
        let event = |epoch, seq| After::Event(EventId { epoch, seq });
        assert_eq!(After::parse(None), After::Now);
        check("", After::Now);
        check(" ", After::Now);
        check("0", After::Start);
        check("12:34", event(12, 34));
        check("12:0", event(12, 0));
        check("18446744073709551615:1", event(u64::MAX, 1));
        check("18446744073709551616:1", After::Unknown);
        check("12:034", After::Unknown);
        check("+12:34", After::Unknown);
        check("12:-1", After::Unknown);
        check("12:", After::Unknown);
        check(":", After::Unknown);
        check("12", After::Unknown);
        check("1:2:3", After::Unknown);
        check("١:2", After::Unknown);
    }

    #[test]
    fn numbers_alone() {
        let check = |text: &str, expected: After| {
            assert_eq!(After::parse_number(Some(text)), expected, "{text}");
        };
        assert_eq!(After::parse_number(None), After::Now);
        check("", After::Now);
        check("0", After::Number(0));
        check(" 12 ", After::Number(12));
        check("18446744073709551615", After::Number(u64::MAX));
        for wrong in [
            "18446744073709551616",
            "012",
            "-1",
            "+1",
            "1:2",
            "1.0",
            "x",
            "١",
        ] {
            check(wrong, After::Unknown);
        }
    }

    #[test]
    fn epochs_are_exact_as_json_numbers() {
        let epoch = new_epoch().unwrap_or(u64::MAX);
        assert!(epoch < 1 << 53, "{epoch}");
        assert!(epoch > 1_700_000_000_000 << RANDOM_BITS);
    }
}
