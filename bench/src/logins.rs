//! What hashing passwords does to everybody else, and whether the time of a refused login tells
//! if its address is known.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::task::JoinSet;

use crate::client::{Connection, get_bytes, post_bytes};
use crate::load::percentile;
use crate::report::{table, verdict};
use crate::stack::{ADMINISTRATOR, Stack};

/// Logins at once.
const FLOOD: usize = 200;

/// Refused logins of each kind.
const SAMPLES: usize = 200;

/// The promise for a request without I/O meanwhile, in milliseconds.
const HEALTH_P99: f64 = 100.0;

/// How far the medians of known and unknown addresses may be apart.
const APART: f64 = 0.10;

/// Measures both and returns the table.
pub(crate) async fn measure(binaries: &Path, quick: bool) -> Result<String> {
    let stack = Stack::start(binaries).await?;
    eprintln!("measuring health while {FLOOD} logins hash");
    let (health, flood) = flooded(stack.edge).await?;
    eprintln!("measuring refused logins");
    let samples = if quick { SAMPLES / 10 } else { SAMPLES };
    let [known, unknown] = refused(stack.edge, samples).await?;
    let apart = (known - unknown).abs() / known.max(unknown);
    let cell = |value: f64| format!("{value:.2}");
    Ok(table(
        &["logins", "p50 ms", "p99 ms", "promise"],
        &[
            vec![
                format!(
                    "health while {FLOOD} logins hash ({:.1} s)",
                    flood.as_secs_f64()
                ),
                cell(percentile(&health, 50)),
                cell(percentile(&health, 99)),
                format!(
                    "p99 <= {HEALTH_P99} ms: {}",
                    verdict(percentile(&health, 99) <= HEALTH_P99)
                ),
            ],
            vec![
                "a wrong password, address known".to_owned(),
                cell(known),
                String::new(),
                String::new(),
            ],
            vec![
                "a wrong password, address unknown".to_owned(),
                cell(unknown),
                String::new(),
                format!("within {:.0} %: {}", APART * 100.0, verdict(apart <= APART)),
            ],
        ],
    ))
}

/// The times of health requests, one after the other, while the flood lasts; and how long it did.
async fn flooded(edge: SocketAddr) -> Result<(Vec<Duration>, Duration)> {
    let started = Instant::now();
    let mut logins = JoinSet::new();
    for number in 0..FLOOD {
        logins.spawn(async move {
            let mut connection = Connection::open(edge).await?;
            login(&mut connection, &format!("nobody{number}@example.org")).await
        });
    }
    let mut times = Vec::new();
    let mut connection = Connection::open(edge).await?;
    let health = get_bytes("/api/v1/health");
    loop {
        let asked = Instant::now();
        let status = connection.exchange(&health).await?;
        if status != 200 {
            bail!("health answered {status}");
        }
        times.push(asked.elapsed());
        while let Some(done) = logins.try_join_next() {
            done??;
        }
        if logins.is_empty() {
            break;
        }
    }
    times.sort();
    Ok((times, started.elapsed()))
}

/// The medians of refused logins for a known and an unknown address, in milliseconds.
async fn refused(edge: SocketAddr, samples: usize) -> Result<[f64; 2]> {
    let mut connection = Connection::open(edge).await?;
    let mut times = [Vec::new(), Vec::new()];
    for number in 0..samples {
        let unknown = format!("nobody{number}@example.org");
        for (times, email) in times.iter_mut().zip([ADMINISTRATOR, &unknown]) {
            let asked = Instant::now();
            login(&mut connection, email).await?;
            times.push(asked.elapsed());
        }
    }
    Ok(times.map(|mut times| {
        times.sort();
        percentile(&times, 50)
    }))
}

/// One login that is refused for its password.
async fn login(connection: &mut Connection, email: &str) -> Result<()> {
    let body = format!(r#"{{"email":"{email}","password":"not the password"}}"#);
    let request = post_bytes("/api/v1/auth/sessions", &body);
    match connection.exchange(&request).await.context("a login")? {
        401 => Ok(()),
        status => bail!("a login with a wrong password was answered {status}"),
    }
}
