//! `paddock run --invoke`: an export called by name, with JSON in and out.
//!
//! The signature decides how an argument is read. JSON stands for WIT values
//! so: record = object, list and tuple = array (of numbers for `list<u8>`),
//! variant = `"case"` or `{"case": payload}`, enum = its name, flags = array of
//! names, option = null or the value (an option of an option: `{"some": …}`),
//! result = `{"ok": …}` or `{"err": …}`; floats that are not finite are the
//! strings "nan", "inf" and "-inf".

mod core;
mod find;
pub mod read;
pub mod signature;
#[cfg(test)]
mod tests;
pub mod write;

use std::sync::Arc;

use wasmtime::component::types::ComponentFunc;
use wasmtime::component::{ComponentExportIndex, Val};

use crate::artifact::{Artifact, Code};
use crate::command::RunOptions;
use crate::command::run::{Ended, Prepared, prepare};
use crate::component::{Bound, Component};
use crate::engine::{Engine, Flavour};
use crate::error::{EngineError, ErrorKind, Result};
use crate::events::Events;
use crate::hostcall::Observer;

/// Which export is called, with what.
#[derive(Clone, Debug)]
pub struct Call {
    /// A function's name; in a component also `interface#function` or
    /// `interface.function`, where the interface may be shortened.
    pub name: String,
    pub arguments: Vec<String>,
}

/// What a call gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoked {
    /// 0; 1 when the function returned an `err`; or what the guest exited with.
    pub exit: i32,
    /// The result as JSON; None when there is none.
    pub json: Option<String>,
}

/// Calls an export. Its `result` is printed whole, `{"ok": …}` or
/// `{"err": …}`, and an `err` makes the exit code 1.
///
/// # Errors
/// `Usage`, when there is no such export or an argument does not fit its
/// parameter; otherwise as [`run`](crate::command::run).
pub async fn invoke(
    engine: &Arc<Engine>,
    artifact: Arc<Artifact>,
    call: &Call,
    options: RunOptions,
    bound: &Bound,
    events: Arc<dyn Events>,
    observer: Option<Arc<dyn Observer>>,
) -> Result<Invoked> {
    let found = match &artifact.code {
        Code::Module(code) => return core::invoke(engine, code, call, &options).await,
        Code::Component(component) => find::function(component, &call.name)?,
    };
    let arguments = arguments(call, &found)?;
    let prepared = prepare(engine, artifact, options, bound, events, observer)?;
    call_component(prepared, &found, &arguments).await
}

/// The same for a component that is linked, with what answers its imports.
///
/// # Errors
/// As [`invoke`].
pub async fn invoke_component(component: Arc<Component>, call: &Call, options: &RunOptions) -> Result<Invoked> {
    let found = find::function(component.artifact.component()?, &call.name)?;
    let arguments = arguments(call, &found)?;
    call_component(Prepared::new(component, options)?, &found, &arguments).await
}

/// A function of a component.
struct Found {
    /// As the caller may write it.
    name: String,
    index: ComponentExportIndex,
    ty: ComponentFunc,
}

fn arguments(call: &Call, found: &Found) -> Result<Vec<Val>> {
    let signature = signature::function(&found.name, &found.ty);
    counted(call, found.ty.params().len(), &signature)?;
    let mut values = Vec::with_capacity(call.arguments.len());
    for (i, ((name, ty), text)) in found.ty.params().zip(&call.arguments).enumerate() {
        let value = read::argument(&ty, text)
            .map_err(|mismatch| misfit(&found.name, i, Some(name), &mismatch.to_string(), &signature))?;
        values.push(value);
    }
    Ok(values)
}

async fn call_component(mut prepared: Prepared, found: &Found, arguments: &[Val]) -> Result<Invoked> {
    let mut results: Vec<Val> = found.ty.results().map(|_| Val::Bool(false)).collect();
    let ended = prepared
        .bounded(async |store, component| {
            let instance = component.linked.pre.instantiate_async(&mut *store).await?;
            let Some(func) = instance.get_func(&mut *store, found.index) else {
                wasmtime::bail!("the export {:?} is gone", found.name);
            };
            if component.artifact.flavour == Flavour::Concurrent {
                let results = &mut results;
                return store
                    .run_concurrent(async |store| func.call_concurrent(store, arguments, results).await)
                    .await?;
            }
            func.call_async(&mut *store, arguments, &mut results).await
        })
        .await?;
    if let Ended::Exit(exit) = ended {
        return Ok(Invoked { exit, json: None });
    }
    let Some(result) = results.first() else { return Ok(Invoked { exit: 0, json: None }) };
    let json = write::value(result).map_err(|what| {
        EngineError::new(ErrorKind::Usage, format!("{} returned {what}, which JSON can't carry", found.name))
    })?;
    Ok(Invoked { exit: i32::from(matches!(result, Val::Result(Err(_)))), json: Some(json.to_string()) })
}

fn counted(call: &Call, wanted: usize, signature: &str) -> Result<()> {
    let given = call.arguments.len();
    if given == wanted {
        return Ok(());
    }
    let plural = if wanted == 1 { "" } else { "s" };
    Err(EngineError::new(ErrorKind::Usage, format!("{} takes {wanted} argument{plural}, {given} given", call.name))
        .hint(format!("its signature is {signature}")))
}

fn misfit(function: &str, position: usize, name: Option<&str>, why: &str, signature: &str) -> EngineError {
    let name = name.map_or(String::new(), |name| format!(" {name:?}"));
    EngineError::new(ErrorKind::Usage, format!("parameter {}{name} of {function}: {why}", position + 1))
        .hint(format!("its signature is {signature}"))
}

/// No such export: all that there are, and the one that was perhaps meant.
fn close(kind: &str, name: &str, known: &[(String, String)]) -> EngineError {
    if known.is_empty() {
        return EngineError::new(ErrorKind::Usage, format!("this {kind} exports no function, so not {name:?} either"));
    }
    let mut message = format!("this {kind} exports no function {name:?}; it exports:");
    for (_, signature) in known {
        message.push_str("\n  ");
        message.push_str(signature);
    }
    let error = EngineError::new(ErrorKind::Usage, message);
    let nearest = known.iter().map(|(known, _)| (distance(name, known), known)).min();
    match nearest {
        Some((steps, nearest)) if steps <= 1 + name.chars().count() / 3 => {
            error.hint(format!("did you mean {nearest}?"))
        }
        _ => error,
    }
}

/// Levenshtein's edit distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (y, above) in b.iter().zip(row.iter_mut().skip(1)) {
            let best = (diagonal + usize::from(x != *y)).min(*above + 1).min(left + 1);
            diagonal = *above;
            *above = best;
            left = best;
        }
    }
    row.last().copied().unwrap_or_default()
}
