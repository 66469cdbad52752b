//! What the runner counts, and how Prometheus reads it.

use crate::histogram::Histogram;
use http::StatusCode;
use std::{
    fmt::Write as _,
    sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    time::Duration,
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
    /// Ended runs: succeeded, failed, cancelled.
    runs: [AtomicU64; 3],
    /// How long runs were driven.
    run_seconds: Histogram,
    /// How long commands ran that somebody waited for.
    pub(crate) commands: Histogram,
    /// How long sandboxes took to be there.
    pub(crate) launches: Histogram,
}

const OUTCOMES: [&str; 3] = ["succeeded", "failed", "cancelled"];

/// What is read elsewhere at the time of asking.
pub(crate) struct Gauges {
    pub(crate) uptime_seconds: u64,
    pub(crate) mail: crate::mail::Counts,
    pub(crate) migrated: bool,
    pub(crate) rooms: rooms::Counts,
    /// Runs that are driven.
    pub(crate) runs: u64,
    pub(crate) sandboxes: sandbox::registry::Counts,
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

    /// A run has ended.
    pub(crate) fn run_ended(&self, outcome: &str, took: Duration) {
        let place = OUTCOMES.iter().position(|one| *one == outcome);
        if let Some(counter) = place.and_then(|place| self.runs.get(place)) {
            counter.fetch_add(1, Relaxed);
        }
        self.run_seconds.took(took);
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
        let name = "runner_runs_total";
        describe(&mut out, name, "counter", "Runs that ended, by outcome.");
        for (outcome, counter) in OUTCOMES.iter().zip(&self.runs) {
            let count = counter.load(Relaxed);
            let _ = writeln!(out, "{name}{{outcome=\"{outcome}\"}} {count}");
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
            "Requests refused because their address sent too many, or too many at once.",
            count(&self.rate_limited),
        );
        single(
            "runner_requests_in_flight",
            "gauge",
            "Requests being answered.",
            i128::from(self.in_flight.load(Relaxed)),
        );
        for sample in samples(now) {
            single(
                sample.name,
                sample.kind,
                sample.help,
                i128::from(sample.value),
            );
        }
        for (name, help, histogram) in [
            (
                "runner_run_seconds",
                "How long runs were driven.",
                &self.run_seconds,
            ),
            (
                "runner_exec_seconds",
                "How long commands ran that somebody waited for.",
                &self.commands,
            ),
            (
                "runner_launch_seconds",
                "How long sandboxes took to be there.",
                &self.launches,
            ),
        ] {
            describe(&mut out, name, "histogram", help);
            histogram.render(&mut out, name);
        }
        out
    }
}

/// One number that is read elsewhere.
struct Sample {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    value: u64,
}

fn samples(now: &Gauges) -> impl Iterator<Item = Sample> {
    let own = [
        gauge("runner_runs", "Runs that are driven or wait.", now.runs),
        gauge(
            "runner_uptime_seconds",
            "Time since the start.",
            now.uptime_seconds,
        ),
        gauge(
            "runner_edge_migrated",
            "Whether the edge's database is migrated.",
            u64::from(now.migrated),
        ),
    ];
    of_mail(now.mail)
        .into_iter()
        .chain(of_rooms(now.rooms))
        .chain(of_sandboxes(now.sandboxes))
        .chain(own)
}

fn of_mail(mail: crate::mail::Counts) -> [Sample; 3] {
    [
        gauge(
            "runner_mail_queued",
            "Messages waiting to be sent.",
            mail.queued,
        ),
        gauge(
            "runner_mail_failed",
            "Messages given up and kept.",
            mail.failed,
        ),
        counter(
            "runner_mail_sent_total",
            "Messages sent since the start.",
            mail.sent,
        ),
    ]
}

fn of_rooms(rooms: rooms::Counts) -> [Sample; 8] {
    [
        gauge("runner_rooms", "Rooms in memory.", rooms.rooms),
        gauge(
            "runner_room_readers",
            "Sockets and streams in rooms.",
            rooms.readers,
        ),
        counter(
            "runner_room_events_total",
            "Events published into rooms.",
            rooms.published,
        ),
        counter(
            "runner_room_publications_failed_total",
            "Publications into rooms that failed.",
            rooms.failed,
        ),
        counter(
            "runner_room_deliveries_total",
            "Events handed to readers of rooms, once for each reader.",
            rooms.delivered,
        ),
        counter(
            "runner_room_replayed_total",
            "Deliveries that came from disk.",
            rooms.replayed,
        ),
        counter(
            "runner_room_losses_total",
            "Readers who were told that history is lost.",
            rooms.lost,
        ),
        counter(
            "runner_room_slow_readers_total",
            "Readers who were cut off because they were too slow.",
            rooms.slow,
        ),
    ]
}

fn of_sandboxes(sandboxes: sandbox::registry::Counts) -> [Sample; 6] {
    let gauge = |name, help, value| gauge(name, help, value as u64);
    [
        gauge(
            "runner_sandboxes_running",
            "Sandboxes of sessions that run.",
            sandboxes.running,
        ),
        gauge(
            "runner_sandboxes_changing",
            "Sandboxes being started or stopped.",
            sandboxes.changing,
        ),
        gauge(
            "runner_sandboxes_stopped",
            "Sandboxes that are stopped, their files kept.",
            sandboxes.stopped,
        ),
        gauge(
            "runner_sandboxes_pooled",
            "Sandboxes kept ready.",
            sandboxes.pooled,
        ),
        gauge(
            "runner_sandboxes_ending",
            "Sandboxes being destroyed.",
            sandboxes.ending,
        ),
        gauge(
            "runner_sandboxes_full",
            "Sandboxes that are over their quota.",
            sandboxes.full,
        ),
    ]
}

fn gauge(name: &'static str, help: &'static str, value: u64) -> Sample {
    let kind = "gauge";
    Sample {
        name,
        kind,
        help,
        value,
    }
}

fn counter(name: &'static str, help: &'static str, value: u64) -> Sample {
    Sample {
        kind: "counter",
        ..gauge(name, help, value)
    }
}

fn describe(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}
