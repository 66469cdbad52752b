//! Pictures of people, which everybody may see.

use crate::{content::serve, picture::shrink};
use axum::{extract::State, response::Response};
use contracts::studio::files::NewAvatar;
use domain::{AvatarUrl, BusinessType, Error, ErrorKind, StoredFile};
use file_store::{NewFile, avatar_url, keep, remove};
use ports::Platform;
use store::{
    Window,
    accounts::show_picture,
    files::{self, Filter},
};
use web::{Envelope, FORM_MAX_BYTES, FormWithFile, Outcome, Place, UuidId};

/// The largest picture, in bytes.
const PICTURE: usize = 5 << 20;

/// How long everybody may keep a picture: another one has another address.
const KEPT: &str = "public, max-age=31536000, immutable";

pub(crate) async fn upload(
    State(platform): State<Platform>,
    form: FormWithFile<{ PICTURE + FORM_MAX_BYTES }>,
) -> Outcome<Envelope<NewAvatar>> {
    if form.file.len() > PICTURE {
        let detail = format!("The picture is over its limit of {PICTURE} bytes");
        return Err(Error::new(ErrorKind::TooLarge, detail).into());
    }
    // Unpacked it takes much of an instance's memory: one at a time.
    let alone = Place::take_rest(form.place)?;
    let png = shrink(&form.file)?;
    drop(alone);
    let user = form.signed_in.account.id;
    let new = NewFile {
        user,
        business_type: BusinessType::Avatar,
        name: &form.name,
        file_type: "image/png",
        workflow: None,
    };
    let file = keep(&platform, &new, png.into()).await?;
    let url = avatar_url(&platform, file.uuid).await?;
    if !set(&platform, &file, &url).await? {
        remove(&platform, Some(user), file.id).await?;
        let detail = "Another picture was uploaded meanwhile";
        return Err(Error::new(ErrorKind::Conflict, detail).into());
    }
    remove_older(&platform, &file).await?;
    Ok(Envelope(NewAvatar {
        file_id: file.id.0,
        access_url: url,
    }))
}

pub(crate) async fn show(
    State(platform): State<Platform>,
    UuidId(uuid): UuidId,
) -> Outcome<Response> {
    let found = files::by_uuid(&*platform.sql, uuid).await?;
    let file = found.filter(|file| file.business_type == BusinessType::Avatar);
    let file = file.ok_or_else(|| Error::not_found("Picture not found"))?;
    Ok(serve(&platform, &file, KEPT).await?)
}

/// Shows the picture in `file`. `false` when there is a newer one by now.
async fn set(platform: &Platform, file: &StoredFile, url: &str) -> Result<bool, Error> {
    let url = AvatarUrl::parse(url).map_err(|reason| {
        let cause = format!("variable `public_url`: {reason}");
        Error::new(ErrorKind::Unavailable, "The service is not configured").caused_by(cause)
    })?;
    show_picture(&*platform.sql, file.user_id, &url, file.id).await
}

/// Of the pictures of one person the newest counts.
async fn remove_older(platform: &Platform, newest: &StoredFile) -> Result<(), Error> {
    let pictures = Filter {
        business_type: Some(BusinessType::Avatar),
        ..Filter::default()
    };
    let window = Window { skip: 0, limit: 20 };
    let owner = Some(newest.user_id);
    let listed = files::list(&*platform.sql, owner, pictures, window).await?;
    for file in listed.items.iter().filter(|file| file.id < newest.id) {
        remove(platform, owner, file.id).await?;
    }
    Ok(())
}
