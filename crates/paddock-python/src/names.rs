//! What the bridge uses of Python, looked up once.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

pub struct Names {
    pub errors: Py<PyAny>,
    pub err: Py<PyType>,
    pub variant: Py<PyType>,
    pub stream: Py<PyType>,
    pub page: Py<PyType>,
    pub no_head: Py<PyAny>,
    pub deferred: Py<PyType>,
    pub context: Py<PyType>,
    pub coroutine: Py<PyType>,
    pub cancelled: Py<PyType>,
    pub monotonic: Py<PyAny>,
    pub feed: Py<PyAny>,
    pub record_type: Py<PyAny>,
    pub wants_context: Py<PyAny>,
    pub log_failure: Py<PyAny>,
    pub log_text: Py<PyAny>,
    pub tasks: Py<PyAny>,
    pub is_keyword: Py<PyAny>,
}

static NAMES: PyOnceLock<Names> = PyOnceLock::new();

pub fn names(py: Python<'_>) -> PyResult<&Names> {
    NAMES.get_or_try_init(py, || load(py))
}

fn load(py: Python<'_>) -> PyResult<Names> {
    let types = py.import("paddock.types")?;
    let bridge = py.import("paddock._bridge")?;
    let class = |module: &Bound<'_, PyModule>, name: &str| -> PyResult<Py<PyType>> {
        Ok(module.getattr(name)?.cast_into::<PyType>()?.unbind())
    };
    let value = |name: &str| -> PyResult<Py<PyAny>> { Ok(bridge.getattr(name)?.unbind()) };
    Ok(Names {
        errors: py.import("paddock.errors")?.into_any().unbind(),
        err: class(&types, "Err")?,
        variant: class(&types, "Variant")?,
        stream: class(&types, "Stream")?,
        page: class(&types, "Page")?,
        no_head: types.getattr("NO_HEAD")?.unbind(),
        deferred: class(&types, "Deferred")?,
        context: class(&types, "CallContext")?,
        coroutine: class(&py.import("types")?, "CoroutineType")?,
        cancelled: class(&py.import("asyncio")?, "CancelledError")?,
        monotonic: py.import("time")?.getattr("monotonic")?.unbind(),
        feed: value("feed")?,
        record_type: value("record_type")?,
        wants_context: value("wants_context")?,
        log_failure: value("log_failure")?,
        log_text: value("log_text")?,
        tasks: value("Tasks")?,
        is_keyword: py.import("keyword")?.getattr("iskeyword")?.unbind(),
    })
}
