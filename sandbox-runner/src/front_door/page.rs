//! The page in a browser that a request comes from: it can read a refusal only if it is told so.

use super::request_id;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use origins::Origins;

/// What a request says about its page.
#[derive(Debug)]
pub(super) struct Page {
    origin: Option<HeaderValue>,
    preflight: Option<Response<()>>,
}

impl Page {
    pub(super) fn of<B>(origins: &Origins, request: &Request<B>) -> Self {
        let headers = request.headers();
        Self {
            origin: headers.get(header::ORIGIN).cloned(),
            preflight: origins.preflight(request.method(), headers),
        }
    }

    /// Finishes an answer that the front door gives itself.
    pub(super) fn served<B>(
        &self,
        origins: &Origins,
        mut answer: Response<B>,
        id: &HeaderValue,
    ) -> Response<B> {
        let headers = answer.headers_mut();
        headers.insert(request_id::HEADER, id.clone());
        if let Some(origin) = &self.origin {
            origins.mark(origin, headers);
        }
        origins::protect(headers);
        answer
    }

    /// Turns a refusal into one that the page can read. A refused preflight is answered as a
    /// preflight: its browser shows the page no other answer, and would hide the refusal of the
    /// request that follows. It is not kept, because the edge has the last word.
    pub(super) fn refused(
        self,
        origins: &Origins,
        mut refusal: Response<Bytes>,
    ) -> Response<Bytes> {
        if let Some(preflight) = self.preflight {
            *refusal.status_mut() = StatusCode::NO_CONTENT;
            *refusal.body_mut() = Bytes::new();
            let headers = refusal.headers_mut();
            headers.remove(header::CONTENT_TYPE);
            headers.extend(preflight.into_parts().0.headers);
            headers.remove(header::ACCESS_CONTROL_MAX_AGE);
        } else if let Some(origin) = &self.origin {
            origins.mark(origin, refusal.headers_mut());
        }
        origins::protect(refusal.headers_mut());
        refusal
    }
}
