//! What the model is told: the newest messages of the conversation, the question last.

use domain::{Error, MessageId, Role, SessionId};
use llm::Message;
use ports::Sql;

/// The most messages of a conversation that the model is told.
const MESSAGES: i64 = 100;

/// The most characters of a conversation that the model is told.
const CHARS: i64 = 128_000;

/// The model's request for the question before `answer`.
pub(crate) async fn request(
    sql: &dyn Sql,
    session: SessionId,
    answer: MessageId,
) -> Result<llm::Request, Error> {
    let said = store::answers::context(sql, session, answer, MESSAGES, CHARS).await?;
    let messages = said
        .into_iter()
        .map(|(role, content)| match Role::parse(&role) {
            Some(Role::Assistant) => Message::new(llm::Role::Assistant, content),
            Some(Role::User) | None => Message::new(llm::Role::User, content),
        })
        .collect();
    Ok(llm::Request {
        messages,
        ..llm::Request::default()
    })
}
