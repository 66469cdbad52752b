//! Workflows as ComfyUI reads them.

use super::{checked::read, scope, versions::find};
use crate::{
    asking::{capital, client, failed},
    services,
};
use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use comfyui::{Client, ConvertError, Converted, Graph, ObjectInfo, Timeouts, Workflow};
use domain::{Error, ErrorKind, ServiceId, WorkflowFormat};
use http::header;
use ports::Platform;
use web::{Outcome, Parameters, Place, SignedIn, attachment, filter, whole_number};

pub(crate) async fn export(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    web::Id(id): web::Id,
    query: Parameters,
) -> Outcome<Response> {
    let format = filter(&query, "format", WorkflowFormat::parse)?;
    let number = filter(&query, "version", whole_number)?;
    let _place = Place::take_large()?;
    let found = find(&platform, scope(&signed_in), id, number).await?;
    let name = format!("{}.json", found.version.name);
    match (format, found.version.format) {
        (Some(WorkflowFormat::Api), WorkflowFormat::Editor) => {}
        (Some(WorkflowFormat::Editor), WorkflowFormat::Api) => {
            let detail = "The workflow was given in API format, which does not say how the editor \
                          shows it";
            return Err(Error::new(ErrorKind::Conflict, detail).into());
        }
        (None | Some(_), _) => return Ok(download(&name, found.data)),
    }
    let Workflow::Editor(graph) = read(&found.data)? else {
        return Ok(download(&name, found.data));
    };
    let client = service_of(&platform, found.service).await?;
    let info = client.object_info().await.map_err(failed)?;
    let converted = convert(&platform, &graph, &info)
        .map_err(|reason| Error::new(ErrorKind::Conflict, capital(&reason.to_string())))?;
    let json = serde_json::to_string(&converted.prompt).map_err(Error::internal)?;
    Ok(download(&name, json))
}

/// Converts a workflow of the editor for the server that has these classes.
pub(super) fn convert(
    platform: &Platform,
    graph: &Graph,
    info: &ObjectInfo,
) -> Result<Converted, ConvertError> {
    let mut pick = |alternatives: usize| {
        let mut bytes = [0; 4];
        platform.random.fill(&mut bytes);
        let number = usize::try_from(u32::from_le_bytes(bytes)).unwrap_or_default();
        number.checked_rem(alternatives).unwrap_or_default()
    };
    comfyui::convert(graph, info, &mut pick)
}

/// A client of the workflow's service.
pub(super) async fn service_of(
    platform: &Platform,
    service: Option<ServiceId>,
) -> Result<Client, Error> {
    let no_service = || Error::new(ErrorKind::Conflict, "The workflow has no service");
    let service = services::find(platform, service.ok_or_else(no_service)?).await?;
    client(platform, &service.service, Timeouts::default())
}

fn download(name: &str, json: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let disposition = [(header::CONTENT_DISPOSITION, attachment(name))];
    (headers, disposition, Body::from(json)).into_response()
}
