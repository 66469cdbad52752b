//! Files of a sandbox's workspace.

use super::{
    Call, Client, Coming,
    calls::sandbox,
    refusal::{self, Refusal},
    waiting,
};
use crate::files::{EDITS, Edits, File, MakeDirectory, Move, Node};
use bytes::Bytes;
use domain::{Error, ErrorKind};
use futures::StreamExt;
use http::{HeaderMap, HeaderValue, Method, Response, header};
use ports::ByteStream;
use uuid::Uuid;

/// What an edit takes besides its text: its paths, most of all.
const AROUND: usize = 10 << 10;

/// What of a tree is wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct TreeQuery<'a> {
    /// From where; else from the workspace's root.
    pub root: Option<&'a str>,
    /// How deep.
    pub depth: Option<u32>,
    /// Whether names that begin with a dot are shown.
    pub include_hidden: bool,
    /// How many files and directories at most; else as many as the runner shows.
    pub limit: Option<usize>,
}

/// A file's bytes.
pub enum Raw {
    /// All of them (200), or the range that was asked for (206), as they arrive.
    Bytes(Response<ByteStream>),
    /// The range is beyond the file's end.
    OutOfRange {
        /// What to tell the person.
        error: Error,
        /// `Content-Range: bytes */SIZE`, if the runner says so.
        content_range: Option<HeaderValue>,
    },
}

/// A file's bytes from the first one on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// As many as were asked for, if it has as many.
    pub bytes: Vec<u8>,
    /// How many it has.
    pub size: u64,
}

impl Beginning {
    /// Whether the file goes on.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.size > self.bytes.len() as u64
    }

    /// It as text, if it is text; of a character that is cut at its end nothing.
    #[must_use]
    pub fn into_text(self) -> Option<String> {
        let is_cut = self.is_cut();
        match String::from_utf8(self.bytes) {
            Ok(text) => Some(text),
            Err(error) => {
                let fault = error.utf8_error();
                let mut bytes = error.into_bytes();
                bytes.truncate(fault.valid_up_to());
                let is_text = is_cut && fault.error_len().is_none();
                is_text.then(|| String::from_utf8_lossy(&bytes).into_owned())
            }
        }
    }
}

/// How a workspace is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Archive {
    /// `tar.gz`
    TarGz,
    /// `zip`
    Zip,
}

impl Archive {
    /// Its name in a query, and how its files end.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TarGz => "tar.gz",
            Self::Zip => "zip",
        }
    }

    /// The form of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::TarGz, Self::Zip]
            .into_iter()
            .find(|form| form.as_str() == text)
    }
}

impl Client {
    /// The files below a directory.
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn tree(&self, session: Uuid, query: TreeQuery<'_>) -> Result<Node, Error> {
        self.ask_tree(session, query).await?.read().await
    }

    /// The same, until it begins to come.
    ///
    /// # Errors
    /// As [`Client::tree`].
    pub async fn ask_tree(
        &self,
        session: Uuid,
        query: TreeQuery<'_>,
    ) -> Result<Coming<Node>, Error> {
        let depth = query.depth.map(|depth| depth.to_string());
        let hidden = query.include_hidden.then_some("true");
        let limit = query.limit.map(|limit| limit.to_string());
        let call = Call::new(Method::GET, files(session, "/tree")).query(&[
            ("root", query.root),
            ("depth", depth.as_deref()),
            ("include_hidden", hidden),
            ("limit", limit.as_deref()),
        ]);
        self.coming(call).await
    }

    /// What is at `path`.
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn stat(&self, session: Uuid, path: &str) -> Result<Node, Error> {
        let call = Call::new(Method::GET, files(session, "/stat"));
        self.ask(call.query(&[("path", Some(path))])).await
    }

    /// A file as text, or as base64 where it is none, until it begins to come.
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn ask_file(&self, session: Uuid, path: &str) -> Result<Coming<File>, Error> {
        let call = Call::new(Method::GET, files(session, ""));
        self.coming(call.query(&[("path", Some(path))])).await
    }

    /// At most `most` of a file's bytes, from the first one on.
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn read_beginning(
        &self,
        session: Uuid,
        path: &str,
        most: usize,
    ) -> Result<Beginning, Error> {
        let range = format!("bytes=0-{}", most.saturating_sub(1));
        let range = HeaderValue::try_from(range).map_err(Error::internal)?;
        let response = match self.read_raw(session, path, Some(&range)).await? {
            Raw::Bytes(response) => response,
            // There is not even a first byte.
            Raw::OutOfRange { .. } => {
                return Ok(Beginning {
                    bytes: Vec::new(),
                    size: 0,
                });
            }
        };
        let (parts, mut body) = response.into_parts();
        let mut size = whole_size(&parts.headers).unwrap_or_default();
        let mut bytes = Vec::new();
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(refusal::failed)?;
            size = size.max((bytes.len() + piece.len()) as u64);
            let left = most.saturating_sub(bytes.len());
            bytes.extend_from_slice(piece.get(..left).unwrap_or(&piece));
            if bytes.len() >= most {
                break;
            }
        }
        Ok(Beginning { bytes, size })
    }

    /// A file's bytes, or the `range` of them (the header's value).
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn read_raw(
        &self,
        session: Uuid,
        path: &str,
        range: Option<&HeaderValue>,
    ) -> Result<Raw, Error> {
        let mut call = Call::new(Method::GET, files(session, ""))
            .query(&[("path", Some(path))])
            .accept("application/octet-stream");
        if let Some(range) = range {
            call = call.header(header::RANGE, range.clone());
        }
        match self.open(call).await {
            Ok(response) => Ok(Raw::Bytes(self.patient(response))),
            Err(Refusal {
                error,
                content_range,
            }) if error.kind() == ErrorKind::RangeNotSatisfiable => Ok(Raw::OutOfRange {
                error,
                content_range,
            }),
            Err(refusal) => Err(refusal.error),
        }
    }

    /// Writes a file, or adds to its end. Parents are made.
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn write_file(
        &self,
        session: Uuid,
        path: &str,
        bytes: Bytes,
        append: bool,
    ) -> Result<Node, Error> {
        let append = append.then_some("true");
        let call = Call::new(Method::PUT, files(session, ""))
            .query(&[("path", Some(path)), ("append", append)]);
        self.ask(call.bytes(bytes)).await
    }

    /// Removes a file, or a directory; one that is not empty only with `recursive`.
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn delete_file(
        &self,
        session: Uuid,
        path: &str,
        recursive: bool,
    ) -> Result<(), Error> {
        let recursive = recursive.then_some("true");
        let call = Call::new(Method::DELETE, files(session, ""))
            .query(&[("path", Some(path)), ("recursive", recursive)]);
        self.tell(call).await
    }

    /// Changes several files at once: all of them, or none.
    ///
    /// # Errors
    /// A conflict where one is not as it was seen; else the runner's refusal, or that it cannot be
    /// asked.
    pub async fn edit_files(&self, session: Uuid, edits: &Edits) -> Result<(), Error> {
        // Before it is written: of a byte can become six.
        let texts = edits.edits.iter().filter_map(|edit| edit.after.as_deref());
        let size = texts.map(written).sum::<usize>() + AROUND * edits.edits.len();
        if size > EDITS {
            let detail = "The files are more than can be changed at once";
            return Err(Error::new(ErrorKind::TooLarge, detail));
        }
        let call = Call::new(Method::POST, files(session, "/edits"));
        self.tell(call.json_of(edits, size)?).await
    }

    /// Gives something another path.
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn move_file(&self, session: Uuid, to: &Move) -> Result<Node, Error> {
        let call = Call::new(Method::POST, files(session, "/move"));
        self.ask(call.json(to)?).await
    }

    /// Makes a directory and its parents.
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn make_directory(
        &self,
        session: Uuid,
        directory: &MakeDirectory,
    ) -> Result<Node, Error> {
        let call = Call::new(Method::POST, files(session, "/directory"));
        self.ask(call.json(directory)?).await
    }

    /// A directory as one file, as it is packed.
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn archive(
        &self,
        session: Uuid,
        root: Option<&str>,
        form: Archive,
    ) -> Result<Response<ByteStream>, Error> {
        let call = Call::new(Method::GET, files(session, "/archive"))
            .query(&[("root", root), ("format", Some(form.as_str()))]);
        Ok(self.patient(self.open(call).await?))
    }

    pub(super) fn patient(&self, response: Response<ByteStream>) -> Response<ByteStream> {
        response.map(|body| waiting::unless_silent(body, &self.platform.clock))
    }
}

/// How long a text is in JSON, at most.
fn written(text: &str) -> usize {
    let long = |byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        ..b' ' => 6,
        _ => 1,
    };
    text.bytes().map(long).sum()
}

fn files(session: Uuid, below: &str) -> String {
    format!("{}/files{below}", sandbox(session))
}

/// The size of what a part was given of: `Content-Range: bytes 0-9/SIZE`.
fn whole_size(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.rsplit_once('/')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn texts_are_as_long_as_they_are_written() {
        for text in ["", "abc", "\"a\"\\\r\n\t", "grün 天", "\0\u{1f}\u{7f}"] {
            let json = serde_json::to_string(text).unwrap();
            assert_eq!(written(text), json.len() - 2, "{json}");
        }
    }

    #[test]
    fn the_text_of_a_beginning() {
        let check = |bytes: &[u8], size: u64, expected: Option<&str>| {
            let bytes = bytes.to_vec();
            let text = Beginning { bytes, size }.into_text();
            assert_eq!(text.as_deref(), expected, "{size}");
        };
        check("grün".as_bytes(), 5, Some("grün"));
        check("grün".as_bytes(), 9, Some("grün"));
        check(b"gr\xc3", 5, Some("gr"));
        // That is all of it.
        check(b"gr\xc3", 3, None);
        check(b"\xff\xfe", 5, None);
        check(b"", 0, Some(""));
    }
}
