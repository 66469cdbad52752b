//! `update_plan`: how the agent means to go on, for whoever watches.

use crate::tools::{self, Arguments};
use agent::{Caller, Output, Spec, ToolError};
use domain::{
    Event,
    event::{PlanEvent, PlanStep, PlanStepStatus},
};
use serde_json::{Value, json};

pub(super) fn spec() -> Spec {
    tools::spec(
        "update_plan",
        "Shows the user your plan: its steps, and how far you are. At most one step is in progress.",
        false,
        json!({
            "type": "object",
            "properties": {
                "explanation": {"type": "string", "maxLength": 2000, "description": "Why the plan changed"},
                "plan": {
                    "type": "array", "minItems": 1, "maxItems": 50,
                    "items": {
                        "type": "object",
                        "properties": {
                            "step": {"type": "string", "minLength": 1, "maxLength": 500},
                            "status": {"type": "string", "enum": ["pending", "in_progress", "completed"]}
                        },
                        "required": ["step", "status"],
                        "additionalProperties": false
                    }
                }
            },
            "required": ["plan"],
            "additionalProperties": false
        }),
    )
}

pub(super) async fn update(arguments: Arguments, caller: &Caller) -> Result<Output, ToolError> {
    let explanation = arguments.get("explanation").and_then(Value::as_str);
    let steps = arguments.get("plan").and_then(Value::as_array);
    let plan: Vec<PlanStep> = steps.into_iter().flatten().map(step).collect();
    let in_progress = |step: &&PlanStep| step.status == PlanStepStatus::InProgress;
    if plan.iter().filter(in_progress).count() > 1 {
        let why = "At most one step can be in progress.";
        return Err(ToolError(why.to_owned()));
    }
    let event = PlanEvent {
        explanation: explanation.map(str::to_owned),
        plan,
    };
    caller.tell_room(Event::Plan(event)).await;
    Ok(Output::new("The plan is shown."))
}

fn step(value: &Value) -> PlanStep {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    PlanStep {
        step: text("step").to_owned(),
        status: match text("status") {
            "completed" => PlanStepStatus::Completed,
            "in_progress" => PlanStepStatus::InProgress,
            _ => PlanStepStatus::Pending,
        },
    }
}
