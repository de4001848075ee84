//! The compiled-code side of a host: two flavours of one runtime, the epoch
//! ticker, and the loading of artefacts through the cache.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use wasmtime::{Config, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Strategy};

use crate::artifact::{self, Artifact, Code};
use crate::cache::Cache;
use crate::error::{EngineError, ErrorKind, Result};
use crate::options::{Compiler, EngineOptions};

/// How often a running guest looks whether its time is over.
pub const TICK: Duration = Duration::from_millis(10);

/// A store that can run asynchronous components (WASI 0.3) costs more to make
/// than one that can't, so components which need none of it get the plain one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flavour {
    Plain,
    Concurrent,
}

pub struct Engine {
    options: EngineOptions,
    plain: wasmtime::Engine,
    concurrent: wasmtime::Engine,
    cache: Option<Cache>,
    loading: Mutex<HashMap<[u8; 32], Arc<Mutex<Weak<Artifact>>>>>,
}

impl Engine {
    /// Makes an engine and starts its epoch ticker, which ends with it.
    pub fn new(options: EngineOptions) -> Result<Arc<Self>> {
        let engine = Arc::new(Self {
            plain: build(&options, Flavour::Plain, None)?,
            concurrent: build(&options, Flavour::Concurrent, None)?,
            cache: options.cache.clone().map(Cache::new),
            loading: Mutex::default(),
            options,
        });
        let weak = Arc::downgrade(&engine);
        std::thread::Builder::new()
            .name("paddock-epoch".into())
            .spawn(move || tick(&weak))
            .map_err(|e| EngineError::new(ErrorKind::Host, format!("can't start the epoch thread: {e}")))?;
        Ok(engine)
    }

    pub fn options(&self) -> &EngineOptions {
        &self.options
    }

    pub fn wasmtime(&self, flavour: Flavour) -> &wasmtime::Engine {
        match flavour {
            Flavour::Plain => &self.plain,
            Flavour::Concurrent => &self.concurrent,
        }
    }

    /// Loads a component, a core module or their text form. Blocks while it
    /// compiles; the same content is compiled once, however many ask at once.
    pub fn load(&self, bytes: &[u8]) -> Result<Arc<Artifact>> {
        let digest = artifact::digest(bytes);
        let slot = self.slot(digest);
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(artifact) = slot.upgrade() {
            return Ok(artifact);
        }
        let loaded = Arc::new(self.compile(bytes, digest)?);
        *slot = Arc::downgrade(&loaded);
        Ok(loaded)
    }

    fn slot(&self, digest: [u8; 32]) -> Arc<Mutex<Weak<Artifact>>> {
        let mut loading = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        if loading.len() > 1024 {
            loading.retain(|_, slot| Arc::strong_count(slot) > 1 || slot.lock().is_ok_and(|s| s.strong_count() > 0));
        }
        Arc::clone(loading.entry(digest).or_default())
    }

    fn compile(&self, bytes: &[u8], digest: [u8; 32]) -> Result<Artifact> {
        let described = artifact::describe(bytes)?;
        let engine = self.wasmtime(described.flavour);
        let name = self.cache_name(&digest, described.flavour);
        let cached = self.cache.as_ref().and_then(|cache| cache.read(&name));
        if let Some(code) = cached.and_then(|code| Code::deserialize(engine, described.kind, &code)) {
            return Ok(Artifact::new(digest, bytes.len(), described, code, true));
        }
        let code = Code::compile(engine, described.kind, &described.binary)?;
        if let Some(cache) = &self.cache
            && let Ok(machine) = code.serialize()
        {
            // A full disk or a read-only directory costs the next start time only.
            let _ = cache.write(&name, &machine);
        }
        Ok(Artifact::new(digest, bytes.len(), described, code, false))
    }

    /// Loads machine code that [`precompile`](Self::precompile) made. The
    /// caller has decided to trust the file: it can do anything.
    pub fn load_precompiled(&self, code: &[u8]) -> Result<Arc<Artifact>> {
        for flavour in [Flavour::Plain, Flavour::Concurrent] {
            if let Some(loaded) = Code::deserialize_any(self.wasmtime(flavour), code) {
                let digest = artifact::digest(code);
                let described = artifact::Described::precompiled(&loaded, flavour);
                return Ok(Arc::new(Artifact::new(digest, code.len(), described, loaded, true)));
            }
        }
        Err(EngineError::new(
            ErrorKind::Artifact,
            "this precompiled file was made for another version, compiler, option or processor",
        )
        .hint("compile it again here: paddock compile FILE.wasm -o FILE.cwasm"))
    }

    /// Machine code for this host, or for another target triple.
    pub fn precompile(&self, bytes: &[u8], target: Option<&str>) -> Result<Vec<u8>> {
        let described = artifact::describe(bytes)?;
        let other;
        let engine = match target {
            None => self.wasmtime(described.flavour),
            Some(target) => {
                other = build(&self.options, described.flavour, Some(target))?;
                &other
            }
        };
        let code = match described.kind {
            artifact::Kind::Component => engine.precompile_component(&described.binary),
            artifact::Kind::Module => engine.precompile_module(&described.binary),
        };
        code.map_err(|e| EngineError::from_wasm(ErrorKind::Artifact, "can't compile", &e))
    }

    fn cache_name(&self, digest: &[u8; 32], flavour: Flavour) -> String {
        let mut hasher = std::hash::DefaultHasher::new();
        self.wasmtime(flavour).precompile_compatibility_hash().hash(&mut hasher);
        format!("{}-{:016x}.code", artifact::hex(digest), hasher.finish())
    }
}

fn tick(engine: &Weak<Engine>) {
    loop {
        std::thread::sleep(TICK);
        let Some(engine) = engine.upgrade() else { return };
        engine.plain.increment_epoch();
        engine.concurrent.increment_epoch();
    }
}

fn build(options: &EngineOptions, flavour: Flavour, target: Option<&str>) -> Result<wasmtime::Engine> {
    let pooled = config(options, flavour, target, options.pooling && target.is_none())?;
    let engine = match wasmtime::Engine::new(&pooled) {
        Err(_) if options.pooling => wasmtime::Engine::new(&config(options, flavour, target, false)?),
        other => other,
    };
    engine.map_err(|e| EngineError::from_wasm(ErrorKind::Usage, "this engine can't be made", &e))
}

fn config(options: &EngineOptions, flavour: Flavour, target: Option<&str>, pooling: bool) -> Result<Config> {
    let mut config = Config::new();
    config.wasm_component_model(true);
    // An interface imported several times, each under a label of the guest's.
    config.wasm_component_model_implements(true);
    config.epoch_interruption(true);
    config.consume_fuel(options.fuel);
    config.cranelift_opt_level(OptLevel::Speed);
    config.max_wasm_stack(options.stack);
    config.async_stack_size(options.stack + (512 << 10));
    match flavour {
        Flavour::Plain => {
            config.concurrency_support(false);
        }
        Flavour::Concurrent => {
            config.wasm_component_model_async(true);
            config.wasm_component_model_more_async_builtins(true);
            config.wasm_component_model_async_stackful(true);
        }
    }
    let triple = match (options.compiler, target) {
        (Compiler::Pulley, None) => Some(if cfg!(target_pointer_width = "64") { "pulley64" } else { "pulley32" }),
        (_, target) => target,
    };
    config.strategy(if options.compiler == Compiler::Winch { Strategy::Winch } else { Strategy::Cranelift });
    if let Some(triple) = triple {
        config.target(triple).map_err(|e| {
            EngineError::from_wasm(ErrorKind::Usage, &format!("can't compile for target {triple:?}"), &e)
                .hint("known: x86_64 and aarch64 triples, such as aarch64-unknown-linux-gnu, and pulley64")
        })?;
    }
    if pooling {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(options)));
    }
    Ok(config)
}

fn pool(options: &EngineOptions) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    let slots = options.instances;
    pool.total_component_instances(slots);
    pool.total_core_instances(slots * 4);
    pool.total_memories(slots + slots / 4);
    pool.total_tables(slots * 3);
    pool.total_stacks(slots);
    pool.total_gc_heaps(slots / 4 + 1);
    pool.max_core_instance_size(8 << 20);
    pool.max_component_instance_size(8 << 20);
    pool.max_core_instances_per_component(200);
    pool.max_memories_per_component(20);
    pool.max_tables_per_component(200);
    pool.max_tables_per_module(20);
    pool.max_memories_per_module(20);
    pool.table_elements(100_000);
    // What a finished request touched is set back by copying instead of giving
    // the pages back: no page faults in the next request of the same slot. Only
    // so much, since a slot keeps it for good: beyond it a burst of instances
    // gives its memory back.
    pool.linear_memory_keep_resident(256 << 10);
    pool.table_keep_resident(256 << 10);
    pool.async_stack_keep_resident(64 << 10);
    pool.pagemap_scan(wasmtime::Enabled::Auto);
    pool.max_unused_warm_slots(100);
    pool
}
