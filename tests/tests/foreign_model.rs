//! A model server that nobody here wrote: LiteLLM's proxy, in front of the scripted model. What it
//! makes of requests, pieces and tool calls is its own.
//!
//! `ATELIER_LITELLM` names its program; docs/development.md says how to get it.

use model_stub::scripted::{Script, ScriptedModel};
use serde_json::{Value, json};
use std::{ffi::OsString, net::SocketAddr, process::Stdio};
use tempfile::TempDir;
use tests::{Client, eventually, processes::Processes, stack::free_address};
use tokio::process::{Child, Command};

/// The proxy, ended when it is dropped.
struct Proxy {
    address: SocketAddr,
    _child: Child,
    _folder: TempDir,
}

impl Proxy {
    /// Starts it in front of the model at `base_url`.
    async fn start(program: OsString, base_url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.yaml");
        // JSON is YAML.
        let settings = json!({ "model_list": [{
            "model_name": "offline",
            "litellm_params": {
                "model": "openai/scripted", "api_base": base_url, "api_key": "none",
            },
        }] });
        std::fs::write(&config, settings.to_string()).unwrap();
        let address = free_address().await;
        let child = Command::new(program)
            .args(["--host", &address.ip().to_string()])
            .args(["--port", &address.port().to_string(), "--config"])
            .arg(config)
            .env("HOME", folder.path())
            // Prices are otherwise asked for at the start, of a host that may not be there.
            .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
            // It listens on loopback for this test alone.
            .env(
                "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY",
                "true",
            )
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let client = Client { address };
        eventually("the proxy answers", async || {
            let request = http::Request::get("/health/liveliness");
            let answer = client.try_send(request, "").await.ok()?;
            (answer.status == 200).then_some(())
        })
        .await;
        Self {
            address,
            _child: child,
            _folder: folder,
        }
    }
}

/// One call of a tool, as a model asks for it.
fn calls(tool: &str, arguments: &Value) -> Script {
    let script = Script::new().token("Let me see. ");
    script.and_calls(&[(tool, arguments.clone())])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_loop_goes_through_a_foreign_server() {
    let Some(program) = std::env::var_os("ATELIER_LITELLM") else {
        eprintln!("SKIPPED: ATELIER_LITELLM names no LiteLLM proxy");
        return;
    };
    let model = ScriptedModel::start().await.unwrap();
    let proxy = Proxy::start(program, &model.base_url()).await;
    let stack = Processes::start_asking(model, format!("http://{}/v1", proxy.address)).await;
    let person = stack.administrator().await;
    let session = person.session().await;
    let task = json!({ "agent": "Alex", "task": "Write hello.sh and run it" });
    stack.model.push(calls("assign", &task));
    let file = json!({ "path": "hello.sh", "content": "echo Grüße, 世界\n" });
    stack.model.push(calls("write_file", &file));
    stack
        .model
        .push(calls("exec", &json!({ "command": "sh hello.sh" })));
    let said = ["It says:", "\n\n", "Grüße,", " 世界 ", "👋"];
    stack.model.push(Script::answer(&said));
    stack.model.push(Script::answer(&["Alex has", " done it."]));
    let body = json!({ "session_id": session, "content": "Say hello from a script" });
    let turn = person.done("POST /api/v1/chat/messages", &body).await;
    assert_eq!(turn["run"]["status"], "succeeded", "{turn}");
    let responses = turn["responses"].as_array().unwrap().iter();
    let texts: Vec<_> = responses
        .map(|one| one["content"].as_str().unwrap())
        .collect();
    assert_eq!(
        texts,
        [
            "Let me see. ",
            "Let me see. ",
            "Let me see. ",
            &said.concat(),
            "Alex has done it.",
        ]
    );
    let read = format!("GET /api/v1/files/{session}?path=hello.sh");
    let written = person.done(&read, &Value::Null).await;
    assert_eq!(written["content"], file["content"]);
    // What the command put out came back to the model, as the result of its call.
    let asked = stack.model.requests();
    let mut last = asked
        .iter()
        .filter_map(|request| request.json["messages"].as_array()?.last());
    let ran = last.any(|message| {
        message["role"] == "tool" && message["content"] == "Grüße, 世界\n[exit code 0]"
    });
    assert!(ran, "{asked:#?}");
}
