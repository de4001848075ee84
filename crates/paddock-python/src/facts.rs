//! What the bridge knows of a Python class, found out once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyType;

#[derive(Clone, Copy)]
pub struct Facts {
    /// Has `drop`: called when a guest lets go of the resource.
    pub droppable: bool,
    /// Can be awaited, though it is no coroutine: a future, a task.
    pub awaitable: bool,
    /// Gives its items one by one: an iterator or an asynchronous one.
    pub iterator: bool,
    pub async_iterator: bool,
    /// Takes bytes: has `write` and `close`.
    pub sink: bool,
}

/// By the address of the class, which the entry itself keeps alive.
static KNOWN: Mutex<Option<HashMap<usize, (Py<PyType>, Facts)>>> = Mutex::new(None);

/// More classes than this are a program that makes classes on the fly.
const MOST: usize = 4096;

pub fn facts(class: &Bound<'_, PyType>) -> PyResult<Facts> {
    let address = class.as_ptr() as usize;
    {
        let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, facts)) = known.as_ref().and_then(|known| known.get(&address)) {
            return Ok(*facts);
        }
    }
    let facts = Facts {
        droppable: class.hasattr("drop")?,
        awaitable: class.hasattr("__await__")?,
        iterator: class.hasattr("__next__")?,
        async_iterator: class.hasattr("__anext__")?,
        sink: class.hasattr("write")? && class.hasattr("close")?,
    };
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    if known.len() < MOST {
        known.insert(address, (class.clone().unbind(), facts));
    }
    Ok(facts)
}
