//! Files on the server: what nodes made, and what people give to them.

use super::{Client, FileBody};
use crate::{Error, lenient, limits, outputs::OutputFile};
use bytes::Bytes;
use http::{Method, header};
use serde_json::Value;

/// A file as it arrives.
pub struct View {
    /// What the server says it is. Whoever shows it to browsers looks at the bytes instead.
    pub content_type: Option<String>,
    /// Its bytes, if the server says how many.
    pub length: Option<u64>,
    /// Its content.
    pub body: FileBody,
}

/// A picture for the server's input folder.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Its name there, if it is free.
    pub name: String,
    /// The folder below the input folder; empty for itself.
    pub subfolder: String,
    /// The encoded picture.
    pub bytes: Bytes,
    /// Whether it replaces one of the same name. Else it gets another name, unless it is the
    /// same picture.
    pub overwrite: bool,
}

/// Where an uploaded picture is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// The name that it got.
    pub name: String,
    /// The folder below.
    pub subfolder: String,
    /// `input`.
    pub folder: String,
}

impl Uploaded {
    /// What an input of a node such as `LoadImage` takes.
    #[must_use]
    pub fn input_value(&self) -> String {
        if self.subfolder.is_empty() {
            self.name.clone()
        } else {
            format!("{}/{}", self.subfolder, self.name)
        }
    }
}

impl Client {
    /// A file that a node made. Its content streams.
    ///
    /// # Errors
    /// [`Error::Status`] 404 when the file is gone; any other [`Error`].
    pub async fn view(&self, file: &OutputFile) -> Result<View, Error> {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("filename", &file.filename)
            .append_pair("subfolder", &file.subfolder)
            .append_pair("type", &file.folder)
            .finish();
        let resource = format!("view?{query}");
        let request = self.request(Method::GET, &resource, None, Bytes::new())?;
        let mut deadline = self.deadline(self.timeouts.answer);
        let response = self.send(request, &mut deadline).await?;
        let text = |name| {
            let value = response.headers().get(name)?;
            Some(value.to_str().ok()?.to_owned())
        };
        let content_type = text(header::CONTENT_TYPE);
        let length = text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
        Ok(View {
            content_type,
            length,
            body: FileBody::new(
                response.into_body(),
                self.clock.clone(),
                self.timeouts.silence,
                limits::FILE,
            ),
        })
    }

    /// Puts a picture into the server's input folder.
    ///
    /// # Errors
    /// [`Error::TooLong`]; any other [`Error`].
    pub async fn upload_image(&self, upload: &Upload) -> Result<Uploaded, Error> {
        if upload.bytes.len() > limits::UPLOAD {
            return Err(Error::TooLong {
                what: "the picture",
                limit: limits::UPLOAD,
            });
        }
        let boundary = boundary(&upload.bytes);
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let body = Bytes::from(form(upload, &boundary));
        let request = self.request(Method::POST, "upload/image", Some(&content_type), body)?;
        let answer = self.exchange(request, limits::ANSWER).await?;
        let answer: Value = lenient::answer(&answer)?;
        let text = |name| answer.get(name).and_then(Value::as_str);
        let name = text("name").ok_or_else(|| Error::malformed("upload without name"))?;
        Ok(Uploaded {
            name: name.to_owned(),
            subfolder: text("subfolder").unwrap_or_default().to_owned(),
            folder: text("type").unwrap_or("input").to_owned(),
        })
    }
}

fn form(upload: &Upload, boundary: &str) -> Vec<u8> {
    let mut form = Vec::with_capacity(upload.bytes.len() + 1024);
    let overwrite = if upload.overwrite { "true" } else { "false" };
    let fields = [
        ("type", "input"),
        ("subfolder", &upload.subfolder),
        ("overwrite", overwrite),
    ];
    for (name, value) in fields {
        let field = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{}\r\n",
            value.replace(['\r', '\n'], " ")
        );
        form.extend_from_slice(field.as_bytes());
    }
    // As browsers do it; a raw quote or line end would end the name.
    let name = upload.name.replace('"', "%22").replace(['\r', '\n'], " ");
    let head = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"image\"; filename=\"{name}\"\r\n\
         content-type: application/octet-stream\r\n\r\n"
    );
    form.extend_from_slice(head.as_bytes());
    form.extend_from_slice(&upload.bytes);
    form.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    form
}

/// A line that is not in the bytes.
fn boundary(bytes: &[u8]) -> String {
    let mut number = bytes.len();
    loop {
        let boundary = format!("atelier-{number:016x}");
        let is_within = bytes
            .windows(boundary.len())
            .any(|window| window == boundary.as_bytes());
        if !is_within {
            return boundary;
        }
        number = number.wrapping_add(1);
    }
}
