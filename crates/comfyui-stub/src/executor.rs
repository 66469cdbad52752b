//! Runs the prompts of the queue, one after the other, and says on the sockets how far they are.

use crate::{picture, queue::Item, state::State};
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// What an output slot of a node gives: as much of it as the pictures need.
#[derive(Clone, Copy, Debug, Default)]
struct Made {
    width: u32,
    height: u32,
    batch: u32,
    color: u32,
}

/// What nodes gave in earlier prompts, by node id; with what they were given then.
#[derive(Default)]
struct Cache(BTreeMap<String, (Value, Made, Option<Value>)>);

/// Why a prompt ends early.
enum Stop {
    Interrupted,
    Failed(String, String),
}

/// Runs prompts for ever.
pub(crate) async fn run(state: Arc<State>) {
    let mut cache = Cache::default();
    let mut changes = state.changes();
    loop {
        let item = state.queue.lock().start();
        match item {
            Some(item) => {
                state.send_status();
                Execution::new(&state, &item, &mut cache).run().await;
            }
            None => {
                // The sender is in `state`.
                let _ = changes.changed().await;
            }
        }
    }
}

struct Execution<'a> {
    state: &'a State,
    item: &'a Item,
    cache: &'a mut Cache,
    messages: Vec<Value>,
    progress: Map<String, Value>,
    shown: Map<String, Value>,
    executed: Vec<String>,
}

impl<'a> Execution<'a> {
    fn new(state: &'a State, item: &'a Item, cache: &'a mut Cache) -> Self {
        Self {
            state,
            item,
            cache,
            messages: Vec::new(),
            progress: Map::new(),
            shown: Map::new(),
            executed: Vec::new(),
        }
    }

    async fn run(mut self) {
        let client = self.item.client_id().map(str::to_owned);
        self.state
            .sockets
            .runs(client.clone().map(|client| (client, None)));
        self.message("execution_start", json!({}));
        let order = order(&self.item.prompt, &self.item.outputs);
        let cached: Vec<String> = order
            .iter()
            .filter(|id| self.is_cached(id))
            .cloned()
            .collect();
        self.message("execution_cached", json!({"nodes": cached}));
        let mut ended = Ok(());
        for id in order {
            ended = match self.is_cached(&id) {
                true => {
                    self.show_cached(&id);
                    Ok(())
                }
                false => self.node(&id).await,
            };
            if let Err(stop) = &ended {
                self.stopped(&id, stop);
                break;
            }
        }
        if ended.is_ok() {
            self.message("execution_success", json!({}));
        }
        self.write_history(ended.is_ok());
        let done = json!({"node": null, "prompt_id": self.item.prompt_id});
        self.state.sockets.runs(None);
        self.state.send_status();
        if let Some(client) = client {
            self.state.sockets.send(Some(&client), "executing", &done);
        }
    }

    async fn node(&mut self, id: &str) -> Result<(), Stop> {
        let class = class_of(&self.item.prompt, id).to_owned();
        let client = self.item.client_id().map(str::to_owned);
        self.state
            .sockets
            .runs(client.map(|client| (client, Some(id.to_owned()))));
        let steps = self.steps(id);
        self.progress_state(id, 0, steps, "running");
        self.send("executing", json!({"node": id, "display_node": id}));
        self.wait_while_held(&class).await?;
        for step in 1..=steps {
            self.wait_a_step().await?;
            if steps > 1 {
                let progress = json!({"node": id, "value": step, "max": steps});
                self.send("progress", progress);
                self.progress_state(id, step, steps, "running");
                self.preview(id);
            }
        }
        if let Some((failing, kind, message)) = self.state.faults(|faults| faults.fail_at.clone())
            && failing == class
        {
            return Err(Stop::Failed(kind, message));
        }
        let made = self.compute(id);
        let shown = self.save(id, made);
        if let Some(shown) = &shown {
            self.executed_frame(id, shown);
        }
        let signature = signature(&self.item.prompt, id);
        self.cache.0.insert(id.to_owned(), (signature, made, shown));
        self.progress_state(id, steps, steps, "finished");
        self.executed.push(id.to_owned());
        Ok(())
    }

    async fn wait_while_held(&self, class: &str) -> Result<(), Stop> {
        let mut changes = self.state.changes();
        loop {
            changes.mark_unchanged();
            let is_interrupted = self.state.queue.lock().is_interrupted;
            let (was_held, is_held) = self.state.faults(|faults| {
                let is_held = faults.hold_at.as_deref() == Some(class) && !is_interrupted;
                (std::mem::replace(&mut faults.is_held, is_held), is_held)
            });
            if is_interrupted {
                return Err(Stop::Interrupted);
            }
            if !is_held {
                return Ok(());
            }
            if !was_held {
                self.state.changed();
            }
            // The sender is in the state.
            let _ = changes.changed().await;
        }
    }

    async fn wait_a_step(&self) -> Result<(), Stop> {
        let step = self.state.faults(|faults| faults.step);
        if step.is_zero() {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(step).await;
        }
        match self.state.queue.lock().is_interrupted {
            true => Err(Stop::Interrupted),
            false => Ok(()),
        }
    }

    fn steps(&self, id: &str) -> u64 {
        let steps = number(&self.item.prompt, id, "steps");
        steps.map_or(1, |steps| u64::from(steps.clamp(1, 1000)))
    }

    fn is_cached(&self, id: &str) -> bool {
        let cached = self.cache.0.get(id);
        cached.is_some_and(|(given, ..)| *given == signature(&self.item.prompt, id))
    }

    fn show_cached(&mut self, id: &str) {
        let shown = self.cache.0.get(id).and_then(|(_, _, shown)| shown.clone());
        if let Some(shown) = shown {
            self.executed_frame(id, &shown);
            self.progress_state(id, 1, 1, "finished");
        }
    }

    fn executed_frame(&mut self, id: &str, shown: &Value) {
        self.shown.insert(id.to_owned(), shown.clone());
        let data = json!({"node": id, "display_node": id, "output": shown});
        self.send("executed", data);
    }

    fn stopped(&mut self, id: &str, stop: &Stop) {
        let class = class_of(&self.item.prompt, id);
        let executed = &self.executed;
        match stop {
            Stop::Interrupted => self.message(
                "execution_interrupted",
                json!({"node_id": id, "node_type": class, "executed": executed}),
            ),
            Stop::Failed(kind, message) => self.message(
                "execution_error",
                json!({"node_id": id, "node_type": class, "executed": executed,
                    "exception_type": kind, "exception_message": message,
                    "traceback": ["  File \"/srv/comfyui/execution.py\", line 1, in execute\n"],
                    "current_inputs": {}, "current_outputs": executed}),
            ),
        }
    }

    /// What a node makes of what it is given.
    fn compute(&self, id: &str) -> Made {
        let prompt = &self.item.prompt;
        let given = inputs_of(prompt, id)
            .values()
            .filter_map(link)
            .filter_map(|(origin, _)| self.cache.0.get(origin))
            .map(|(_, made, _)| *made)
            .max_by_key(|made| made.width)
            .unwrap_or_default();
        let set = |name| number(prompt, id, name);
        match class_of(prompt, id) {
            "LoadImage" | "LoadImageMask" => {
                let name = inputs_of(prompt, id).get("image").and_then(Value::as_str);
                let file = self.state.files.lock().named(name.unwrap_or_default());
                let size = file.and_then(|file| picture::size_of_png(&file));
                let (width, height) = size.unwrap_or((64, 64));
                Made {
                    width,
                    height,
                    batch: 1,
                    color: 0x33_66_99,
                }
            }
            "UpscaleModelLoader" => Made::default(),
            "ImageUpscaleWithModel" => given.scaled(4.0),
            "EmptyLatentImage" | "EmptyImage" | "LatentUpscale" | "ImageScale" | "ResizeImage" => {
                let by = inputs_of(prompt, id).get("mode.by").and_then(Value::as_f64);
                let given = given.scaled(by.unwrap_or(1.0));
                let width = set("width").or(set("mode.width"));
                let height = set("height").or(set("mode.height"));
                Made {
                    width: width.unwrap_or(given.width),
                    height: height.unwrap_or(given.height),
                    batch: set("batch_size").unwrap_or(given.batch.max(1)).min(16),
                    color: set("color").unwrap_or(given.color),
                }
            }
            _ => {
                let by = inputs_of(prompt, id)
                    .get("scale_by")
                    .and_then(Value::as_f64);
                given.scaled(by.unwrap_or(1.0))
            }
        }
    }

    /// What an output node shows, which it writes to a folder.
    fn save(&self, id: &str, made: Made) -> Option<Value> {
        let inputs = inputs_of(&self.item.prompt, id);
        let (folder, prefix) = match class_of(&self.item.prompt, id) {
            "SaveImage" => {
                let prefix = inputs.get("filename_prefix").and_then(Value::as_str);
                ("output", prefix.unwrap_or("ComfyUI"))
            }
            "PreviewImage" => ("temp", "ComfyUI_temp_stub"),
            "PreviewAny" => {
                return Some(json!({"text": [inputs.get("source")
                .map(Value::to_string).unwrap_or_default()]}));
            }
            _ => return None,
        };
        let (subfolder, prefix) = prefix.rsplit_once('/').unwrap_or(("", prefix));
        let mut files = self.state.files.lock();
        let mut images = Vec::new();
        for _ in 0..made.batch.max(1) {
            let number = files.next_number(folder, subfolder, prefix);
            let name = format!("{prefix}_{number:05}_.png");
            let texts = [("prompt", json!(self.item.prompt).to_string())];
            let png = picture::png(made.width, made.height, made.color, &texts);
            files.put(folder, subfolder, &name, png.into());
            images.push(json!({"filename": name, "subfolder": subfolder, "type": folder}));
        }
        Some(json!({"images": images}))
    }

    fn preview(&self, id: &str) {
        if let Some(client) = self.item.client_id() {
            let png = picture::png(8, 8, 0x80_80_80, &[]);
            let sockets = &self.state.sockets;
            sockets.send_preview(client, &self.item.prompt_id, id, &png);
        }
    }

    fn progress_state(&mut self, id: &str, value: u64, max: u64, state: &str) {
        let node = json!({"value": value, "max": max, "state": state, "node_id": id,
            "prompt_id": self.item.prompt_id, "display_node_id": id, "parent_node_id": null,
            "real_node_id": id});
        self.progress.insert(id.to_owned(), node);
        self.send("progress_state", json!({"nodes": self.progress}));
    }

    /// Sends a frame that the history keeps as well.
    fn message(&mut self, kind: &str, mut data: Value) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |now| now.as_millis() as u64);
        if let Value::Object(members) = &mut data {
            members.insert("prompt_id".to_owned(), json!(self.item.prompt_id));
            members.insert("timestamp".to_owned(), json!(now));
        }
        self.messages.push(json!([kind, data]));
        self.send(kind, data);
    }

    fn send(&self, kind: &str, mut data: Value) {
        if let Value::Object(members) = &mut data {
            members.insert("prompt_id".to_owned(), json!(self.item.prompt_id));
        }
        // Without a client everybody hears of it.
        self.state.sockets.send(self.item.client_id(), kind, &data);
    }

    fn write_history(&self, is_success: bool) {
        let meta: Map<String, Value> = self
            .shown
            .keys()
            .map(|id| {
                let node = json!({"node_id": id, "display_node": id, "parent_node": null,
                    "real_node_id": id});
                (id.clone(), node)
            })
            .collect();
        let entry = json!({
            "prompt": self.item.to_json(),
            "outputs": self.shown,
            "status": {
                "status_str": if is_success { "success" } else { "error" },
                "completed": is_success,
                "messages": self.messages,
            },
            "meta": meta,
        });
        self.state.queue.lock().end(self.item, entry);
    }
}

impl Made {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float beyond the range becomes the end of the range"
    )]
    fn scaled(self, by: f64) -> Self {
        let scale = |length: u32| (f64::from(length) * by).round() as u32;
        Self {
            width: scale(self.width),
            height: scale(self.height),
            ..self
        }
    }
}

/// The nodes that outputs need, each after those that it needs itself.
fn order(prompt: &Map<String, Value>, outputs: &[String]) -> Vec<String> {
    let mut order = Vec::new();
    let mut seen = BTreeSet::new();
    // With `true` when all that the node needs is in order already.
    let mut open: Vec<(&str, bool)> = outputs
        .iter()
        .rev()
        .map(|id| (id.as_str(), false))
        .collect();
    while let Some((id, is_ready)) = open.pop() {
        if is_ready {
            order.push(id.to_owned());
        } else if seen.insert(id) {
            open.push((id, true));
            let links = inputs_of(prompt, id).values().filter_map(link);
            open.extend(links.map(|(origin, _)| (origin, false)));
        }
    }
    order
}

/// What a node is given, with what those before it are given.
fn signature(prompt: &Map<String, Value>, id: &str) -> Value {
    let ids = order(prompt, &[id.to_owned()]);
    let nodes = ids.iter().map(|id| {
        let inputs = inputs_of(prompt, id);
        json!([id, class_of(prompt, id), inputs])
    });
    nodes.collect()
}

fn class_of<'a>(prompt: &'a Map<String, Value>, id: &str) -> &'a str {
    let class = prompt
        .get(id)
        .and_then(|node| node.get("class_type")?.as_str());
    class.unwrap_or_default()
}

fn inputs_of<'a>(prompt: &'a Map<String, Value>, id: &str) -> &'a Map<String, Value> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    let inputs = prompt
        .get(id)
        .and_then(|node| node.get("inputs")?.as_object());
    inputs.unwrap_or(&NONE)
}

fn link(value: &Value) -> Option<(&str, u64)> {
    match value.as_array()?.as_slice() {
        [origin, slot] => Some((origin.as_str()?, slot.as_u64()?)),
        _ => None,
    }
}

fn number(prompt: &Map<String, Value>, id: &str, name: &str) -> Option<u32> {
    let value = inputs_of(prompt, id).get(name)?;
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    u32::try_from(number).ok()
}
