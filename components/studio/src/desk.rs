//! What the tools of a run share: the workflow that its session is about, and its service.
//!
//! Invariant: which workflow it is comes from the session's row, and where it runs from the
//! service's row; both are read anew for each call, as far as the session's user may see them.

use crate::lock::Lock;
use agent::ToolError;
use comfyui::{BaseUrl, Client, ObjectInfo, Timeouts, Workflow};
use domain::{Error, Service, WorkflowId};
use futures::lock::Mutex;
use ports::{Clock, Platform};
use serde_json::Value;
use std::{
    cell::RefCell,
    sync::{Arc, Weak},
    time::Duration,
};
use store::{
    runs::StoredRun,
    services, versions,
    versions::WholeVersion,
    workflows::{self, Scope},
};
use web::{Place, new_uuid};

/// How long a service's list of classes counts, in milliseconds: people install nodes and models.
const KNOWN_FOR: i64 = 60_000;

/// How often a place for what is large is asked for, and how long it is waited in between.
const PLACE_TRIES: u32 = 200;
const PLACE_PAUSE: Duration = Duration::from_millis(250);

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

/// The session's workflow, as it is now.
pub(crate) struct Opened {
    pub(crate) id: WorkflowId,
    pub(crate) scope: Scope,
    /// Its newest version, without the text of its JSON.
    pub(crate) whole: WholeVersion,
    /// Its JSON, as it is stored.
    pub(crate) stored: Value,
    /// The same, as ComfyUI reads it.
    pub(crate) workflow: Workflow,
    pub(crate) service: Option<Service>,
    client: Option<Client>,
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
        opened.ok_or_else(|| {
            ToolError("This session is about no workflow, or it was deleted".to_owned())
        })
    }

    async fn read(&self) -> Result<Option<Opened>, Error> {
        let sql = &*self.platform.sql;
        let Some((id, scope)) = workflows::of_session(sql, self.run.session).await? else {
            return Ok(None);
        };
        let Some(mut whole) = versions::find(sql, scope, id, None).await? else {
            return Ok(None);
        };
        // The text is not needed any more, and may be large.
        let data = std::mem::take(&mut whole.data);
        let stored: Value = serde_json::from_str(&data).map_err(Error::internal)?;
        drop(data);
        let workflow = Workflow::read(&stored).map_err(Error::internal)?;
        let service = match whole.service {
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
            whole,
            stored,
            workflow,
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
        let place = place(&*self.platform.clock).await;
        let place = place.map_err(|error| super::tools::refused(&error))?;
        // While it was waited for, another turn may have asked.
        if let Some(known) = of_another_turn(&url, now) {
            return Ok(known);
        }
        let info = client.object_info().await;
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
        let number = new_uuid(&self.platform).as_u128();
        let count = u128::try_from(count.max(1)).unwrap_or(1);
        usize::try_from(number % count).unwrap_or_default()
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

/// A place for what is large. It is waited for: a turn is not given up because others read much
/// just now.
async fn place(clock: &dyn Clock) -> Result<Place, Error> {
    for _ in 0..PLACE_TRIES {
        if let Ok(place) = Place::take_large() {
            return Ok(place);
        }
        clock.sleep(PLACE_PAUSE).await;
    }
    Place::take_large()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ports::BoxFuture;
    use std::{future, sync::Mutex};

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

    /// Of these places one is given back at each wait, once so many waits are over.
    struct Waits(Mutex<(u32, Vec<Place>)>);

    impl Clock for Waits {
        fn now(&self) -> i64 {
            0
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            let mut waits = self.0.lock().unwrap();
            match waits.0.checked_sub(1) {
                Some(left) => waits.0 = left,
                None => drop(waits.1.pop()),
            }
            Box::pin(future::ready(()))
        }
    }

    #[tokio::test]
    async fn a_place_is_waited_for_but_not_forever() {
        let taken = || vec![Place::take_large().unwrap(), Place::take_large().unwrap()];
        let waits = Waits(Mutex::new((PLACE_TRIES - 1, taken())));
        assert!(place(&waits).await.is_ok());
        drop(waits);
        let waits = Waits(Mutex::new((PLACE_TRIES, taken())));
        assert!(place(&waits).await.is_err());
        drop(waits);
        // Nothing of it is left.
        drop(taken());
    }
}
