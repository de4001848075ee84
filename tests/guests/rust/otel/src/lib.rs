//! `wasi:otel@0.2.0-rc.2`.
//!
//! `/outer` the host's span: trace, span, flags (`sampled` or `-`), `remote` or
//! `local`, then the trace state, `key=value`, one a line. `/span?name=&kind=
//! &status=&a=key=value&event=&link=` starts and ends a span below it with
//! attributes (values are JSON), and answers with its trace and span; `/tree`
//! three spans, each begun and ended within the one before. `/log?body=&severity=9&text=INFO&event=&a=`
//! a record in the outer span. `/count?name=&n=&a=` a sum of unsigned numbers,
//! monotonic and cumulative; `/gauge?name=&value=` a floating one;
//! `/histogram?name=` three measurements (1, 5, 50 in the bounds 2, 10).

wit_bindgen::generate!({
    world: "paddock:services/otel",
    path: ["../../wit/p2", "../../wit/services"],
    generate_all,
});

#[path = "../../kit/args.rs"]
mod args;
#[path = "../../kit/http.rs"]
mod http;

use args::Query;
use http::{Request, text};
use wasi::clocks::wall_clock::{Datetime, now};
use wasi::http::types::{IncomingRequest, ResponseOutparam};
use wasi::otel::logs::{self, LogRecord};
use wasi::otel::metrics::{
    self, Gauge, GaugeDataPoint, Histogram, HistogramDataPoint, Metric, MetricData, MetricNumber,
    ResourceMetrics, ScopeMetrics, SumDataPoint, Temporality,
};
use wasi::otel::tracing::{
    self, Event, Link, SpanContext, SpanData, SpanKind, Status, TraceFlags, outer_span_context,
};
use wasi::otel::types::{InstrumentationScope, KeyValue, Resource};

struct Guest;

impl exports::wasi::http::incoming_handler::Guest for Guest {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let request = Request::new(request);
        let query = &request.query;
        let outcome = match request.path.as_str() {
            "/outer" => Ok(context_shown(&outer_span_context())),
            "/span" => Ok(context_shown(&Begun::below(outer_span_context()).end(query))),
            "/tree" => Ok(tree()),
            "/log" => Ok(log(query)),
            "/count" => count(query),
            "/gauge" => gauge(query),
            "/histogram" => histogram(query),
            other => return text(out, 404, &format!("no route {other}\n")),
        };
        match outcome {
            Ok(body) => text(out, 200, &body),
            Err(why) => text(out, 500, &format!("error: {why}\n")),
        }
    }
}

fn context_shown(context: &SpanContext) -> String {
    let flags = if context.trace_flags == TraceFlags::SAMPLED { "sampled" } else { "-" };
    let place = if context.is_remote { "remote" } else { "local" };
    let state = context.trace_state.iter().map(|(key, value)| format!("{key}={value}\n"));
    let ids = format!("{}\n{}\n", context.trace_id, context.span_id);
    format!("{ids}{flags}\n{place}\n{}", state.collect::<String>())
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "guest".to_owned(),
        version: Some("1.0".to_owned()),
        schema_url: None,
        attributes: vec![attribute("scope", "true")],
    }
}

fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue { key: key.to_owned(), value: value.to_owned() }
}

/// `a=key=value`, a value in JSON; one that isn't becomes a string.
fn attributes(query: &Query) -> Vec<KeyValue> {
    let one = |given: &str| {
        let (key, value) = given.split_once('=').unwrap_or((given, "true"));
        let first = value.chars().next().unwrap_or('x');
        let json = "\"[{-0123456789".contains(first) || matches!(value, "true" | "false" | "null");
        attribute(key, &if json { value.to_owned() } else { format!("\"{value}\"") })
    };
    args::all(query, "a").map(one).collect()
}

/// Another span of the same trace; its number counts up within the instance.
fn child(parent: &SpanContext) -> SpanContext {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(1);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let Datetime { seconds, nanoseconds } = now();
    let unique = seconds.rotate_left(32) ^ u64::from(nanoseconds) ^ u64::from(number) << 40;
    SpanContext { span_id: format!("{unique:016x}"), is_remote: false, ..parent.clone() }
}

/// A span that has begun.
struct Begun {
    parent: SpanContext,
    context: SpanContext,
    start_time: Datetime,
}

impl Begun {
    fn below(parent: SpanContext) -> Self {
        let context = child(&parent);
        tracing::on_start(&context);
        Self { parent, context, start_time: now() }
    }

    fn end(self, query: &Query) -> SpanContext {
        let Self { parent, context, start_time } = self;
        let event = |name: &str| Event { name: name.to_owned(), time: now(), attributes: vec![] };
        let link = |_: &str| Link { span_context: parent.clone(), attributes: vec![] };
        tracing::on_end(&SpanData {
            span_context: context.clone(),
            parent_span_id: parent.span_id.clone(),
            span_kind: kind(args::text(query, "kind", "internal")),
            name: args::text(query, "name", "guest span").to_owned(),
            start_time,
            end_time: now(),
            attributes: attributes(query),
            events: args::all(query, "event").map(event).collect(),
            links: args::all(query, "link").map(link).collect(),
            status: status(args::text(query, "status", "unset")),
            instrumentation_scope: scope(),
            dropped_attributes: 0,
            dropped_events: 0,
            dropped_links: 0,
        });
        context
    }
}

fn kind(name: &str) -> SpanKind {
    match name {
        "client" => SpanKind::Client,
        "server" => SpanKind::Server,
        "producer" => SpanKind::Producer,
        "consumer" => SpanKind::Consumer,
        _ => SpanKind::Internal,
    }
}

fn status(name: &str) -> Status {
    match name {
        "unset" => Status::Unset,
        "ok" => Status::Ok,
        why => Status::Error(why.to_owned()),
    }
}

fn tree() -> String {
    let outermost = Begun::below(outer_span_context());
    let middle = Begun::below(outermost.context.clone());
    let innermost = Begun::below(middle.context.clone());
    let mut ids = String::new();
    for (span, name) in [(innermost, "innermost"), (middle, "middle"), (outermost, "outermost")] {
        let context = span.end(&[("name".to_owned(), name.to_owned())]);
        ids.push_str(&format!("{} {name}\n", context.span_id));
    }
    ids
}

fn resource() -> Resource {
    Resource { attributes: vec![attribute("service.name", "\"guest\"")], schema_url: None }
}

fn log(query: &Query) -> String {
    let outer = outer_span_context();
    logs::on_emit(&LogRecord {
        timestamp: Some(now()),
        observed_timestamp: Some(now()),
        severity_text: Some(args::text(query, "text", "INFO").to_owned()),
        severity_number: Some(args::number(query, "severity", 9)),
        body: Some(format!("\"{}\"", args::text(query, "body", "hello"))),
        attributes: Some(attributes(query)),
        event_name: args::one(query, "event").map(str::to_owned),
        resource: Some(resource()),
        instrumentation_scope: Some(scope()),
        trace_id: Some(outer.trace_id),
        span_id: Some(outer.span_id),
        trace_flags: Some(outer.trace_flags),
    });
    "logged\n".to_owned()
}

fn export(query: &Query, unit: &str, data: MetricData) -> Result<String, String> {
    let metric = Metric {
        name: args::text(query, "name", "guest.metric").to_owned(),
        description: "measured by a guest".to_owned(),
        unit: unit.to_owned(),
        data,
    };
    metrics::export(&ResourceMetrics {
        resource: resource(),
        scope_metrics: vec![ScopeMetrics { scope: scope(), metrics: vec![metric] }],
    })?;
    Ok("exported\n".to_owned())
}

fn count(query: &Query) -> Result<String, String> {
    let value = MetricNumber::U64(args::number(query, "n", 1));
    let point = SumDataPoint { attributes: attributes(query), value, exemplars: vec![] };
    let data = MetricData::U64Sum(metrics::Sum {
        data_points: vec![point],
        start_time: now(),
        time: now(),
        temporality: Temporality::Cumulative,
        is_monotonic: true,
    });
    export(query, "1", data)
}

fn gauge(query: &Query) -> Result<String, String> {
    let value = MetricNumber::F64(args::number(query, "value", 1.5));
    let point = GaugeDataPoint { attributes: attributes(query), value, exemplars: vec![] };
    let gauge = Gauge { data_points: vec![point], start_time: Some(now()), time: now() };
    export(query, "Cel", MetricData::F64Gauge(gauge))
}

fn histogram(query: &Query) -> Result<String, String> {
    let point = HistogramDataPoint {
        attributes: attributes(query),
        count: 3,
        bounds: vec![2.0, 10.0],
        bucket_counts: vec![1, 1, 1],
        min: Some(MetricNumber::F64(1.0)),
        max: Some(MetricNumber::F64(50.0)),
        sum: MetricNumber::F64(56.0),
        exemplars: vec![],
    };
    let histogram = Histogram {
        data_points: vec![point],
        start_time: now(),
        time: now(),
        temporality: Temporality::Delta,
    };
    export(query, "ms", MetricData::F64Histogram(histogram))
}

export!(Guest);
