//! A Python object with `write` and `close` as what a guest writes to.

use std::sync::Arc;

use paddock_engine::hostcall::{CallError, Reply};
use paddock_engine::value::HostSink;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::doorway;
use crate::job::Site;
use crate::tasks::ENDING;

pub struct Sink {
    object: Arc<Py<PyAny>>,
    droppable: bool,
    site: Arc<Site>,
}

impl Sink {
    pub fn new(object: Py<PyAny>, droppable: bool, site: &Arc<Site>) -> Self {
        Self { object: Arc::new(object), droppable, site: Arc::clone(site) }
    }

    fn call(&self, method: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<Py<PyAny>>) -> Reply {
        doorway::enter(|py| match method(self.object.bind(py)) {
            Ok(result) => self.site.reply(result.bind(py)),
            Err(error) => Reply::Ready(Err(self.site.fault(py, error))),
        })
        .unwrap_or_else(|| Reply::Ready(Err(CallError::Trap(ENDING.into()))))
    }
}

impl HostSink for Sink {
    fn write(&self, bytes: Vec<u8>) -> Reply {
        self.call(|object| {
            let bytes = PyBytes::new(object.py(), &bytes);
            Ok(object.call_method1(pyo3::intern!(object.py(), "write"), (bytes,))?.unbind())
        })
    }

    fn close(&self) -> Reply {
        self.call(|object| Ok(object.call_method0(pyo3::intern!(object.py(), "close"))?.unbind()))
    }

    fn dropped(&self) {
        if self.droppable {
            self.site.tasks.dropped(&self.object);
        }
    }
}
