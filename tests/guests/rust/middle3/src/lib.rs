//! Middleware of WASI 0.3: hands a request on with its own name in `x-way`, and what comes
//! back with `x-back`. `/middle-environment` makes it look at its environment first, `/middle-client`
//! send a request of its own.

wit_bindgen::generate!({ world: "middle", path: "../../wit/p3", generate_all });

use exports::wasi::http::handler::Guest;
use wasi::http::{client, handler};
use wasi::http::types::{ErrorCode, Fields, Request, Response};

/// A test makes middleware of another name by writing over these bytes.
static NAME: [u8; 12] = *b"middle-name1";

struct Middle;

impl Guest for Middle {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let bad = |()| ErrorCode::HttpRequestUriInvalid;
        let path = request.get_path_with_query();
        if path.as_deref() == Some("/middle-environment") && std::env::var("WHERE").is_err() {
            return Err(ErrorCode::InternalError(None));
        }
        if path.as_deref() == Some("/middle-client") {
            let (own, _sent) = Request::new(Fields::new(), None, wit_future::new(|| Ok(None)).1, None);
            own.set_authority(Some("localhost:1")).map_err(bad)?;
            own.set_path_with_query(Some("/")).map_err(bad)?;
            let _ = client::send(own).await;
        }
        // Read at run time, so that the compiler leaves it where it can be written over.
        let name = unsafe { std::ptr::read_volatile(&raw const NAME) };
        let (method, scheme) = (request.get_method(), request.get_scheme());
        let authority = request.get_authority();
        let fields = with(&request.get_headers(), "x-way", &name);
        let (body, trailers) = Request::consume_body(request, wit_future::new(|| Ok(())).1);
        let (onward, _sent) = Request::new(fields, Some(body), trailers, None);
        onward.set_method(&method).map_err(bad)?;
        onward.set_scheme(scheme.as_ref()).map_err(bad)?;
        onward.set_authority(authority.as_deref()).map_err(bad)?;
        onward.set_path_with_query(path.as_deref()).map_err(bad)?;
        let answer = handler::handle(onward).await?;
        let status = answer.get_status_code();
        let fields = with(&answer.get_headers(), "x-back", &name);
        let (body, trailers) = Response::consume_body(answer, wit_future::new(|| Ok(())).1);
        let (back, _sent) = Response::new(fields, Some(body), trailers);
        back.set_status_code(status).expect("the status was valid before");
        Ok(back)
    }
}

/// A copy of headers with one more.
fn with(headers: &Fields, name: &str, value: &[u8]) -> Fields {
    let fields = Fields::from_list(&headers.copy_all()).expect("the headers were valid before");
    fields.append(name, value).expect("the header is valid");
    fields
}

export!(Middle);
