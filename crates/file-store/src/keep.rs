//! New files.

use crate::{SMALL, key, pieces::Pieces};
use bytes::Bytes;
use domain::{BusinessType, Error, ErrorKind, FileName, FilePlace, StoredFile, UserId, WorkflowId};
use futures::{Stream, stream};
use ports::{KeyValueError, Platform};
use runner_api::{Client, blobs::BLOB_MAX_BYTES};
use store::files;

/// A file that is to be kept.
#[derive(Clone, Copy, Debug)]
pub struct NewFile<'a> {
    /// Whose it is.
    pub user: UserId,
    /// What it is for.
    pub business_type: BusinessType,
    /// What it is called.
    pub name: &'a FileName,
    /// Its media type, which its content was found to be of.
    pub file_type: &'a str,
    /// The workflow that it belongs to.
    pub workflow: Option<WorkflowId>,
}

/// Keeps a file whose bytes are at hand.
///
/// # Errors
/// Too large for the runner; insufficient storage when the user's files have reached their limit;
/// that a store cannot be asked.
pub async fn keep(
    platform: &Platform,
    new: &NewFile<'_>,
    bytes: Bytes,
) -> Result<StoredFile, Error> {
    let most = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    keep_stream(platform, new, stream::iter([Ok(bytes)]), most).await
}

/// Keeps a file whose bytes are on their way, at most `most`. If it is no small one, as many must
/// be free while they come: whoever knows how many there are says so.
///
/// # Errors
/// As [`keep`]; what the stream failed with.
pub async fn keep_stream(
    platform: &Platform,
    new: &NewFile<'_>,
    stream: impl Stream<Item = Result<Bytes, Error>> + Unpin,
    most: u64,
) -> Result<StoredFile, Error> {
    let most = most.min(BLOB_MAX_BYTES);
    let mut pieces = Pieces::of(stream);
    let is_small = pieces.fill(SMALL + 1).await?.len() <= SMALL;
    let small = pieces.whole().filter(|_| is_small);
    let (place, reserved) = match &small {
        Some(bytes) => (FilePlace::KeyValue, bytes.len() as u64),
        None => (FilePlace::Runner, most),
    };
    if reserved > most {
        return Err(too_large(most));
    }
    let file = begin(platform, new, place, reserved).await?;
    let stored = match small {
        Some(bytes) => put_small(platform, &file, bytes).await,
        None => put_large(platform, &file, &mut pieces, most).await,
    };
    finish(platform, file, stored).await
}

async fn begin(
    platform: &Platform,
    new: &NewFile<'_>,
    place: FilePlace,
    size: u64,
) -> Result<StoredFile, Error> {
    let announced = files::NewFile {
        uuid: web::new_uuid(platform),
        user: new.user,
        business_type: new.business_type,
        name: new.name,
        file_type: new.file_type,
        size: whole(size),
        place,
        workflow: new.workflow,
        now: platform.clock.now(),
    };
    let begun = files::begin(&*platform.sql, &announced).await?;
    begun.ok_or_else(|| {
        let detail = "Your files have reached their limit. Delete some first";
        Error::new(ErrorKind::InsufficientStorage, detail)
    })
}

async fn put_small(platform: &Platform, file: &StoredFile, bytes: Bytes) -> Result<u64, Error> {
    let size = bytes.len() as u64;
    let key = key(file.uuid);
    let stored = platform.key_value.set(&key, bytes.into()).await;
    stored.map_err(unavailable)?;
    Ok(size)
}

async fn put_large<S: Stream<Item = Result<Bytes, Error>> + Unpin>(
    platform: &Platform,
    file: &StoredFile,
    pieces: &mut Pieces<S>,
    most: u64,
) -> Result<u64, Error> {
    let runner = Client::new(platform);
    let mut from = 0;
    loop {
        let (piece, last) = pieces.next().await?;
        let to = from + piece.len() as u64;
        if to > most {
            return Err(too_large(most));
        }
        runner.put_blob(file.uuid, from, piece, last).await?;
        if last {
            return Ok(to);
        }
        from = to;
    }
}

/// Shows a file whose bytes are there; of one that failed nothing is left.
async fn finish(
    platform: &Platform,
    file: StoredFile,
    stored: Result<u64, Error>,
) -> Result<StoredFile, Error> {
    let outcome = match stored {
        Ok(size) => {
            let (size, now) = (whole(size), platform.clock.now());
            match files::finish(&*platform.sql, file.id, size, now).await {
                Ok(true) => return Ok(StoredFile { size, ..file }),
                Ok(false) => Error::not_found("The file was deleted meanwhile"),
                Err(error) => error,
            }
        }
        Err(error) => error,
    };
    crate::sweep::give_up(platform, &file).await;
    Err(outcome)
}

fn too_large(most: u64) -> Error {
    let detail = format!("The file is over its limit of {most} bytes");
    Error::new(ErrorKind::TooLarge, detail)
}

pub(crate) fn unavailable(error: KeyValueError) -> Error {
    let detail = "Files cannot be stored or read now";
    Error::new(ErrorKind::Unavailable, detail).caused_by(error)
}

fn whole(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
