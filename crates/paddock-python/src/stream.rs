//! Python iterators as streams that a guest reads at its own pace.
//!
//! A plain iterator is advanced in place, by the guest's thread, and so must not
//! block. An asynchronous one runs in one task of the loop from its first item
//! to its last, ahead of the guest by a bounded amount: the two hand over what
//! is there, not item by item.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use futures::task::AtomicWaker;
use paddock_engine::hostcall::CallError;
use paddock_engine::value::{HostStream, Value};
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::awaitable::Completion;
use crate::convert::from_python;
use crate::doorway;
use crate::job::Site;
use crate::names::names;
use crate::tasks::{Answer, ENDING, Item, Tasks};

/// Items that are taken from a source at once, and that may lie ready.
const MOST_ITEMS: usize = 64;
/// Their bytes, roughly. One item may be larger by itself.
const MOST_BYTES: usize = 64 << 10;

/// Some items, bounded.
#[derive(Default)]
struct Batch {
    items: Vec<Value>,
    bytes: usize,
}

impl Batch {
    fn push(&mut self, item: Value) {
        self.bytes = self.bytes.saturating_add(item.weight());
        self.items.push(item);
    }

    fn full(&self) -> bool {
        self.items.len() >= MOST_ITEMS || self.bytes >= MOST_BYTES
    }

    /// Takes over one item, or all those of a page.
    fn take(&mut self, item: &Bound<'_, PyAny>, tasks: &Arc<Tasks>) -> PyResult<()> {
        if item.get_type().is(&names(item.py())?.page) {
            for part in item.cast::<PyList>()?.iter() {
                self.push(from_python(&part, tasks)?);
            }
        } else {
            self.push(from_python(item, tasks)?);
        }
        Ok(())
    }
}

/// The source of a stream, for the guest's side.
pub fn items(items: &Bound<'_, PyAny>, site: &Arc<Site>) -> PyResult<Box<dyn HostStream>> {
    let site = Arc::clone(site);
    if items.hasattr(pyo3::intern!(items.py(), "__aiter__"))? {
        return Ok(Box::new(OnTheLoop { source: Some(items.clone().unbind()), running: None, ended: None, site }));
    }
    Ok(Box::new(InPlace { iterator: items.try_iter()?.into_any().unbind(), ended: None, site }))
}

struct InPlace {
    iterator: Py<PyAny>,
    ended: Option<Result<(), CallError>>,
    site: Arc<Site>,
}

impl InPlace {
    fn advance(&mut self, py: Python<'_>) -> Vec<Value> {
        let mut batch = Batch::default();
        while self.ended.is_none() && !batch.full() {
            let next = self.iterator.bind(py).try_iter().and_then(|mut items| items.next().transpose());
            self.ended = match next {
                Ok(None) => Some(Ok(())),
                Ok(Some(item)) => batch.take(&item, &self.site.tasks).err().map(|e| Err(self.site.misfit(py, e))),
                Err(error) => Some(Err(self.site.fault(py, error))),
            };
        }
        batch.items
    }
}

impl HostStream for InPlace {
    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Result<Vec<Value>, CallError>> {
        let items = if self.ended.is_none() {
            doorway::enter(|py| self.advance(py)).unwrap_or_else(|| {
                self.ended = Some(Err(CallError::Trap(ENDING.into())));
                Vec::new()
            })
        } else {
            Vec::new()
        };
        Poll::Ready(if items.is_empty() { last(&mut self.ended) } else { Ok(items) })
    }
}

/// What the end of a stream is told as; told again it is an end without error.
fn last(ended: &mut Option<Result<(), CallError>>) -> Result<Vec<Value>, CallError> {
    ended.replace(Ok(())).unwrap_or(Ok(())).map(|()| Vec::new())
}

struct OnTheLoop {
    /// Until the guest first reads.
    source: Option<Py<PyAny>>,
    running: Option<Running>,
    ended: Option<Result<(), CallError>>,
    site: Arc<Site>,
}

struct Running {
    flow: Arc<Shared>,
    /// The end of the task; dropped before, it cancels the task.
    end: BoxFuture<'static, Answer>,
}

impl OnTheLoop {
    fn start(&self, py: Python<'_>, source: Py<PyAny>) -> PyResult<Running> {
        let flow = Arc::new(Shared::new(&self.site.tasks));
        let feed = names(py)?.feed.bind(py).call1((source, Flow(Arc::clone(&flow))))?;
        let waiting = self.site.start(py, feed.unbind())?;
        Ok(Running { flow, end: Box::pin(waiting.answer()) })
    }

    fn begin(&mut self) {
        let Some(source) = self.source.take() else { return };
        let started = doorway::enter(|py| self.start(py, source).map_err(|error| self.site.fault(py, error)));
        match started {
            Some(Ok(running)) => self.running = Some(running),
            Some(Err(error)) => self.ended = Some(Err(error)),
            None => self.ended = Some(Err(CallError::Trap(ENDING.into()))),
        }
    }
}

impl HostStream for OnTheLoop {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Vec<Value>, CallError>> {
        self.begin();
        let Some(running) = &mut self.running else { return Poll::Ready(last(&mut self.ended)) };
        running.flow.guest.register(cx.waker());
        // The end first: what was put before it is there then.
        let end = running.end.as_mut().poll(cx);
        let items = running.flow.take();
        if let Poll::Ready(end) = end {
            self.ended = Some(end.map(drop));
            self.running = None;
        }
        match (items.is_empty(), &self.ended) {
            (false, _) => Poll::Ready(Ok(items)),
            (true, Some(_)) => Poll::Ready(last(&mut self.ended)),
            (true, None) => Poll::Pending,
        }
    }
}

/// Between the task that puts items in and the guest that takes them out.
struct Shared {
    ready: Mutex<Ready>,
    guest: AtomicWaker,
    tasks: Arc<Tasks>,
}

#[derive(Default)]
struct Ready {
    batch: Batch,
    /// The future by which the task waits for room.
    waiting: Option<Py<PyAny>>,
}

impl Shared {
    fn new(tasks: &Arc<Tasks>) -> Self {
        Self { ready: Mutex::default(), guest: AtomicWaker::new(), tasks: Arc::clone(tasks) }
    }

    fn lock(&self) -> MutexGuard<'_, Ready> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Vec<Value> {
        let (batch, waiting) = {
            let mut ready = self.lock();
            (std::mem::take(&mut ready.batch), ready.waiting.take())
        };
        if let Some(future) = waiting {
            self.tasks.push_detached(Item::Complete(Completion::nothing(future)));
        }
        batch.items
    }
}

/// Python's end of it.
#[pyclass(frozen)]
struct Flow(Arc<Shared>);

#[pymethods]
impl Flow {
    /// Takes over an item; whether there is room for more.
    fn put(&self, item: &Bound<'_, PyAny>) -> PyResult<bool> {
        let mut taken = Batch::default();
        taken.take(item, &self.0.tasks)?;
        let room = {
            let mut ready = self.0.lock();
            taken.items.into_iter().for_each(|item| ready.batch.push(item));
            !ready.batch.full()
        };
        self.0.guest.wake();
        Ok(room)
    }

    /// An asyncio future that is done when there is room.
    fn room<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let future = self.0.tasks.event_loop.bind(py).call_method0(pyo3::intern!(py, "create_future"))?;
        let full = {
            let mut ready = self.0.lock();
            let full = ready.batch.full();
            if full {
                ready.waiting = Some(future.clone().unbind());
            }
            full
        };
        if !full {
            future.call_method1(pyo3::intern!(py, "set_result"), (py.None(),))?;
        }
        Ok(future)
    }
}
