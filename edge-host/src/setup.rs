//! From a manifest to components that are ready to run.

use crate::{
    Config, HostError,
    deadline::Computing,
    engine::{self, Cache},
    guest::{Grants, Guest},
    interfaces,
    manifest::{Application, Component, Routes},
    outbound::{Outbound, Policy},
    pool::{Parts, Pool},
};
use platform_native::{key_value::Stores, sqlite::Database};
use ports::Clock;
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use wasmtime::{Engine, component::Linker};
use wasmtime_wasi_http::p3::bindings::ServicePre;

/// The database that the migrations belong to.
const DEFAULT: &str = "default";

/// The application, ready to be served.
pub(crate) struct Setup {
    pub(crate) routes: Routes,
    /// In the order of the routes.
    pub(crate) pools: Vec<Arc<Served>>,
    pub(crate) draining: CancellationToken,
    /// Counts the instances that are there.
    pub(crate) alive: TaskTracker,
}

/// A component behind a route.
pub(crate) struct Served {
    pub(crate) component: String,
    pub(crate) pool: Pool,
}

impl Setup {
    pub(crate) async fn prepare(
        config: &Config,
        application: Application,
    ) -> Result<Self, HostError> {
        make_folder(&config.state)?;
        let mut state = State::open(&config.state).await?;
        let maker = Maker::new(config, &application)?;
        let mut served = BTreeMap::new();
        for (id, component) in application.components {
            let grants = state.grants(&id, &component)?;
            let pool = maker.pool(&component, grants)?;
            served.insert(
                id.clone(),
                Arc::new(Served {
                    component: id,
                    pool,
                }),
            );
        }
        if let Some(database) = state.databases.get(DEFAULT) {
            migrate(database).await?;
        }
        let routes = application.routes;
        let pools = routes
            .iter()
            .filter_map(|route| served.get(&route.component).cloned())
            .collect();
        Ok(Self {
            routes,
            pools,
            draining: maker.draining,
            alive: maker.alive,
        })
    }
}

/// Makes pools of instances.
struct Maker {
    engine: Engine,
    linker: Linker<Guest>,
    cache: Cache,
    tls: rustls::ClientConfig,
    variables: BTreeMap<String, String>,
    config: Config,
    computing: Computing,
    draining: CancellationToken,
    alive: TaskTracker,
}

impl Maker {
    fn new(config: &Config, application: &Application) -> Result<Self, HostError> {
        let engine = engine::engine(config.memory).map_err(HostError::Engine)?;
        let mut linker = Linker::new(&engine);
        interfaces::add_to_linker(&mut linker).map_err(HostError::Engine)?;
        let folder = config.state.join("cache");
        let cache = Cache::open(folder.clone()).map_err(|reason| state_error(&folder, &reason))?;
        Ok(Self {
            engine,
            linker,
            cache,
            tls: ::outbound::tls().map_err(HostError::Tls)?,
            variables: application.variables.clone(),
            config: config.clone(),
            computing: Computing::new(),
            draining: CancellationToken::new(),
            alive: TaskTracker::new(),
        })
    }

    fn pool(&self, component: &Component, grants: Grants) -> Result<Pool, HostError> {
        let failed = |reason| HostError::Component {
            path: component.source.clone(),
            reason,
        };
        let policy = Policy::new(&grants.component, &component.outbound, &self.variables)?
            .resolving_by(Arc::clone(&self.config.resolver));
        let compiled = self.cache.component(&self.engine, &component.source)?;
        let instance = self.linker.instantiate_pre(&compiled).map_err(failed)?;
        Ok(Pool::new(Parts {
            engine: self.engine.clone(),
            service: ServicePre::new(instance).map_err(failed)?,
            grants: Arc::new(grants),
            outbound: Outbound::new(policy, &self.tls, self.config.idle_outbound),
            memory: self.config.memory,
            longest: self.config.longest_computation,
            computing: self.computing.clone(),
            draining: self.draining.clone(),
            alive: self.alive.clone(),
        }))
    }
}

/// The databases and stores in the state folder, opened when a component is granted them.
struct State {
    folder: PathBuf,
    stores: Stores,
    databases: BTreeMap<String, Database>,
}

impl State {
    async fn open(folder: &Path) -> Result<Self, HostError> {
        let path = folder.join("key-value.db");
        let stores = Stores::open(&path).await;
        Ok(Self {
            folder: folder.to_owned(),
            stores: stores.map_err(|reason| state_error(&path, &reason))?,
            databases: BTreeMap::new(),
        })
    }

    fn grants(&mut self, id: &str, component: &Component) -> Result<Grants, HostError> {
        let mut databases = BTreeMap::new();
        for name in &component.databases {
            databases.insert(name.clone(), self.database(name)?);
        }
        let stores = component.stores.iter();
        Ok(Grants {
            component: id.to_owned(),
            databases,
            stores: stores
                .map(|name| (name.clone(), self.stores.store(name)))
                .collect(),
            variables: component.variables.clone(),
        })
    }

    fn database(&mut self, name: &str) -> Result<Database, HostError> {
        if let Some(database) = self.databases.get(name) {
            return Ok(database.clone());
        }
        let file = if name == DEFAULT { "sqlite" } else { name };
        let path = self.folder.join(format!("{file}.db"));
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        if !name.chars().all(plain) || ["sqlite", "key-value"].contains(&name) {
            return Err(state_error(&path, &"no name for a database"));
        }
        let database = Database::open(&path).map_err(|reason| state_error(&path, &reason))?;
        self.databases.insert(name.to_owned(), database.clone());
        Ok(database)
    }
}

/// Brings the application's own database up to date.
async fn migrate(database: &Database) -> Result<(), HostError> {
    let now = platform_native::SystemClock.now();
    let holder = format!("edge-host {}", std::process::id());
    let applied = store::migrations::apply(database, now, &holder)
        .await
        .map_err(|reason| state_error(database.path(), &reason))?;
    if applied.migrations > 0 {
        tracing::info!(migrations = applied.migrations, "database migrated");
    }
    Ok(())
}

/// What lies in the state folder is its owner's alone.
fn make_folder(folder: &Path) -> Result<(), HostError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|reason| state_error(folder, &reason))
}

fn state_error(path: &Path, reason: &dyn std::fmt::Display) -> HostError {
    HostError::State {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}
