//! Workflows that come as files: `POST /files/workflow`, of section 8 of the document.

use super::{
    checked::{Checked, check_text},
    refusal::{id_of, version_of},
    scope,
};
use axum::extract::State;
use contracts::studio::files::WorkflowUploaded;
use domain::{BusinessType, Error, ErrorKind, ServiceId, WorkflowId, WorkflowName};
use file_store::{NewFile, keep, remove};
use ports::Platform;
use store::workflows::{self as stored, Author, Change, NewWorkflow, Writer};
use web::{Envelope, FORM_MAX_BYTES, FormWithFile, Outcome, new_uuid, parsed};

/// The largest form: ten megabytes of JSON, and a little beside it.
const FORM: usize = comfyui::limits::WORKFLOW + FORM_MAX_BYTES;

/// The most characters of a name that is made of a file's.
const NAME: usize = 200;

pub(crate) async fn upload(
    State(platform): State<Platform>,
    form: FormWithFile<FORM>,
) -> Outcome<Envelope<WorkflowUploaded>> {
    if form.file.len() > comfyui::limits::WORKFLOW {
        let detail = format!("The workflow is over {} bytes", comfyui::limits::WORKFLOW);
        return Err(Error::new(ErrorKind::TooLarge, detail).into());
    }
    let text = std::str::from_utf8(&form.file)
        .map_err(|_| Error::invalid_field("file", "is not valid UTF-8"))?;
    let checked = check_text("file", text.trim_start_matches('\u{feff}').into())?;
    let new = NewFile {
        user: form.signed_in.account.id,
        business_type: BusinessType::Workflow,
        name: &form.name,
        file_type: "application/json",
        workflow: None,
    };
    let file = keep(&platform, &new, form.file.clone()).await?;
    let (workflow, version) = match take(&platform, &form, &checked).await {
        Ok(taken) => taken,
        Err(error) => {
            // What became no workflow is no workflow's file.
            remove(&platform, Some(file.user_id), file.id).await?;
            return Err(error.into());
        }
    };
    store::files::assign(&*platform.sql, file.id, workflow).await?;
    Ok(Envelope(WorkflowUploaded {
        file_id: file.id.0,
        file_name: file.name,
        file_size: file.size,
        workflow_id: workflow.0,
        version,
    }))
}

/// Makes it a version of the workflow that the form names, or a workflow.
async fn take(
    platform: &Platform,
    form: &FormWithFile<FORM>,
    checked: &Checked<'_>,
) -> Result<(WorkflowId, i64), Error> {
    match whole(form, "workflowId")? {
        Some(id) => Ok((WorkflowId(id), change(platform, form, id, checked).await?)),
        None => Ok((create(platform, form, checked).await?, 1)),
    }
}

async fn change(
    platform: &Platform,
    form: &FormWithFile<FORM>,
    id: i64,
    checked: &Checked<'_>,
) -> Result<i64, Error> {
    let note = format!("Uploaded {}", form.name.as_str());
    let change = Change {
        content: Some(checked.content()),
        ..Change::default()
    };
    let writer = Writer {
        author: Author::User(&form.signed_in.account.username),
        note: &note,
        base: None,
        now: platform.clock.now(),
    };
    let scope = scope(&form.signed_in);
    let changed = stored::update(&*platform.sql, scope, WorkflowId(id), &change, &writer).await?;
    version_of(changed)
}

async fn create(
    platform: &Platform,
    form: &FormWithFile<FORM>,
    checked: &Checked<'_>,
) -> Result<WorkflowId, Error> {
    let name = match form.text("name") {
        Some(name) => name.to_owned(),
        None => without_ending(form.name.as_str()),
    };
    let account = &form.signed_in.account;
    let note = format!("Uploaded {}", form.name.as_str());
    let new = NewWorkflow {
        uuid: new_uuid(platform),
        user: account.id,
        name: &parsed("name", WorkflowName::parse(&name))?,
        description: "",
        service: whole(form, "serviceId")?.map(ServiceId),
        content: checked.content(),
        author: Author::User(&account.username),
        note: &note,
        now: platform.clock.now(),
    };
    id_of(stored::insert(&*platform.sql, &new).await?)
}

fn without_ending(name: &str) -> String {
    let name = name.strip_suffix(".json").unwrap_or(name);
    name.chars().take(NAME).collect()
}

fn whole(form: &FormWithFile<FORM>, name: &str) -> Result<Option<i64>, Error> {
    let number = form.text(name).map(str::parse).transpose();
    number.map_err(|_| Error::invalid_field(name, "must be a whole number"))
}
