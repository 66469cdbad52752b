//! Instants, in milliseconds.

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use std::fmt;

/// An instant as milliseconds since 1970-01-01T00:00:00Z. Its text is ISO 8601 in UTC with
/// milliseconds and `Z`, for example `2026-01-31T09:30:00.000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Reads ISO 8601: an instant with its offset, such as `2026-01-31T09:30:00Z`, or a day, which
    /// is its first moment in UTC.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self(instant.timestamp_millis()));
        }
        match text.parse::<NaiveDate>() {
            Ok(day) if text.len() == 10 => {
                let instant = day.and_time(NaiveTime::MIN).and_utc();
                Ok(Self(instant.timestamp_millis()))
            }
            _ => Err("must be a time such as 2026-01-31T09:30:00Z, or a day such as 2026-01-31"),
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = DateTime::<Utc>::from_timestamp_millis(self.0).unwrap_or_default();
        f.write_str(&instant.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_iso_8601_with_milliseconds() {
        assert_eq!(Timestamp(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(
            Timestamp(1_642_694_400_123).to_string(),
            "2022-01-20T16:00:00.123Z"
        );
    }

    #[test]
    fn instants_and_days_are_read() {
        let check = |text: &str, expected: Option<i64>| {
            let read = Timestamp::parse(text).ok();
            assert_eq!(read, expected.map(Timestamp), "{text:?}");
        };
        check("2022-01-20T16:00:00.123Z", Some(1_642_694_400_123));
        check("2022-01-20T18:00:00+02:00", Some(1_642_694_400_000));
        check("1970-01-02", Some(86_400_000));
        for text in [
            "",
            "yesterday",
            "2022-01-20T16:00:00",
            "2022-13-01",
            "2022-1-1",
            "+12022-01-01",
            "1642694400",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn an_instant_beyond_the_calendar_does_not_panic() {
        assert_eq!(Timestamp(i64::MAX).to_string(), "1970-01-01T00:00:00.000Z");
    }
}
