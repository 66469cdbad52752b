//! The WebAssembly engine, and compiled components kept on disk.

use crate::{HostError, deadline};
use sha2::{Digest, Sha256};
use std::{
    fs,
    hash::{Hash, Hasher},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, component::Component,
};

/// Instances alive at once, of all components. More than requests may be in flight.
const INSTANCES: u32 = 1_300;

/// Core modules in a component, its adapters included.
const CORE_INSTANCES: u32 = 16;

/// Bytes of an instance's memory that stay resident when its slot is used again.
const KEEP_RESIDENT: usize = 1024 * 1024;

/// An engine whose instances come from a pool and whose guests can be stopped.
pub(crate) fn engine(memory: usize) -> wasmtime::Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(INSTANCES)
        .total_core_instances(INSTANCES * CORE_INSTANCES)
        .max_core_instances_per_component(CORE_INSTANCES)
        .total_memories(INSTANCES)
        .total_tables(INSTANCES * 2)
        .total_stacks(INSTANCES * 2)
        .max_memories_per_component(1)
        .max_tables_per_component(2)
        .max_memory_size(memory)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(16 * 1024)
        .max_unused_warm_slots(64);
    let mut config = Config::new();
    config
        .wasm_component_model_async(true)
        .epoch_interruption(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    let engine = Engine::new(&config)?;
    deadline::start_ticking(&engine)?;
    Ok(engine)
}

/// Compiled components, by the content of their source and the engine's settings.
pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Makes the folder, readable by nobody else: what lies in it is run.
    pub(crate) fn open(folder: PathBuf) -> io::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        Ok(Self { folder })
    }

    /// The component in `source`, compiled now or earlier.
    pub(crate) fn component(&self, engine: &Engine, source: &Path) -> Result<Component, HostError> {
        let failed = |reason: wasmtime::Error| HostError::Component {
            path: source.to_owned(),
            reason,
        };
        let bytes = fs::read(source).map_err(|error| failed(error.into()))?;
        let path = self.folder.join(name(engine, &bytes));
        if path.exists() {
            // SAFETY: the file was made by `store` below from this very engine's compiler (its
            // name carries both hashes), in a folder that only this user can write to, and it
            // came to this name by one rename after it was complete.
            #[allow(unsafe_code, reason = "what this user compiled itself is trusted")]
            match unsafe { Component::deserialize_file(engine, &path) } {
                Ok(component) => return Ok(component),
                Err(error) => tracing::warn!(%error, "compiling again: the cache is damaged"),
            }
        }
        let compiled = engine.precompile_component(&bytes).map_err(failed)?;
        self.store(&path, &compiled)
            .map_err(|error| failed(error.into()))?;
        // SAFETY: `compiled` is what the engine's own compiler just made.
        #[allow(unsafe_code, reason = "it was compiled here")]
        unsafe { Component::deserialize(engine, &compiled) }.map_err(failed)
    }

    fn store(&self, path: &Path, compiled: &[u8]) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(compiled)?;
        file.as_file().sync_all()?;
        file.persist(path).map(drop).map_err(|error| error.error)
    }
}

fn name(engine: &Engine, bytes: &[u8]) -> String {
    let mut settings = Sha256Hasher(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut settings);
    settings.0.update(bytes);
    let digest = settings.0.finalize();
    let mut name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    name.push_str(".cwasm");
    name
}

/// Takes what a `Hash` gives into a digest that does not depend on the process.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}
