//! Workflows as ComfyUI reads them.

use super::{
    checked::read,
    scope,
    versions::{find, look, place_for},
};
use crate::{
    asking::{capital, client, failed},
    services,
};
use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use comfyui::{ConvertError, Converted, Graph, ObjectInfo, Timeouts, Workflow};
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
    let scope = scope(&signed_in);
    let (version, service) = look(&platform, scope, id, number).await?;
    let number = Some(version.number);
    let name = format!("{}.json", version.name);
    match (format, version.format) {
        (Some(WorkflowFormat::Api), WorkflowFormat::Editor) => {}
        (Some(WorkflowFormat::Editor), WorkflowFormat::Api) => {
            let detail = "The workflow was given in API format, which does not say how the editor \
                          shows it";
            return Err(Error::new(ErrorKind::Conflict, detail).into());
        }
        (None | Some(_), _) => {
            let place = place_for(&version)?;
            let found = find(&platform, scope, id, number).await?;
            return Ok(place.hold(download(&name, found.data)));
        }
    }
    let (info, place) = classes(&platform, service).await?;
    let Workflow::Editor(graph) = read(&find(&platform, scope, id, number).await?.data)? else {
        return Err(Error::internal("a version of another format than is noted").into());
    };
    let converted = convert(&platform, &graph, &info)
        .map_err(|reason| Error::new(ErrorKind::Conflict, capital(&reason.to_string())))?;
    drop((graph, info));
    let json = serde_json::to_string(&converted.prompt).map_err(Error::internal)?;
    Ok(place.hold(download(&name, json)))
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

/// The classes of a workflow's service, and a place for them and for the workflow. It is taken
/// when they begin to arrive: a service that is slow to answer keeps no place from others.
pub(super) async fn classes(
    platform: &Platform,
    service: Option<ServiceId>,
) -> Result<(ObjectInfo, Place), Error> {
    let no_service = || Error::new(ErrorKind::Conflict, "The workflow has no service");
    let service = services::find(platform, service.ok_or_else(no_service)?).await?;
    let client = client(platform, &service.service, Timeouts::default())?;
    let coming = client.ask_object_info().await.map_err(failed)?;
    let place = Place::take_large()?;
    Ok((coming.read().await.map_err(failed)?, place))
}

fn download(name: &str, json: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let disposition = [(header::CONTENT_DISPOSITION, attachment(name))];
    (headers, disposition, Body::from(json)).into_response()
}
