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
    let wasi = context::builder(&options)?.build();
    let spec = ComponentSpec {
        application: "run".into(),
        id: options.arguments.first().cloned().unwrap_or_default(),
        limits: options.limits,
        outbound: options.outbound,
        ..ComponentSpec::default()
    };
    let component = Component::new(engine, artifact, spec, bound, events, observer)?;
    let scope = Scope {
        component: Arc::clone(&component),
        generation: 0,
        instance: 1,
        calls: 0,
        deadline: Deadline::after(component.spec.limits.time),
        trace: None,
    };
    let store = State::store_with(&component, wasi, hooks(&component), scope)?;
    Ok(Prepared { component, store })
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
    let exports = |prefix: &str| artifact.exports.iter().any(|name| name.starts_with(prefix));
    let generation = match (exports("wasi:cli/run@0.3."), exports("wasi:cli/run@0.2.")) {
        (true, _) => 3,
        (_, true) => 2,
        _ => return Err(no_command(&artifact)),
    };
    let mut prepared = prepare(engine, Arc::clone(&artifact), options, bound, events, observer)?;
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
