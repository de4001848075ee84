//! A component to be plugged into another one: exports `paddock:parts`, and uses what a
//! host offers when it is told to.

wit_bindgen::generate!({
    world: "paddock:parts/plug",
    path: ["../../wit/p2", "../../wit/parts"],
    generate_all,
});

use std::cell::Cell;

use exports::paddock::parts::{counter, reach, shout};
use wasi::http::outgoing_handler;
use wasi::http::types::{Fields, OutgoingRequest, Scheme};
use wasi::sockets::instance_network::instance_network;
use wasi::sockets::ip_name_lookup::resolve_addresses;

struct Part;

impl shout::Guest for Part {
    fn shout(text: String) -> String {
        format!("{}!", text.to_uppercase())
    }
}

impl reach::Guest for Part {
    fn reach(what: String) -> String {
        match what.as_str() {
            "environment" => std::env::var("WHERE").unwrap_or_default(),
            "files" => std::fs::read_to_string("/data/note.txt").unwrap_or_else(|e| e.to_string()),
            "variable" => format!("{:?}", wasi::config0_2_0_draft_2024_09_27::store::get("greeting")),
            "store" => stored(),
            "http" => asked(),
            "lookup" => {
                format!("{:?}", resolve_addresses(&instance_network(), "127.0.0.1").is_ok())
            }
            // Allowed to everyone: the standard library seeds its tables with it.
            "random" => std::collections::HashSet::from([1]).len().to_string(),
            other => format!("nothing called {other}"),
        }
    }
}

fn stored() -> String {
    let bucket = match wasi::keyvalue0_2_0_draft2::store::open("default") {
        Ok(bucket) => bucket,
        Err(error) => return format!("{error:?}"),
    };
    match bucket.set("part", b"kept") {
        Ok(()) => format!("{:?}", bucket.exists("part")),
        Err(error) => format!("{error:?}"),
    }
}

fn asked() -> String {
    let request = OutgoingRequest::new(Fields::new());
    request.set_scheme(Some(&Scheme::Http)).expect("the scheme is valid");
    request.set_authority(Some("localhost:1")).expect("the authority is valid");
    request.set_path_with_query(Some("/")).expect("the path is valid");
    format!("asked: {}", outgoing_handler::handle(request, None).is_ok())
}

struct Count(Cell<u32>);

impl counter::Guest for Part {
    type Count = Count;
}

impl counter::GuestCount for Count {
    fn new(start: u32) -> Self {
        Self(Cell::new(start))
    }

    fn up(&self) -> u32 {
        self.0.set(self.0.get() + 1);
        self.0.get()
    }
}

export!(Part);
