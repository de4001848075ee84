//! `wasi:messaging@0.2.0-draft`, both sides: the routes and the handler of
//! `messaging`, with `broker=` (else `default`) for the client's name.
//!
//! `/publish?topic=&body=&type=&meta=key=value&n=`, `/request?topic=&body=
//! &timeout=&replies=` (the bodies of the replies, one a line), `/received`,
//! `/tried?body=`, `/clear`; `/message` what a message of the guest's own says
//! of itself after each change. A line of `/received` has the content type and
//! the metadata in place of a reply-to.

wit_bindgen::generate!({
    world: "paddock:services/messaging-wasi",
    path: ["../../wit/p2", "../../wit/services"],
    generate_all,
});

#[path = "../../kit/args.rs"]
mod args;
#[path = "../../kit/http.rs"]
mod http;
#[path = "../../kit/inbox.rs"]
mod inbox;

use http::{Request, text};
use wasi::clocks::monotonic_clock;
use wasi::http::types::{IncomingRequest, ResponseOutparam};
use wasi::keyvalue0_2_0_draft2 as keyvalue;
use wasi::messaging::producer::send;
use wasi::messaging::request_reply::{RequestOptions, reply, request};
use wasi::messaging::types::{Client, Error, Message};

struct Messaging;

impl exports::wasi::messaging::incoming_handler::Guest for Messaging {
    fn handle(message: Message) -> Result<(), Error> {
        let body = String::from_utf8_lossy(&message.data()).into_owned();
        let tries = inbox::tried(&body).map_err(Error::Other)?;
        match body.split_once(' ').unwrap_or((&body, "")) {
            ("poison", _) => return Err(Error::Other("poison".to_owned())),
            ("once", _) if tries == 1 => return Err(Error::Other("the first time".to_owned())),
            ("trap", _) => std::arch::wasm32::unreachable(),
            ("slow", ms) => {
                let ms: u64 = ms.parse().unwrap_or(100);
                monotonic_clock::subscribe_duration(ms * 1_000_000).block();
            }
            _ => {}
        }
        let topic = message.topic().unwrap_or_default();
        inbox::append(&topic, Some(&headers(&message)), &body).map_err(Error::Other)?;
        if let Some(asked) = body.strip_prefix("ask ") {
            reply(&message, Message::new(format!("re: {asked}").as_bytes()))?;
        }
        Ok(())
    }
}

/// `type;key=value;…`, `-` for no content type.
fn headers(message: &Message) -> String {
    let mut pairs = message.metadata().unwrap_or_default();
    pairs.sort();
    let pairs = pairs.iter().map(|(key, value)| format!(";{key}={value}"));
    let kind = message.content_type().unwrap_or_else(|| "-".to_owned());
    format!("{kind}{}", pairs.collect::<String>())
}

fn why(error: Error) -> String {
    match error {
        Error::Timeout => "timeout".to_owned(),
        Error::Connection(why) => format!("connection({why})"),
        Error::PermissionDenied(why) => format!("permission-denied({why})"),
        Error::Other(why) => format!("other({why})"),
    }
}

impl exports::wasi::http::incoming_handler::Guest for Messaging {
    fn handle(incoming: IncomingRequest, out: ResponseOutparam) {
        let incoming = Request::new(incoming);
        let outcome = match incoming.path.as_str() {
            "/publish" => publish(&incoming).map_err(why),
            "/request" => ask(&incoming).map_err(why),
            "/message" => Ok(changed()),
            "/received" => inbox::received(),
            "/tried" => inbox::tries(args::text(&incoming.query, "body", "")),
            "/clear" => inbox::clear(),
            other => return text(out, 404, &format!("no route {other}\n")),
        };
        match outcome {
            Ok(body) => text(out, 200, &body),
            Err(why) => text(out, 500, &format!("error: {why}\n")),
        }
    }
}

fn connect(incoming: &Request) -> Result<Client, Error> {
    Client::connect(args::text(&incoming.query, "broker", "default"))
}

fn message(incoming: &Request, number: Option<u32>) -> Message {
    let body = args::text(&incoming.query, "body", "");
    let message = Message::new(
        match number {
            Some(number) => format!("{body} {number}").into_bytes(),
            None => body.as_bytes().to_vec(),
        }
        .as_slice(),
    );
    if let Some(kind) = incoming.arg("type") {
        message.set_content_type(kind);
    }
    for pair in args::all(&incoming.query, "meta") {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        message.add_metadata(key, value);
    }
    message
}

fn publish(incoming: &Request) -> Result<String, Error> {
    let client = connect(incoming)?;
    let topic = args::text(&incoming.query, "topic", "topic").to_owned();
    let count = incoming.arg("n").and_then(|count| count.parse().ok());
    match count {
        None => send(&client, &topic, message(incoming, None))?,
        Some(count) => {
            for number in 0..count {
                send(&client, &topic, message(incoming, Some(number)))?;
            }
        }
    }
    client.disconnect()?;
    Ok(count.map_or("ok".to_owned(), |count| format!("{count} published")))
}

fn ask(incoming: &Request) -> Result<String, Error> {
    let client = connect(incoming)?;
    let options = RequestOptions::new();
    options.set_timeout_ms(args::number(&incoming.query, "timeout", 2000));
    if let Some(replies) = incoming.arg("replies").and_then(|count| count.parse().ok()) {
        options.set_expected_replies(replies);
    }
    let topic = args::text(&incoming.query, "topic", "topic").to_owned();
    let found = request(&client, &topic, &message(incoming, None), Some(options))?;
    let line = |reply: &Message| format!("{}\n", String::from_utf8_lossy(&reply.data()));
    Ok(found.iter().map(line).collect())
}

fn changed() -> String {
    let message = Message::new(b"first");
    let shown = |message: &Message| {
        let body = String::from_utf8_lossy(&message.data()).into_owned();
        format!("{:?} {} {body}\n", message.topic(), headers(message))
    };
    let mut lines = shown(&message);
    message.set_data(b"second");
    message.set_content_type("text/plain");
    message.set_metadata(&[("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
    lines.push_str(&shown(&message));
    message.add_metadata("c", "3");
    message.remove_metadata("a");
    lines.push_str(&shown(&message));
    lines
}

export!(Messaging);
