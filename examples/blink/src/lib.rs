//! Blinks: `GET /?pin=1&times=3&ms=200` turns a pin on and off.
//!
//! What a pin is, the component does not know: an LED on a board, or a dot on a page.

wit_bindgen::generate!({ world: "blink", path: "wit", generate_all });

use std::thread::sleep;
use std::time::Duration;

use acme::gpio::pins;
use exports::wasi::http::incoming_handler::Guest;
use wasi::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

/// What one request may ask for: a minute of blinking at most.
const MOST_TIMES: u32 = 100;
const LONGEST: u32 = 300;

struct Blink;

impl Guest for Blink {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let pin = number(&path, "pin").unwrap_or(1);
        let times = number(&path, "times").unwrap_or(3).min(MOST_TIMES);
        let pause = Duration::from_millis(number(&path, "ms").unwrap_or(200).min(LONGEST).into());
        match blink(pin, times, pause) {
            Ok(()) => answer(out, 200, &format!("pin {pin} blinked {times} times\n")),
            Err(why) => answer(out, 409, &format!("{why}\n")),
        }
    }
}

fn blink(pin: u32, times: u32, pause: Duration) -> Result<(), String> {
    for _ in 0..times {
        pins::set(pin, true)?;
        sleep(pause);
        pins::set(pin, false)?;
        sleep(pause);
    }
    match pins::get(pin)? {
        false => Ok(()),
        true => Err(format!("pin {pin} is still on")),
    }
}

/// The value of `name` in the query, if it is a number.
fn number(path: &str, name: &str) -> Option<u32> {
    let (_, query) = path.split_once('?')?;
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).find_map(|(_, value)| value.parse().ok())
}

fn answer(out: ResponseOutparam, status: u16, text: &str) {
    let headers = [("content-type".to_owned(), b"text/plain; charset=utf-8".to_vec())];
    let response = OutgoingResponse::new(Fields::from_list(&headers).expect("our own headers"));
    response.set_status_code(status).expect("our own status");
    let body = response.body().expect("the body is taken once");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("the stream is taken once");
    // An error means that the client has left: then nobody is there to be told.
    let _ = stream.blocking_write_and_flush(text.as_bytes());
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

export!(Blink);
