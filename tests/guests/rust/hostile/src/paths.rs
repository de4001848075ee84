//! Paths that lead elsewhere: out of a directory, or into another request.

use crate::http::{method_of, text};
use crate::wasi::filesystem::preopens::get_directories;
use crate::wasi::filesystem::types::{DescriptorFlags, OpenFlags, PathFlags};
use crate::wasi::http::types::{Fields, OutgoingRequest, ResponseOutparam, Scheme};

const ESCAPES: [&str; 10] = [
    "../../../../../../etc/passwd",
    "/etc/passwd",
    "./../../../../../../etc/passwd",
    "sub/../../../../../../../etc/passwd",
    "..",
    "../",
    "link-to-etc-passwd",
    "link-to-parent/secret",
    "/proc/self/environ",
    "..\\..\\secret",
];

/// One line for each attempt; "OPENED" where the host let one through.
pub fn traversal(out: ResponseOutparam) {
    let mut body = String::new();
    let directories = get_directories();
    for (directory, name) in &directories {
        for path in ESCAPES {
            let flags = PathFlags::SYMLINK_FOLLOW;
            let opened = directory.open_at(flags, path, OpenFlags::empty(), DescriptorFlags::READ);
            let outcome = opened.map_or_else(|error| error.name().to_owned(), |_| "OPENED".into());
            body.push_str(&format!("{name} {path}: {outcome}\n"));
        }
        for path in ["../made", "/made"] {
            let outcome = directory.create_directory_at(path);
            let outcome = outcome.map_or_else(|error| error.name().to_owned(), |()| "MADE".into());
            body.push_str(&format!("{name} mkdir {path}: {outcome}\n"));
        }
        let linked = directory.symlink_at("/etc/passwd", "made-link");
        let linked = linked.map_or_else(|error| error.name().to_owned(), |()| "LINKED".into());
        body.push_str(&format!("{name} symlink: {linked}\n"));
    }
    body.push_str(&format!("{} directories\n", directories.len()));
    text(out, 200, &body);
}

/// Parts of a request which would smuggle a second one into it.
pub fn requests(out: ResponseOutparam) {
    let request = OutgoingRequest::new(Fields::new());
    let mut body = String::new();
    let mut note = |what: &str, outcome: Result<(), ()>| {
        let outcome = outcome.map_or("refused", |()| "accepted");
        body.push_str(&format!("{what}: {outcome}\n"));
    };
    for method in ["GET / HTTP/1.1\r\nx: y", "G T", "", "G\u{e9}T"] {
        note(&format!("method {method:?}"), request.set_method(&method_of(method)));
    }
    for path in ["/\r\nx-injected: yes", "/ HTTP/1.1", "/\0", "no-slash", "/\u{e9}"] {
        note(&format!("path {path:?}"), request.set_path_with_query(Some(path)));
    }
    for authority in ["a\r\nb", "a b", "user:pass@host", "[::1", "host:99999", "ho/st"] {
        note(&format!("authority {authority:?}"), request.set_authority(Some(authority)));
    }
    for scheme in ["ht tp", "file", "h\r\n"] {
        let scheme = Scheme::Other(scheme.to_owned());
        note(&format!("scheme {scheme:?}"), request.set_scheme(Some(&scheme)));
    }
    text(out, 200, &body);
}
