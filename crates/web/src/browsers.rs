//! What browsers are told with every answer, and requests that a page of another site makes.

use crate::settings::is_loopback_url;
use axum::{body::Body, response::Response};
use domain::{Error, ErrorKind};
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, header,
    request::{self, Parts},
};
use origins::{Origin, Origins, Site};
use ports::{Platform, VariableError, Variables};
use std::fmt::Display;

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The page that made a request, if a browser names one, and who is let in. The settings are
/// read only then: most requests name no page.
pub(crate) struct Page(Option<(HeaderValue, Origins)>);

impl Page {
    pub(crate) async fn of(request: &Request<Body>, variables: &dyn Variables) -> Self {
        let Some(origin) = request.headers().get(header::ORIGIN) else {
            return Self(None);
        };
        let origins = allowed(variables).await.unwrap_or_else(|reason| {
            eprintln!("no page of another origin is let in: {reason}");
            Origins::Nobody
        });
        Self(Some((origin.clone(), origins)))
    }

    /// The answer to a preflight, where `request` is one.
    pub(crate) fn preflight(&self, request: &Request<Body>) -> Option<Response> {
        let (_, origins) = self.0.as_ref()?;
        let answer = origins.preflight(request.method(), request.headers())?;
        let mut response = answer.map(|()| Body::empty());
        origins::protect(response.headers_mut());
        Some(response)
    }

    /// Adds to an answer what its reader's browser must know.
    pub(crate) fn mark(&self, answer: &mut HeaderMap) {
        origins::protect(answer);
        match &self.0 {
            Some((origin, origins)) => origins.mark(origin, answer),
            // A cache must not give to a page what it kept for somebody without one.
            None if is_kept(answer) => origins::vary_by_origin(answer),
            None => {}
        }
    }
}

/// Whether a cache may keep an answer.
fn is_kept(answer: &HeaderMap) -> bool {
    answer.contains_key(header::CACHE_CONTROL) || answer.contains_key(header::ETAG)
}

/// Checks a request that is authenticated by its cookie, which a browser adds whoever asks: the
/// page must be ours or in `cors_origins`.
///
/// # Errors
/// Forbidden where it is of another site; Unavailable when a setting cannot be read.
pub async fn refuse_forged(platform: &Platform, parts: &Parts) -> Result<(), Error> {
    let origins = allowed(&*platform.variables).await.map_err(unavailable)?;
    let public = platform.variables.get("public_url").await;
    let public = Origin::of_url(&public.map_err(|error| unavailable(error.to_string()))?);
    let site = Site {
        public: public.as_ref(),
        hosts: &hosts(parts),
    };
    origins
        .check(&parts.method, &parts.headers, site)
        .map_err(|forged| {
            let detail = "A page of another site made this request";
            Error::new(ErrorKind::Forbidden, detail).caused_by(forged)
        })
}

/// Checks a request of a page, if one made it, that proves itself by something other than its
/// cookie: the page must be ours or let in.
///
/// # Errors
/// Forbidden where it is neither; Unavailable when a setting cannot be read.
pub async fn refuse_foreign(platform: &Platform, parts: &Parts) -> Result<(), Error> {
    let Err(forged) = refuse_forged(platform, parts).await else {
        return Ok(());
    };
    let origins = allowed(&*platform.variables).await.map_err(unavailable)?;
    let mut pages = parts.headers.get_all(header::ORIGIN).into_iter();
    let allowed = pages.all(|page| page.to_str().is_ok_and(|page| origins.allows(page)));
    if allowed { Ok(()) } else { Err(forged) }
}

/// Whether a letter or an answer may lead a reader to `url`: to this site, to an origin that
/// `cors_origins` names, or, where everybody is let in because all is local, to this machine.
///
/// # Errors
/// Unavailable when a setting cannot be read.
pub async fn may_redirect_to(platform: &Platform, url: &str) -> Result<bool, Error> {
    let Some(origin) = Origin::of_url(url) else {
        return Ok(false);
    };
    let public = platform.variables.get("public_url").await;
    let public = public.map_err(|error| unavailable(error.to_string()))?;
    if Origin::of_url(&public).as_ref() == Some(&origin) {
        return Ok(true);
    }
    let origins = allowed(&*platform.variables).await.map_err(unavailable)?;
    let local = matches!(origins, Origins::Anybody) && is_loopback_url(url);
    Ok(local || origins.names(&origin))
}

/// The hosts that the request was sent to. A client may write any, but here a browser is asked
/// about its page, and no page can write these headers for a request that carries our cookie.
fn hosts(parts: &request::Parts) -> Vec<&str> {
    let named = [header::HOST, FORWARDED_HOST];
    let named = named
        .iter()
        .flat_map(|name| parts.headers.get_all(name))
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim);
    let target = parts.uri.authority().map(http::uri::Authority::as_str);
    target.into_iter().chain(named).collect()
}

/// Who is let in, as the variable `cors_origins` says; when it is empty, everybody where
/// `public_url` is on loopback, else nobody.
async fn allowed(variables: &dyn Variables) -> Result<Origins, String> {
    let said = |error: VariableError| error.to_string();
    let list = variables.get("cors_origins").await.map_err(said)?;
    if !list.trim().is_empty() {
        return Origins::parse(&list).map_err(|error| format!("variable `cors_origins`: {error}"));
    }
    let public = variables.get("public_url").await.map_err(said)?;
    Ok(if is_loopback_url(&public) {
        Origins::Anybody
    } else {
        Origins::Nobody
    })
}

fn unavailable(reason: impl Display) -> Error {
    Error::new(ErrorKind::Unavailable, "The service is not configured")
        .caused_by(reason.to_string())
}
