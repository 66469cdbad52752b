//! What the tools of a run share: the workflow that its session is about, and its service.
//!
//! Invariant: which workflow it is comes from the session's row, and where it runs from the
//! service's row; both are read anew for each call, as far as the session's user may see them.

use crate::lock::Lock;
use agent::ToolError;
use comfyui::{BaseUrl, Client, ComingClasses, ObjectInfo, Timeouts, Workflow};
use domain::{Error, Service, WorkflowId, WorkflowVersion};
use futures::lock::Mutex;
use ports::{Clock, Platform};
use serde_json::Value;
use std::{
    cell::RefCell,
    sync::{Arc, Weak},
};
use store::{
    runs::StoredRun,
    services, versions,
    workflows::{self, Scope},
};
use web::{Place, new_uuid};

/// How long a service's list of classes counts, in milliseconds: people install nodes and models.
const KNOWN_FOR: i64 = 60_000;

/// What the tools of a run share.
pub(crate) struct Desk {
    pub(crate) platform: Platform,
    pub(crate) run: StoredRun,
    pub(crate) runner: runner_api::Client,
    pub(crate) lock: Lock,
    known: Mutex<Option<Arc<Known>>>,
}

/// The classes of a service, as they were then.
struct Known {
    url: String,
    at: i64,
    info: Arc<ObjectInfo>,
}

impl Known {
    /// Whether they still count as those of the service at `url`.
    fn count(&self, url: &str, now: i64) -> bool {
        self.url == url && now.saturating_sub(self.at) < KNOWN_FOR
    }
}

thread_local! {
    /// The classes that desks have. An instance is one thread and works on several turns at a time:
    /// those on the same service have them together.
    static SHARED: RefCell<Vec<Weak<Known>>> = const { RefCell::new(Vec::new()) };
}

/// The session's workflow, as it is now, without its JSON.
pub(crate) struct Opened {
    pub(crate) id: WorkflowId,
    pub(crate) scope: Scope,
    /// Its newest version.
    pub(crate) version: WorkflowVersion,
    pub(crate) service: Option<Service>,
    client: Option<Client>,
}

/// The JSON of a workflow, which may take much.
pub(crate) struct Content {
    /// As it is stored.
    pub(crate) stored: Value,
    /// As ComfyUI reads it.
    pub(crate) workflow: Workflow,
    /// To be kept while there is something of either.
    pub(crate) place: Place,
}

impl Opened {
    /// The client for the workflow's service.
    pub(crate) fn client(&self) -> Result<Client, ToolError> {
        self.client.clone().ok_or_else(|| {
            let text = "The workflow has no service to run on. The user has to choose one for it";
            ToolError(text.to_owned())
        })
    }
}

impl Desk {
    pub(crate) async fn open(platform: &Platform, run: &StoredRun) -> Result<Self, Error> {
        Ok(Self {
            platform: platform.clone(),
            run: run.clone(),
            runner: runner_api::Client::new(platform),
            lock: Lock::taken_up(platform, run).await?,
            known: Mutex::new(None),
        })
    }

    /// The session's workflow.
    pub(crate) async fn workflow(&self) -> Result<Opened, ToolError> {
        let opened = self
            .read()
            .await
            .map_err(|error| super::tools::refused(&error))?;
        opened.ok_or_else(gone)
    }

    /// Its JSON. Whoever needs the classes of its service too asks for these first: for them there
    /// must be a place as well.
    pub(crate) async fn content(&self, opened: &Opened) -> Result<Content, ToolError> {
        let content = self.read_content(opened).await;
        let content = content.map_err(|error| super::tools::refused(&error))?;
        content.ok_or_else(gone)
    }

    async fn read_content(&self, opened: &Opened) -> Result<Option<Content>, Error> {
        let size = usize::try_from(opened.version.size).unwrap_or(usize::MAX);
        let place = Place::wait(&*self.platform.clock, || Place::take_to_read(size)).await?;
        let (sql, number) = (&*self.platform.sql, Some(opened.version.number));
        let Some(whole) = versions::find(sql, opened.scope, opened.id, number).await? else {
            return Ok(None);
        };
        let stored: Value = serde_json::from_str(&whole.data).map_err(Error::internal)?;
        drop(whole);
        let workflow = Workflow::read(&stored).map_err(Error::internal)?;
        Ok(Some(Content {
            stored,
            workflow,
            place,
        }))
    }

    async fn read(&self) -> Result<Option<Opened>, Error> {
        let sql = &*self.platform.sql;
        let Some((id, scope)) = workflows::of_session(sql, self.run.session).await? else {
            return Ok(None);
        };
        let Some((version, service)) = versions::look(sql, scope, id, None).await? else {
            return Ok(None);
        };
        let service = match service {
            Some(service) => services::find(sql, service).await?,
            None => None,
        };
        let service = service.map(|listed| listed.service);
        let url: Option<BaseUrl> = match &service {
            Some(service) => Some(service.url.parse().map_err(Error::internal)?),
            None => None,
        };
        let client = url.map(|url| {
            let (http, clock) = (self.platform.http.clone(), self.platform.clock.clone());
            Client::new(http, clock, url, Timeouts::default())
        });
        Ok(Some(Opened {
            id,
            scope,
            version,
            service,
            client,
        }))
    }

    /// The classes of the workflow's service.
    pub(crate) async fn object_info(&self, opened: &Opened) -> Result<Arc<ObjectInfo>, ToolError> {
        let client = opened.client()?;
        let url = client.base_url().to_string();
        let mut own = self.known.lock().await;
        let now = self.platform.clock.now();
        if let Some(known) = own.as_ref().filter(|known| known.count(&url, now)) {
            return Ok(Arc::clone(&known.info));
        }
        // Not beside the new ones: they may be many.
        *own = None;
        let known = match of_another_turn(&url, now) {
            Some(known) => known,
            None => self.ask(&client, url, now).await?,
        };
        let info = Arc::clone(&known.info);
        *own = Some(known);
        Ok(info)
    }

    async fn ask(&self, client: &Client, url: String, now: i64) -> Result<Arc<Known>, ToolError> {
        let (coming, place) = coming(client, &*self.platform.clock).await?;
        // While that was waited for, another turn may have read them.
        if let Some(known) = of_another_turn(&url, now) {
            return Ok(known);
        }
        let info = coming.read().await;
        drop(place);
        let info = Arc::new(info.map_err(|error| super::tools::failed(&error))?);
        let known = Arc::new(Known { url, at: now, info });
        SHARED.with_borrow_mut(|shared| shared.push(Arc::downgrade(&known)));
        Ok(known)
    }

    /// Lets the classes go: they are not needed for long.
    pub(crate) async fn forget_classes(&self) {
        *self.known.lock().await = None;
    }

    /// One of so many, counted from 0.
    pub(crate) fn pick(&self, count: usize) -> usize {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        usize::try_from(self.below(count)).unwrap_or_default()
    }

    /// A number below `count`, which may be larger than what can be counted here.
    pub(crate) fn below(&self, count: u64) -> u64 {
        let number = new_uuid(&self.platform).as_u128();
        u64::try_from(number % u128::from(count.max(1))).unwrap_or_default()
    }
}

/// The classes of a service that another turn has by now.
fn of_another_turn(url: &str, now: i64) -> Option<Arc<Known>> {
    SHARED.with_borrow_mut(|shared| {
        shared.retain(|known| known.strong_count() > 0);
        let mut known = shared.iter().filter_map(Weak::upgrade);
        known.find(|known| known.count(url, now))
    })
}

/// A service's classes as they begin to arrive, and a place for them: a service that is slow to
/// answer keeps none from others.
async fn coming(client: &Client, clock: &dyn Clock) -> Result<(ComingClasses, Place), ToolError> {
    let coming = client.ask_object_info().await;
    let coming = coming.map_err(|error| super::tools::failed(&error))?;
    let place = Place::wait(clock, Place::take_large).await;
    Ok((
        coming,
        place.map_err(|error| super::tools::refused(&error))?,
    ))
}

fn gone() -> ToolError {
    ToolError("This session is about no workflow, or it was deleted".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use ports::{BoxFuture, ByteStream, Http, HttpError};
    use std::{future, time::Duration};

    #[test]
    fn turns_share_classes_while_one_has_them() {
        let known = |url: &str, at| {
            let known = Arc::new(Known {
                url: url.to_owned(),
                at,
                info: Arc::default(),
            });
            SHARED.with_borrow_mut(|shared| shared.push(Arc::downgrade(&known)));
            known
        };
        let (old, new) = (known("a", 0), known("a", 10));
        let found = of_another_turn("a", KNOWN_FOR).unwrap();
        assert!(Arc::ptr_eq(&found, &new) && !Arc::ptr_eq(&found, &old));
        assert!(of_another_turn("b", KNOWN_FOR).is_none());
        assert!(of_another_turn("a", KNOWN_FOR + 10).is_none());
        drop((old, new, found));
        assert!(of_another_turn("a", 10).is_none());
        assert!(SHARED.with_borrow(Vec::is_empty));
    }

    /// A service that says nothing, and time that stands still.
    struct Silence;

    impl Http for Silence {
        fn send(
            &self,
            _: http::Request<bytes::Bytes>,
        ) -> BoxFuture<'_, Result<http::Response<ByteStream>, HttpError>> {
            Box::pin(future::pending())
        }
    }

    impl Clock for Silence {
        fn now(&self) -> i64 {
            0
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            Box::pin(future::pending())
        }
    }

    #[test]
    fn a_service_that_is_slow_to_answer_takes_no_place() {
        let (http, clock) = (Arc::new(Silence), Arc::new(Silence));
        let url = "http://gpu:8188".parse().unwrap();
        let client = Client::new(http, clock, url, Timeouts::default());
        let mut asking = Box::pin(coming(&client, &Silence));
        assert!(asking.as_mut().now_or_never().is_none());
        let others = [Place::take_large(), Place::take_large()];
        assert!(others.iter().all(Result::is_ok));
    }
}
