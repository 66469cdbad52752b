//! The toolbox of a coding session: what its agent can do, within what somebody allows.
//!
//! | module | what it is |
//! |---|---|
//! | `approval` | asking, and waiting for what is said |
//! | `shell`, `patch`, `plan`, `web_search` | the tools |
//! | `changes` | what the turn has changed up to now |
//! | `warnings` | what the turn cannot do as its session asks for |
//! | `withdrawn` | what an execution that died was waiting for |
//! | `prompt` | what the agent is told of all that |
//!
//! Invariants: what has to be allowed is done only when it was; nothing is changed before a
//! checkpoint was taken, where one can be; a read-only session changes nothing.

mod approval;
mod changes;
mod patch;
mod plan;
mod prompt;
mod shell;
mod warnings;
mod web_search;
mod withdrawn;

use crate::tools::{self, Arguments, Done, refused};
use agent::{Caller, Limits, Spec, Tool, ToolError};
use coding::{Approval, Choice, Setup, Site};
use domain::{Error, Event, Model, Provider, event::WarningEvent};
use futures::lock::Mutex;
use ports::{BoxFuture, Platform};
use runner_api::{Client, files::MakeDirectory, sandboxes::Launch};
use runs::Toolbox;
use serde_json::Value;
use std::{num::ParseIntError, sync::Arc, time::Duration};
use store::runs::{StoredRun, Taken};
use web::{misread, variable};

/// How long a run may take: longer than others, because somebody may be waited for in it.
const LONGEST: Duration = Duration::from_secs(2 * 60 * 60);

/// What the agent of a coding session works with.
pub(crate) struct Desk {
    platform: Platform,
    run: StoredRun,
    approval: Approval,
    effort: Option<coding::Effort>,
    choice: Choice,
    launch: Launch,
    site: Site,
    /// How long somebody is waited for: the variable `approval_timeout`.
    patience: Duration,
    /// Where the web is searched, if it is: the variable `web_search_url`.
    search: Option<String>,
    instructions: String,
    /// What the room is told at the turn's beginning.
    warnings: Vec<WarningEvent>,
    /// Whether the sandbox is there.
    opened: Mutex<bool>,
    /// The hash of the turn's changes as they were told last; empty for none.
    told: Mutex<String>,
}

type Call = for<'a> fn(&'a Desk, Arguments, &'a Caller) -> Done<'a>;

/// A tool, and what it does.
struct DeskTool {
    spec: Spec,
    call: Call,
    desk: Arc<Desk>,
}

/// The desk of a run in a coding session, with all its tools.
pub(crate) struct CodexTools(Arc<Desk>);

impl CodexTools {
    /// Sets the desk up.
    ///
    /// # Errors
    /// What keeps the run from being executed: a profile or a model that is no more.
    pub(crate) async fn open(platform: &Platform, taken: &Taken) -> Result<Self, Error> {
        let (sql, run) = (&*platform.sql, &taken.run);
        let Setup {
            settings,
            profile,
            choice,
        } = Setup::of(platform, run.session).await?;
        let approval = profile.approval_of(&settings);
        let search = variable(platform, "web_search_url").await?;
        let search = (settings.web_search && !search.is_empty()).then_some(search);
        let warnings = warnings::of(sql, run, &settings, &choice, search.is_some()).await?;
        let client = Client::new(platform);
        if taken.goes_on {
            withdrawn::withdraw(platform, &client, run).await?;
        }
        let undone = store::codex::was_undone(sql, run.session, run.id).await?;
        Ok(Self(Arc::new(Desk {
            instructions: prompt::instructions(&settings, approval, search.is_some(), undone),
            patience: patience(platform).await?,
            site: Site {
                platform: platform.clone(),
                client,
                session: run.session_uuid,
                cwd: settings.cwd.clone(),
            },
            launch: coding::launch_as_set_up(run.user, settings),
            platform: platform.clone(),
            run: run.clone(),
            effort: profile.reasoning_effort,
            approval,
            choice,
            search,
            warnings,
            opened: Mutex::default(),
            told: Mutex::default(),
        })))
    }
}

async fn patience(platform: &Platform) -> Result<Duration, Error> {
    const NAME: &str = "approval_timeout";
    let seconds = variable(platform, NAME).await?.parse();
    let seconds = seconds.map_err(|error: ParseIntError| misread(NAME, &error.to_string()))?;
    Ok(Duration::from_secs(seconds))
}

impl Toolbox for CodexTools {
    fn tool(&self, _: &str) -> Option<Arc<dyn Tool>> {
        None
    }

    fn always(&self) -> Vec<Arc<dyn Tool>> {
        let desk = &self.0;
        let tool = |(spec, call): (Spec, Call)| -> Arc<dyn Tool> {
            Arc::new(DeskTool {
                spec,
                call,
                desk: Arc::clone(desk),
            })
        };
        let always: [(Spec, Call); 3] = [
            (shell::spec(desk.patience), |desk, arguments, caller| {
                Box::pin(shell::shell(desk, arguments, caller))
            }),
            (patch::spec(desk.patience), |desk, arguments, caller| {
                Box::pin(patch::apply(desk, arguments, caller))
            }),
            (plan::spec(), |_, arguments, caller| {
                Box::pin(plan::update(arguments, caller))
            }),
        ];
        let mut tools = Vec::from(always);
        if desk.search.is_some() {
            tools.push((web_search::spec(), |desk, arguments, caller| {
                Box::pin(web_search::search(desk, arguments, caller))
            }));
        }
        tools.into_iter().map(tool).collect()
    }

    fn model(&self) -> Option<&(Model, Provider)> {
        self.0.choice.model.as_ref()
    }

    fn reasoning_effort(&self) -> Option<&'static str> {
        self.0.effort.map(coding::Effort::as_str)
    }

    fn limits(&self) -> Limits {
        Limits {
            time: LONGEST,
            ..Limits::default()
        }
    }

    fn instructions(&self) -> &str {
        &self.0.instructions
    }

    fn warnings(&self) -> &[WarningEvent] {
        &self.0.warnings
    }

    /// A command's folder is shown as the sandbox sees it.
    fn shown(&self, mut event: Event) -> Event {
        if let Event::ToolCall(call) = &mut event
            && call.tool == shell::NAME
            && let Some(Value::Object(arguments)) = &mut call.arguments
        {
            let folder = shell::folder(&self.0.site.cwd, tools::text(arguments, "workdir"));
            arguments.insert("workdir".to_owned(), folder.into());
        }
        event
    }

    /// The next turn has begun where a message waited for this one to end: it need not wait until
    /// the runner looks for what nobody drives.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let desk = &*self.0;
            let next = store::runs::unfinished_of(&*desk.platform.sql, desk.run.session).await;
            let next = match next {
                Ok(next) => next,
                Err(error) => {
                    eprintln!("run {}: the next turn is not known: {error}", desk.run.uuid);
                    return;
                }
            };
            if let Some(next) = next.filter(|next| next.uuid != desk.run.uuid) {
                let (session, user) = (next.session_uuid, next.user.0);
                coding::drive(&desk.site.client, next.uuid, session, user).await;
            }
        })
    }
}

impl Tool for DeskTool {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn call<'a>(&'a self, arguments: Arguments, caller: &'a Caller) -> Done<'a> {
        (self.call)(&self.desk, arguments, caller)
    }
}

impl Desk {
    /// Sees to it that the sandbox is there, with the folder that is worked in, and that what is in
    /// it before the turn is kept.
    async fn ready(&self, caller: &Caller) -> Result<(), ToolError> {
        let mut opened = self.opened.lock().await;
        if *opened {
            return Ok(());
        }
        let client = &self.site.client;
        let launched = client.launch(self.site.session, &self.launch).await;
        launched.map_err(|error| refused(&error))?;
        let folder = MakeDirectory {
            path: self.site.cwd.clone(),
        };
        let made = client.make_directory(self.site.session, &folder).await;
        made.map_err(|error| refused(&error))?;
        let kept = client.checkpoint(self.site.session, self.run.uuid).await;
        if let Err(error) = kept {
            let warning = coding::no_checkpoint("turn", &error);
            caller.tell_room(Event::Warning(warning)).await;
        }
        *opened = true;
        Ok(())
    }
}
