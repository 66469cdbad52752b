//! How long things took, as Prometheus counts it.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// The upper ends of the buckets, in milliseconds.
const ENDS: [u64; 12] = [1, 5, 10, 25, 50, 100, 250, 500, 1000, 5000, 30_000, 120_000];

/// How long something took, each time.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    /// How often it took so long, and not less; the last for longer than all ends.
    counts: [AtomicU64; ENDS.len() + 1],
    microseconds: AtomicU64,
}

impl Histogram {
    /// It took so long.
    pub(crate) fn took(&self, time: Duration) {
        let bucket = ENDS.partition_point(|end| Duration::from_millis(*end) < time);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Relaxed);
        }
        let time = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.microseconds.fetch_add(time, Relaxed);
    }

    /// It in Prometheus' text format, in seconds.
    pub(crate) fn render(&self, out: &mut String, name: &str) {
        let mut so_far = 0;
        for (index, count) in self.counts.iter().enumerate() {
            so_far += count.load(Relaxed);
            let end = ENDS.get(index).map_or_else(
                || "+Inf".to_owned(),
                |end| format!("{}", Duration::from_millis(*end).as_secs_f64()),
            );
            // Writing to a string does not fail.
            let _ = writeln!(out, "{name}_bucket{{le=\"{end}\"}} {so_far}");
        }
        let sum = Duration::from_micros(self.microseconds.load(Relaxed)).as_secs_f64();
        let _ = writeln!(out, "{name}_sum {sum}\n{name}_count {so_far}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_what_took_no_longer() {
        let histogram = Histogram::default();
        for ms in [1, 2, 5, 6, 200_000] {
            histogram.took(Duration::from_millis(ms));
        }
        let mut text = String::new();
        histogram.render(&mut text, "x");
        for line in [
            "x_bucket{le=\"0.001\"} 1",
            "x_bucket{le=\"0.005\"} 3",
            "x_bucket{le=\"0.01\"} 4",
            "x_bucket{le=\"120\"} 4",
            "x_bucket{le=\"+Inf\"} 5",
            "x_sum 200.014",
            "x_count 5",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
    }
}
