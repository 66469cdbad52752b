//! The model that answers in a session.

use crate::Profile;
use domain::{Error, ErrorKind, Model, Provider};
use ports::Sql;
use store::codex::CodexSettings;

/// The model that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The model and who serves it; none for the one that the agent asks by itself.
    pub model: Option<(Model, Provider)>,
    /// Whether it is another than was asked for, which nobody planned.
    pub instead: bool,
}

/// The model for a session: the one that it names, else the profile's, else the agent's own. With
/// `oss` one of a provider that is marked as local, and never another. `default` is what the
/// default model is called.
///
/// # Errors
/// Invalid where a local model is asked for and there is none, else what a failed statement means.
pub async fn chosen(
    sql: &dyn Sql,
    settings: &CodexSettings,
    profile: &Profile,
    default: &str,
) -> Result<Choice, Error> {
    let find = async |name: Option<&str>| store::models::usable(sql, name, settings.oss).await;
    let asked = settings.model.as_deref();
    let mut model = None;
    for name in [asked, profile.model.as_deref()].into_iter().flatten() {
        if model.is_none() {
            model = find(Some(name)).await?;
        }
    }
    if settings.oss && model.is_none() {
        model = find(None).await?;
        if model.is_none() {
            let detail = "oss: no model of a local provider is configured";
            return Err(Error::new(ErrorKind::Refused, detail));
        }
    }
    let is = |name: &str, (model, _): &(Model, Provider)| {
        let same = |other: &str| other.eq_ignore_ascii_case(name);
        same(&model.code) || same(&model.name)
    };
    let fits = |name: &str| match &model {
        Some(found) => {
            is(name, found) || profile.model.as_deref().is_some_and(|own| is(own, found))
        }
        None => name.eq_ignore_ascii_case(default) || profile.model.as_deref() == Some(default),
    };
    let instead = asked.is_some_and(|asked| !fits(asked));
    Ok(Choice { model, instead })
}
