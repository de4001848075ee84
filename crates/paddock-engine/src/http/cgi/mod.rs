//! Commands that answer requests by the Common Gateway Interface (RFC 3875),
//! as WAGI has it: the request in environment, arguments and stdin, the
//! response on stdout. Each request has a fresh instance.

mod environment;
mod head;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use futures::future::BoxFuture;
use http_body_util::{BodyExt, StreamBody};
use tokio::io::{AsyncWriteExt, simplex};
use tokio::sync::mpsc;
use wasmtime::Store;
use wasmtime_wasi::I32Exit;
use wasmtime_wasi::cli::AsyncStdinStream;
use wasmtime_wasi_http::WasiBody;

use self::head::Head;
use super::dispatch::{Arrival, Failure};
use super::guest::{Guest, GuestBody, failure};
use crate::component::Component;
use crate::events::EventKind;
use crate::pipe::Pipe;
use crate::state::{Process, State};

/// Bytes of a request's body between the wire and the guest.
const STDIN: usize = 64 << 10;

/// How a route runs its component as a CGI program.
#[derive(Clone, Debug)]
pub struct Cgi {
    /// Arguments, with `${SCRIPT_NAME}` and `${ARGS}` standing for the route
    /// and the parts of the query.
    pub argv: String,
}

impl Default for Cgi {
    fn default() -> Self {
        Self { argv: "${SCRIPT_NAME} ${ARGS}".into() }
    }
}

impl Cgi {
    pub async fn handle(
        &self,
        component: &Arc<Component>,
        request: http::Request<WasiBody>,
        arrival: Arrival,
    ) -> Result<http::Response<WasiBody>, Failure> {
        let (parts, body) = request.into_parts();
        let environment = environment::variables(&parts);
        let arguments = environment::arguments(&self.argv, &parts);
        let (stdin, body_end) = simplex(STDIN);
        let (stdout, mut output) = Pipe::new();
        let process = Process { environment, arguments, stdin: Some(AsyncStdinStream::new(stdin)), stdout };
        let Arrival { generation, trace, hooks, guard, cut } = arrival;
        let store = State::process(component, process, hooks, generation, trace).map_err(|error| {
            component.emit(0, EventKind::Failed { reason: error.message });
            Failure::Failed
        })?;
        let scope = &store.data().scope;
        let (instance, deadline) = (scope.instance, scope.deadline.clone());
        let work = run(Arc::clone(component), store, Some((body, body_end)));
        let guest = Guest::new(work, Arc::clone(component), instance, deadline, cut, guard);
        let (guest, head) = begun(guest, &mut output).await?;
        match head.and_then(Head::response) {
            Ok((response, rest)) => Ok(GuestBody::attach(response.map(|()| streamed(rest, output)), guest).await),
            Err(reason) => {
                component.emit(instance, EventKind::Failed { reason });
                Err(Failure::NoResponse)
            }
        }
    }
}

/// Polls the guest until it has written the head of its response, or ended.
async fn begun(
    mut guest: Guest,
    output: &mut mpsc::Receiver<Bytes>,
) -> Result<(Option<Guest>, Result<Head, String>), Failure> {
    let mut head = pin!(Head::read(output));
    let mut ended = false;
    let head = std::future::poll_fn(|cx| {
        if !ended && let Poll::Ready(result) = Pin::new(&mut guest).poll(cx) {
            if let Err(failure) = result {
                return Poll::Ready(Err(failure));
            }
            ended = true;
        }
        head.as_mut().poll(cx).map(Ok)
    })
    .await?;
    Ok(((!ended).then_some(guest), head))
}

fn streamed(first: Bytes, output: mpsc::Receiver<Bytes>) -> WasiBody {
    // The receiver moves into the body; a client that goes away drops it, and
    // the guest's next write finds its pipe closed.
    let frames = futures::stream::unfold((Some(first), output), |(first, mut output)| async move {
        let bytes = match first.filter(|bytes| !bytes.is_empty()) {
            Some(bytes) => bytes,
            None => output.recv().await?,
        };
        Some((Ok(http_body::Frame::data(bytes)), (None, output)))
    });
    StreamBody::new(frames).boxed_unsync()
}

type Input = (WasiBody, tokio::io::WriteHalf<tokio::io::SimplexStream>);

/// Runs the program to its end, with its input flowing meanwhile.
fn run(
    component: Arc<Component>,
    mut store: Store<State>,
    input: Option<Input>,
) -> BoxFuture<'static, Result<(), Failure>> {
    Box::pin(async move {
        let program = async {
            let outcome = command(&component, &mut store).await;
            match outcome {
                Ok(Ok(())) => Ok(()),
                Ok(Err(())) => Err(ended(&component, &store, 1)),
                Err(error) => match error.downcast_ref::<I32Exit>() {
                    Some(I32Exit(0)) => Ok(()),
                    Some(I32Exit(code)) => Err(ended(&component, &store, *code)),
                    None => Err(failure(store.data_mut(), &error)),
                },
            }
        };
        let Some((body, end)) = input else { return program.await };
        let mut program = pin!(program);
        tokio::select! {
            biased;
            result = &mut program => return result,
            () = fed(body, end) => {}
        }
        program.await
    })
}

async fn command(component: &Component, store: &mut Store<State>) -> wasmtime::Result<Result<(), ()>> {
    let instance = component.linked.pre.instantiate_async(&mut *store).await?;
    let command = wasmtime_wasi::p2::bindings::Command::new(&mut *store, &instance)?;
    command.wasi_cli_run().call_run(&mut *store).await
}

fn ended(component: &Component, store: &Store<State>, code: i32) -> Failure {
    let reason = format!("the program ended with exit code {code}");
    component.emit(store.data().scope.instance, EventKind::Failed { reason });
    Failure::Failed
}

async fn fed(mut body: WasiBody, mut end: tokio::io::WriteHalf<tokio::io::SimplexStream>) {
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(data) = frame.into_data()
            && end.write_all(&data).await.is_err()
        {
            return;
        }
    }
    let _ = end.shutdown().await;
}

/// What a program prints when nobody asks it anything, at most `most` bytes.
///
/// # Errors
/// How the program failed, in words.
pub async fn output(component: &Arc<Component>, most: usize) -> crate::error::Result<Vec<u8>> {
    use crate::error::{EngineError, ErrorKind};
    let (stdout, mut output) = Pipe::new();
    let process = Process { environment: Vec::new(), arguments: Vec::new(), stdin: None, stdout };
    let store = State::process(component, process, Default::default(), 0, None)?;
    let work = run(Arc::clone(component), store, None);
    let mut printed = Vec::new();
    let reading = async {
        while let Some(bytes) = output.recv().await {
            printed.extend_from_slice(&bytes);
            if printed.len() > most {
                return Err(EngineError::new(ErrorKind::Guest, format!("it printed more than {most} bytes")));
            }
        }
        Ok(())
    };
    let (ended, read) = tokio::join!(work, reading);
    read?;
    ended.map_err(|_| EngineError::new(ErrorKind::Guest, "it failed; the log has the reason"))?;
    Ok(printed)
}
