//! Files of a sandbox's workspace.

use super::{Call, Client, calls::sandbox, refusal::Refusal, waiting};
use crate::files::{File, MakeDirectory, Move, Node};
use bytes::Bytes;
use domain::{Error, ErrorKind};
use http::{HeaderValue, Method, Response, header};
use ports::ByteStream;
use uuid::Uuid;

/// What of a tree is wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct TreeQuery<'a> {
    /// From where; else from the workspace's root.
    pub root: Option<&'a str>,
    /// How deep.
    pub depth: Option<u32>,
    /// Whether names that begin with a dot are shown.
    pub include_hidden: bool,
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
        let depth = query.depth.map(|depth| depth.to_string());
        let hidden = query.include_hidden.then_some("true");
        let call = Call::new(Method::GET, files(session, "/tree")).query(&[
            ("root", query.root),
            ("depth", depth.as_deref()),
            ("include_hidden", hidden),
        ]);
        self.ask(call).await
    }

    /// What is at `path`.
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn stat(&self, session: Uuid, path: &str) -> Result<Node, Error> {
        let call = Call::new(Method::GET, files(session, "/stat"));
        self.ask(call.query(&[("path", Some(path))])).await
    }

    /// A file as text, or as base64 where it is none.
    ///
    /// # Errors
    /// The runner's refusal, or that it cannot be asked.
    pub async fn read_file(&self, session: Uuid, path: &str) -> Result<File, Error> {
        let call = Call::new(Method::GET, files(session, ""));
        self.ask(call.query(&[("path", Some(path))])).await
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

fn files(session: Uuid, below: &str) -> String {
    format!("{}/files{below}", sandbox(session))
}
