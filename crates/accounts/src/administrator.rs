//! The first administrator, whom the operator names.

use domain::{Email, Error, ErrorKind, Password, Username};
use ports::Platform;
use store::accounts::{self, Inserted, NewAccount};
use web::{new_uuid, variable};

/// Makes the account of the variables `admin_username`, `admin_email` and `admin_password`, once
/// in the database's life. It is looked for at each sign-in: the first one may be its own.
///
/// # Errors
/// Unavailable when the variables name no possible account, or one that somebody else has: the
/// deployment is at fault, and nobody should take it for one that has an administrator.
pub(crate) async fn ensure_first(platform: &Platform) -> Result<(), Error> {
    let username = variable(platform, "admin_username").await?;
    if username.is_empty() || !accounts::first_administrator_is_due(&*platform.sql).await? {
        return Ok(());
    }
    let email = variable(platform, "admin_email").await?;
    let password = variable(platform, "admin_password").await?;
    let wrong = |name: &str| {
        let name = name.to_owned();
        move |reason: &'static str| unavailable(&format!("variable `{name}`: {reason}"))
    };
    let username = Username::parse(&username).map_err(wrong("admin_username"))?;
    let email = Email::parse(&email).map_err(wrong("admin_email"))?;
    let password = Password::parse(&password).map_err(wrong("admin_password"))?;
    let hash = crate::password::hash(platform, &password)?;
    let account = NewAccount {
        uuid: new_uuid(platform),
        username: &username,
        email: &email,
        password_hash: &hash,
        now: platform.clock.now(),
    };
    match accounts::insert_first_administrator(&*platform.sql, &account).await? {
        Inserted::Done(_) | Inserted::Gone => Ok(()),
        Inserted::UsernameTaken => Err(unavailable("the name in `admin_username` is taken")),
        Inserted::EmailTaken => Err(unavailable("the address in `admin_email` is taken")),
    }
}

fn unavailable(cause: &str) -> Error {
    Error::new(ErrorKind::Unavailable, "The service is not configured").caused_by(cause.to_owned())
}
