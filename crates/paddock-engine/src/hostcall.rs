//! The one way by which a guest's import leaves the engine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;

use crate::error::EngineError;
use crate::value::Value;

/// Who calls what; carried by every call.
#[derive(Clone, Copy, Debug)]
pub struct CallContext<'a> {
    pub application: &'a str,
    pub component: &'a str,
    pub generation: u64,
    pub instance: u64,
    /// Counts from 1 within one instance.
    pub call: u64,
    pub deadline: Option<Instant>,
    /// W3C `traceparent` of the event that made the instance run.
    pub trace: Option<&'a str>,
    pub interface: &'a str,
    pub function: &'a str,
}

/// Why a call has no ordinary result.
pub enum CallError {
    /// The function's own error, in the shape of its WIT error type.
    Err(Value),
    /// The guest can't go on; the text goes to the log, not to a client.
    Trap(String),
}

pub enum Reply {
    Ready(Result<Value, CallError>),
    Later(BoxFuture<'static, Result<Value, CallError>>),
}

/// One function of one bound interface.
pub trait HostFunction: Send + Sync {
    fn call(&self, context: &CallContext<'_>, arguments: Vec<Value>) -> Reply;
}

/// What answers one component's import of one interface.
pub trait HostInterface: Send + Sync {
    /// Finds a function by its WIT name, such as `[method]bucket.get`.
    ///
    /// # Errors
    /// `Plan`, when what is bound lacks it.
    fn function(&self, name: &str) -> Result<Arc<dyn HostFunction>, EngineError>;
}

/// How something that a guest asked for ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Answered,
    /// By the error of its own interface.
    Failed,
    /// The guest could not go on.
    Trapped,
    /// Nobody waited for the answer any more.
    Abandoned,
}

impl Ended {
    pub fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Trapped => "trapped",
            Self::Abandoned => "abandoned",
        }
    }

    fn of<T>(outcome: &Result<T, CallError>) -> Self {
        match outcome {
            Ok(_) => Self::Answered,
            Err(CallError::Err(_)) => Self::Failed,
            Err(CallError::Trap(_)) => Self::Trapped,
        }
    }
}

/// Sees everything that a guest asks of the host, once it is answered: imported
/// functions, and the clocks, random numbers, sockets and requests that are
/// answered in Rust. Called on the guest's thread, so it must not block.
pub trait Observer: Send + Sync {
    fn told(&self, context: &CallContext<'_>, ended: Ended, took: Duration);
}

/// A call under way that its observer is told of when it ends, however it does.
pub(crate) struct Watched {
    observer: Arc<dyn Observer>,
    application: Arc<str>,
    component: Arc<str>,
    trace: Option<Arc<str>>,
    names: (String, String),
    numbers: (u64, u64, u64),
    deadline: Option<Instant>,
    begun: Instant,
    ended: Ended,
}

impl Watched {
    pub fn new(
        observer: &Arc<dyn Observer>,
        owner: (&Arc<str>, &Arc<str>),
        trace: Option<Arc<str>>,
        context: &CallContext<'_>,
    ) -> Self {
        Self {
            observer: Arc::clone(observer),
            application: Arc::clone(owner.0),
            component: Arc::clone(owner.1),
            trace,
            names: (context.interface.into(), context.function.into()),
            numbers: (context.generation, context.instance, context.call),
            deadline: context.deadline,
            begun: Instant::now(),
            ended: Ended::Abandoned,
        }
    }

    pub fn end(mut self, ended: Ended) {
        self.ended = ended;
    }

    /// The same reply; the observer learns how it ends.
    pub fn reply(self, reply: Reply) -> Reply {
        match reply {
            Reply::Ready(outcome) => {
                self.end(Ended::of(&outcome));
                Reply::Ready(outcome)
            }
            Reply::Later(outcome) => Reply::Later(Box::pin(async move {
                let outcome = outcome.await;
                self.end(Ended::of(&outcome));
                outcome
            })),
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let (generation, instance, call) = self.numbers;
        let context = CallContext {
            application: &self.application,
            component: &self.component,
            generation,
            instance,
            call,
            deadline: self.deadline,
            trace: self.trace.as_deref(),
            interface: &self.names.0,
            function: &self.names.1,
        };
        self.observer.told(&context, self.ended, self.begun.elapsed());
    }
}
