//! What a request looks like: method, URL and the `spin-*` headers of the route
//! `/:path_segment/:path_end/...` below the base `/base`.

use crate::wasi::http::types::{IncomingRequest, Method, Scheme};
use crate::{Outcome, ensure, header};

const EXPECTED: [(&str, &str); 8] = [
    ("spin-full-url", "http://example.com/base/path/end/rest?key=value"),
    ("spin-path-info", "/rest"),
    ("spin-base-path", "/"),
    ("spin-matched-route", "/base/:path_segment/:path_end/..."),
    ("spin-raw-component-route", "/base/:path_segment/:path_end/..."),
    ("spin-component-route", "/base/:path_segment/:path_end"),
    ("spin-path-match-path-segment", "path"),
    ("spin-path-match-path-end", "end"),
];

pub fn check(request: &IncomingRequest) -> Outcome {
    ensure(matches!(request.method(), Method::Get), "the method")?;
    ensure(matches!(request.scheme(), Some(Scheme::Http | Scheme::Https)), "the scheme")?;
    ensure(request.authority().as_deref() == Some("example.com"), "the authority")?;
    let path = request.path_with_query();
    ensure(path.as_deref() == Some("/base/path/end/rest?key=value"), "the path")?;
    for (name, value) in EXPECTED {
        let found = header(request, name)?;
        ensure(found == value, &format!("{name}, which is {found}"))?;
    }
    let client: Result<std::net::SocketAddr, _> = header(request, "spin-client-addr")?.parse();
    ensure(client.is_ok(), "spin-client-addr")?;
    for (name, _) in request.headers().entries() {
        let known =
            name == "spin-client-addr" || EXPECTED.iter().any(|(expected, _)| name == *expected);
        ensure(known || !name.starts_with("spin-"), &name)?;
    }
    Ok(Vec::new())
}
