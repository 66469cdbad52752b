//! Conversations: section 3 of the `chat` contract.

use axum::extract::State;
use contracts::chat::{ChatMessage, Conversation, ConversationCreate, ConversationWithMessages};
use domain::{ConversationOwner, Error, Session, SessionId, SessionTitle, UserId};
use ports::Platform;
use store::Window;
use web::{
    Conversations, Id, Json, Limits, Outcome, Page, Paged, Parameters, Valid, most_sessions,
    new_uuid,
};

const CONVERSATIONS: Limits = Limits {
    default: 10,
    most: 100,
};
const MESSAGES: Limits = Limits {
    default: 200,
    most: 200,
};

pub(crate) async fn create(
    State(platform): State<Platform>,
    Conversations(owner): Conversations,
    Valid(body): Valid<ConversationCreate>,
) -> Outcome<Json<Conversation>> {
    Ok(Json(begin(&platform, owner, &body).await?.into()))
}

pub(crate) async fn of_user(
    State(platform): State<Platform>,
    Conversations(owner): Conversations,
    Id(user): Id,
    query: Parameters,
) -> Outcome<Paged<Vec<Conversation>>> {
    let page = Page::of(&query, CONVERSATIONS)?;
    let user = user_of(&platform, owner, UserId(user)).await?;
    let listed = store::conversations::of_user(&*platform.sql, user, page.window()).await?;
    let body = listed.items.into_iter().map(Conversation::from).collect();
    Ok(Paged {
        body,
        total: listed.total,
    })
}

pub(crate) async fn by_id(
    State(platform): State<Platform>,
    Conversations(owner): Conversations,
    Id(id): Id,
    query: Parameters,
) -> Outcome<Paged<ConversationWithMessages>> {
    let page = Page::of(&query, MESSAGES)?;
    let conversation = store::conversations::by_id(&*platform.sql, owner, SessionId(id)).await?;
    let conversation = conversation.ok_or_else(|| Error::not_found("Conversation not found"))?;
    let window = page.skip.map(|skip| Window {
        skip,
        limit: page.limit,
    });
    let now = platform.clock.now();
    let listed =
        store::messages::of_session(&*platform.sql, conversation.id, window, page.limit, now)
            .await?;
    let body = ConversationWithMessages {
        conversation: conversation.into(),
        messages: listed.items.into_iter().map(ChatMessage::from).collect(),
    };
    Ok(Paged {
        body,
        total: listed.total,
    })
}

/// The user of that number, as far as `owner` sees it.
async fn user_of(
    platform: &Platform,
    owner: ConversationOwner,
    user: UserId,
) -> Result<UserId, Error> {
    let seen = match owner {
        ConversationOwner::Account(own) => own == user,
        ConversationOwner::OpenUsers => store::open_users::by_id(&*platform.sql, user)
            .await?
            .is_some(),
    };
    seen.then_some(user)
        .ok_or_else(|| Error::not_found("User not found"))
}

async fn begin(
    platform: &Platform,
    owner: ConversationOwner,
    body: &ConversationCreate,
) -> Result<Session, Error> {
    let title = body.name.as_deref().map(SessionTitle::parse).transpose();
    let title = title.map_err(|message| Error::invalid_field("name", message))?;
    let (uuid, now) = (new_uuid(platform), platform.clock.now());
    let (user, title, most) = (
        UserId(body.user_id),
        title.as_ref(),
        most_sessions(platform).await?,
    );
    store::conversations::insert(&*platform.sql, uuid, owner, user, title, now, most)
        .await?
        .ok_or_else(|| Error::not_found("User not found"))
}
