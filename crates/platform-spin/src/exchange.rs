//! Requests and responses between `wasi:http` and axum.
//!
//! The SDK converts both too, and asks the host for everything that a request may have. Each
//! question crosses the component's boundary and costs about what routing a request does, so
//! here only that is asked for which our routers look at: method, path, headers, and the body of
//! a request that can have one.

use axum::body::Body;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header,
};
use http_body::Body as _;
use spin_sdk::wasip3::{
    http::types::{self, ErrorCode, Fields},
    http_compat::{BodyWriter, IncomingRequestBody},
    wit_bindgen, wit_future,
};

/// The request as axum takes it.
///
/// # Errors
/// The host's, for what no host should let pass: a method, path or header that is none.
pub(crate) fn request(incoming: types::Request) -> Result<Request<Body>, ErrorCode> {
    let method =
        Method::try_from(incoming.get_method()).map_err(|_| ErrorCode::HttpRequestMethodInvalid)?;
    let path = incoming.get_path_with_query().unwrap_or_default();
    let uri: Uri = path.parse().map_err(|_| ErrorCode::HttpRequestUriInvalid)?;
    let headers = headers(&incoming.get_headers())?;
    let body = if method == Method::GET || method == Method::HEAD {
        Body::empty()
    } else {
        Body::new(IncomingRequestBody::new(incoming)?)
    };
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request)
}

fn headers(fields: &Fields) -> Result<HeaderMap, ErrorCode> {
    let invalid = || ErrorCode::HttpRequestHeaderSectionSize(None);
    let fields = fields.copy_all();
    let mut headers = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
        let value = HeaderValue::from_maybe_shared(bytes::Bytes::from(value));
        headers.append(name, value.map_err(|_| invalid())?);
    }
    Ok(headers)
}

/// The response as the host takes it. Its body is written by a task of its own.
///
/// # Errors
/// Internal, when the host refuses a header.
pub(crate) fn response(response: Response<Body>) -> Result<types::Response, ErrorCode> {
    let (mut parts, mut body) = response.into_parts();
    let length = body.size_hint().exact();
    if let Some(length) = length.filter(|length| *length > 0) {
        // The host can then send head and body at once.
        parts
            .headers
            .entry(header::CONTENT_LENGTH)
            .or_insert_with(|| length.into());
    }
    let fields: Vec<(String, Vec<u8>)> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect();
    let fields = Fields::from_list(&fields)
        .map_err(|error| ErrorCode::InternalError(Some(error.to_string())))?;
    let response = if length == Some(0) {
        let (_unused, trailers) = wit_future::new(|| Ok(None));
        types::Response::new(fields, None, trailers).0
    } else {
        let (writer, contents, trailers) = BodyWriter::new();
        wit_bindgen::spawn(async move {
            // It fails when the reader has left, who needs nothing more.
            let _left = writer.send_http_body(&mut body).await;
        });
        types::Response::new(fields, Some(contents), trailers).0
    };
    // A new response has 200.
    if parts.status != StatusCode::OK {
        response
            .set_status_code(parts.status.as_u16())
            .map_err(|()| ErrorCode::InternalError(Some("no status code".to_owned())))?;
    }
    Ok(response)
}
