//! Forms with a file: `multipart/form-data` (RFC 7578).
//!
//! Invariant: what a form says of its file is a name and nothing else: neither a path nor a media
//! type is believed.

use crate::{Failure, large::LargeBytes, large::Place, signed_in::SignedIn};
use axum::extract::{FromRef, FromRequest, Request};
use bytes::Bytes;
use domain::{Error, ErrorKind, FileName};
use futures::stream;
use http::{HeaderMap, header};
use multer::Multipart;
use ports::Platform;
use std::convert::Infallible;

/// How many fields a form may have.
const FIELDS: usize = 16;

/// The longest text of a field, in bytes.
const TEXT: usize = 4 * 1024;

/// What a form may have besides its file, in bytes.
pub const FORM_MAX_BYTES: usize = 64 * 1024;

/// Who sends a form of at most `MOST` bytes, its file, and its other fields.
#[derive(Debug)]
pub struct FormWithFile<const MOST: usize> {
    /// Who sends it.
    pub signed_in: SignedIn,
    /// What the file is called.
    pub name: FileName,
    /// The file.
    pub file: Bytes,
    texts: Vec<(String, String)>,
    /// The place of the bytes; to be kept while there is something of them.
    pub place: Place,
}

impl<const MOST: usize> FormWithFile<MOST> {
    /// The text of another field, if it is given and not empty.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        let mut texts = self.texts.iter();
        let found = texts.find(|(known, _)| known == name);
        found
            .map(|(_, text)| text.trim())
            .filter(|text| !text.is_empty())
    }
}

impl<S, const MOST: usize> FromRequest<S> for FormWithFile<MOST>
where
    S: Send + Sync,
    Platform: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let large = LargeBytes::<MOST>::from_request(request, state).await?;
        let boundary = boundary(&large.headers)?;
        let body = stream::iter([Ok::<_, Infallible>(large.bytes)]);
        let (file, texts) = read(Multipart::new(body, boundary)).await?;
        let (name, file) = file.ok_or_else(|| Error::invalid_field("file", "is required"))?;
        Ok(Self {
            signed_in: large.signed_in,
            name,
            file,
            texts,
            place: large.place,
        })
    }
}

type File = (FileName, Bytes);

async fn read(mut form: Multipart<'_>) -> Result<(Option<File>, Vec<(String, String)>), Error> {
    let (mut file, mut texts) = (None, Vec::new());
    for _ in 0..FIELDS {
        let Some(mut field) = form.next_field().await.map_err(malformed)? else {
            return Ok((file, texts));
        };
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            if file.is_some() {
                return Err(Error::invalid_field("file", "is given twice"));
            }
            let called = FileName::of(field.file_name().unwrap_or_default(), "file");
            file = Some((called, field.bytes().await.map_err(malformed)?));
            continue;
        }
        let mut text = Vec::new();
        while let Some(piece) = field.chunk().await.map_err(malformed)? {
            if text.len() + piece.len() > TEXT {
                return Err(Error::invalid_field(name, "is too long"));
            }
            text.extend_from_slice(&piece);
        }
        let text = String::from_utf8(text);
        let text = text.map_err(|_| Error::invalid_field(&name, "is not valid UTF-8"))?;
        texts.push((name, text));
    }
    let detail = format!("The form has more than {FIELDS} fields");
    Err(Error::new(ErrorKind::Refused, detail))
}

fn boundary(headers: &HeaderMap) -> Result<String, Error> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let boundary = content_type.and_then(|value| multer::parse_boundary(value).ok());
    // RFC 2046, section 5.1.1.
    let boundary = boundary.filter(|boundary| (1..=70).contains(&boundary.len()));
    boundary.ok_or_else(|| {
        let detail = "The body must be multipart/form-data with a boundary";
        Error::new(ErrorKind::UnsupportedMediaType, detail)
    })
}

fn malformed(error: multer::Error) -> Error {
    Error::new(ErrorKind::Refused, "The form cannot be read").caused_by(error)
}
