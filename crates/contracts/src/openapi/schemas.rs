//! The parts of the document that its operations refer to.

use crate::{accounts, chat, codex, credentials, health, problem, runtime, studio, workspace};
use utoipa::openapi::schema::{Components, ComponentsBuilder};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};

/// How an access token comes with a request: in the header.
pub(super) const BEARER: &str = "bearer";

/// Or in the cookie.
pub(super) const COOKIE: &str = "cookie";

pub(super) fn components() -> Components {
    let builder = ComponentsBuilder::new()
        .schema_from::<problem::Problem>()
        .schema_from::<problem::InvalidMember>()
        .schema_from::<chat::UserCreate>()
        .schema_from::<chat::User>()
        .schema_from::<chat::ConversationCreate>()
        .schema_from::<chat::Conversation>()
        .schema_from::<chat::ConversationWithMessages>()
        .schema_from::<chat::ChatMessage>()
        .schema_from::<chat::ChatRequest>()
        .schema_from::<health::Health>()
        .schema_from::<health::InfraHealth>()
        .schema_from::<health::ServiceHealth>()
        .schema_from::<health::CodexHealth>();
    let builder = of_accounts(builder);
    let mut token = Http::new(HttpAuthScheme::Bearer);
    token.bearer_format = Some("JWT".to_owned());
    let cookie = ApiKey::Cookie(ApiKeyValue::new("access_token"));
    builder
        .security_scheme(BEARER, SecurityScheme::Http(token))
        .security_scheme(COOKIE, SecurityScheme::ApiKey(cookie))
        .build()
}

fn of_accounts(builder: ComponentsBuilder) -> ComponentsBuilder {
    builder
        .schema_from::<credentials::Login>()
        .schema_from::<credentials::CodexLogin>()
        .schema_from::<runtime::SignUp>()
        .schema_from::<runtime::EmailSent>()
        .schema_from::<runtime::EmailOnly>()
        .schema_from::<runtime::Verify>()
        .schema_from::<runtime::SignIn>()
        .schema_from::<runtime::RefreshToken>()
        .schema_from::<runtime::Tokens>()
        .schema_from::<runtime::TokenUser>()
        .schema_from::<runtime::AccountByEmail>()
        .schema_from::<runtime::Profile>()
        .schema_from::<runtime::ProfileChange>()
        .schema_from::<accounts::PasswordReset>()
        .schema_from::<accounts::EmailChange>()
        .schema_from::<accounts::EmailConfirm>()
        .schema_from::<accounts::AccountDelete>()
        .schema_from::<accounts::OpenLogin>()
        .schema_from::<accounts::ApiKeyCreate>()
        .schema_from::<accounts::ApiKey>()
        .schema_from::<accounts::NewApiKey>()
        .schema_from::<workspace::TokenResponse>()
        .schema_from::<workspace::UserProfile>()
        .schema_from::<codex::CodexToken>()
        .schema_from::<codex::LoginStatus>()
        .schema_from::<codex::CodexUser>()
        .schema_from::<studio::StudioToken>()
        .schema_from::<studio::StudioUser>()
        .schema_from::<studio::NewToken>()
        .schema_from::<studio::OwnAccount>()
        .schema_from::<studio::OwnAccountChange>()
        .schema_from::<studio::Changed>()
        .schema_from::<studio::PasswordChange>()
        .schema_from::<crate::Secret>()
}
