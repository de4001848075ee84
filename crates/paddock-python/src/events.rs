//! The engine's events as Python objects.

use paddock_engine::events::{Event, EventKind, Output};
use pyo3::prelude::*;
use pyo3::types::PyDict;

#[pyclass(frozen, name = "Event", module = "paddock._core", get_all)]
pub struct EventObject {
    application: String,
    component: String,
    instance: u64,
    kind: &'static str,
    fields: Py<PyDict>,
}

impl EventObject {
    pub fn new(py: Python<'_>, event: Event) -> PyResult<Self> {
        let fields = PyDict::new(py);
        let kind = match event.kind {
            EventKind::Line { output, text } => {
                fields.set_item("output", if output == Output::Stdout { "stdout" } else { "stderr" })?;
                fields.set_item("text", text)?;
                "line"
            }
            EventKind::Limit { limit, value } => {
                fields.set_item("limit", limit)?;
                fields.set_item("value", value)?;
                "limit"
            }
            EventKind::Failed { reason } => {
                fields.set_item("reason", reason)?;
                "failed"
            }
            EventKind::Denied { what, grant } => {
                fields.set_item("what", what)?;
                fields.set_item("grant", grant)?;
                "denied"
            }
            EventKind::Allowed { what, grant } => {
                fields.set_item("what", what)?;
                fields.set_item("grant", grant)?;
                "allowed"
            }
        };
        Ok(Self {
            application: event.application,
            component: event.component,
            instance: event.instance,
            kind,
            fields: fields.unbind(),
        })
    }

    /// Says how many events the loop was too slow for.
    pub fn lost(py: Python<'_>, count: u64) -> PyResult<Self> {
        let fields = PyDict::new(py);
        fields.set_item("count", count.to_string())?;
        Ok(Self {
            application: String::new(),
            component: String::new(),
            instance: 0,
            kind: "lost",
            fields: fields.unbind(),
        })
    }
}

#[pymethods]
impl EventObject {
    fn __repr__(&self, py: Python<'_>) -> String {
        format!(
            "Event(application={:?}, component={:?}, instance={}, kind={:?}, fields={})",
            self.application,
            self.component,
            self.instance,
            self.kind,
            self.fields.bind(py)
        )
    }
}
