//! What happens to a request of WASI 0.2 before the runtime sees it.
//!
//! One without an authority is for the application itself. The runtime takes it
//! for malformed, so it gets the authority that means the same. One that no grant
//! allows is refused here: from the runtime the refusal would come with the
//! response, and SDKs look for it in the call.

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
        let state = store.data_mut();
        let asked = state.table.get_mut(&request)?;
        if asked.authority.as_ref().is_none_or(String::is_empty) {
            asked.authority = Some(ITSELF.to_owned());
            asked.scheme = Some(Scheme::Http);
        }
        if let Some(uri) = place(asked)
            && state.hooks.refuse(&uri)
        {
            state.table.delete(request)?;
            return Ok((Err(ErrorCode::HttpRequestDenied),));
        }
        let mut http = state.http();
        let sent: Sent = match http.handle(request, options) {
            Ok(future) => Ok(future),
            Err(error) => Err(HttpError::downcast(error)?),
        };
        Ok((sent,))
    })
}

/// Where a request is to go, as far as it is well-formed.
fn place(request: &HostOutgoingRequest) -> Option<http::Uri> {
    let scheme = match &request.scheme {
        Some(Scheme::Https) => "https",
        Some(Scheme::Http) | None => "http",
        Some(Scheme::Other(_)) => return None,
    };
    let authority = request.authority.as_deref()?;
    http::Uri::builder().scheme(scheme).authority(authority).path_and_query("/").build().ok()
}
