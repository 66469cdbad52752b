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
    let builder = of_coding(of_workflows(of_administration(of_sandboxes(of_accounts(
        builder,
    )))));
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
        .schema_from::<accounts::Ticket>()
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

fn of_sandboxes(builder: ComponentsBuilder) -> ComponentsBuilder {
    use workspace::{branches, chat as turns, files, sandbox, sessions};
    builder
        .schema_from::<turns::MessageCreate>()
        .schema_from::<turns::ChatTurn>()
        .schema_from::<turns::TurnRun>()
        .schema_from::<crate::Usage>()
        .schema_from::<branches::MessageEdit>()
        .schema_from::<turns::Interrupted>()
        .schema_from::<turns::FoundMessage>()
        .schema_from::<turns::Exported>()
        .schema_from::<runtime::agent_chats::AgentChatRequest>()
        .schema_from::<runtime::agent_chats::AgentChat>()
        .schema_from::<runtime::agent_chats::AgentEvent>()
        .schema_from::<sessions::SessionCreate>()
        .schema_from::<sessions::SessionChange>()
        .schema_from::<sessions::Session>()
        .schema_from::<sessions::SessionSandbox>()
        .schema_from::<sessions::Message>()
        .schema_from::<studio::sessions::StudioSession>()
        .schema_from::<studio::sessions::NewSession>()
        .schema_from::<studio::sessions::StudioMessage>()
        .schema_from::<studio::messages::StudioMessageCreate>()
        .schema_from::<sandbox::LaunchRequest>()
        .schema_from::<sandbox::Launched>()
        .schema_from::<sandbox::DestroyRequest>()
        .schema_from::<sandbox::Destroyed>()
        .schema_from::<sandbox::AllDestroyed>()
        .schema_from::<sandbox::ExecRequest>()
        .schema_from::<sandbox::ExecResult>()
        .schema_from::<sandbox::SandboxState>()
        .schema_from::<sandbox::BackgroundCommand>()
        .schema_from::<sandbox::Preview>()
        .schema_from::<sandbox::PreviewPort>()
        .schema_from::<files::FileNode>()
        .schema_from::<files::FileContent>()
        .schema_from::<files::FileMove>()
        .schema_from::<files::DirectoryCreate>()
}

fn of_coding(builder: ComponentsBuilder) -> ComponentsBuilder {
    use codex::{patches, sessions, submissions};
    builder
        .schema_from::<sessions::CodexSessionCreate>()
        .schema_from::<sessions::CodexSessionCreated>()
        .schema_from::<sessions::CodexSession>()
        .schema_from::<sessions::CodexSessionStatus>()
        .schema_from::<sessions::PendingApproval>()
        .schema_from::<submissions::SubmissionBody>()
        .schema_from::<submissions::Submitted>()
        .schema_from::<patches::ApplyPatch>()
        .schema_from::<patches::Applied>()
        .schema_from::<patches::PatchStatus>()
        .schema_from::<patches::Edit>()
        .schema_from::<patches::EditedFile>()
        .schema_from::<patches::SessionDiff>()
        .schema_from::<patches::Undone>()
}

fn of_administration(builder: ComponentsBuilder) -> ComponentsBuilder {
    use studio::{agents, executions, models, providers};
    builder
        .schema_from::<agents::AgentCreate>()
        .schema_from::<agents::AgentUpdate>()
        .schema_from::<agents::ToolsConfig>()
        .schema_from::<agents::NewAgent>()
        .schema_from::<agents::AgentSummary>()
        .schema_from::<agents::AgentDetails>()
        .schema_from::<agents::AgentRemoved>()
        .schema_from::<executions::Execution>()
        .schema_from::<executions::Tokens>()
        .schema_from::<providers::ProviderCreate>()
        .schema_from::<providers::ProviderUpdate>()
        .schema_from::<providers::NewProvider>()
        .schema_from::<providers::ModelProvider>()
        .schema_from::<providers::ProviderTest>()
        .schema_from::<models::ModelCreate>()
        .schema_from::<models::ModelUpdate>()
        .schema_from::<models::NewModel>()
        .schema_from::<models::AiModel>()
}

fn of_workflows(builder: ComponentsBuilder) -> ComponentsBuilder {
    use studio::{files, services, workflows};
    builder
        .schema_from::<services::ServiceCreate>()
        .schema_from::<services::ServiceUpdate>()
        .schema_from::<services::NewId>()
        .schema_from::<services::ComfyService>()
        .schema_from::<services::ServiceTest>()
        .schema_from::<workflows::WorkflowCreate>()
        .schema_from::<workflows::WorkflowUpdate>()
        .schema_from::<workflows::FavoriteChange>()
        .schema_from::<workflows::VersionRestore>()
        .schema_from::<workflows::WorkflowChanged>()
        .schema_from::<workflows::StudioWorkflow>()
        .schema_from::<workflows::WorkflowLock>()
        .schema_from::<workflows::WorkflowValidation>()
        .schema_from::<workflows::NodeFaults>()
        .schema_from::<workflows::Version>()
        .schema_from::<workflows::VersionDiff>()
        .schema_from::<workflows::NodeOfVersion>()
        .schema_from::<workflows::ChangedNode>()
        .schema_from::<workflows::ChangedInput>()
        .schema_from::<files::NewAvatar>()
        .schema_from::<files::WorkflowUploaded>()
        .schema_from::<files::FileEntry>()
}
