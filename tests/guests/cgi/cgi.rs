//! A CGI program in Rust, with routes and entry points of its own, as WAGI has them.
use std::env;
use std::io::{Read, stdin};

fn main() {
    let var = |name| env::var(name).unwrap_or_default();
    let args = env::args().skip(1).collect::<Vec<_>>().join(" ");
    let mut body = String::new();
    let _ = stdin().read_to_string(&mut body);
    println!("content-type: text/plain\nx-made-by: Rust\n");
    println!("hello from Rust\n{} {}", var("REQUEST_METHOD"), var("PATH_INFO"));
    println!("query: {}\nargs: {args}\nbody: {body}", var("QUERY_STRING"));
}

#[unsafe(no_mangle)]
pub extern "C" fn hello() {
    println!("content-type: text/plain\n\nhello, {}", env::var("NAME").unwrap_or_default());
}

#[unsafe(no_mangle)]
pub extern "C" fn goodbye() {
    println!("content-type: text/plain\n\ngoodbye {}", env::var("PATH_INFO").unwrap_or_default());
}

#[unsafe(no_mangle)]
pub extern "C" fn _routes() {
    println!("/hello hello\n/goodbye/... goodbye\n/main _start");
}
