//! Components that export `wasi:cli/run`, of WASI 0.2 and 0.3.

use std::sync::Arc;

use wasmtime::Store;

use super::{RunOptions, context, failure};
use crate::artifact::Artifact;
use crate::component::{Bound, Component, ComponentSpec};
use crate::deadline::Deadline;
use crate::engine::Engine;
use crate::error::{EngineError, ErrorKind, Result};
use crate::events::Events;
use crate::hostcall::Observer;
use crate::outbound::{Connector, Hooks};
use crate::state::{Scope, State};

/// A component and a store to run it in, with the terminal's streams.
pub struct Prepared {
    pub component: Arc<Component>,
    pub store: Store<State>,
}

pub fn prepare(
    engine: &Arc<Engine>,
    artifact: Arc<Artifact>,
    options: RunOptions,
    bound: &Bound,
    events: Arc<dyn Events>,
    observer: Option<Arc<dyn Observer>>,
) -> Result<Prepared> {
    let spec = ComponentSpec {
        application: "run".into(),
        id: options.arguments.first().cloned().unwrap_or_default(),
        limits: options.limits.clone(),
        outbound: options.outbound.clone(),
        ..ComponentSpec::default()
    };
    Prepared::new(Component::new(engine, artifact, spec, bound, events, observer)?, &options)
}

/// A connector loads the platform's root certificates, so one is made only
/// where something may be connected to.
fn hooks(component: &Arc<Component>) -> Hooks {
    if component.spec.outbound.grants.is_empty() {
        return Hooks::default();
    }
    Hooks::new(component, None, &Connector::new(), 0, None)
}

impl Prepared {
    /// Limits and grants for HTTP are the component's, the rest comes from `options`.
    pub fn new(component: Arc<Component>, options: &RunOptions) -> Result<Self> {
        let wasi = context::builder(options)?.build();
        let scope = Scope {
            component: Arc::clone(&component),
            generation: 0,
            instance: 1,
            calls: 0,
            deadline: Deadline::after(component.spec.limits.time),
            trace: None,
        };
        let store = State::store_with(&component, Some(wasi), hooks(&component), scope)?;
        Ok(Self { component, store })
    }

    /// Bounds an event by the time limit, which also ends what waits in the
    /// host, and turns its failure into an exit code or a message.
    pub async fn bounded<T>(
        &mut self,
        event: impl AsyncFnOnce(&mut Store<State>, &Component) -> wasmtime::Result<T>,
    ) -> Result<Ended<T>> {
        let Self { component, store } = self;
        let limits = component.spec.limits.clone();
        let outcome = match limits.time {
            None => event(store, component).await,
            Some(time) => match tokio::time::timeout(time, event(store, component)).await {
                Ok(outcome) => outcome,
                Err(_) => return Err(failure::time(time)),
            },
        };
        match outcome {
            Ok(value) => Ok(Ended::Value(value)),
            Err(error) => {
                let refused = store.data_mut().limiter.refused.take();
                failure::exit(&error, refused, &limits).map(Ended::Exit)
            }
        }
    }
}

/// A guest can leave by `exit` whatever was called.
pub enum Ended<T> {
    Value(T),
    Exit(i32),
}

pub async fn run(
    engine: &Arc<Engine>,
    artifact: Arc<Artifact>,
    options: RunOptions,
    bound: &Bound,
    events: Arc<dyn Events>,
    observer: Option<Arc<dyn Observer>>,
) -> Result<i32> {
    let generation = generation(&artifact)?;
    finish(prepare(engine, artifact, options, bound, events, observer)?, generation).await
}

/// The same for a component that is linked, with what answers its imports.
pub async fn run_component(component: Arc<Component>, options: &RunOptions) -> Result<i32> {
    let generation = generation(&component.artifact)?;
    finish(Prepared::new(component, options)?, generation).await
}

/// Of which WASI its `wasi:cli/run` is: 2 or 3.
fn generation(artifact: &Artifact) -> Result<u8> {
    let exports = |prefix: &str| artifact.exports.iter().any(|name| name.starts_with(prefix));
    match (exports("wasi:cli/run@0.3."), exports("wasi:cli/run@0.2.")) {
        (true, _) => Ok(3),
        (_, true) => Ok(2),
        _ => Err(no_command(artifact)),
    }
}

async fn finish(mut prepared: Prepared, generation: u8) -> Result<i32> {
    let ended = prepared
        .bounded(async |store, component| {
            let instance = component.linked.pre.instantiate_async(&mut *store).await?;
            if generation == 3 {
                let command = wasmtime_wasi::p3::bindings::Command::new(&mut *store, &instance)?;
                return store.run_concurrent(async |store| command.wasi_cli_run().call_run(store).await).await?;
            }
            let command = wasmtime_wasi::p2::bindings::Command::new(&mut *store, &instance)?;
            command.wasi_cli_run().call_run(&mut *store).await
        })
        .await?;
    Ok(match ended {
        Ended::Value(Ok(())) => 0,
        Ended::Value(Err(())) => 1,
        Ended::Exit(code) => code,
    })
}

fn no_command(artifact: &Artifact) -> EngineError {
    let error = EngineError::new(
        ErrorKind::Usage,
        format!("this component is no command: it exports {}, not wasi:cli/run", list(&artifact.exports)),
    );
    if artifact.exports.iter().any(|name| name.starts_with("wasi:http/")) {
        error.hint("it answers HTTP requests; start it with: paddock serve FILE")
    } else {
        error.hint("call one of its functions with: paddock run --invoke NAME FILE [ARGUMENTS]")
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "nothing".into() } else { names.join(", ") }
}
