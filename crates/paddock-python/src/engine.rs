//! Engine and artefacts.

use std::sync::Arc;

use paddock_engine::artifact::{Artifact, Kind};
use paddock_engine::engine::Engine;
use paddock_engine::error::{EngineError, ErrorKind};
use paddock_engine::options::{CacheOptions, Compiler, EngineOptions};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::doorway;
use crate::errors::{OrRaise, raise};

/// `paddock._options.EngineOptions`, read by attribute.
#[derive(FromPyObject)]
pub struct Options {
    compiler: String,
    fuel: bool,
    pooling: bool,
    instances: u32,
    cache_dir: Option<std::path::PathBuf>,
    cache_key: Option<Vec<u8>>,
    stack: usize,
}

fn usage(message: impl Into<String>, hint: &str) -> EngineError {
    EngineError::new(ErrorKind::Usage, message).hint(hint)
}

impl Options {
    fn convert(self) -> Result<EngineOptions, EngineError> {
        let compiler = Compiler::parse(&self.compiler).ok_or_else(|| {
            usage(format!("there is no compiler {:?}", self.compiler), "choose cranelift, winch or pulley")
        })?;
        let cache = match (self.cache_dir, self.cache_key) {
            (Some(directory), Some(key)) => {
                let key = <[u8; 32]>::try_from(key.as_slice())
                    .map_err(|_| usage(format!("the cache key has {} bytes", key.len()), "give 32 random bytes"))?;
                Some(CacheOptions { directory, key })
            }
            (None, None) => None,
            _ => return Err(usage("a cache needs both a directory and a key", "give cache_dir and cache_key")),
        };
        Ok(EngineOptions {
            compiler,
            fuel: self.fuel,
            pooling: self.pooling,
            instances: self.instances,
            cache,
            stack: self.stack,
        })
    }
}

#[pyclass(frozen, name = "Engine", module = "paddock._core")]
pub struct EngineObject(pub Arc<Engine>);

#[pymethods]
impl EngineObject {
    #[new]
    fn new(py: Python<'_>, options: Options) -> PyResult<Self> {
        let options = options.convert().or_raise(py)?;
        Ok(Self(doorway::leave(py, || Engine::new(options)).or_raise(py)?))
    }

    fn load(&self, py: Python<'_>, data: &[u8]) -> PyResult<ArtifactObject> {
        Ok(ArtifactObject(doorway::leave(py, || self.0.load(data)).or_raise(py)?))
    }

    fn load_precompiled(&self, py: Python<'_>, data: &[u8]) -> PyResult<ArtifactObject> {
        Ok(ArtifactObject(doorway::leave(py, || self.0.load_precompiled(data)).or_raise(py)?))
    }

    #[pyo3(signature = (data, target=None))]
    fn precompile<'py>(&self, py: Python<'py>, data: &[u8], target: Option<&str>) -> PyResult<Bound<'py, PyBytes>> {
        let code = doorway::leave(py, || self.0.precompile(data, target)).or_raise(py)?;
        Ok(PyBytes::new(py, &code))
    }
}

#[pyclass(frozen, name = "Artifact", module = "paddock._core")]
pub struct ArtifactObject(pub Arc<Artifact>);

#[pymethods]
impl ArtifactObject {
    #[getter]
    fn digest(&self) -> &str {
        &self.0.digest
    }

    #[getter]
    fn size(&self) -> usize {
        self.0.size
    }

    #[getter]
    fn kind(&self) -> &'static str {
        match self.0.kind {
            Kind::Component => "component",
            Kind::Module => "module",
        }
    }

    #[getter]
    fn cached(&self) -> bool {
        self.0.cached
    }

    #[getter]
    fn labels(&self) -> std::collections::HashMap<String, String> {
        self.0.labels.iter().cloned().collect()
    }

    #[getter]
    fn imports(&self) -> Vec<String> {
        self.0.imports.clone()
    }

    #[getter]
    fn exports(&self) -> Vec<String> {
        self.0.exports.clone()
    }

    fn __repr__(&self) -> String {
        format!("Artifact({:?}, kind={:?}, size={})", self.0.digest, self.kind(), self.0.size)
    }
}

#[pyfunction]
pub fn built_in(import_name: &str) -> bool {
    paddock_engine::linker::built_in(import_name)
}

/// An error that this crate finds itself.
pub fn wrong(py: Python<'_>, message: impl Into<String>, hint: &str) -> PyErr {
    raise(py, usage(message, hint))
}
