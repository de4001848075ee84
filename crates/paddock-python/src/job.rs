//! A reply that a guest waits for, and what becomes of an exception.

use std::sync::{Arc, Mutex, PoisonError};

use paddock_engine::hostcall::{CallError, Reply};
use pyo3::exceptions::{PyException, PyKeyboardInterrupt, PySystemExit};
use pyo3::prelude::*;
use tokio::sync::oneshot;

use crate::convert::from_python;
use crate::names::names;
use crate::tasks::{Answer, ENDING, Item, Tasks};

/// Where a call goes: for the log, and for the interface's mapping of errors.
pub struct Site {
    /// "guestbook/api: wasi:keyvalue/store@0.2.0-draft get"
    pub place: String,
    /// The interface object's `__paddock_error__`.
    pub mapper: Option<Py<PyAny>>,
    pub tasks: Arc<Tasks>,
}

impl Site {
    /// A host method's value for the guest.
    pub fn value(&self, object: &Bound<'_, PyAny>) -> Answer {
        from_python(object, &self.tasks).map_err(|error| self.misfit(object.py(), error))
    }

    fn misfit(&self, py: Python<'_>, error: PyErr) -> CallError {
        self.tasks.push(py, Item::Failure(self.place.clone(), error, false));
        self.trap()
    }

    /// The exception's own text goes to the log only.
    fn trap(&self) -> CallError {
        CallError::Trap(format!("{}: the host could not answer; its log tells why", self.place))
    }

    /// What a guest gets for an exception.
    pub fn fault(&self, py: Python<'_>, error: PyErr) -> CallError {
        match self.classify(py, &error) {
            Ok(fault) => fault,
            // The mapping itself failed: both are worth a line.
            Err(second) => {
                self.tasks.push(py, Item::Failure(self.place.clone(), error, false));
                self.misfit(py, second)
            }
        }
    }

    fn classify(&self, py: Python<'_>, error: &PyErr) -> PyResult<CallError> {
        let names = names(py)?;
        let value = error.value(py);
        if value.is_instance(names.err.bind(py))? {
            let payload = value.getattr(pyo3::intern!(py, "payload"))?;
            return Ok(CallError::Err(from_python(&payload, &self.tasks)?));
        }
        if value.is_instance(names.cancelled.bind(py))? {
            return Ok(CallError::Trap(ENDING.into()));
        }
        if error.is_instance_of::<PyKeyboardInterrupt>(py) || error.is_instance_of::<PySystemExit>(py) {
            self.tasks.push(py, Item::Exit(error.clone_ref(py)));
            return Ok(CallError::Trap(ENDING.into()));
        }
        match &self.mapper {
            Some(mapper) if error.is_instance_of::<PyException>(py) => {
                let payload = mapper.bind(py).call1((value,))?;
                let payload = from_python(&payload, &self.tasks)?;
                self.tasks.push(py, Item::Failure(self.place.clone(), error.clone_ref(py), true));
                Ok(CallError::Err(payload))
            }
            _ => {
                self.tasks.push(py, Item::Failure(self.place.clone(), error.clone_ref(py), false));
                Ok(self.trap())
            }
        }
    }

    /// Has `reply` awaited on the loop; the guest waits meanwhile, and when it
    /// is gone the reply is cancelled.
    pub fn later(self: &Arc<Self>, py: Python<'_>, reply: Py<PyAny>) -> Reply {
        match self.start(py, reply) {
            Ok(waiting) => Reply::Later(Box::pin(waiting.answer())),
            Err(error) => Reply::Ready(Err(self.misfit(py, error))),
        }
    }

    pub fn start(self: &Arc<Self>, py: Python<'_>, reply: Py<PyAny>) -> PyResult<Waiting> {
        let (sender, receiver) = oneshot::channel();
        let number = self.tasks.next_number();
        let job = Py::new(py, Job { sender: Mutex::new(Some(sender)), site: Arc::clone(self) })?;
        self.tasks.push(py, Item::Start(number, job, reply));
        Ok(Waiting { receiver, number, tasks: Arc::clone(&self.tasks), done: false })
    }

    /// Has blocking `work` called on the pool.
    pub fn deferred(self: &Arc<Self>, py: Python<'_>, work: Py<PyAny>) -> Reply {
        let (sender, receiver) = oneshot::channel();
        self.tasks.pool.submit(py, work, sender, Arc::clone(self));
        Reply::Later(Box::pin(async move { receiver.await.unwrap_or_else(|_| ending()) }))
    }
}

fn ending() -> Answer {
    Err(CallError::Trap(ENDING.into()))
}

/// The guest's side of a reply under way.
pub struct Waiting {
    receiver: oneshot::Receiver<Answer>,
    number: u64,
    tasks: Arc<Tasks>,
    done: bool,
}

impl Waiting {
    pub async fn answer(mut self) -> Answer {
        let answer = (&mut self.receiver).await;
        self.done = true;
        answer.unwrap_or_else(|_| ending())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.done {
            self.tasks.push_detached(Item::Cancel(self.number));
        }
    }
}

/// Python's side of a reply under way.
#[pyclass(frozen)]
pub struct Job {
    sender: Mutex<Option<oneshot::Sender<Answer>>>,
    site: Arc<Site>,
}

impl Job {
    fn take(&self) -> Option<oneshot::Sender<Answer>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[pymethods]
impl Job {
    fn finish(&self, value: &Bound<'_, PyAny>) {
        if let Some(sender) = self.take() {
            let _ = sender.send(self.site.value(value));
        }
    }

    fn fail(&self, py: Python<'_>, error: &Bound<'_, PyAny>) {
        if let Some(sender) = self.take() {
            let _ = sender.send(Err(self.site.fault(py, PyErr::from_value(error.clone()))));
        }
    }
}
