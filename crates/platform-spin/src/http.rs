//! The `Http` port over `wasi:http`.

use crate::spawning;
use bytes::Bytes;
use futures::StreamExt;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use ports::{BoxFuture, ByteStream, ConnectTimeout, Http, HttpError};
use send_wrapper::SendWrapper;
use spin_sdk::wasip3::{
    http::types::{ErrorCode, RequestOptions},
    http_compat::RequestOptionsExtension,
};

/// Outbound HTTP, to where the component's grants reach.
pub(crate) struct Outbound;

impl Http for Outbound {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<ByteStream>, HttpError>> {
        Box::pin(SendWrapper::new(send(request)))
    }
}

async fn send(request: Request<Bytes>) -> Result<Response<ByteStream>, HttpError> {
    let connect = request.extensions().get::<ConnectTimeout>().copied();
    let mut request = request.map(Full::new);
    if let Some(ConnectTimeout(limit)) = connect {
        let options = RequestOptions::new();
        let nanoseconds = limit.as_nanos().try_into().unwrap_or(u64::MAX);
        // A host may not support the limit; its own then applies.
        let _unsupported = options.set_connect_timeout(Some(nanoseconds));
        request
            .extensions_mut()
            .insert(RequestOptionsExtension(options));
    }
    // The body is a task of its own.
    spawning::spawned();
    let response = spin_sdk::http::send(request).await.map_err(failed)?;
    Ok(response.map(|body| {
        let bytes = body.into_data_stream().map(|piece| piece.map_err(failed));
        Box::pin(SendWrapper::new(bytes)) as ByteStream
    }))
}

fn failed(error: ErrorCode) -> HttpError {
    match error {
        ErrorCode::HttpRequestDenied => HttpError::Denied("no grant reaches it".into()),
        ErrorCode::DestinationIpProhibited | ErrorCode::DestinationIpUnroutable => {
            HttpError::Denied("its network is not allowed".into())
        }
        ErrorCode::ConnectionTimeout => HttpError::ConnectTimeout,
        ErrorCode::DnsTimeout | ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => {
            HttpError::Unreachable("its name does not resolve".into())
        }
        ErrorCode::DestinationUnavailable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionLimitReached => HttpError::Unreachable("refused".into()),
        ErrorCode::TlsProtocolError
        | ErrorCode::TlsCertificateError
        | ErrorCode::TlsAlertReceived(_) => HttpError::Unreachable("TLS failed".into()),
        ErrorCode::InternalError(Some(reason)) => HttpError::Broken(reason),
        ErrorCode::HttpResponseIncomplete => HttpError::Broken("the answer is incomplete".into()),
        ErrorCode::HttpResponseTimeout => HttpError::Broken("the answer timed out".into()),
        _ => HttpError::Broken("HTTP failed".into()),
    }
}
