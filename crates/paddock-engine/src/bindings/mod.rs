//! Imports that are answered outside the engine.
//!
//! An interface that Paddock ships is a table of typed functions: its values
//! are lifted and lowered by code made for their types, so bytes are copied
//! once. Any other interface goes through `dynamic`. Both end in
//! [`HostFunction`](crate::hostcall::HostFunction).

mod configuration;
pub(crate) mod dynamic;
mod key_value;
mod logging;
mod stream;
mod typed;

use std::pin::Pin;

use wasmtime::component::types::{ComponentInstance, ComponentItem};
use wasmtime::component::{ComponentNamedList, Lift, Linker, LinkerInstance, ResourceType};

use crate::hostcall::{CallError, Reply};
use crate::linker::Slot;
use crate::state::State;
use crate::value::{Object, Value};

pub use typed::Handle;
use typed::{Arguments, Returned};

/// Adds one interface's functions to a linker and numbers them.
pub struct Binder<'a> {
    instance: LinkerInstance<'a, State>,
    name: String,
    index: usize,
    functions: Vec<String>,
}

impl<'a> Binder<'a> {
    pub fn new(linker: &'a mut Linker<State>, name: &str, index: usize) -> wasmtime::Result<Self> {
        Ok(Self { instance: linker.instance(name)?, name: name.to_string(), index, functions: Vec::new() })
    }

    fn slot(&mut self, function: &str) -> Slot {
        self.functions.push(function.to_string());
        Slot { interface: self.index, function: self.functions.len() - 1 }
    }

    /// A resource whose objects live on the other side.
    fn resource(&mut self, name: &str) -> wasmtime::Result<()> {
        self.instance
            .resource(name, ResourceType::host::<Handle>(), |mut store, rep| typed::drop_handle(store.data_mut(), rep))
    }

    /// A function that blocks its guest while it is answered.
    fn func<P, R>(&mut self, name: &str) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + Arguments + Send + Sync + 'static,
        R: Returned,
    {
        let slot = self.slot(name);
        self.instance.func_wrap_async(name, move |mut store, arguments: P| {
            Box::new(async move {
                let arguments = arguments.into_values(store.data_mut())?;
                let reply = store.data_mut().call(slot, arguments)?;
                R::from_outcome(outcome(reply).await, store.data_mut())
            })
        })
    }

    /// An `async func`: other tasks of the guest go on while it is answered.
    fn async_func<P, R>(&mut self, name: &str) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + Arguments + Send + Sync + 'static,
        R: Returned,
    {
        let slot = self.slot(name);
        self.instance.func_wrap_concurrent(name, move |accessor, arguments: P| {
            Box::pin(async move {
                let reply = accessor.with(|mut access| {
                    let state: &mut State = access.data_mut();
                    let arguments = arguments.into_values(state)?;
                    state.call(slot, arguments)
                })?;
                let outcome = outcome(reply).await;
                accessor.with(|mut access| R::from_outcome(outcome, access.data_mut()))
            }) as Pin<Box<dyn Future<Output = wasmtime::Result<R::Wire>> + Send + '_>>
        })
    }
}

async fn outcome(reply: Reply) -> Result<Value, CallError> {
    match reply {
        Reply::Ready(outcome) => outcome,
        Reply::Later(outcome) => outcome.await,
    }
}

/// Binds one interface; gives its functions' names and whether the component
/// imports each of them.
pub fn bind(
    mut binder: Binder<'_>,
    wanted: &ComponentInstance,
    engine: &wasmtime::Engine,
) -> wasmtime::Result<Vec<(String, bool)>> {
    let name = binder.name.clone();
    let (path, version) = name.split_once('@').unwrap_or((&name, ""));
    let shipped = match path {
        "wasi:keyvalue/store" | "wasi:keyvalue/atomics" | "wasi:keyvalue/batch" => {
            key_value::wasi(&mut binder, path, version)?
        }
        "fermyon:spin/key-value" | "spin:key-value/key-value" => key_value::spin(&mut binder, path, version)?,
        "wasi:config/store"
        | "wasi:config/runtime"
        | "fermyon:spin/config"
        | "fermyon:spin/variables"
        | "spin:variables/variables" => configuration::bind(&mut binder, path, version)?,
        "wasi:logging/logging" => logging::bind(&mut binder)?,
        _ => false,
    };
    if !shipped {
        dynamic::bind(&mut binder, wanted, engine)?;
    }
    let imported = |name: &str| {
        wanted
            .exports(engine)
            .any(|(export, item)| export == name && matches!(item.ty, ComponentItem::ComponentFunc(_)))
    };
    Ok(binder
        .functions
        .into_iter()
        .map(|name| {
            let needed = imported(&name);
            (name, needed)
        })
        .collect())
}

/// The object behind a handle.
pub(crate) fn object(handle: &Handle) -> Object {
    Object::clone(&handle.0)
}
