//! A reply that a guest waits for, and what becomes of an exception.

use std::sync::{Arc, Mutex, PoisonError};

use paddock_engine::hostcall::{CallError, Reply};
use paddock_engine::value::{Streamed, Value};
use pyo3::exceptions::{PyException, PyKeyboardInterrupt, PySystemExit};
use pyo3::prelude::*;
use tokio::sync::oneshot;

use crate::convert::{Held, from_python};
use crate::facts::facts;
use crate::names::names;
use crate::stream;
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
    /// What a host method returned, now or later.
    pub fn reply(self: &Arc<Self>, result: &Bound<'_, PyAny>) -> Reply {
        self.try_reply(result).unwrap_or_else(|error| Reply::Ready(Err(self.fault(result.py(), error))))
    }

    fn try_reply(self: &Arc<Self>, result: &Bound<'_, PyAny>) -> PyResult<Reply> {
        let py = result.py();
        let names = names(py)?;
        let class = result.get_type();
        if class.is(&names.coroutine) {
            return Ok(self.later(py, result.clone().unbind()));
        }
        if class.is(&names.deferred) {
            return Ok(self.deferred(py, result.get_item(0)?.unbind()));
        }
        let value = self.answer(result);
        if matches!(value, Ok(Value::Object(_))) && facts(&class)?.awaitable {
            return Ok(self.later(py, result.clone().unbind()));
        }
        Ok(Reply::Ready(value))
    }

    /// A host method's value for the guest: data, a resource, or a stream.
    pub fn answer(self: &Arc<Self>, object: &Bound<'_, PyAny>) -> Answer {
        self.try_answer(object).map_err(|error| self.misfit(object.py(), error))
    }

    fn try_answer(self: &Arc<Self>, object: &Bound<'_, PyAny>) -> PyResult<Value> {
        let value = from_python(object, &self.tasks)?;
        if !matches!(value, Value::Object(_)) {
            return Ok(value);
        }
        let (names, class) = (names(object.py())?, object.get_type());
        if class.is(&names.stream) {
            let head = object.getattr(pyo3::intern!(object.py(), "head"))?;
            let head = match head.is(&names.no_head) {
                true => None,
                false => Some(Box::new(from_python(&head, &self.tasks)?)),
            };
            let items = stream::items(&object.getattr(pyo3::intern!(object.py(), "items"))?, self)?;
            return Ok(Value::Stream(Streamed { head, items }));
        }
        let facts = facts(&class)?;
        if facts.iterator || facts.async_iterator {
            return Ok(Value::Stream(Streamed { head: None, items: stream::items(object, self)? }));
        }
        if facts.sink { Held::answer(object, self) } else { Ok(value) }
    }

    pub fn misfit(&self, py: Python<'_>, error: PyErr) -> CallError {
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
            let _ = sender.send(self.site.answer(value));
        }
    }

    fn fail(&self, py: Python<'_>, error: &Bound<'_, PyAny>) {
        if let Some(sender) = self.take() {
            let _ = sender.send(Err(self.site.fault(py, PyErr::from_value(error.clone()))));
        }
    }
}
