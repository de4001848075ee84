//! Core modules of WASI 0.1: commands and reactors.

use wasmtime::{Instance, Linker, Module, Store, UpdateDeadline};
use wasmtime_wasi::p1::WasiP1Ctx;

use super::{RunOptions, context, failure};
use crate::deadline::Deadline;
use crate::engine::Engine;
use crate::error::{EngineError, ErrorKind, Result};
use crate::limits::Limiter;
use crate::state::TimeLimit;

const WASI: &str = "wasi_snapshot_preview1";
/// The name before the snapshot had one.
const OLDER: &str = "wasi_unstable";

pub struct ModuleState {
    wasi: WasiP1Ctx,
    limiter: Limiter,
    deadline: Deadline,
}

pub async fn run(engine: &Engine, module: &Module, options: &RunOptions) -> Result<i32> {
    let mut store = store(engine, module, options)?;
    let linker = linker(&mut store, module)?;
    let code = bounded(&mut store, options, async |store| {
        let instance = start(store, &linker, module).await?;
        let entry = instance.get_func(&mut *store, "").or_else(|| instance.get_func(&mut *store, "_start"));
        match entry {
            Some(entry) => entry.typed::<(), ()>(&*store)?.call_async(&mut *store, ()).await.map(|()| true),
            // A reactor has nothing to run after its start.
            None => Ok(instance.get_func(&mut *store, "_initialize").is_some() || module.exports().len() == 0),
        }
    })
    .await?;
    match code {
        Ok(true) => Ok(0),
        Ok(false) => Err(EngineError::new(ErrorKind::Usage, "this module is no command: it exports no _start")
            .hint("call one of its functions with: paddock run --invoke NAME FILE [ARGUMENTS]")),
        Err(exit) => Ok(exit),
    }
}

/// Bounds an event by the time limit. Inside, what the event gave, or the code
/// with which the guest left.
pub async fn bounded<T>(
    store: &mut Store<ModuleState>,
    options: &RunOptions,
    event: impl AsyncFnOnce(&mut Store<ModuleState>) -> wasmtime::Result<T>,
) -> Result<Result<T, i32>> {
    let limits = &options.limits;
    let outcome = match limits.time {
        None => event(store).await,
        Some(time) => match tokio::time::timeout(time, event(store)).await {
            Ok(outcome) => outcome,
            Err(_) => return Err(failure::time(time)),
        },
    };
    match outcome {
        Ok(value) => Ok(Ok(value)),
        Err(error) => failure::exit(&error, store.data_mut().limiter.refused.take(), limits).map(Err),
    }
}

/// Instantiates, and initialises a reactor.
pub async fn start(
    store: &mut Store<ModuleState>,
    linker: &Linker<ModuleState>,
    module: &Module,
) -> wasmtime::Result<Instance> {
    let instance = linker.instantiate_async(&mut *store, module).await?;
    if let Some(initialize) = instance.get_func(&mut *store, "_initialize") {
        initialize.typed::<(), ()>(&*store)?.call_async(&mut *store, ()).await?;
    }
    Ok(instance)
}

pub fn store(engine: &Engine, module: &Module, options: &RunOptions) -> Result<Store<ModuleState>> {
    let limits = &options.limits;
    let state = ModuleState {
        wasi: context::builder(options)?.build_p1(),
        limiter: Limiter::new(limits),
        deadline: Deadline::after(limits.time),
    };
    let mut store = Store::new(module.engine(), state);
    store.limiter(|state| &mut state.limiter);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|store| {
        if store.data().deadline.passed() {
            return Err(wasmtime::Error::new(TimeLimit));
        }
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
    });
    if engine.options().fuel {
        store
            .set_fuel(limits.fuel.unwrap_or(u64::MAX))
            .map_err(|e| EngineError::from_wasm(ErrorKind::Host, "can't set fuel", &e))?;
    }
    Ok(store)
}

/// Offers WASI under the names by which the module asks for it.
///
/// # Errors
/// `Plan`, naming every import that nothing answers.
pub fn linker(store: &mut Store<ModuleState>, module: &Module) -> Result<Linker<ModuleState>> {
    let mut linker = Linker::new(store.engine());
    let wants = |name: &str| module.imports().any(|import| import.module() == name);
    let host = |e: wasmtime::Error| EngineError::from_wasm(ErrorKind::Host, "can't offer WASI", &e);
    if wants(WASI) {
        wasmtime_wasi::p1::add_to_linker_async(&mut linker, |state: &mut ModuleState| &mut state.wasi).map_err(host)?;
    }
    if wants(OLDER) {
        wasmtime_wasi::p0::add_to_linker_async(&mut linker, |state: &mut ModuleState| &mut state.wasi).map_err(host)?;
    }
    let missing: Vec<String> = module
        .imports()
        .filter(|import| linker.get_by_import(&mut *store, import).is_none())
        .map(|import| format!("{}.{}", import.module(), import.name()))
        .collect();
    if missing.is_empty() {
        return Ok(linker);
    }
    Err(EngineError::new(ErrorKind::Plan, format!("nothing here answers the module's imports {}", missing.join(", ")))
        .hint(format!("a core module can import WASI 0.1 ({WASI}); anything else needs a component")))
}
