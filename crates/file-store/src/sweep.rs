//! How files go.

use crate::{keep::unavailable, key};
use domain::{Error, FileId, FilePlace, StoredFile, UserId};
use ports::Platform;
use runner_api::Client;
use store::files::{self, Remains};

/// How long the bytes of a new file may be on their way, in milliseconds.
const UNDERWAY_MS: i64 = 3_600_000;

/// Of how many files a sweep looks at the bytes at a time, and how often at each place.
const PART: i64 = 500;
const PARTS: usize = 20;

/// After so many failures a place is left alone until the next sweep.
const FAILURES: usize = 10;

/// Deletes a file of `owner`, or of anybody. `false` when there is none. Bytes that cannot be
/// removed now are swept later.
///
/// # Errors
/// That the database cannot be asked.
pub async fn remove(platform: &Platform, owner: Option<UserId>, id: FileId) -> Result<bool, Error> {
    let sql = &*platform.sql;
    let Some(file) = files::find(sql, owner, id).await? else {
        return Ok(false);
    };
    let deleted = files::delete(sql, owner, id).await?;
    report(&bury(platform, remains_of(&file)).await);
    Ok(deleted)
}

/// Gives up files whose bytes never came, and removes bytes whose file is gone. Returns how many
/// of these there were.
///
/// # Errors
/// That the database cannot be asked. Of a store that cannot, the bytes stay for the next time.
pub async fn sweep(platform: &Platform) -> Result<usize, Error> {
    let sql = &*platform.sql;
    let before = platform.clock.now().saturating_sub(UNDERWAY_MS);
    files::abandon(sql, before).await?;
    let small = sweep_place(platform, FilePlace::KeyValue).await?;
    let large = sweep_place(platform, FilePlace::Runner).await?;
    Ok(small + large)
}

/// The same at one place. What cannot be removed keeps nothing else from being removed.
async fn sweep_place(platform: &Platform, place: FilePlace) -> Result<usize, Error> {
    let (mut buried, mut failures, mut after) = (0, 0, None);
    for _ in 0..PARTS {
        let part = files::remains(&*platform.sql, place, after, PART).await?;
        let Some(last) = part.last() else { break };
        after = Some(last.uuid);
        for remains in part {
            let gone = bury(platform, remains).await;
            report(&gone);
            match gone {
                Ok(()) => buried += 1,
                Err(_) => failures += 1,
            }
            if failures >= FAILURES {
                return Ok(buried);
            }
        }
    }
    Ok(buried)
}

/// Leaves nothing of a file that was announced and is not there.
pub(crate) async fn give_up(platform: &Platform, file: &StoredFile) {
    let deleted = files::delete(&*platform.sql, None, file.id).await;
    match deleted {
        Ok(_) => report(&bury(platform, remains_of(file)).await),
        Err(_) => report(&deleted.map(drop)),
    }
}

async fn bury(platform: &Platform, remains: Remains) -> Result<(), Error> {
    match remains.place {
        FilePlace::Runner => Client::new(platform).delete_blob(remains.uuid).await?,
        FilePlace::KeyValue => {
            let deleted = platform.key_value.delete(&key(remains.uuid)).await;
            deleted.map_err(unavailable)?;
        }
    }
    files::buried(&*platform.sql, remains.uuid).await
}

fn remains_of(file: &StoredFile) -> Remains {
    Remains {
        uuid: file.uuid,
        place: file.place,
    }
}

/// What is not removed now is removed later: for the log alone.
fn report(gone: &Result<(), Error>) {
    if let Err(error) = gone {
        eprintln!("bytes stay: {}", error.with_causes());
    }
}
