//! The extension module `paddock._core`: converts and forwards, decides nothing.

mod awaitable;
mod bridge;
mod calls;
mod command;
mod component;
mod compose;
mod convert;
mod doorway;
mod engine;
mod errors;
mod events;
mod facts;
mod generation;
mod incoming;
mod job;
mod names;
mod outbound;
mod pool;
mod runtime;
mod server;
mod sink;
mod specs;
mod stream;
mod tasks;

use pyo3::prelude::*;

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let options = module.py().import("paddock._options")?;
    for name in ["EngineOptions", "ComponentSpec", "ApplicationSpec", "RouteSpec", "ServerOptions", "RunOptions"] {
        module.add(name, options.getattr(name)?)?;
    }
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<engine::EngineObject>()?;
    module.add_class::<engine::ArtifactObject>()?;
    module.add_class::<runtime::Runtime>()?;
    module.add_class::<component::ComponentObject>()?;
    module.add_class::<events::EventObject>()?;
    module.add_class::<calls::CallObject>()?;
    module.add_class::<generation::GenerationObject>()?;
    module.add_class::<server::ServerObject>()?;
    module.add_class::<outbound::Outbound>()?;
    module.add_class::<incoming::ByteStream>()?;
    module.add_function(wrap_pyfunction!(engine::built_in, module)?)?;
    module.add_function(wrap_pyfunction!(component::call, module)?)?;
    module.add_function(wrap_pyfunction!(component::printed, module)?)?;
    module.add_function(wrap_pyfunction!(component::componentize, module)?)?;
    module.add_function(wrap_pyfunction!(compose::compose, module)?)?;
    module.add_function(wrap_pyfunction!(compose::interfaces, module)?)?;
    module.add_function(wrap_pyfunction!(command::run_command, module)?)?;
    module.add_function(wrap_pyfunction!(command::invoke, module)?)?;
    module.add_function(wrap_pyfunction!(command::run_component, module)?)?;
    module.add_function(wrap_pyfunction!(command::invoke_component, module)?)?;
    module.add_function(wrap_pyfunction!(command::inspect, module)?)?;
    Ok(())
}
