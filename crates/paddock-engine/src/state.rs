//! What belongs to one instance: its WASI contexts, limits and call scope.

use std::net::SocketAddr;
use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi::cli::AsyncStdinStream;
use wasmtime_wasi::sockets::SocketAddrUse;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};
use wasmtime_wasi_io::IoView;

use crate::component::Component;
use crate::deadline::Deadline;
use crate::engine::TICK;
use crate::error::{EngineError, ErrorKind, Result};
use crate::events::{EventKind, Output};
use crate::hostcall::{CallContext, Ended, Reply, Watched};
use crate::limits::{HANDLES, Limiter};
use crate::linker::Slot;
use crate::outbound::Hooks;
use crate::pipe::Pipe;
use crate::stdio::LineLog;
use crate::value::Value;

/// Raised inside a guest whose time is over.
#[derive(Debug)]
pub struct TimeLimit;

impl std::fmt::Display for TimeLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("time limit exceeded")
    }
}

impl std::error::Error for TimeLimit {}

/// For whom and until when an instance works.
pub struct Scope {
    pub component: Arc<Component>,
    pub generation: u64,
    pub instance: u64,
    pub calls: u64,
    pub deadline: Deadline,
    pub trace: Option<Arc<str>>,
}

/// What one run of a program has of its own.
pub struct Process {
    pub environment: Vec<(String, String)>,
    pub arguments: Vec<String>,
    pub stdin: Option<AsyncStdinStream>,
    pub stdout: Pipe,
}

pub struct State {
    pub table: ResourceTable,
    /// None until a guest first asks for something of it: one that only speaks HTTP never does, and making a context
    /// costs a tenth of what making an instance does.
    wasi: Option<WasiCtx>,
    pub http: WasiHttpCtx,
    pub hooks: Hooks,
    pub limiter: Limiter,
    pub scope: Scope,
}

impl State {
    /// A store for one instance of `component`, with its limits armed.
    pub fn store(
        component: &Arc<Component>,
        hooks: Hooks,
        generation: u64,
        trace: Option<Arc<str>>,
    ) -> Result<Store<State>> {
        Self::store_of(component, None, hooks, generation, trace)
    }

    /// The same for a program with streams, arguments and variables of its own.
    pub fn process(
        component: &Arc<Component>,
        process: Process,
        hooks: Hooks,
        generation: u64,
        trace: Option<Arc<str>>,
    ) -> Result<Store<State>> {
        Self::store_of(component, Some(process), hooks, generation, trace)
    }

    fn store_of(
        component: &Arc<Component>,
        process: Option<Process>,
        hooks: Hooks,
        generation: u64,
        trace: Option<Arc<str>>,
    ) -> Result<Store<State>> {
        let instance = component.next_instance();
        // A directory that can't be opened is an error of the event, and not of the call that first looks.
        let wasi = match process {
            None if component.spec.mounts.is_empty() => None,
            process => Some(opened(component, process, generation, instance)?),
        };
        Self::store_with(
            component,
            wasi,
            hooks,
            Scope {
                component: Arc::clone(component),
                generation,
                instance,
                calls: 0,
                deadline: Deadline::after(component.spec.limits.time),
                trace,
            },
        )
    }

    /// The same with a WASI context of the caller's own, as for `paddock run`; None for one that is made when a guest
    /// first asks for it.
    pub fn store_with(
        component: &Component,
        wasi: Option<WasiCtx>,
        hooks: Hooks,
        scope: Scope,
    ) -> Result<Store<State>> {
        let engine = component.engine.wasmtime(component.artifact.flavour);
        let limiter = Limiter::new(&component.spec.limits);
        let mut state = State { table: ResourceTable::new(), wasi, http: WasiHttpCtx::new(), hooks, limiter, scope };
        state.table.set_max_capacity(HANDLES);
        let mut store = Store::new(engine, state);
        store.set_max_component_handles(HANDLES);
        store.limiter(|state| &mut state.limiter);
        arm(&mut store, component)?;
        Ok(store)
    }

    /// Calls what answers an import.
    pub(crate) fn call(&mut self, slot: Slot, arguments: Vec<Value>) -> wasmtime::Result<Reply> {
        let scope = &mut self.scope;
        scope.calls += 1;
        let component = &scope.component;
        let (interface, function) = component.linked.names(slot);
        let Some(Some(answer)) = component.imports.get(slot.interface).and_then(|i| i.get(slot.function)) else {
            return Err(wasmtime::format_err!("{interface} {function} is not bound"));
        };
        let context = scope.context(interface, function);
        let Some(observer) = &component.observer else { return Ok(answer.call(&context, arguments)) };
        let owner = (&component.application, &component.id);
        let watched = Watched::new(observer, owner, scope.trace.clone(), &context);
        Ok(watched.reply(answer.call(&context, arguments)))
    }

    /// Reports a limit that was refused since the last call; whether one was.
    pub(crate) fn report_refusal(&mut self) -> bool {
        let Some((limit, value)) = self.limiter.refused.take() else { return false };
        self.scope.component.emit(self.scope.instance, EventKind::Limit { limit, value });
        true
    }
}

impl Scope {
    pub(crate) fn context<'a>(&'a self, interface: &'a str, function: &'a str) -> CallContext<'a> {
        CallContext {
            application: &self.component.application,
            component: &self.component.id,
            generation: self.generation,
            instance: self.instance,
            call: self.calls,
            deadline: self.deadline.instant(),
            trace: self.trace.as_deref(),
            interface,
            function,
        }
    }
}

/// Arms time and fuel for one event; a reused instance is armed anew.
pub fn arm(store: &mut Store<State>, component: &Component) -> Result<()> {
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |store| {
        let deadline = &store.data().scope.deadline;
        if deadline.passed() || deadline.busy(TICK) {
            return Err(wasmtime::Error::new(TimeLimit));
        }
        // The guest gives way on every tick, so that its thread's other
        // connections move on.
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
    });
    if component.engine.options().fuel {
        let fuel = component.spec.limits.fuel.unwrap_or(u64::MAX);
        store.set_fuel(fuel).map_err(|e| EngineError::from_wasm(ErrorKind::Host, "can't set fuel", &e))?;
    }
    Ok(())
}

/// A context with all that the component is given, but its directories.
fn context(component: &Arc<Component>, generation: u64, instance: u64) -> WasiCtxBuilder {
    let spec = &component.spec;
    let mut builder = WasiCtxBuilder::new();
    let log = |output| {
        LineLog::new(
            Arc::clone(&component.events),
            Arc::clone(&component.application),
            Arc::clone(&component.id),
            instance,
            output,
        )
    };
    builder.stdout(log(Output::Stdout)).stderr(log(Output::Stderr));
    builder.envs(&spec.environment).args(&spec.arguments);
    network(&mut builder, component);
    crate::observed::observe(&mut builder, component, generation, instance);
    builder
}

/// The same with its directories, and what one run has of its own.
fn opened(component: &Arc<Component>, process: Option<Process>, generation: u64, instance: u64) -> Result<WasiCtx> {
    let mut builder = context(component, generation, instance);
    if let Some(process) = process {
        // Later variables win over those of the manifest.
        builder.envs(&process.environment).args(&process.arguments).stdout(process.stdout);
        if let Some(stdin) = process.stdin {
            builder.stdin(stdin);
        }
    }
    for mount in &component.spec.mounts {
        preopen(&mut builder, mount)?;
    }
    Ok(builder.build())
}

pub(crate) fn preopen(builder: &mut WasiCtxBuilder, mount: &crate::component::Mount) -> Result<()> {
    let permissions = if mount.writable { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
    builder.preopened_dir(&mount.host, &mount.guest, permissions).map(|_| ()).map_err(|e| {
        EngineError::from_wasm(ErrorKind::Host, &format!("can't open {} for the guest", mount.host.display()), &e)
    })
}

/// Sockets by grant: every address is checked when it is used, also where there
/// is no grant at all, so that what is refused is told.
fn network(builder: &mut WasiCtxBuilder, component: &Arc<Component>) {
    let grants = &component.spec.outbound;
    builder.allow_tcp(true).allow_udp(true);
    builder.allow_ip_name_lookup(grants.any_socket("tcp") || grants.any_socket("udp"));
    let component = Arc::clone(component);
    builder.socket_addr_check(move |address: SocketAddr, usage: SocketAddrUse| {
        let component = Arc::clone(&component);
        let watched = component.watch("wasi:sockets", "use-address", None);
        Box::pin(async move {
            let allowed = component.spec.outbound.allows_socket(address, usage).await;
            if let Some(watched) = watched {
                watched.end(if allowed { Ended::Answered } else { Ended::Failed });
            }
            socket_used(&component, address, usage, allowed);
            allowed
        })
    });
}

fn socket_used(component: &Component, address: SocketAddr, usage: SocketAddrUse, allowed: bool) {
    let udp = matches!(usage, SocketAddrUse::UdpBind | SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive);
    let destination = format!("{}://{address}", if udp { "udp" } else { "tcp" });
    let what = format!("the socket address {address}");
    if !allowed && component.spec.outbound.blocks(address.ip()) {
        component.deny_blocked(&destination);
    } else if !allowed {
        component.deny(&what, &destination);
    } else if matches!(usage, SocketAddrUse::TcpConnect | SocketAddrUse::UdpSend) {
        component.permit(|| (what, destination));
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let Scope { component, generation, instance, .. } = &self.scope;
        let ctx = self.wasi.get_or_insert_with(|| context(component, *generation, *instance).build());
        WasiCtxView { ctx, table: &mut self.table }
    }
}

impl IoView for State {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}
