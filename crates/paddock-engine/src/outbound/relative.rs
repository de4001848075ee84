//! Requests of WASI 0.2 without an authority, which are for the application
//! itself. The runtime takes them for malformed before the hooks see them, so
//! they get the authority that means the same.

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::HttpError;
use wasmtime_wasi_http::p2::bindings::http::outgoing_handler::Host;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, RequestOptions, Scheme};
use wasmtime_wasi_http::p2::types::{HostFutureIncomingResponse, HostOutgoingRequest};

use crate::state::State;

const ITSELF: &str = "self.alt";

type Asked = (Resource<HostOutgoingRequest>, Option<Resource<RequestOptions>>);
type Sent = Result<Resource<HostFutureIncomingResponse>, ErrorCode>;

/// Takes the place of the runtime's own `wasi:http/outgoing-handler`.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    // The version that the runtime itself defines.
    let mut handler = linker.instance("wasi:http/outgoing-handler@0.2.12")?;
    handler.func_wrap("handle", |mut store: StoreContextMut<'_, State>, (request, options): Asked| {
        let mut http = store.data_mut().http();
        let asked = http.table.get_mut(&request)?;
        if asked.authority.as_ref().is_none_or(String::is_empty) {
            asked.authority = Some(ITSELF.to_owned());
            asked.scheme = Some(Scheme::Http);
        }
        let sent: Sent = match http.handle(request, options) {
            Ok(future) => Ok(future),
            Err(error) => Err(HttpError::downcast(error)?),
        };
        Ok((sent,))
    })
}
