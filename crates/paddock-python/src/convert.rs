//! Values between guests and Python, by the mapping of `paddock.types`.

use std::any::Any;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use paddock_engine::value::{HostObject, HostSink, Value};
use pyo3::exceptions::{PyOverflowError, PyRecursionError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PyMemoryView, PySet, PyString, PyTuple,
    PyType,
};

use crate::doorway;
use crate::facts::facts;
use crate::incoming::ByteStream;
use crate::job::Site;
use crate::names::names;
use crate::sink::Sink;
use crate::tasks::Tasks;

/// Python writes `snake_case` where WIT has `kebab-case`.
pub fn snake(name: &str) -> String {
    name.replace('-', "_")
}

/// A Python object in the hands of a guest: a resource, or any record.
pub struct Held {
    pub object: Py<PyAny>,
    tasks: Arc<Tasks>,
    /// The same object if its class has `drop`: a reference that can be handed
    /// on where the interpreter is out of reach.
    droppable: Option<Arc<Py<PyAny>>>,
    /// Whose answer it is, if it is the whole answer of a call.
    site: Option<Arc<Site>>,
}

impl Held {
    fn new(object: &Bound<'_, PyAny>, tasks: &Arc<Tasks>, site: Option<Arc<Site>>) -> PyResult<Self> {
        let droppable = facts(&object.get_type())?.droppable.then(|| Arc::new(object.clone().unbind()));
        Ok(Self { object: object.clone().unbind(), tasks: Arc::clone(tasks), droppable, site })
    }

    /// An object that is the whole answer of a call.
    pub fn answer(object: &Bound<'_, PyAny>, site: &Arc<Site>) -> PyResult<Value> {
        Ok(Value::Object(Arc::new(Self::new(object, &site.tasks, Some(Arc::clone(site)))?)))
    }
}

impl HostObject for Held {
    fn field(&self, name: &str) -> Option<Value> {
        doorway::enter(|py| {
            let value = self.object.bind(py).getattr(snake(name).as_str()).ok()?;
            from_python(&value, &self.tasks).ok()
        })?
    }

    fn dropped(&self) {
        if let Some(object) = &self.droppable {
            self.tasks.dropped(object);
        }
    }

    fn sink(&self) -> Option<Arc<dyn HostSink>> {
        let site = self.site.as_ref()?;
        doorway::enter(|py| {
            let object = self.object.bind(py);
            let facts = facts(&object.get_type()).ok()?;
            let sink = || Arc::new(Sink::new(object.clone().unbind(), facts.droppable, site)) as Arc<dyn HostSink>;
            facts.sink.then(sink)
        })?
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A guest's value as a Python object.
pub fn to_python<'py>(py: Python<'py>, value: Value, tasks: &Arc<Tasks>) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::None => py.None().into_bound(py),
        Value::Bool(value) => PyBool::new(py, value).to_owned().into_any(),
        Value::Signed(number) => number.into_pyobject(py)?.into_any(),
        Value::Unsigned(number) => number.into_pyobject(py)?.into_any(),
        Value::Float(number) => PyFloat::new(py, number).into_any(),
        Value::Char(letter) => letter.into_pyobject(py)?.into_any(),
        Value::Text(text) => PyString::new(py, &text).into_any(),
        Value::Bytes(bytes) => PyBytes::new(py, &bytes).into_any(),
        Value::List(items) => PyList::new(py, all_to_python(py, items, tasks)?)?.into_any(),
        Value::Tuple(items) => PyTuple::new(py, all_to_python(py, items, tasks)?)?.into_any(),
        Value::Record(fields) => record(py, fields, tasks)?,
        Value::Variant(case, payload) => {
            let payload = payload.map(|payload| to_python(py, *payload, tasks)).transpose()?;
            names(py)?.variant.bind(py).call1((case.as_ref(), payload))?
        }
        Value::Flags(flags) => PyFrozenSet::new(py, flags)?.into_any(),
        Value::Object(object) => match object.as_any().downcast_ref::<Held>() {
            Some(held) => held.object.bind(py).clone(),
            None => return Err(PyTypeError::new_err("a resource that Python did not make")),
        },
        Value::Incoming(incoming) => Bound::new(py, ByteStream::new(incoming, tasks))?.into_any(),
        Value::Stream(_) | Value::Future(_) => return Err(PyTypeError::new_err("a stream can't be passed to Python")),
    })
}

pub fn all_to_python<'py>(py: Python<'py>, items: Vec<Value>, tasks: &Arc<Tasks>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    items.into_iter().map(|item| to_python(py, item, tasks)).collect()
}

/// Record classes by their fields' names, joined.
static RECORDS: Mutex<Option<HashMap<String, Py<PyAny>>>> = Mutex::new(None);

fn record<'py>(
    py: Python<'py>,
    fields: Vec<(Cow<'static, str>, Value)>,
    tasks: &Arc<Tasks>,
) -> PyResult<Bound<'py, PyAny>> {
    let (keys, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    let key = keys.join(",");
    let known = {
        let records = RECORDS.lock().unwrap_or_else(PoisonError::into_inner);
        records.as_ref().and_then(|records| records.get(&key)).map(|class| class.clone_ref(py))
    };
    let class = match known {
        Some(class) => class.into_bound(py),
        None => {
            let fields = PyTuple::new(py, keys.iter().map(|key| attribute(py, key)).collect::<PyResult<Vec<_>>>()?)?;
            let class = names(py)?.record_type.bind(py).call1((fields,))?;
            let mut records = RECORDS.lock().unwrap_or_else(PoisonError::into_inner);
            records.get_or_insert_default().insert(key, class.clone().unbind());
            class
        }
    };
    class.call1(PyTuple::new(py, all_to_python(py, values, tasks)?)?)
}

/// The attribute for a WIT name: snake case, with `_` after a keyword.
pub fn attribute(py: Python<'_>, name: &str) -> PyResult<String> {
    let mut name = snake(name);
    if names(py)?.is_keyword.bind(py).call1((name.as_str(),))?.is_truthy()? {
        name.push('_');
    }
    Ok(name)
}

/// A Python object as a value, by its own type: what the guest's function wants
/// is checked by the engine.
pub fn from_python(object: &Bound<'_, PyAny>, tasks: &Arc<Tasks>) -> PyResult<Value> {
    within(object, tasks, DEEPEST)
}

/// How deep values may lie in each other: far more than a type can say, and far less
/// than the stack holds. An object that contains itself has no end.
const DEEPEST: usize = 256;

fn within(object: &Bound<'_, PyAny>, tasks: &Arc<Tasks>, depth: usize) -> PyResult<Value> {
    let Some(deeper) = depth.checked_sub(1) else {
        return Err(PyRecursionError::new_err("values lie too deep in each other for a guest"));
    };
    // Exact types first: they are nearly all that comes.
    if object.is_none() {
        return Ok(Value::None);
    }
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(Value::Bytes(bytes.as_bytes().to_vec()));
    }
    if let Ok(text) = object.cast::<PyString>() {
        return Ok(Value::Text(text.to_str()?.to_owned()));
    }
    if let Ok(value) = object.cast::<PyBool>() {
        return Ok(Value::Bool(value.is_true()));
    }
    if let Ok(number) = object.cast::<PyInt>() {
        return integer(number);
    }
    if let Ok(number) = object.cast::<PyFloat>() {
        return Ok(Value::Float(number.value()));
    }
    if let Ok(items) = object.cast::<PyList>() {
        return Ok(Value::List(items.iter().map(|item| within(&item, tasks, deeper)).collect::<PyResult<_>>()?));
    }
    if let Ok(items) = object.cast::<PyTuple>() {
        return Ok(Value::Tuple(items.iter().map(|item| within(&item, tasks, deeper)).collect::<PyResult<_>>()?));
    }
    rarer(object, tasks, deeper)
}

fn integer(number: &Bound<'_, PyInt>) -> PyResult<Value> {
    if let Ok(number) = number.extract::<i64>() {
        return Ok(Value::Signed(number));
    }
    match number.extract::<u64>() {
        Ok(number) => Ok(Value::Unsigned(number)),
        Err(_) => Err(PyOverflowError::new_err("an int beyond 64 bits can't go to a guest")),
    }
}

fn rarer(object: &Bound<'_, PyAny>, tasks: &Arc<Tasks>, depth: usize) -> PyResult<Value> {
    let py = object.py();
    let names = names(py)?;
    if object.is_instance(names.variant.bind(py))? {
        let case: String = object.getattr(pyo3::intern!(py, "case"))?.extract()?;
        let payload = object.getattr(pyo3::intern!(py, "payload"))?;
        let payload = if payload.is_none() { None } else { Some(Box::new(within(&payload, tasks, depth)?)) };
        return Ok(Value::Variant(case.into(), payload));
    }
    if let Ok(fields) = object.cast::<PyDict>() {
        let pair = |(key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
            Ok((Cow::Owned(key.extract::<String>()?), within(&value, tasks, depth)?))
        };
        return Ok(Value::Record(fields.iter().map(pair).collect::<PyResult<_>>()?));
    }
    if object.cast::<PyFrozenSet>().is_ok() || object.cast::<PySet>().is_ok() {
        let flags = object.try_iter()?.map(|flag| flag?.extract::<String>());
        return Ok(Value::Flags(flags.collect::<PyResult<_>>()?));
    }
    if let Ok(bytes) = object.cast::<PyByteArray>() {
        return Ok(Value::Bytes(bytes.to_vec()));
    }
    if object.cast::<PyMemoryView>().is_ok() {
        let bytes = object.call_method0(pyo3::intern!(py, "tobytes"))?;
        return Ok(Value::Bytes(bytes.cast::<PyBytes>()?.as_bytes().to_vec()));
    }
    Ok(Value::Object(Arc::new(Held::new(object, tasks, None)?)))
}

/// The class name of an object, for an error message.
pub fn class_name(object: &Bound<'_, PyAny>) -> String {
    let class: Bound<'_, PyType> = object.get_type();
    class.name().map_or_else(|_| "object".into(), |name| name.to_string())
}
