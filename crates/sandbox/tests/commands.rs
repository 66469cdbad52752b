//! Commands in a real sandbox: what they put out, how they end, who they leave behind.

mod support;

use support::{Bench, ok};

#[tokio::test]
async fn basics() {
    let bench = Bench::new();
    let (_plan, sandbox) = bench.sandbox().await;
    println!("{}", ok(&sandbox, "id; pwd; ls -la / /etc /dev /workspace; ps -ef; cat /proc/mounts; echo hi > a; cat /proc/self/status; env; ls /proc").await);
    bench.end().await;
}
