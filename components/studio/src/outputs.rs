//! What a workflow made becomes files of whoever had it run.
//!
//! Invariant: the service's names are names alone: what is asked of the service is a query, and
//! what a file is called here is made of its last part.

use crate::{
    desk::{Desk, Opened},
    tools::{cut, refused},
};
use bytes::Bytes;
use comfyui::{Client, OutputFile, Outputs};
use domain::{BusinessType, Error, ErrorKind, FileName, StoredFile};
use file_store::NewFile;
use futures::{StreamExt, stream};
use serde_json::{Value, json};

/// Files that are kept of one run, and bytes of each.
const FILES: usize = 50;
const FILE: u64 = 64 << 20;

/// Texts that are told of one run, and characters of each.
const TEXTS: usize = 20;
const TEXT: usize = 2_000;

/// Bytes by which a media type is known.
const HEAD: usize = 16;

/// What became of the outputs of a run.
#[derive(Default)]
pub(crate) struct Kept {
    /// A line each, for the model.
    pub(crate) lines: Vec<String>,
    /// The files, for readers.
    pub(crate) files: Vec<Value>,
}

/// Keeps the files among the outputs.
pub(crate) async fn keep(desk: &Desk, opened: &Opened, client: &Client, outputs: &Outputs) -> Kept {
    let mut kept = Kept::default();
    let files = files_of(outputs);
    for (node, file) in files.iter().take(FILES) {
        let name = FileName::of(&file.filename, "output");
        match keep_file(desk, opened, client, file, &name).await {
            Ok((stored, url)) => {
                let line = format!(
                    "node {node}: {} ({}, {} bytes): {url}",
                    stored.name, stored.file_type, stored.size
                );
                kept.lines.push(line);
                kept.files.push(json!({
                    "id": stored.id.0, "fileName": stored.name, "fileType": stored.file_type,
                    "fileSize": stored.size, "node": node, "accessUrl": url,
                }));
            }
            Err(error) => {
                let why = refused(&error);
                let line = format!("node {node}: {} was not kept: {why}", name.as_str());
                kept.lines.push(line);
            }
        }
    }
    let more = files.len().saturating_sub(FILES);
    if more > 0 {
        let line = format!("{more} more files were not kept");
        kept.lines.push(line);
    }
    let texts = outputs.iter().flat_map(|(node, output)| {
        let texts = output.texts.iter();
        texts.map(move |text| format!("node {node} says: {}", cut(text, TEXT)))
    });
    kept.lines.extend(texts.take(TEXTS));
    kept
}

/// The files that nodes made. What goes into a workflow is no result of it.
fn files_of(outputs: &Outputs) -> Vec<(&str, &OutputFile)> {
    let all = outputs.iter().flat_map(|(node, output)| {
        let files = output.files.iter();
        files.map(move |file| (node.as_str(), file))
    });
    all.filter(|(_, file)| file.folder != "input").collect()
}

/// Keeps a file; the file, and where it can be read.
async fn keep_file(
    desk: &Desk,
    opened: &Opened,
    client: &Client,
    file: &OutputFile,
    name: &FileName,
) -> Result<(StoredFile, String), Error> {
    let view = client.view(file).await;
    let view = view.map_err(|error| upstream(&error))?;
    let most = room_for(view.length)?;
    let mut body = view.body;
    let mut head: Vec<Bytes> = Vec::new();
    while head.iter().map(Bytes::len).sum::<usize>() < HEAD {
        match body.next().await {
            Some(piece) => head.push(piece.map_err(|error| upstream(&error))?),
            None => break,
        }
    }
    let begins: Vec<u8> = head.iter().flatten().copied().take(HEAD).collect();
    let rest = body.map(|piece| piece.map_err(|error| upstream(&error)));
    let bytes = stream::iter(head.into_iter().map(Ok)).chain(rest);
    let new = NewFile {
        user: desk.run.user,
        business_type: BusinessType::Output,
        name,
        file_type: media_type(&begins),
        workflow: Some(opened.id),
    };
    let stored = file_store::keep_stream(&desk.platform, &new, Box::pin(bytes), most).await?;
    let url = file_store::access_url(&desk.platform, &stored).await?;
    Ok((stored, url))
}

/// How many bytes must be free for a file: as many as are on their way, if that is said.
fn room_for(length: Option<u64>) -> Result<u64, Error> {
    match length {
        Some(length) if length > FILE => {
            let detail = format!("The file is over its limit of {FILE} bytes");
            Err(Error::new(ErrorKind::TooLarge, detail))
        }
        Some(length) => Ok(length),
        None => Ok(FILE),
    }
}

fn upstream(error: &comfyui::Error) -> Error {
    let kind = match error.is_timeout() {
        true => ErrorKind::UpstreamTimeout,
        false => ErrorKind::Upstream,
    };
    let failed = Error::new(kind, error.to_string());
    match error.detail() {
        Some(detail) => failed.caused_by(detail),
        None => failed,
    }
}

/// The media type of what begins so. What a browser could run is none of these.
fn media_type(head: &[u8]) -> &'static str {
    let at = |place: usize, mark: &[u8]| {
        let end = place.saturating_add(mark.len());
        head.get(place..end) == Some(mark)
    };
    match () {
        () if at(0, b"\x89PNG\r\n\x1a\n") => "image/png",
        () if at(0, b"\xff\xd8\xff") => "image/jpeg",
        () if at(0, b"GIF8") => "image/gif",
        () if at(0, b"RIFF") && at(8, b"WEBP") => "image/webp",
        () if at(0, b"RIFF") && at(8, b"WAVE") => "audio/wav",
        () if at(0, b"fLaC") => "audio/flac",
        () if at(0, b"OggS") => "audio/ogg",
        () if at(0, b"ID3") => "audio/mpeg",
        () if at(4, b"ftyp") => "video/mp4",
        () if at(0, b"\x1a\x45\xdf\xa3") => "video/webm",
        () if at(0, b"glTF") => "model/gltf-binary",
        () => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::{FILE, media_type, room_for};

    #[test]
    fn no_more_room_is_asked_for_than_is_needed() {
        assert_eq!(room_for(Some(0)).unwrap(), 0);
        assert_eq!(room_for(Some(2_000_000)).unwrap(), 2_000_000);
        assert_eq!(room_for(Some(FILE)).unwrap(), FILE);
        assert_eq!(room_for(None).unwrap(), FILE);
        assert!(room_for(Some(FILE + 1)).is_err());
    }

    #[test]
    fn content_says_what_it_is() {
        for (head, expected) in [
            (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], "image/png"),
            (b"RIFF\x01\x02\x03\x04WEBPVP8 ", "image/webp"),
            (b"RIFF\x01\x02\x03\x04WAVEfmt ", "audio/wav"),
            (b"\0\0\0\x20ftypisom", "video/mp4"),
            (b"<html><script>", "application/octet-stream"),
            (b"<svg xmlns=", "application/octet-stream"),
            (b"\x89PN", "application/octet-stream"),
            (b"", "application/octet-stream"),
        ] {
            assert_eq!(media_type(head), expected, "{head:?}");
        }
    }
}
