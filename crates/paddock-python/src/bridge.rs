//! Python objects as the answer to a component's imports.

use std::sync::{Arc, Mutex, PoisonError};

use paddock_engine::error::{EngineError, ErrorKind};
use paddock_engine::hostcall::{CallContext, CallError, HostFunction, HostInterface, Reply};
use paddock_engine::value::Value;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

use crate::convert::{all_to_python, attribute, class_name, to_python};
use crate::doorway;
use crate::errors::engine_error;
use crate::job::Site;
use crate::names::names;
use crate::tasks::{ENDING, Tasks};

/// One Python object bound to one imported interface of one component.
pub struct Interface {
    pub name: String,
    pub object: Py<PyAny>,
    /// "application/component", for the log.
    pub owner: String,
    pub tasks: Arc<Tasks>,
}

impl HostInterface for Interface {
    fn function(&self, name: &str) -> Result<Arc<dyn HostFunction>, EngineError> {
        doorway::enter(|py| self.resolve(py, name)).unwrap_or_else(|| Err(EngineError::new(ErrorKind::Host, ENDING)))
    }
}

impl Interface {
    fn resolve(&self, py: Python<'_>, name: &str) -> Result<Arc<dyn HostFunction>, EngineError> {
        let object = self.object.bind(py);
        let found = self.find(object, name).map_err(|e| engine_error(ErrorKind::Plan, &self.name, &e))?;
        let Some(target) = found else {
            let class = class_name(object);
            return Err(EngineError::new(
                ErrorKind::Plan,
                format!(
                    "{} has no function {name}: the Python class {class} bound to it lacks a method for it",
                    self.name
                ),
            )
            .hint(format!("give {class} the method, named in snake case")));
        };
        let mapper = object.getattr("__paddock_error__").ok().map(Bound::unbind);
        let place = format!("{}: {} {name}", self.owner, self.name);
        let site = Arc::new(Site { place, mapper, tasks: Arc::clone(&self.tasks) });
        Ok(Arc::new(Function { target, site }))
    }

    /// Follows the names of the canonical ABI: `[method]bucket.get`,
    /// `[static]store.open`, `[constructor]pin`, or a plain function.
    fn find(&self, object: &Bound<'_, PyAny>, name: &str) -> PyResult<Option<Target>> {
        let py = object.py();
        let (kind, rest) = match name.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((kind, rest)) => (kind, rest),
            None => ("", name),
        };
        let (resource, function) = rest.split_once('.').unwrap_or(("", rest));
        let callable = if kind.ends_with("method") {
            let name = PyString::intern(py, &attribute(py, function)?).unbind();
            return Ok(Some(Target::Method { name, contexts: Mutex::default() }));
        } else if kind.ends_with("static") {
            match part(object, resource)? {
                Some(class) => class.getattr(attribute(py, function)?).ok(),
                None => None,
            }
        } else if kind.ends_with("constructor") {
            part(object, rest)?
        } else {
            object.getattr(attribute(py, function)?).ok()
        };
        let Some(callable) = callable.filter(|callable| callable.is_callable()) else { return Ok(None) };
        let context = wants_context(&callable)?;
        Ok(Some(Target::Function { callable: callable.unbind(), context }))
    }
}

/// A resource's name on the interface object: snake case, or else a class's.
fn part<'py>(object: &Bound<'py, PyAny>, resource: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    if let Ok(found) = object.getattr(attribute(object.py(), resource)?) {
        return Ok(Some(found));
    }
    let pascal: String = resource
        .split('-')
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(letters)
        })
        .collect();
    Ok(object.getattr(pascal.as_str()).ok())
}

fn wants_context(callable: &Bound<'_, PyAny>) -> PyResult<bool> {
    names(callable.py())?.wants_context.bind(callable.py()).call1((callable,))?.is_truthy()
}

enum Target {
    Function {
        callable: Py<PyAny>,
        context: bool,
    },
    /// Called on the object behind the first argument.
    Method {
        name: Py<PyString>,
        /// Which classes' methods take `ctx`. Objects of one class are alike.
        contexts: Mutex<Vec<(Py<PyType>, bool)>>,
    },
}

struct Function {
    target: Target,
    site: Arc<Site>,
}

impl HostFunction for Function {
    fn call(&self, context: &CallContext<'_>, arguments: Vec<Value>) -> Reply {
        doorway::enter(|py| match self.invoke(py, context, arguments) {
            Ok(result) => self.site.reply(&result),
            Err(error) => Reply::Ready(Err(self.site.fault(py, error))),
        })
        .unwrap_or_else(|| Reply::Ready(Err(CallError::Trap(ENDING.into()))))
    }
}

impl Function {
    fn invoke<'py>(
        &self,
        py: Python<'py>,
        context: &CallContext<'_>,
        arguments: Vec<Value>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let tasks = &self.site.tasks;
        match &self.target {
            Target::Function { callable, context: wanted } => {
                let arguments = PyTuple::new(py, all_to_python(py, arguments, tasks)?)?;
                let keywords = wanted.then(|| keywords(py, context)).transpose()?;
                callable.bind(py).call(arguments, keywords.as_ref())
            }
            Target::Method { name, contexts } => {
                let mut arguments = arguments.into_iter();
                let Some(object) = arguments.next() else {
                    return Err(PyTypeError::new_err("a method was called without its resource"));
                };
                let object = to_python(py, object, tasks)?;
                let arguments = PyTuple::new(py, all_to_python(py, arguments.collect(), tasks)?)?;
                let name = name.bind(py);
                if method_wants_context(contexts, &object, name)? {
                    let keywords = keywords(py, context)?;
                    return object.getattr(name)?.call(arguments, Some(&keywords));
                }
                object.call_method1(name, arguments)
            }
        }
    }
}

/// Classes whose answer is kept for one method.
const MOST_CLASSES: usize = 16;

fn method_wants_context(
    contexts: &Mutex<Vec<(Py<PyType>, bool)>>,
    object: &Bound<'_, PyAny>,
    name: &Bound<'_, PyString>,
) -> PyResult<bool> {
    let class = object.get_type();
    {
        let known = contexts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, wanted)) = known.iter().find(|(known, _)| class.is(known)) {
            return Ok(*wanted);
        }
    }
    let wanted = wants_context(&object.getattr(name)?)?;
    let mut known = contexts.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() < MOST_CLASSES {
        known.push((class.unbind(), wanted));
    }
    Ok(wanted)
}

fn keywords<'py>(py: Python<'py>, context: &CallContext<'_>) -> PyResult<Bound<'py, PyDict>> {
    let names = names(py)?;
    let deadline = match context.deadline {
        None => None,
        Some(deadline) => {
            let now: f64 = names.monotonic.bind(py).call0()?.extract()?;
            let left = deadline.saturating_duration_since(std::time::Instant::now());
            Some(now + left.as_secs_f64())
        }
    };
    let built = names.context.bind(py).call1((
        context.application,
        context.component,
        context.generation,
        context.instance,
        context.call,
        deadline,
        context.trace,
        context.interface,
        context.function,
    ))?;
    let keywords = PyDict::new(py);
    keywords.set_item(pyo3::intern!(py, "ctx"), built)?;
    Ok(keywords)
}
