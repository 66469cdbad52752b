//! The image: looked for, and built where it is missing.

use super::engine::{Engine, status};
use crate::backend::BackendError;
use bollard::query_parameters::BuildImageOptions;
use futures::TryStreamExt as _;
use std::time::Duration;

/// How long looking for it may take.
const LOOKING: Duration = Duration::from_secs(30);

/// How long building it may take.
const BUILDING: Duration = Duration::from_secs(20 * 60);

/// Returns when the image is there.
pub(super) async fn ensure(
    engine: &Engine,
    image: &str,
    dockerfile: Option<&str>,
) -> Result<(), BackendError> {
    let looked = engine.ask(
        "looking for the image",
        LOOKING,
        engine.client().inspect_image(image),
    );
    match looked.await {
        Ok(_) => return Ok(()),
        Err(error) if status(&error) == Some(404) => {}
        Err(error) => return Err(error),
    }
    let Some(dockerfile) = dockerfile else {
        return Err(missing(image, "it cannot be built here"));
    };
    tracing::info!(image, "building the sandboxes' image");
    let built = build(engine, image, dockerfile).await;
    built.map_err(|error| missing(image, &format!("building it failed: {error}")))
}

fn missing(image: &str, why: &str) -> BackendError {
    BackendError::Unavailable(format!(
        "The container engine has no image {image}, and {why}. Build it (docker build -t {image} \
         sandbox-runner/image), or set RUNNER_IMAGE to one that is there"
    ))
}

async fn build(engine: &Engine, image: &str, dockerfile: &str) -> Result<(), String> {
    let context = context(dockerfile).map_err(|error| error.to_string())?;
    let options = BuildImageOptions {
        t: Some(image.to_owned()),
        rm: true,
        forcerm: true,
        ..BuildImageOptions::default()
    };
    let client = engine.client();
    let built = async {
        let context = bollard::body_full(context.into());
        let mut lines = client.build_image(options, None, Some(context));
        let mut last = String::new();
        while let Some(line) = lines.try_next().await? {
            if let Some(detail) = line.error_detail {
                let message = detail.message.unwrap_or_default();
                return Ok(Some(format!("{message} (after: {})", last.trim())));
            }
            last = line
                .stream
                .filter(|text| !text.trim().is_empty())
                .unwrap_or(last);
        }
        Ok(None)
    };
    match engine.ask("building the image", BUILDING, built).await {
        Ok(None) => Ok(()),
        Ok(Some(fault)) => Err(fault),
        Err(BackendError::Failed { source, .. }) => Err(source.to_string()),
        Err(unavailable) => Err(unavailable.to_string()),
    }
}

/// An archive with the Dockerfile alone.
fn context(dockerfile: &str) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(dockerfile.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    archive.append_data(&mut header, "Dockerfile", dockerfile.as_bytes())?;
    archive.into_inner()
}
