//! wrk beside our own generator, where it is installed: a second opinion.

use std::fs;
use std::net::SocketAddr;

use anyhow::Result;
use tokio::process::Command;

use crate::load::{Load, Request};

/// Requests a second by `wrk -t1`, or nothing where wrk is not installed.
pub(crate) async fn run(
    address: SocketAddr,
    load: &Load,
    request: &Request,
) -> Result<Option<f64>> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new("wrk");
    command.args(["-t1", &format!("-c{}", load.connections)]);
    command.arg(format!("-d{}s", load.time.as_secs()));
    let path = match request {
        Request::Get(path) => path,
        Request::Insert(path) => {
            let script = folder.path().join("insert.lua");
            fs::write(&script, insert_script())?;
            command.arg("-s").arg(script);
            path
        }
    };
    command
        .arg(format!("http://{address}{path}"))
        .kill_on_drop(true);
    let Ok(output) = command.output().await else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&output.stdout);
    // A figure of errors is none.
    if !output.status.success() || text.contains("Non-2xx") {
        return Ok(None);
    }
    let rate = text
        .lines()
        .find_map(|line| line.strip_prefix("Requests/sec:"));
    Ok(rate.and_then(|rate| rate.trim().parse().ok()))
}

fn insert_script() -> String {
    let unique = std::process::id();
    format!(
        r#"local n = 0
local start = os.time()
request = function()
  n = n + 1
  local body = '{{"username":"w{unique}x' .. start .. 'x' .. n .. '"}}'
  return wrk.format("POST", nil, {{["content-type"] = "application/json"}}, body)
end
"#
    )
}
