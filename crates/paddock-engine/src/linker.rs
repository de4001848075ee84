//! Imports to answers: WASI from the runtime's own crates, what Paddock ships
//! through typed bindings, anything else through the dynamic path.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{ComponentExportIndex, InstancePre, Linker};
use wasmtime_wasi_http::handler::ProxyPre;

use crate::artifact::Artifact;
use crate::bindings;
use crate::component::Bound;
use crate::engine::{Engine, Flavour};
use crate::error::{EngineError, ErrorKind, Result};
use crate::state::State;

/// Which function of which bound interface is called.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    pub interface: usize,
    pub function: usize,
}

/// An interface answered from outside the engine.
pub struct Interface {
    /// As the component imports it: the interface's name, or a label.
    pub name: String,
    /// WIT names, and whether the component really imports each.
    pub functions: Vec<(String, bool)>,
}

/// A component with its imports resolved; shared by all that link it alike.
pub struct Linked {
    pub pre: InstancePre<State>,
    pub interfaces: Vec<Interface>,
    /// The HTTP handler it exports, if any.
    pub http: Option<ProxyPre<State>>,
    /// The handler of a component of Spin 1.
    pub inbound: Option<ComponentExportIndex>,
}

impl Linked {
    pub(crate) fn names(&self, slot: Slot) -> (&str, &str) {
        let interface = self.interfaces.get(slot.interface);
        let function = interface.and_then(|i| i.functions.get(slot.function));
        (interface.map_or("", |i| &i.name), function.map_or("", |(name, _)| name))
    }
}

/// Linked forms of one artefact, by the set of interfaces bound from outside.
#[derive(Default)]
pub struct LinkedForms(Mutex<HashMap<Vec<String>, Arc<Linked>>>);

/// Whether the engine answers this import itself.
pub fn built_in(import: &str) -> bool {
    if import == crate::spin_http::OUTBOUND {
        return true;
    }
    let package = import.split_once('/').map_or(import, |(package, _)| package);
    let version = import.rsplit_once('@').map_or("", |(_, version)| version);
    matches!(
        package,
        "wasi:io" | "wasi:clocks" | "wasi:random" | "wasi:cli" | "wasi:filesystem" | "wasi:sockets" | "wasi:http"
    ) && ["0.2.", "0.3."].iter().any(|family| version.starts_with(family))
        && !version.contains("-rc")
}

/// Links an artefact, or finds the form that was linked before.
///
/// # Errors
/// `Plan`, when an import is not answered or has another type.
pub fn link(engine: &Engine, artifact: &Artifact, bound: &Bound) -> Result<Arc<Linked>> {
    let mut wanted: Vec<String> = artifact.imports.iter().filter(|name| bound.contains_key(*name)).cloned().collect();
    wanted.sort();
    let mut forms = artifact.linked.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(linked) = forms.get(&wanted) {
        return Ok(Arc::clone(linked));
    }
    let linked = Arc::new(link_new(engine, artifact, &wanted)?);
    forms.insert(wanted, Arc::clone(&linked));
    Ok(linked)
}

fn link_new(engine: &Engine, artifact: &Artifact, wanted: &[String]) -> Result<Linked> {
    let component = artifact.component()?;
    let plan = |e: wasmtime::Error| EngineError::from_wasm(ErrorKind::Plan, "can't link", &e);
    let mut linker = Linker::<State>::new(engine.wasmtime(artifact.flavour));
    // Some guests define what others only import; the last definition wins.
    linker.allow_shadowing(true);
    add_wasi(&mut linker, artifact.flavour).map_err(plan)?;
    let mut interfaces = Vec::with_capacity(wanted.len());
    let ty = component.component_type();
    for name in wanted {
        let item = ty.get_import(component.engine(), name);
        let implemented = item.as_ref().and_then(|item| item.implements).unwrap_or(name).to_string();
        let Some(ComponentItem::ComponentInstance(instance)) = item.map(|item| item.ty) else {
            return Err(EngineError::new(ErrorKind::Plan, format!("the import {name:?} is not an interface")));
        };
        let concurrent = artifact.flavour == Flavour::Concurrent;
        let place = (name.as_str(), implemented.as_str());
        let binder = bindings::Binder::new(&mut linker, place, interfaces.len(), concurrent).map_err(plan)?;
        let functions = bindings::bind(binder, &instance, component.engine()).map_err(plan)?;
        interfaces.push(Interface { name: name.clone(), functions });
    }
    let pre = linker.instantiate_pre(component).map_err(plan)?;
    let http = http_export(artifact, &pre).map_err(plan)?;
    let inbound = crate::http::inbound::export(component);
    Ok(Linked { pre, interfaces, http, inbound })
}

fn add_wasi(linker: &mut Linker<State>, flavour: Flavour) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    // Streams again, by way of the table alone: that of WASI makes the whole context (see `State`).
    wasmtime_wasi_io::add_to_linker_async(linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    crate::outbound::add_relative_to_linker(linker)?;
    crate::outbound::add_spin_to_linker(linker)?;
    if flavour == Flavour::Concurrent {
        wasmtime_wasi::p3::add_to_linker(linker)?;
        wasmtime_wasi_http::p3::add_to_linker(linker)?;
    }
    Ok(())
}

fn http_export(artifact: &Artifact, pre: &InstancePre<State>) -> wasmtime::Result<Option<ProxyPre<State>>> {
    let exports = |prefix: &str| artifact.exports.iter().any(|name| name.starts_with(prefix));
    if exports("wasi:http/handler@0.3.") {
        let pre = wasmtime_wasi_http::p3::bindings::ServicePre::new(pre.clone())?;
        return Ok(Some(ProxyPre::P3(pre)));
    }
    if exports("wasi:http/incoming-handler@0.2.") {
        let pre = wasmtime_wasi_http::p2::bindings::ProxyPre::new(pre.clone())?;
        return Ok(Some(ProxyPre::P2(pre)));
    }
    Ok(None)
}
