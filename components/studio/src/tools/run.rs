//! `run_workflow`

use super::{failed, refused, slow_spec as tool};
use crate::{
    desk::{Content, Desk, Opened},
    following::Following,
    outputs,
    runnable::{self, Runnable},
    telling::Telling,
};
use agent::{Caller, Output, Spec, ToolError};
use comfyui::{Client, Event, ObjectInfo, Outputs, Submission, Workflow, draw_seeds};
use ports::Platform;
use serde_json::{Value, json};
use std::time::Duration;
use store::workflows;
use web::new_uuid;

/// How long a run may take, the queue included.
const TIMEOUT: Duration = Duration::from_secs(25 * 60);

pub(super) fn spec() -> Spec {
    tool(
        "run_workflow",
        "Runs the workflow on its service and waits for its results: pictures and other files, \
         which are kept and shown by their addresses, and texts. Seeds that are set to randomize \
         get new values for the run.",
        TIMEOUT,
        json!({"type": "object", "properties": {}, "additionalProperties": false}),
    )
}

pub(super) async fn run(desk: &Desk, caller: &Caller) -> Result<Output, ToolError> {
    let most = i64::try_from(TIMEOUT.as_millis()).unwrap_or(i64::MAX);
    let late = desk.platform.clock.now().saturating_add(most);
    let opened = desk.workflow().await?;
    let client = opened.client()?;
    let info = desk.object_info(&opened).await?;
    let Content {
        stored,
        workflow,
        place,
    } = desk.content(&opened).await?;
    let runnable = runnable::of(&workflow, &info, &mut |count| desk.pick(count));
    let faults =
        |faults: Vec<String>| ToolError(format!("It does not run:\n{}", faults.join("\n")));
    let mut runnable = runnable.map_err(faults)?;
    let mut notes = sow(desk, &info, &mut runnable);
    let stored = matches!(workflow, Workflow::Editor(_)).then_some(stored);
    // A run may be long, and others want the room.
    drop((info, workflow));
    desk.forget_classes().await;
    let (sql, now) = (&*desk.platform.sql, desk.platform.clock.now());
    let touched = workflows::touch(sql, opened.id, now).await;
    touched.map_err(|error| refused(&error))?;

    let prompt_id = new_uuid(&desk.platform).to_string();
    let client_id = new_uuid(&desk.platform).to_string();
    let mut following = Following::open(desk, &client, &client_id, &prompt_id).await;
    let mut telling = Telling::begin(desk, &opened, caller, late).await?;
    // From here on the service may have it, even if it does not say so.
    let mut guard = Guard {
        platform: desk.platform.clone(),
        client: client.clone(),
        prompt_id: Some(prompt_id.clone()),
    };
    let submission = Submission {
        prompt: &runnable.prompt,
        client_id: &client_id,
        prompt_id: Some(&prompt_id),
        workflow: stored.as_ref(),
        front: false,
    };
    notes.extend(submit(&client, &submission, &mut guard).await?);
    notes.extend(runnable.warnings);
    drop((runnable.prompt, stored, place));
    let followed = match to_its_end(&mut following, &mut telling).await {
        Ok(followed) => followed,
        Err(error) => {
            telling.failed().await;
            return Err(error);
        }
    };
    guard.prompt_id = None;
    match followed {
        Followed::Ran(outputs) => {
            Ok(finish(desk, &opened, &client, &prompt_id, outputs, notes).await)
        }
        Followed::Failed(error) => Err(error),
    }
}

/// New values for the seeds that are to be another for each run; what they are.
fn sow(desk: &Desk, info: &ObjectInfo, runnable: &mut Runnable) -> Vec<String> {
    let Runnable { prompt, seeds, .. } = runnable;
    let mut notes = Vec::new();
    for (seed, value) in draw_seeds(seeds, prompt, info, &mut |count| desk.below(count)) {
        notes.push(format!("node {}: {} was {value}", seed.node, seed.input));
        prompt.set_input(&seed.node, &seed.input, value);
    }
    notes
}

/// Hands the prompt over; what the service says about parts that will not run.
async fn submit(
    client: &Client,
    submission: &Submission<'_>,
    guard: &mut Guard,
) -> Result<Vec<String>, ToolError> {
    match client.submit(submission).await {
        Ok(submitted) => Ok(submitted.node_errors.lines()),
        Err(comfyui::Error::Refused(refusal)) => {
            guard.prompt_id = None;
            let lines = refusal.lines().join("\n");
            Err(ToolError(format!("The service does not run it:\n{lines}")))
        }
        Err(error) => Err(failed(&error)),
    }
}

/// What a prompt came to at the service.
enum Followed {
    /// It ran to its end, and gave these.
    Ran(Outputs),
    /// It ended without outputs, for this reason.
    Failed(ToolError),
}

/// Follows the prompt to its end. An error where the service cannot be followed any more: the
/// prompt may still run there.
async fn to_its_end(
    following: &mut Following<'_>,
    telling: &mut Telling<'_>,
) -> Result<Followed, ToolError> {
    loop {
        let events = following.next().await;
        for event in events.map_err(|error| failed(&error))? {
            telling.tell(&event).await;
            match event {
                Event::Succeeded { outputs } => return Ok(Followed::Ran(outputs)),
                Event::Failed(failure) => {
                    return Ok(Followed::Failed(ToolError(format!(
                        "Node {} ({}) failed: {}: {}",
                        failure.node, failure.class_type, failure.kind, failure.message
                    ))));
                }
                Event::Interrupted { .. } => {
                    let text = "The run was interrupted at the service";
                    return Ok(Followed::Failed(ToolError(text.to_owned())));
                }
                Event::Lost => {
                    let text = "The service does not know of the run any more: it was taken out \
                                of the queue, or the service was started anew";
                    return Ok(Followed::Failed(ToolError(text.to_owned())));
                }
                _ => {}
            }
        }
    }
}

/// Keeps the outputs, and says what they are.
async fn finish(
    desk: &Desk,
    opened: &Opened,
    client: &Client,
    prompt_id: &str,
    outputs: Outputs,
    notes: Vec<String>,
) -> Output {
    let kept = outputs::keep(desk, opened, client, &outputs).await;
    let mut lines = vec![match kept.files.len() {
        0 => "It ran. It made no file.".to_owned(),
        1 => "It ran. It made a file. Show its address to the user:".to_owned(),
        many => format!("It ran. It made {many} files. Show their addresses to the user:"),
    }];
    lines.extend(kept.lines);
    lines.extend(notes);
    Output {
        text: lines.join("\n"),
        detail: Some(json!({
            "workflowId": opened.id.0,
            "version": opened.version.number,
            "promptId": prompt_id,
            "files": Value::Array(kept.files),
        })),
    }
}

/// A prompt that the service may have. Dropped with it, it is cancelled there: so are calls that
/// are interrupted or take too long.
struct Guard {
    platform: Platform,
    client: Client,
    prompt_id: Option<String>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(prompt_id) = self.prompt_id.take() else {
            return;
        };
        let client = self.client.clone();
        self.platform.tasks.spawn(Box::pin(async move {
            if let Err(error) = client.cancel(&prompt_id).await {
                eprintln!("prompt {prompt_id} is not cancelled: {error}");
            }
        }));
    }
}
