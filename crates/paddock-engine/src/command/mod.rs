//! `paddock run`: one command component or core module, in the terminal.
//!
//! A command differs from a served component in what surrounds it: the
//! process's own input and output, no limits unless asked for, and an exit code
//! that becomes ours.

mod context;
pub(crate) mod failure;
pub(crate) mod module;
pub(crate) mod run;

use std::sync::Arc;

use crate::artifact::{Artifact, Code};
use crate::component::{Bound, Mount};
use crate::engine::Engine;
use crate::error::{EngineError, ErrorKind, Result};
use crate::events::Events;
use crate::hostcall::Observer;
use crate::limits::InstanceLimits;
use crate::outbound::OutboundGrants;

pub use failure::TRAP_EXIT;
pub use run::run_component;

/// What a command is given.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// `argv`, with the program's name first.
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
    /// The host's variables too; those of `environment` win.
    pub inherit_env: bool,
    pub mounts: Vec<Mount>,
    /// Addresses for sockets (`tcp`, `udp`) and hosts for `wasi:http`.
    pub outbound: OutboundGrants,
    /// Sockets of every kind to and from everywhere.
    pub inherit_network: bool,
    pub allow_ip_name_lookup: bool,
    pub limits: InstanceLimits,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            arguments: Vec::new(),
            environment: Vec::new(),
            inherit_env: false,
            mounts: Vec::new(),
            outbound: OutboundGrants::default(),
            inherit_network: false,
            allow_ip_name_lookup: false,
            limits: unlimited(),
        }
    }
}

/// A command has no limits of its own; its user can interrupt it.
pub fn unlimited() -> InstanceLimits {
    InstanceLimits { memory: usize::MAX, table: usize::MAX, time: None, fuel: None, ..InstanceLimits::default() }
}

/// Runs a command to its end and gives its exit code: the status it exited
/// with, 0 when it returned, 1 when its `run` returned an error.
///
/// # Errors
/// `Guest`, when it trapped or exceeded a limit (the process should exit with
/// [`TRAP_EXIT`] then); `Plan`, when an import is not answered; `Usage`, when
/// there is nothing to run in the file.
pub async fn run(
    engine: &Arc<Engine>,
    artifact: Arc<Artifact>,
    options: RunOptions,
    bound: &Bound,
    events: Arc<dyn Events>,
    observer: Option<Arc<dyn Observer>>,
) -> Result<i32> {
    match &artifact.code {
        Code::Component(_) => run::run(engine, Arc::clone(&artifact), options, bound, events, observer).await,
        Code::Module(code) => module::run(engine, code, &options).await,
    }
}

/// Drives a command on this thread.
///
/// # Errors
/// What the command's future gives, and `Host`, when there is no event loop.
pub fn block_on<T>(command: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| EngineError::new(ErrorKind::Host, format!("can't start an event loop: {e}")))?;
    let outcome = runtime.block_on(command);
    // A read that still waits for the terminal must not hold the exit up.
    runtime.shutdown_background();
    outcome
}
