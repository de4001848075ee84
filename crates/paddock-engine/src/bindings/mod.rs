//! Imports that are answered outside the engine.
//!
//! An interface that Paddock ships is a table of typed functions: its values
//! are lifted and lowered by code made for their types, so bytes are copied
//! once. Any other interface goes through `dynamic`. Both end in
//! [`HostFunction`](crate::hostcall::HostFunction).

mod blob_store;
mod configuration;
pub(crate) mod dynamic;
mod incoming;
mod key_value;
mod logging;
mod messaging;
mod mqtt;
mod postgres;
mod rdbms;
mod redis;
mod shapes;
mod sqlite;
mod stream;
#[cfg(test)]
mod tests;
mod typed;
mod wasi_io;
mod wasmcloud_key_value;
mod wasmcloud_postgres;

use std::pin::Pin;

use wasmtime::AsContextMut;
use wasmtime::component::types::{ComponentInstance, ComponentItem};
use wasmtime::component::{ComponentNamedList, Lift, Linker, LinkerInstance, ResourceType};

use crate::hostcall::{CallError, Reply};
use crate::linker::Slot;
use crate::state::State;
use crate::value::Value;

pub use incoming::Incoming;
pub use typed::Handle;
use typed::{Arguments, Returned};

/// Adds one interface's functions to a linker and numbers them.
pub struct Binder<'a> {
    instance: LinkerInstance<'a, State>,
    name: String,
    index: usize,
    /// Whether the engine runs `async func` at all.
    concurrent: bool,
    functions: Vec<String>,
}

impl<'a> Binder<'a> {
    /// `import` is the name of the import, and the interface that it stands for.
    pub fn new(
        linker: &'a mut Linker<State>,
        import: (&str, &str),
        index: usize,
        concurrent: bool,
    ) -> wasmtime::Result<Self> {
        let (name, interface) = import;
        let instance = linker.instance(name)?;
        Ok(Self { instance, name: interface.to_string(), index, concurrent, functions: Vec::new() })
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
                let arguments = arguments.into_values(&mut store)?;
                let reply = store.data_mut().call(slot, arguments)?;
                R::from_outcome(outcome(reply).await, &mut store)
            })
        })
    }

    /// An `async func`: other tasks of the guest go on while it is answered. A
    /// component without any may still import an interface that has some.
    fn async_func<P, R>(&mut self, name: &str) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + Arguments + Send + Sync + 'static,
        R: Returned,
    {
        if !self.concurrent {
            return Ok(());
        }
        let slot = self.slot(name);
        self.instance.func_wrap_concurrent(name, move |accessor, arguments: P| {
            Box::pin(async move {
                let reply = accessor.with(|mut access| {
                    let mut store = access.as_context_mut();
                    let arguments = arguments.into_values(&mut store)?;
                    store.data_mut().call(slot, arguments)
                })?;
                let outcome = outcome(reply).await;
                accessor.with(|mut access| R::from_outcome(outcome, &mut access.as_context_mut()))
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
    if !shipped(&mut binder, path, version)? {
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

/// Binds an interface for which there is a table; false when there is none.
fn shipped(b: &mut Binder<'_>, path: &str, version: &str) -> wasmtime::Result<bool> {
    match path {
        "wasi:keyvalue/store" | "wasi:keyvalue/atomics" | "wasi:keyvalue/batch" => key_value::wasi(b, path, version),
        "fermyon:spin/key-value" | "spin:key-value/key-value" => key_value::spin(b, path, version),
        "wasi:config/store"
        | "wasi:config/runtime"
        | "fermyon:spin/config"
        | "fermyon:spin/variables"
        | "spin:variables/variables" => configuration::bind(b, path, version),
        "wasi:logging/logging" => logging::bind(b),
        "fermyon:spin/sqlite" | "spin:sqlite/sqlite" => sqlite::bind(b, path, version),
        "fermyon:spin/postgres" | "fermyon:spin/mysql" | "spin:mysql/mysql" => rdbms::bind(b, path, version),
        "spin:postgres/postgres" => postgres::bind(b, version),
        "fermyon:spin/redis" | "spin:redis/redis" => redis::bind(b, path, version),
        "fermyon:spin/mqtt" | "spin:mqtt/mqtt" => mqtt::bind(b, path, version),
        "wasmcloud:postgres/query" => wasmcloud_postgres::bind(b, version),
        "wasmcloud:messaging/consumer" => messaging::bind(b, version),
        _ if path.starts_with("wasmcloud:keyvalue/") => wasmcloud_key_value::bind(b, path, version),
        _ if path.starts_with("wasi:blobstore/") => blob_store::wasi(b, path, version),
        _ if path.starts_with("wasmcloud:blobstore/") => blob_store::wasmcloud(b, path, version),
        _ => Ok(false),
    }
}
