//! Components plugged into components.

use paddock_compose::{Denied, Plug};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

use crate::doorway;
use crate::errors::OrRaise;

type Wiring = Vec<(String, String)>;

#[pyfunction]
pub fn compose<'py>(
    py: Python<'py>,
    component: &[u8],
    plugs: Vec<(String, PyBackedBytes, Wiring)>,
    denied: Vec<Denied>,
) -> PyResult<Bound<'py, PyBytes>> {
    let composed = doorway::leave(py, || {
        let plugs: Vec<_> = plugs.iter().map(|(name, component, wiring)| Plug { name, component, wiring }).collect();
        paddock_engine::compose::compose(component, &plugs, &denied)
    });
    Ok(PyBytes::new(py, &composed.or_raise(py)?))
}

#[pyfunction]
pub fn interfaces(py: Python<'_>, component: &[u8]) -> PyResult<(Vec<String>, Vec<String>)> {
    let names = doorway::leave(py, || paddock_engine::compose::names(component)).or_raise(py)?;
    Ok((names.imports, names.exports))
}
