//! Sockets of WASI 0.2 as a command.
//!
//! `tcp ADDRESS PORT TEXT` sends the text, closes and prints the answer;
//! `udp ADDRESS PORT TEXT` sends one datagram and prints one; `listen ADDRESS
//! PORT` accepts one connection and sends back what it reads; `resolve NAME`.

wit_bindgen::generate!({ world: "command", path: "../../wit/p2", generate_all });

#[path = "../../kit/sockets.rs"]
mod sockets;

use sockets::{listen, parse, resolve, tcp, udp};

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["tcp", address, port, text] => tcp(parse(address, port), text),
        ["udp", address, port, text] => udp(parse(address, port), text),
        ["listen", address, port] => listen(parse(address, port)),
        ["resolve", name] => resolve(name),
        _ => {
            eprintln!("usage: tcp|udp ADDRESS PORT TEXT, listen ADDRESS PORT, resolve NAME");
            std::process::exit(2)
        }
    };
    match outcome {
        Ok(text) => println!("{text}"),
        Err(error) => {
            eprintln!("error: {}", error.name());
            std::process::exit(1);
        }
    }
}
