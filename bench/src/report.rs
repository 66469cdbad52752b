//! The table: what was measured, and what is promised.

use std::fmt::Write;
use std::time::Duration;

use crate::load::Figures;

/// The rows of a run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

/// One row.
#[derive(Debug)]
pub(crate) struct Row {
    cells: [String; 6],
}

impl Report {
    /// Adds a row and says it at once: a run takes minutes.
    pub(crate) fn push(&mut self, row: Row) {
        eprintln!("  {}", row.cells.join("  "));
        self.rows.push(row);
    }

    /// The table.
    pub(crate) fn requests(&self) -> String {
        let head = ["", "req/s", "wrk req/s", "p50 ms", "p99 ms", "promise"];
        table(
            &head,
            &self
                .rows
                .iter()
                .map(|row| row.cells.to_vec())
                .collect::<Vec<_>>(),
        )
    }
}

impl Row {
    /// A row of requests.
    pub(crate) fn requests(
        name: &str,
        figures: &Figures,
        wrk: Option<f64>,
        promise: Option<(f64, Option<f64>)>,
    ) -> Self {
        let best = wrk.unwrap_or(0.0).max(figures.rate);
        let promise = promise.map_or_else(String::new, |(rate, p99)| {
            let kept = best >= rate && p99.is_none_or(|limit| figures.p99 <= limit);
            let p99 = p99.map_or_else(String::new, |limit| format!(", p99 <= {limit} ms"));
            format!(">= {rate:.0}{p99}: {}", verdict(kept))
        });
        Self {
            cells: [
                name.to_owned(),
                format!("{:.0}", figures.rate),
                wrk.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.0}")),
                format!("{:.2}", figures.p50),
                format!("{:.2}", figures.p99),
                promise,
            ],
        }
    }

    /// A row with one time.
    pub(crate) fn time(name: &str, time: Duration, promise: f64) -> Self {
        let milliseconds = time.as_secs_f64() * 1e3;
        let kept = verdict(milliseconds <= promise);
        let cell = |text: &str| text.to_owned();
        Self {
            cells: [
                cell(name),
                cell("-"),
                cell("-"),
                format!("{milliseconds:.0}"),
                cell("-"),
                format!("<= {promise:.0} ms: {kept}"),
            ],
        }
    }
}

/// The word beside a promise.
pub(crate) fn verdict(kept: bool) -> &'static str {
    if kept { "kept" } else { "MISSED" }
}

/// Columns as wide as they need be; the first is text, the others are numbers.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(String::len);
        cells
            .chain(head.get(column).map(|cell| cell.len()))
            .max()
            .unwrap_or(0)
    };
    let mut text = String::new();
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    for row in std::iter::once(&head).chain(rows) {
        for (column, cell) in row.iter().enumerate() {
            let width = width(column);
            // Writing to a String does not fail.
            let _ = match column {
                0 => write!(text, "{cell:<width$}"),
                _ => write!(text, "  {cell:>width$}"),
            };
        }
        text.push('\n');
    }
    text
}
