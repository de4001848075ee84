//! Calls an interface of a user's own (`paddock:test`) with each type of value
//! and answers with what came back, one line for each call.
//!
//! `/values` every type; `/errors` results; `/raise` what the host did not
//! expect; `/resources` a host's resource;
//! `/bytes?n=` a list of n bytes there and back; `/points?n=` n records;
//! `/calls?n=` n small calls; `/leak` leaves a resource without dropping it.

wit_bindgen::generate!({
    world: "paddock:test/bridge",
    path: ["../../wit/p2", "../../wit/bridge"],
    generate_all,
});

#[path = "../../kit/http.rs"]
mod http;

use exports::wasi::http::incoming_handler::Guest;
use http::{Request, text};
use paddock::test::counters::{self, Counter};
use paddock::test::values::{self, Order, Point, Reply, Rights, State};
use wasi::http::types::{IncomingRequest, ResponseOutparam};

struct Bridge;

impl Guest for Bridge {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let request = Request::new(request);
        let answer = match request.path.as_str() {
            "/values" => all_values(),
            "/errors" => errors(),
            // It may end this guest: the host raises what nobody expected.
            "/raise" => format!("{:?}\n", values::try_("raise")),
            "/resources" => resources(),
            "/bytes" => bytes(request.number("n", 1000)),
            "/points" => points(request.number("n", 1000)),
            "/calls" => calls(request.number("n", 1000)),
            "/leak" => {
                std::mem::forget(Counter::new(1));
                "leaked".to_owned()
            }
            other => return text(out, 404, &format!("no route {other}\n")),
        };
        text(out, 200, &answer);
    }
}

fn order() -> Order {
    Order {
        order_id: u64::MAX,
        items: vec!["bread".to_owned(), "brötchen".to_owned()],
        note: Some("soon".to_owned()),
        state: State::SentOut,
    }
}

fn all_values() -> String {
    let reply = Reply::Words(vec!["a".to_owned(), String::new()]);
    let lines = [
        format!("bool {:?}", values::echo_bool(true)),
        format!("u8 {:?}", values::echo_u8(255)),
        format!("s64 {:?}", values::echo_s64(i64::MIN)),
        format!("u64 {:?}", values::echo_u64(u64::MAX)),
        format!("f64 {:?}", values::echo_f64(-0.5)),
        format!("nan {:?}", values::echo_f64(f64::NAN)),
        format!("char {:?}", values::echo_char('ß')),
        format!("string {:?}", values::echo_string("grüße, 世界")),
        format!("bytes {:?}", values::echo_bytes(&[0, 1, 254, 255])),
        format!("point {:?}", values::echo_point(Point { x: -1, y: i32::MAX })),
        format!("points {:?}", values::echo_points(&[Point { x: 1, y: 2 }, Point { x: 3, y: 4 }])),
        format!("order {:?}", values::echo_order(&order())),
        format!("state {:?}", values::echo_state(State::BrandNew)),
        format!("rights {:?}", values::echo_rights(Rights::READ | Rights::SEE_ALL)),
        format!("no rights {:?}", values::echo_rights(Rights::empty())),
        format!("silence {:?}", values::echo_reply(&Reply::Silence)),
        format!("number {:?}", values::echo_reply(&Reply::Number(-7))),
        format!("words {:?}", values::echo_reply(&reply)),
        format!("some {:?}", values::echo_option(Some("x"))),
        format!("none {:?}", values::echo_option(None)),
        format!("tuple {:?}", values::echo_tuple(("t", 7, false))),
        format!("nothing {:?}", { values::nothing() }),
        format!("many {:?}", values::many(1, "b", &[2, 3], Some(Point { x: 4, y: 5 }), true)),
    ];
    lines.join("\n") + "\n"
}

fn errors() -> String {
    let names = ["good", "not-found", "too-large", "busy"];
    let mut lines: Vec<_> =
        names.iter().map(|name| format!("{name} {:?}", values::try_(name))).collect();
    lines.push(format!("judge {:?} {:?}", values::judge(true), values::judge(false)));
    lines.join("\n") + "\n"
}

fn resources() -> String {
    let first = Counter::new(10);
    let second = Counter::open("named").expect("the host knows this name");
    let unknown = Counter::open("unknown").err();
    let lines = [
        format!("add {}", first.add(5)),
        format!("value {}", first.value()),
        format!("named {}", second.value()),
        format!("unknown {unknown:?}"),
        format!("merge {}", first.merge(&second)),
        format!("fork {}", first.fork().add(100)),
        format!("total {}", counters::total(&[&first, &second])),
        format!("close {}", counters::close(second)),
        format!("value {}", first.value()),
    ];
    lines.join("\n") + "\n"
}

fn bytes(count: u64) -> String {
    let sent: Vec<u8> = (0..count).map(|n| (n % 251) as u8).collect();
    let back = values::echo_bytes(&sent);
    format!("{} bytes, same: {}", back.len(), back == sent)
}

fn points(count: u64) -> String {
    let sent: Vec<_> = (0..count as i32).map(|n| Point { x: n, y: -n }).collect();
    let back = values::echo_points(&sent);
    let same = sent.iter().zip(&back).all(|(a, b)| (a.x, a.y) == (b.x, b.y));
    format!("{} points, same: {}", back.len(), same && back.len() == sent.len())
}

fn calls(count: u64) -> String {
    let sum = (0..count).fold(0_u64, |sum, n| sum.wrapping_add(values::echo_u64(n)));
    format!("{count} calls, sum {sum}")
}

export!(Bridge);
