//! Parameters of the query.

use contracts::workspace::files::check_path;
use domain::Error;
use web::Parameters;

/// The deepest tree that is shown at once.
const DEPTH_MOST: u32 = 16;

/// How deep a tree is where the reader does not say.
const DEPTH: u32 = 3;

/// `path`, which there must be.
pub(crate) fn path(query: &Parameters) -> Result<&str, Error> {
    let path = query.get("path");
    let path = path.ok_or_else(|| Error::invalid_field("query.path", "is required"))?;
    checked("path", path)
}

/// `root`; an empty one is the workspace, as a missing one is.
pub(crate) fn root(query: &Parameters) -> Result<Option<&str>, Error> {
    let root = query.given("root");
    root.map(|root| checked("root", root)).transpose()
}

fn checked<'a>(name: &str, path: &'a str) -> Result<&'a str, Error> {
    match check_path(path) {
        Ok(()) => Ok(path),
        Err(message) => Err(Error::invalid_field(format!("query.{name}"), message)),
    }
}

/// `depth`, from 1 to 16.
pub(crate) fn depth(query: &Parameters) -> Result<u32, Error> {
    let Some(text) = query.given("depth") else {
        return Ok(DEPTH);
    };
    let depth = text.parse().ok();
    let depth = depth.filter(|depth| (1..=DEPTH_MOST).contains(depth));
    depth.ok_or_else(|| {
        let message = format!("must be a whole number from 1 to {DEPTH_MOST}");
        Error::invalid_field("query.depth", message)
    })
}

/// `true` or `false`, which a missing one is.
pub(crate) fn flag(query: &Parameters, name: &str) -> Result<bool, Error> {
    match query.given(name) {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(_) => {
            let field = format!("query.{name}");
            Err(Error::invalid_field(field, "must be `true` or `false`"))
        }
    }
}
