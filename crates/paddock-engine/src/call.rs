//! Calls an exported function of a component by its name, with values of any
//! type: the ground of the embedding interface.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::types::{ComponentFunc, Type};
use wasmtime::component::{Func, Instance, Val};
use wasmtime::{AsContextMut, Store};

use crate::bindings::dynamic::{from_val, to_val};
use crate::component::Component;
use crate::error::{EngineError, ErrorKind, Result};
use crate::events::EventKind;
use crate::outbound::Hooks;
use crate::state::{State, TimeLimit};
use crate::value::Value;

/// What an exported function gave.
pub enum Outcome {
    Returned(Value),
    /// The error side of its `result`.
    Failed(Value),
}

/// For whom an export is called; by default for nobody in particular.
#[derive(Default)]
pub struct Caller {
    pub generation: u64,
    /// Where the instance's own requests go.
    pub hooks: Hooks,
    /// W3C `traceparent`.
    pub trace: Option<Arc<str>>,
    /// In place of the component's own limit of wall clock; inside, None for no limit.
    pub time: Option<Option<Duration>>,
}

/// Calls `export` (`name`, or `package:name/interface@version#name`) in a
/// fresh instance, under the component's limits. A guest that leaves by `exit`
/// returned nothing for code 0, and failed with the code for any other.
///
/// # Errors
/// `Usage` for a function or arguments that don't fit, `Guest` for a trap or
/// an exceeded limit.
pub async fn call(component: &Arc<Component>, caller: Caller, export: &str, arguments: Vec<Value>) -> Result<Outcome> {
    let mut store = State::store(component, caller.hooks, caller.generation, caller.trace)?;
    let time = caller.time.unwrap_or(component.spec.limits.time);
    store.data().scope.deadline.begin(time);
    let deadline = store.data().scope.deadline.instant();
    let called = in_store(component, &mut store, export, arguments);
    // Epochs end a guest that runs; one that waits in the host needs the clock.
    let result = match deadline {
        None => called.await,
        Some(deadline) => match tokio::time::timeout_at(deadline.into(), called).await {
            Ok(result) => result,
            Err(_) => Err(wasmtime::Error::new(TimeLimit).into()),
        },
    };
    match result {
        Ok(outcome) => Ok(outcome),
        Err(Error::Engine(error)) => Err(error),
        Err(Error::Guest(error)) => match error.downcast_ref::<wasmtime_wasi::I32Exit>() {
            Some(exit) if exit.0 == 0 => Ok(Outcome::Returned(Value::None)),
            Some(exit) => Ok(Outcome::Failed(Value::Signed(exit.0.into()))),
            None => Err(ended(component, &mut store, export, time, &error)),
        },
    }
}

enum Error {
    Engine(EngineError),
    Guest(wasmtime::Error),
}

impl From<wasmtime::Error> for Error {
    fn from(error: wasmtime::Error) -> Self {
        Self::Guest(error)
    }
}

fn usage(message: String) -> Error {
    Error::Engine(EngineError::new(ErrorKind::Usage, message))
}

async fn in_store(
    component: &Component,
    store: &mut Store<State>,
    export: &str,
    arguments: Vec<Value>,
) -> std::result::Result<Outcome, Error> {
    let instance = component.linked.pre.instantiate_async(&mut *store).await?;
    let function = find(store, &instance, export).ok_or_else(|| {
        usage(format!(
            "the component exports no function {export:?}; it exports: {}",
            component.artifact.exports.join(", ")
        ))
    })?;
    let ty = function.ty(&*store);
    let arguments = lower(store, &ty, export, arguments)?;
    let mut results = vec![Val::Bool(false); ty.results().len()];
    function.call_async(&mut *store, &arguments, &mut results).await?;
    lift(store, &ty, results.first()).map_err(Error::Guest)
}

fn find(store: &mut Store<State>, instance: &Instance, export: &str) -> Option<Func> {
    match export.rsplit_once('#') {
        None => instance.get_func(&mut *store, export),
        Some((interface, name)) => {
            let interface = instance.get_export_index(&mut *store, None, interface)?;
            let function = instance.get_export_index(&mut *store, Some(&interface), name)?;
            instance.get_func(&mut *store, function)
        }
    }
}

fn lower(
    store: &mut Store<State>,
    ty: &ComponentFunc,
    export: &str,
    arguments: Vec<Value>,
) -> std::result::Result<Vec<Val>, Error> {
    let wanted = ty.params().len();
    if wanted != arguments.len() {
        return Err(usage(format!("{export} takes {wanted} arguments, {} were given", arguments.len())));
    }
    let mut store = store.as_context_mut();
    ty.params()
        .zip(arguments)
        .map(|((name, ty), value)| {
            to_val(&mut store, &ty, value).map_err(|e| usage(format!("{export}, parameter {name}: {e}")))
        })
        .collect()
}

fn lift(store: &mut Store<State>, ty: &ComponentFunc, result: Option<&Val>) -> wasmtime::Result<Outcome> {
    let (Some(ty), Some(val)) = (ty.results().next(), result) else { return Ok(Outcome::Returned(Value::None)) };
    let mut store = store.as_context_mut();
    let mut part = |ty: Option<Type>, val: &Option<Box<Val>>| match (ty, val) {
        (Some(ty), Some(val)) => from_val(&mut store, &ty, val),
        _ => Ok(Value::None),
    };
    Ok(match (&ty, val) {
        (Type::Result(sides), Val::Result(Ok(val))) => Outcome::Returned(part(sides.ok(), val)?),
        (Type::Result(sides), Val::Result(Err(val))) => Outcome::Failed(part(sides.err(), val)?),
        (ty, val) => Outcome::Returned(from_val(&mut store, ty, val)?),
    })
}

/// Logs why a guest ended, as an error for the caller.
fn ended(
    component: &Component,
    store: &mut Store<State>,
    export: &str,
    time: Option<Duration>,
    error: &wasmtime::Error,
) -> EngineError {
    if error.downcast_ref::<TimeLimit>().is_some() {
        let value = time.map_or_else(String::new, |time| format!("{time:?}"));
        let message = format!("{export} took longer than its limit of {value}");
        component.emit(store.data().scope.instance, EventKind::Limit { limit: "time", value });
        return EngineError::new(ErrorKind::Guest, message);
    }
    let error = EngineError::from_wasm(ErrorKind::Guest, &format!("{export} failed"), error);
    component.emit(store.data().scope.instance, EventKind::Failed { reason: error.message.clone() });
    store.data_mut().report_refusal();
    error
}
