//! Python iterators as streams that a guest reads at its own pace.

use std::sync::Arc;

use futures::future::BoxFuture;
use paddock_engine::hostcall::CallError;
use paddock_engine::value::{HostStream, Value};
use pyo3::prelude::*;

use crate::doorway;
use crate::job::Site;
use crate::names::names;
use crate::tasks::ENDING;

/// Asynchronous iterators go on the loop; plain ones are advanced in place and,
/// as synchronous methods, must not block.
pub struct Items {
    iterator: Py<PyAny>,
    asynchronous: bool,
    site: Arc<Site>,
}

impl Items {
    pub fn new(items: &Bound<'_, PyAny>, site: &Arc<Site>) -> PyResult<Self> {
        let py = items.py();
        let asynchronous = items.hasattr(pyo3::intern!(py, "__aiter__"))?;
        let iterator = if asynchronous {
            items.call_method0(pyo3::intern!(py, "__aiter__"))?
        } else {
            items.try_iter()?.into_any()
        };
        Ok(Self { iterator: iterator.unbind(), asynchronous, site: Arc::clone(site) })
    }

    fn in_place(&self, py: Python<'_>) -> Result<Option<Value>, CallError> {
        let next = self.iterator.bind(py).try_iter().and_then(|mut items| items.next().transpose());
        match next {
            Ok(None) => Ok(None),
            Ok(Some(item)) => self.site.value(&item).map(Some),
            Err(error) => Err(self.site.fault(py, error)),
        }
    }

    fn on_the_loop(&self, py: Python<'_>) -> PyResult<BoxFuture<'static, Result<Option<Value>, CallError>>> {
        let reply = names(py)?.next_item.bind(py).call1((self.iterator.bind(py),))?;
        let waiting = self.site.start(py, reply.unbind())?;
        Ok(Box::pin(async move {
            Ok(match waiting.answer().await? {
                Value::Tuple(items) => items.into_iter().next(),
                _ => None,
            })
        }))
    }
}

impl HostStream for Items {
    fn next(&mut self) -> BoxFuture<'static, Result<Option<Value>, CallError>> {
        let next = doorway::enter(|py| -> BoxFuture<'static, _> {
            if !self.asynchronous {
                return Box::pin(std::future::ready(self.in_place(py)));
            }
            self.on_the_loop(py).unwrap_or_else(|error| Box::pin(std::future::ready(Err(self.site.fault(py, error)))))
        });
        next.unwrap_or_else(|| Box::pin(std::future::ready(Err(CallError::Trap(ENDING.into())))))
    }
}
