//! What a workflow's service would say of it.

use super::{
    checked::read,
    export::{classes, convert},
    scope,
    versions::{find, look},
};
use axum::extract::State;
use comfyui::{Converted, NodeErrors, NodeName, Validation, Workflow};
use contracts::studio::workflows::{NodeFaults, WorkflowValidation};
use ports::Platform;
use web::{Envelope, Id, Outcome, Parameters, SignedIn, filter, whole_number};

/// How many faults are shown of the whole, and how many nodes that have some.
const SHOWN: usize = 200;

pub(crate) async fn validate(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    Id(id): Id,
    query: Parameters,
) -> Outcome<Envelope<WorkflowValidation>> {
    let number = filter(&query, "version", whole_number)?;
    let scope = scope(&signed_in);
    let (version, service) = look(&platform, scope, id, number).await?;
    let version = version.number;
    let (info, _place) = classes(&platform, service).await?;
    let workflow = read(&find(&platform, scope, id, Some(version)).await?.data)?;
    let converted = match workflow {
        Workflow::Api(prompt) => Ok(Converted {
            prompt,
            ..Converted::default()
        }),
        Workflow::Editor(graph) => convert(&platform, &graph, &info),
    };
    let Converted {
        prompt, left_out, ..
    } = match converted {
        Ok(converted) => converted,
        Err(reason) => {
            let errors = vec![reason.to_string()];
            return Ok(Envelope(refused(version, errors, Vec::new())));
        }
    };
    Ok(Envelope(match comfyui::validate(&prompt, &info) {
        Ok(validation) => answered(version, validation, left_out),
        Err(refusal) => {
            let errors = vec![refusal.error.to_string()];
            refused(version, errors, faults(refusal.node_errors, left_out))
        }
    }))
}

fn answered(version: i64, validation: Validation, left_out: Vec<NodeName>) -> WorkflowValidation {
    WorkflowValidation {
        valid: validation.node_errors.is_empty() && left_out.is_empty(),
        version,
        outputs: validation.outputs,
        errors: Vec::new(),
        node_errors: faults(validation.node_errors, left_out),
    }
}

fn refused(version: i64, errors: Vec<String>, node_errors: Vec<NodeFaults>) -> WorkflowValidation {
    WorkflowValidation {
        valid: false,
        version,
        outputs: Vec::new(),
        errors,
        node_errors,
    }
}

/// What is wrong with nodes: first with those that an output needs, then with those that would be
/// left out.
fn faults(nodes: NodeErrors, left_out: Vec<NodeName>) -> Vec<NodeFaults> {
    let nodes = nodes.0.into_iter().map(|(node_id, node)| NodeFaults {
        node_id,
        class_type: node.class_type,
        errors: node
            .errors
            .iter()
            .take(SHOWN)
            .map(ToString::to_string)
            .collect(),
    });
    let left_out = left_out.into_iter().map(|node| NodeFaults {
        errors: vec![format!(
            "The service does not have the class {}; without it the node is left out",
            node.class
        )],
        node_id: node.id,
        class_type: node.class,
    });
    nodes.chain(left_out).take(SHOWN).collect()
}
