//! What a turn cannot do as its session asks for.

use coding::Choice;
use domain::{Error, event::WarningEvent};
use ports::Sql;
use store::{
    codex::{self, CodexSettings},
    runs::StoredRun,
};

/// What the session's room is told of at the beginning of a turn: of a model that is another than
/// was asked for each time, of the web that cannot be searched in the first one.
///
/// # Errors
/// What a failed statement means.
pub(super) async fn of(
    sql: &dyn Sql,
    run: &StoredRun,
    settings: &CodexSettings,
    choice: &Choice,
    searches: bool,
) -> Result<Vec<WarningEvent>, Error> {
    let mut warnings = Vec::new();
    if let (true, Some(asked)) = (choice.instead, &settings.model) {
        let answers = match &choice.model {
            Some((model, _)) => format!("{} answers instead", model.name),
            None => "the default model answers instead".to_owned(),
        };
        let text = format!("The model {asked} is not configured; {answers}");
        warnings.push(warning("model", text));
    }
    let in_vain = settings.web_search && !searches;
    if in_vain && codex::is_first_turn(sql, run.session, run.id).await? {
        let text = "No search engine is configured; the web cannot be searched";
        warnings.push(warning("web_search", text.to_owned()));
    }
    Ok(warnings)
}

fn warning(code: &str, text: String) -> WarningEvent {
    WarningEvent {
        code: code.to_owned(),
        agent: None,
        text,
    }
}
