//! What somebody signs in with, where a body may be of several shapes.

use crate::{Contract, Secret};
use domain::Error;
use serde::Deserialize;
use utoipa::ToSchema;

/// What somebody signs in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials<'a> {
    /// `studio`, `codex`: a name and a password.
    Username(&'a str, &'a Secret),
    /// `workspace`, `codex`: an address and a password.
    Email(&'a str, &'a Secret),
    /// `codex`: a key.
    ApiKey(&'a Secret),
}

/// `POST /api/v1/auth/login`, which two contracts share: with `username` it is `studio`'s, with
/// `email` `workspace`'s.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Login {
    /// `studio`: the account's name.
    #[serde(default)]
    pub username: Option<String>,
    /// `workspace`: the account's address.
    #[serde(default)]
    pub email: Option<String>,
    /// Its password.
    #[serde(default)]
    #[schema(required)]
    pub password: Option<Secret>,
}

impl Login {
    /// Whose words the answer is in. Where the body names neither, `workspace`'s.
    #[must_use]
    pub fn contract(&self) -> Contract {
        match self.username {
            Some(_) => Contract::Studio,
            None => Contract::Workspace,
        }
    }

    /// What the body signs in with.
    ///
    /// # Errors
    /// Invalid, naming the member that is missing or too long.
    pub fn credentials(&self) -> Result<Credentials<'_>, Error> {
        by_password(
            self.username.as_deref(),
            self.email.as_deref(),
            self.password.as_ref(),
        )
    }
}

/// `POST /api/login` of `codex`: `username` or `email` with `password`, or `api_key` alone.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CodexLogin {
    /// The account's name.
    #[serde(default)]
    pub username: Option<String>,
    /// Or its address.
    #[serde(default)]
    pub email: Option<String>,
    /// Its password.
    #[serde(default)]
    pub password: Option<Secret>,
    /// Or one of its API keys, instead of all these.
    #[serde(default)]
    pub api_key: Option<Secret>,
}

impl CodexLogin {
    /// What the body signs in with; a key counts before the rest.
    ///
    /// # Errors
    /// Invalid, naming the member that is missing or too long.
    pub fn credentials(&self) -> Result<Credentials<'_>, Error> {
        match &self.api_key {
            Some(key) => Ok(Credentials::ApiKey(bounded("api_key", key)?)),
            None => by_password(
                self.username.as_deref(),
                self.email.as_deref(),
                self.password.as_ref(),
            ),
        }
    }
}

/// The longest name or address that is looked for, in bytes.
const NAME: usize = 254;

fn by_password<'a>(
    username: Option<&'a str>,
    email: Option<&'a str>,
    password: Option<&'a Secret>,
) -> Result<Credentials<'a>, Error> {
    let (field, name) = match (username, email) {
        (Some(username), _) => ("username", username),
        (None, Some(email)) => ("email", email),
        (None, None) => return Err(Error::invalid_field("username", "or `email` is required")),
    };
    if name.is_empty() || name.len() > NAME {
        let reason = format!("must have 1 to {NAME} bytes");
        return Err(Error::invalid_field(field, reason));
    }
    let password = password.ok_or_else(|| Error::invalid_field("password", "is required"))?;
    let password = bounded("password", password)?;
    Ok(match username {
        Some(username) => Credentials::Username(username, password),
        None => Credentials::Email(name, password),
    })
}

fn bounded<'a>(field: &str, secret: &'a Secret) -> Result<&'a Secret, Error> {
    match crate::secret::is_presentable(secret, &()) {
        Ok(()) => Ok(secret),
        Err(error) => Err(Error::invalid_field(field, error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn at_fault(outcome: &Result<Credentials<'_>, Error>) -> String {
        let error = outcome.as_ref().err();
        error.map_or(String::new(), |error| error.detail().to_owned())
    }

    #[test]
    fn the_shared_login() {
        let check = |body: &str, contract: Contract, fault: &str| {
            let login: Login = serde_json::from_str(body).unwrap();
            assert_eq!(login.contract(), contract, "{body}");
            assert_eq!(at_fault(&login.credentials()), fault, "{body}");
        };
        let (studio, workspace) = (Contract::Studio, Contract::Workspace);
        check(r#"{"username": "ada", "password": "x"}"#, studio, "");
        check(r#"{"email": "a@b.c", "password": "x"}"#, workspace, "");
        let both = r#"{"username": "ada", "email": "a@b.c", "password": "x"}"#;
        check(both, studio, "");
        check("{}", workspace, "username: or `email` is required");
        check(r#"{"username": "ada"}"#, studio, "password: is required");
        let empty = r#"{"email": "", "password": "x"}"#;
        check(empty, workspace, "email: must have 1 to 254 bytes");
        let blank = r#"{"email": "a@b.c", "password": ""}"#;
        check(blank, workspace, "password: must not be empty");
    }

    #[test]
    fn the_login_of_codex() {
        let check = |body: &str, expected: &str, fault: &str| {
            let login: CodexLogin = serde_json::from_str(body).unwrap();
            let outcome = login.credentials();
            assert_eq!(at_fault(&outcome), fault, "{body}");
            let found = match outcome {
                Ok(Credentials::Username(name, _)) => name,
                Ok(Credentials::Email(email, _)) => email,
                Ok(Credentials::ApiKey(_)) => "key",
                Err(_) => "",
            };
            assert_eq!(found, expected, "{body}");
        };
        check(r#"{"username": "ada", "password": "x"}"#, "ada", "");
        check(r#"{"email": "a@b.c", "password": "x"}"#, "a@b.c", "");
        check(r#"{"api_key": "atl_x"}"#, "key", "");
        check(r#"{"api_key": "atl_x", "username": "ada"}"#, "key", "");
        check(r#"{"api_key": ""}"#, "", "api_key: must not be empty");
        check("{}", "", "username: or `email` is required");
    }
}
