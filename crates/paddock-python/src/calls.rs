//! What guests ask of the host, as Python is told of it.

use std::sync::Arc;
use std::time::Duration;

use paddock_engine::hostcall::{CallContext, Ended, Observer};
use pyo3::prelude::*;

use crate::tasks::Tasks;

/// One thing that a guest asked for, once it was answered.
#[pyclass(frozen, name = "Call", module = "paddock._core", get_all)]
pub struct CallObject {
    application: String,
    component: String,
    generation: u64,
    instance: u64,
    call: u64,
    trace: Option<String>,
    interface: String,
    function: String,
    outcome: &'static str,
    seconds: f64,
}

/// Puts calls into the queue of the event loop.
pub struct CallSink(pub Arc<Tasks>);

impl Observer for CallSink {
    fn told(&self, context: &CallContext<'_>, ended: Ended, took: Duration) {
        self.0.call(CallObject {
            application: context.application.into(),
            component: context.component.into(),
            generation: context.generation,
            instance: context.instance,
            call: context.call,
            trace: context.trace.map(Into::into),
            interface: context.interface.into(),
            function: context.function.into(),
            outcome: ended.name(),
            seconds: took.as_secs_f64(),
        });
    }
}
