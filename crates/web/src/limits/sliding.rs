//! Counts in a window that ends now, wherever on the clock that is.
//!
//! It is counted in parts of the clock: a try counts in its own part, together with the parts that
//! the window reaches back into. A part counts for as long as any moment of it is in the window.
//! So no window holds more than the limit, and room that is free is given one part later at most.

use super::{Limit, too_many, unavailable};
use domain::Error;
use ports::KeyValue;

/// How many parts a window has.
const PARTS: i64 = 12;

/// Counts one try of `subject`, as [`super::count`] does, in a window that slides.
///
/// # Errors
/// Too many requests, with the seconds until there is room, when it had its tries;
/// Unavailable when the store does not count.
pub async fn count_sliding(
    store: &dyn KeyValue,
    limit: &Limit,
    subject: &str,
    now: i64,
) -> Result<(), Error> {
    let window = limit.milliseconds();
    let part = (window / PARTS).max(1);
    // A counter's end is when nothing of its part is in the window any more.
    let end = now - now.rem_euclid(part) + part + window;
    let key = limit.key(subject, end);
    let own = store.increment(&key, 1).await.map_err(unavailable)?;
    let mut counts = Vec::new();
    for back in (1..=PARTS).rev() {
        let end = end - back * part;
        let count = counted(store, &limit.key(subject, end)).await?;
        counts.push((end, count));
    }
    let before: i64 = counts.iter().map(|(_, count)| count).sum();
    if own + before <= limit.most {
        return Ok(());
    }
    store.increment(&key, -1).await.map_err(unavailable)?;
    // Of the others in its part some are refused as well, which then do not count.
    let passed = (own - 1).min((limit.most - before).max(0));
    counts.push((end, passed));
    let mut over = before + passed + 1 - limit.most;
    let room = counts.iter().find(|(_, count)| {
        over -= count;
        over <= 0
    });
    Err(too_many(room.map_or(end, |(end, _)| *end) - now))
}

/// What a counter is at. One that does not exist is not made by looking at it.
async fn counted(store: &dyn KeyValue, key: &str) -> Result<i64, Error> {
    match store.get(key).await.map_err(unavailable)? {
        // How a counter is written is the platform's business.
        Some(_) => store.increment(key, 0).await.map_err(unavailable),
        None => Ok(0),
    }
}
