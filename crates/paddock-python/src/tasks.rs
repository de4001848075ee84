//! The way from the core's threads to the asyncio loop: one queue, one wake-up
//! for all that gathers until the loop gets to it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use paddock_engine::events::{Event, Events};
use paddock_engine::hostcall::CallError;
use paddock_engine::value::Value;
use pyo3::prelude::*;
use pyo3::types::PyList;
use tokio::runtime::Handle;

use crate::awaitable::Completion;
use crate::calls::CallObject;
use crate::doorway;
use crate::events::EventObject;
use crate::job::Job;
use crate::names::names;
use crate::pool::Pool;

/// What a reply that takes time becomes.
pub type Answer = Result<Value, CallError>;

/// Said to a guest whose call can't be answered any more; no client sees it.
pub const ENDING: &str = "the host is shutting down";

/// Events that may wait for the loop; more are counted and dropped.
const MOST_EVENTS: usize = 8192;
/// Failures of host methods that may wait to be logged.
const MOST_FAILURES: usize = 1024;

pub enum Item {
    /// Run a coroutine, or await an awaitable.
    Start(u64, Py<Job>, Py<PyAny>),
    Cancel(u64),
    /// A guest let go of a resource whose class has `drop`.
    Drop(Arc<Py<PyAny>>),
    Complete(Completion),
    /// A host method raised KeyboardInterrupt or SystemExit.
    Exit(PyErr),
    /// What a host method raised: where, the exception, whether its interface
    /// made an answer of it.
    Failure(String, PyErr, bool),
    Text(String, String),
}

#[derive(Default)]
struct Queue {
    items: Vec<Item>,
    events: Vec<Event>,
    lost_events: u64,
    calls: Vec<CallObject>,
    lost_calls: u64,
    failures: usize,
    scheduled: bool,
    closed: bool,
}

pub struct Tasks {
    queue: Mutex<Queue>,
    number: AtomicU64,
    pub event_loop: Py<PyAny>,
    call_soon_threadsafe: Py<PyAny>,
    on_events: Py<PyAny>,
    on_exit: Option<Py<PyAny>>,
    on_calls: Option<Py<PyAny>>,
    /// `paddock._bridge.Tasks`.
    running: Py<PyAny>,
    pub handle: Handle,
    pub pool: Pool,
}

impl Tasks {
    pub fn new(
        event_loop: &Bound<'_, PyAny>,
        on_events: Py<PyAny>,
        on_exit: Option<Py<PyAny>>,
        on_calls: Option<Py<PyAny>>,
        handle: Handle,
        pool: Pool,
    ) -> PyResult<Arc<Self>> {
        Ok(Arc::new(Self {
            queue: Mutex::default(),
            number: AtomicU64::new(0),
            event_loop: event_loop.clone().unbind(),
            call_soon_threadsafe: event_loop.getattr("call_soon_threadsafe")?.unbind(),
            on_events,
            on_exit,
            on_calls,
            running: names(event_loop.py())?.tasks.bind(event_loop.py()).call1((event_loop,))?.unbind(),
            handle,
            pool,
        }))
    }

    pub fn next_number(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    pub fn running<'py>(&self, py: Python<'py>) -> &Bound<'py, PyAny> {
        self.running.bind(py)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues; true if the caller must wake the loop. What can't be queued any
    /// more is given back, to be dropped outside the lock.
    fn queue(&self, item: Item) -> (bool, Option<Item>) {
        let mut queue = self.lock();
        if queue.closed {
            return (false, Some(item));
        }
        if matches!(item, Item::Failure(..) | Item::Text(..)) {
            if queue.failures >= MOST_FAILURES {
                return (false, Some(item));
            }
            queue.failures += 1;
        }
        queue.items.push(item);
        (!std::mem::replace(&mut queue.scheduled, true), None)
    }

    /// Queues from a thread that is inside Python.
    pub fn push(self: &Arc<Self>, py: Python<'_>, item: Item) {
        let (wake, _refused) = self.queue(item);
        if wake {
            self.wake(py);
        }
    }

    /// Queues from anywhere, a destructor included: never enters Python here.
    pub fn push_detached(self: &Arc<Self>, item: Item) {
        let (wake, _refused) = self.queue(item);
        if wake {
            self.wake_later();
        }
    }

    pub fn dropped(self: &Arc<Self>, object: &Arc<Py<PyAny>>) {
        self.push_detached(Item::Drop(Arc::clone(object)));
    }

    fn wake_later(self: &Arc<Self>) {
        let tasks = Arc::clone(self);
        self.handle.spawn(async move {
            doorway::enter(|py| tasks.wake(py));
        });
    }

    fn wake(self: &Arc<Self>, py: Python<'_>) {
        let woken =
            Py::new(py, Drain(Arc::clone(self))).and_then(|drain| self.call_soon_threadsafe.call1(py, (drain,)));
        if woken.is_err() {
            // The loop is closed: what waits for it learns that nobody comes.
            self.close();
        }
    }

    /// Refuses all further work and lets go of what is queued.
    pub fn close(&self) {
        let dropped = {
            let mut queue = self.lock();
            queue.closed = true;
            std::mem::take(&mut queue.items)
        };
        drop(dropped);
    }

    /// Whether anybody wants to hear of calls.
    pub fn watches_calls(&self) -> bool {
        self.on_calls.is_some()
    }

    pub fn call(self: &Arc<Self>, call: CallObject) {
        let wake = {
            let mut queue = self.lock();
            if queue.closed {
                return;
            }
            if queue.calls.len() >= MOST_EVENTS {
                queue.lost_calls += 1;
            } else {
                queue.calls.push(call);
            }
            !std::mem::replace(&mut queue.scheduled, true)
        };
        if wake {
            self.wake_later();
        }
    }

    fn drain(&self, py: Python<'_>) -> PyResult<()> {
        self.deliver_calls(py)?;
        let (items, events, lost) = {
            let mut queue = self.lock();
            queue.scheduled = false;
            queue.failures = 0;
            (
                std::mem::take(&mut queue.items),
                std::mem::take(&mut queue.events),
                std::mem::take(&mut queue.lost_events),
            )
        };
        let mut raised = Ok(());
        for item in items {
            if let Err(error) = self.carry_out(py, item) {
                raised = Err(error);
            }
        }
        self.deliver(py, events, lost)?;
        raised
    }

    fn carry_out(&self, py: Python<'_>, item: Item) -> PyResult<()> {
        let running = self.running.bind(py);
        match item {
            Item::Start(number, job, reply) => {
                running.call_method1(pyo3::intern!(py, "start"), (number, job, reply)).map(drop)
            }
            Item::Cancel(number) => running.call_method1(pyo3::intern!(py, "cancel"), (number,)).map(drop),
            Item::Drop(object) => object.bind(py).call_method0(pyo3::intern!(py, "drop")).map(drop),
            Item::Complete(completion) => completion.carry_out(py),
            Item::Exit(error) => match &self.on_exit {
                Some(on_exit) => on_exit.call0(py).map(drop),
                // Out of the loop's callback it ends the loop, as in any other.
                None => Err(error),
            },
            Item::Failure(place, error, answered) => {
                names(py)?.log_failure.call1(py, (place, error, answered)).map(drop)
            }
            Item::Text(place, text) => names(py)?.log_text.call1(py, (place, text)).map(drop),
        }
    }

    fn deliver_calls(&self, py: Python<'_>) -> PyResult<()> {
        let Some(on_calls) = &self.on_calls else { return Ok(()) };
        let (calls, lost) = {
            let mut queue = self.lock();
            (std::mem::take(&mut queue.calls), std::mem::take(&mut queue.lost_calls))
        };
        if calls.is_empty() && lost == 0 {
            return Ok(());
        }
        let calls = calls.into_iter().map(|call| Py::new(py, call)).collect::<PyResult<Vec<_>>>()?;
        on_calls.call1(py, (calls, lost)).map(drop)
    }

    fn deliver(&self, py: Python<'_>, events: Vec<Event>, lost: u64) -> PyResult<()> {
        if events.is_empty() && lost == 0 {
            return Ok(());
        }
        let batch = PyList::empty(py);
        for event in events {
            batch.append(EventObject::new(py, event)?)?;
        }
        if lost > 0 {
            batch.append(EventObject::lost(py, lost)?)?;
        }
        self.on_events.call1(py, (batch,)).map(drop)
    }
}

/// Events reach Python through the same queue.
pub struct EventSink(pub Arc<Tasks>);

impl Events for EventSink {
    fn emit(&self, event: Event) {
        let wake = {
            let mut queue = self.0.lock();
            if queue.closed {
                return;
            }
            if queue.events.len() >= MOST_EVENTS {
                queue.lost_events += 1;
            } else {
                queue.events.push(event);
            }
            !std::mem::replace(&mut queue.scheduled, true)
        };
        if wake {
            self.0.wake_later();
        }
    }
}

/// The callback on the loop that empties the queue.
#[pyclass(frozen)]
struct Drain(Arc<Tasks>);

#[pymethods]
impl Drain {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        self.0.drain(py)
    }
}
