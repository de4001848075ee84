//! A request as environment and arguments (RFC 3875, section 4, and WAGI's own
//! names). The route's part of it comes from the `spin-*` headers, which only
//! this host can have set.

use http::HeaderMap;
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, PROXY_AUTHORIZATION};
use http::request::Parts;
use percent_encoding::percent_decode_str;

/// Headers that a program does not see: secrets, and `proxy`, which would be
/// `HTTP_PROXY`, where clients look for a proxy of their own (CVE-2016-5385).
const WITHHELD: [HeaderName; 4] = [AUTHORIZATION, PROXY_AUTHORIZATION, CONNECTION, HeaderName::from_static("proxy")];

/// Variables of the request, in no particular order.
pub fn variables(parts: &Parts) -> Vec<(String, String)> {
    let headers = &parts.headers;
    let text = |name: &str| header(headers, name);
    let raw_path = text("spin-path-info");
    let path = decoded(&raw_path);
    let client = text("spin-client-addr");
    let address = client.rsplit_once(':').map_or(client.as_str(), |(address, _)| address);
    let address = address.trim_matches(['[', ']']).to_string();
    let host = parts.uri.authority().map(|a| a.as_str().to_string()).unwrap_or_else(|| text(HOST.as_str()));
    let (name, port) = split_host(&host, parts.uri.scheme_str() == Some("https"));
    let mut variables: Vec<(String, String)> = headers
        .iter()
        .filter(|(name, _)| !WITHHELD.contains(name) && !name.as_str().starts_with("spin-"))
        .filter_map(|(name, value)| Some((format!("HTTP_{}", variable(name.as_str())), value.to_str().ok()?.into())))
        .collect();
    for (name, value) in headers {
        if let (Some(parameter), Ok(value)) = (name.as_str().strip_prefix("spin-path-match-"), value.to_str()) {
            variables.push((format!("X_PATH_MATCH_{}", variable(parameter)), value.into()));
        }
    }
    let own: [(&str, String); 24] = [
        ("AUTH_TYPE", String::new()),
        ("CONTENT_LENGTH", text(CONTENT_LENGTH.as_str())),
        ("CONTENT_TYPE", text(CONTENT_TYPE.as_str())),
        ("GATEWAY_INTERFACE", "CGI/1.1".into()),
        ("PATH_INFO", path.clone()),
        ("PATH_TRANSLATED", path),
        ("QUERY_STRING", parts.uri.query().unwrap_or("").into()),
        ("REMOTE_ADDR", address.clone()),
        ("REMOTE_HOST", address),
        ("REMOTE_USER", String::new()),
        ("REQUEST_METHOD", parts.method.as_str().into()),
        ("SCRIPT_NAME", text("spin-component-route")),
        ("SERVER_NAME", name),
        ("SERVER_PORT", port),
        ("SERVER_PROTOCOL", format!("{:?}", parts.version)),
        ("SERVER_SOFTWARE", "WAGI/1".into()),
        ("X_RAW_PATH_INFO", raw_path),
        ("X_FULL_URL", text("spin-full-url")),
        ("X_MATCHED_ROUTE", text("spin-matched-route")),
        ("X_COMPONENT_ROUTE", text("spin-component-route")),
        ("X_RAW_COMPONENT_ROUTE", text("spin-raw-component-route")),
        ("X_BASE_PATH", text("spin-base-path")),
        ("X_CLIENT_ADDR", client.clone()),
        ("HTTP_HOST", host.clone()),
    ];
    for (name, value) in own {
        variables.retain(|(known, _)| known != name);
        variables.push((name.into(), value));
    }
    variables
}

/// Arguments from a template: words apart by blanks.
pub fn arguments(template: &str, parts: &Parts) -> Vec<String> {
    let mut arguments = Vec::new();
    for word in template.split_whitespace() {
        match word {
            "${ARGS}" => {
                let query = parts.uri.query().unwrap_or("");
                arguments.extend(query.split('&').filter(|part| !part.is_empty()).map(decoded));
            }
            _ => arguments.push(word.replace("${SCRIPT_NAME}", &header(&parts.headers, "spin-component-route"))),
        }
    }
    arguments
}

fn header(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("").into()
}

fn variable(header: &str) -> String {
    header.to_ascii_uppercase().replace('-', "_")
}

/// A guest's strings are text: what is no UTF-8 after decoding is replaced.
fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().replace('\0', "")
}

fn split_host(host: &str, secure: bool) -> (String, String) {
    let usual = if secure { "443" } else { "80" };
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            (name.into(), port.into())
        }
        _ => (host.into(), usual.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Parts {
        let request = http::Request::builder()
            .method("POST")
            .uri("http://a.b:3000/shop/x%20y?a=1&b=%2F")
            .header("spin-path-info", "/x%20y")
            .header("spin-component-route", "/shop")
            .header("spin-client-addr", "[::1]:77")
            .header("spin-path-match-user-id", "7")
            .header("authorization", "secret")
            .header("proxy", "http://attacker.example")
            .header("proxy-authorization", "secret")
            .header("x-thing", "1");
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_environment_is_that_of_wagi() {
        let variables = variables(&request());
        let get = |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        for (name, value) in [
            ("PATH_INFO", "/x y"),
            ("X_RAW_PATH_INFO", "/x%20y"),
            ("SCRIPT_NAME", "/shop"),
            ("QUERY_STRING", "a=1&b=%2F"),
            ("SERVER_NAME", "a.b"),
            ("SERVER_PORT", "3000"),
            ("REMOTE_ADDR", "::1"),
            ("HTTP_X_THING", "1"),
            ("X_PATH_MATCH_USER_ID", "7"),
            ("SERVER_PROTOCOL", "HTTP/1.1"),
        ] {
            assert_eq!(get(name), Some(value), "{name}");
        }
        for name in ["HTTP_AUTHORIZATION", "HTTP_PROXY_AUTHORIZATION", "HTTP_PROXY", "HTTP_SPIN_PATH_INFO"] {
            assert_eq!(get(name), None, "{name}");
        }
    }

    #[test]
    fn arguments_follow_their_template() {
        let parts = request();
        assert_eq!(arguments("${SCRIPT_NAME} ${ARGS}", &parts), ["/shop", "a=1", "b=/"]);
        assert_eq!(arguments("tool --at=${SCRIPT_NAME} x", &parts), ["tool", "--at=/shop", "x"]);
    }
}
