//! A workflow as its service takes it, or why it does not.

use comfyui::{Control, ObjectInfo, Prompt, Seed, Workflow, convert, validate};

/// A workflow that runs, at least in part.
#[derive(Debug)]
pub(crate) struct Runnable {
    /// What `/prompt` takes.
    pub(crate) prompt: Prompt,
    /// The nodes that it ends with.
    pub(crate) outputs: Vec<String>,
    /// Seeds that are to be another for each run.
    pub(crate) seeds: Vec<Seed>,
    /// What is wrong with parts that will not run, a line each.
    pub(crate) warnings: Vec<String>,
}

/// The most faults and warnings that are told.
const MOST: usize = 50;

/// The workflow for the service that has these classes. `pick` chooses one of so many.
///
/// # Errors
/// What keeps it from running, a line each.
pub(crate) fn of(
    workflow: &Workflow,
    info: &ObjectInfo,
    pick: &mut dyn FnMut(usize) -> usize,
) -> Result<Runnable, Vec<String>> {
    let (prompt, seeds, mut warnings) = match workflow {
        Workflow::Api(prompt) => (prompt.clone(), Vec::new(), Vec::new()),
        Workflow::Editor(graph) => {
            let converted = convert(graph, info, pick).map_err(|error| vec![error.to_string()])?;
            let left_out = converted.left_out.iter();
            let warnings =
                left_out.map(|node| format!("{node} is left out: there is no such class"));
            (converted.prompt, converted.seeds, warnings.collect())
        }
    };
    let validation = validate(&prompt, info).map_err(|refusal| bounded(refusal.lines()))?;
    warnings.extend(validation.node_errors.lines());
    Ok(Runnable {
        prompt,
        outputs: validation.outputs,
        seeds: seeds
            .into_iter()
            .filter(|seed| seed.control == Control::Randomize)
            .collect(),
        warnings: bounded(warnings),
    })
}

fn bounded(mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(MOST);
    if more > 0 {
        lines.truncate(MOST);
        lines.push(format!("… and {more} more"));
    }
    lines
}
