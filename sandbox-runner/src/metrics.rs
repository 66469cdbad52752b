//! What the runner counts, and how Prometheus reads it.

use http::StatusCode;
use std::{
    fmt::Write as _,
    sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
};

/// Counters of one runner.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// Answered requests by the first digit of their status.
    answered: [AtomicU64; 6],
    /// Requests whose client left before it had the whole answer.
    left: AtomicU64,
    in_flight: AtomicI64,
    rate_limited: AtomicU64,
}

/// What is read elsewhere at the time of asking.
pub(crate) struct Gauges {
    pub(crate) uptime_seconds: u64,
    pub(crate) mail: crate::mail::Counts,
    pub(crate) migrated: bool,
    pub(crate) rooms: rooms::Counts,
}

impl Metrics {
    pub(crate) fn request_began(&self) {
        self.in_flight.fetch_add(1, Relaxed);
    }

    /// A request is over; `status` is that of its answer, if it got one.
    pub(crate) fn request_ended(&self, status: Option<StatusCode>, left: bool) {
        self.in_flight.fetch_sub(1, Relaxed);
        if left {
            self.left.fetch_add(1, Relaxed);
        }
        let class = status.map_or(0, |status| usize::from(status.as_u16() / 100));
        if let (Some(counter), Some(_)) = (self.answered.get(class), status) {
            counter.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn rate_limited(&self) {
        self.rate_limited.fetch_add(1, Relaxed);
    }

    /// All of it in Prometheus' text format.
    pub(crate) fn render(&self, now: &Gauges) -> String {
        let mut out = String::with_capacity(2048);
        let name = "runner_requests_total";
        describe(
            &mut out,
            name,
            "counter",
            "Requests answered, by status class.",
        );
        for (class, counter) in self.answered.iter().enumerate().skip(1) {
            let count = counter.load(Relaxed);
            let _ = writeln!(out, "{name}{{class=\"{class}xx\"}} {count}");
        }
        let mut single = |name: &str, kind: &str, help: &str, value: i128| {
            describe(&mut out, name, kind, help);
            let _ = writeln!(out, "{name} {value}");
        };
        let count = |counter: &AtomicU64| i128::from(counter.load(Relaxed));
        single(
            "runner_requests_left_total",
            "counter",
            "Requests whose client left before it had the whole answer.",
            count(&self.left),
        );
        single(
            "runner_requests_rate_limited_total",
            "counter",
            "Requests refused because their address sent too many.",
            count(&self.rate_limited),
        );
        single(
            "runner_requests_in_flight",
            "gauge",
            "Requests being answered.",
            i128::from(self.in_flight.load(Relaxed)),
        );
        let mail = now.mail;
        for (name, kind, help, value) in [
            (
                "runner_mail_queued",
                "gauge",
                "Messages waiting to be sent.",
                mail.queued,
            ),
            (
                "runner_mail_failed",
                "gauge",
                "Messages given up and kept.",
                mail.failed,
            ),
            (
                "runner_mail_sent_total",
                "counter",
                "Messages sent since the start.",
                mail.sent,
            ),
            (
                "runner_uptime_seconds",
                "gauge",
                "Time since the start.",
                now.uptime_seconds,
            ),
            (
                "runner_edge_migrated",
                "gauge",
                "Whether the edge's database is migrated.",
                u64::from(now.migrated),
            ),
        ] {
            single(name, kind, help, i128::from(value));
        }
        of_rooms(&mut out, &now.rooms);
        out
    }
}

/// What rooms count.
fn of_rooms(out: &mut String, rooms: &rooms::Counts) {
    for (name, kind, help, value) in [
        ("runner_rooms", "gauge", "Rooms in memory.", rooms.rooms),
        (
            "runner_room_readers",
            "gauge",
            "Sockets and streams in rooms.",
            rooms.readers,
        ),
        (
            "runner_room_events_total",
            "counter",
            "Events published into rooms.",
            rooms.published,
        ),
        (
            "runner_room_publications_failed_total",
            "counter",
            "Publications into rooms that failed.",
            rooms.failed,
        ),
        (
            "runner_room_deliveries_total",
            "counter",
            "Events handed to readers of rooms, once for each reader.",
            rooms.delivered,
        ),
        (
            "runner_room_replayed_total",
            "counter",
            "Deliveries that came from disk.",
            rooms.replayed,
        ),
        (
            "runner_room_losses_total",
            "counter",
            "Readers who were told that history is lost.",
            rooms.lost,
        ),
        (
            "runner_room_slow_readers_total",
            "counter",
            "Readers who were cut off because they were too slow.",
            rooms.slow,
        ),
    ] {
        describe(out, name, kind, help);
        let _ = writeln!(out, "{name} {value}");
    }
}

fn describe(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}
