//! `fermyon:spin/http` of Spin 1: a request of a guest as one value, the
//! response too. It leaves by the same grants and connections as `wasi:http`.

use http::Uri;
use http::header::{CONTENT_LENGTH, HOST};
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, Lower};
use wasmtime_wasi_http::{Error, WasiBody, WasiHttpHooks};

use super::forbidden;
use crate::events::EventKind;
use crate::spin_http::{self, Incomplete, OUTBOUND, Request, Response, pairs, whole};
use crate::state::State;

#[derive(ComponentType, Lift, Lower, Clone, Copy, Debug, PartialEq, Eq)]
#[component(enum)]
#[repr(u8)]
pub enum HttpError {
    // A case of the interface that no answer has.
    #[allow(dead_code)]
    #[component(name = "success")]
    Success,
    #[component(name = "destination-not-allowed")]
    DestinationNotAllowed,
    #[component(name = "invalid-url")]
    InvalidUrl,
    #[component(name = "request-error")]
    RequestError,
    #[component(name = "runtime-error")]
    RuntimeError,
    #[component(name = "too-many-requests")]
    TooManyRequests,
}

impl From<Error> for HttpError {
    fn from(error: Error) -> Self {
        match error {
            Error::HttpRequestDenied | Error::DestinationIpProhibited => Self::DestinationNotAllowed,
            Error::HttpRequestUriInvalid | Error::HttpProtocolError => Self::InvalidUrl,
            Error::ConnectionLimitReached => Self::TooManyRequests,
            _ => Self::RuntimeError,
        }
    }
}

pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut http = linker.instance(OUTBOUND)?;
    http.func_wrap_async("send-request", |store: StoreContextMut<'_, State>, (request,): (Request,)| {
        Box::new(async move { Ok((send(store, request).await,)) })
    })
}

async fn send(mut store: StoreContextMut<'_, State>, request: Request) -> Result<Response, HttpError> {
    let request = converted(request)?;
    let done = Box::new(async { Ok(()) });
    let answer = Box::into_pin(store.data_mut().hooks.send_request(request, None, done)).await;
    let (parts, body) = answer?.0.into_parts();
    let scope = &store.data().scope;
    let most = scope.component.spec.limits.memory;
    match spin_http::read(body, most).await {
        Ok(body) => {
            Ok(Response { status: parts.status.as_u16(), headers: Some(pairs(&parts.headers)), body: Some(body) })
        }
        Err(Incomplete::Broken(error)) => Err(error.into()),
        Err(Incomplete::TooLong) => {
            let value = format!("{most} bytes, the instance's memory");
            scope.component.emit(scope.instance, EventKind::Limit { limit: "body of a response", value });
            Err(HttpError::RuntimeError)
        }
    }
}

fn converted(request: Request) -> Result<http::Request<WasiBody>, HttpError> {
    let uri: Uri = request.uri.parse().map_err(|_| HttpError::InvalidUrl)?;
    let mut headers = spin_http::headers(request.headers).map_err(|_| HttpError::RequestError)?;
    // A guest may pass on what it got: what concerns the other connection stays.
    let own: Vec<_> = headers.keys().filter(|name| forbidden(name)).cloned().collect();
    own.iter().chain([&CONTENT_LENGTH]).for_each(|name| {
        headers.remove(name);
    });
    if let Some(authority) = uri.authority()
        && let Ok(host) = authority.as_str().parse()
    {
        headers.insert(HOST, host);
    }
    let mut made = http::Request::new(whole(request.body));
    *made.method_mut() = request.method.method();
    *made.uri_mut() = uri;
    *made.headers_mut() = headers;
    Ok(made)
}
