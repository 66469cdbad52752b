//! Ids, entities, values and the one error type of the platform.
//!
//! Invariant: pure. Nothing here reads a clock, a random source, a file or a socket; what needs
//! one takes its result as an argument.

mod account;
mod agent;
mod api_key;
mod command;
mod email;
mod error;
pub mod event;
mod execution;
mod id;
mod login;
mod message;
mod profile;
mod provider;
mod secret;
mod service;
mod session;
mod stored_file;
mod timestamp;
mod usage;
mod user;
mod username;
mod verification;
pub mod weight;
mod word;
mod workflow;

pub use account::{Account, AccountRole};
pub use agent::{Agent, AgentName, AgentType, Availability, TOOLS};
pub use api_key::{ApiKey, ApiKeyName};
pub use command::CommandLine;
pub use email::Email;
pub use error::{Error, ErrorKind, FieldError};
pub use event::{
    ChangeKind, Event, FileChange, MessageEvent, Sender, StatusEvent, ToolCallEvent, ToolPhase,
};
pub use execution::{Execution, ExecutionStatus, ExecutionType, TokenUsage};
pub use id::{
    AgentId, ApiKeyId, ExecutionId, FileId, LoginId, MessageId, ModelId, ProviderId, ServiceId,
    SessionId, UserId, WorkflowId, uuid_at,
};
pub use login::{Audience, Login};
pub use message::{Message, MessagePlace, MessageStatus, Role};
pub use profile::{AvatarUrl, Bio, DisplayName};
pub use provider::{
    Millionths, Model, ModelCode, ModelName, ModelType, Provider, ProviderCode, ProviderKey,
    ProviderUrl, Sealed,
};
pub use secret::{Code, Password};
pub use service::{Service, ServiceName, ServiceStatus, ServiceUrl};
pub use session::{ConversationOwner, Session, SessionKey, SessionKind, SessionTitle};
pub use stored_file::{BusinessType, FileName, FilePlace, StoredFile};
pub use timestamp::Timestamp;
pub use usage::Usage;
pub use user::{OpenEmail, OpenUser, OpenUsername};
pub use username::Username;
pub use verification::Purpose;
pub use workflow::{
    AuthorKind, Workflow, WorkflowFormat, WorkflowLock, WorkflowName, WorkflowVersion,
};
