//! Requests in, answers out: the one place that knows axum.
//!
//! Each request is answered on a thread of its own, because reading the lake
//! blocks. Threads of the runtime's pool would do, but a runtime waits for its
//! pool when it ends, however long a usage job takes; a thread of ours ends with
//! the process, and the folder is whole whenever that is. An answer is sent when
//! it is complete or, if it is large, in pieces while it is made: the maker waits
//! for a slow reader and stops when the reader is gone.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    thread,
    time::{Duration, Instant as Stopwatch},
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
    routing::get,
};
use cloudtally_store::Store;
use hyper::{body::Frame, ext::ReasonPhrase};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::timeout,
};
use tracing::{debug, warn};

use crate::{
    answer::{Format, Stop, encode, encode_error},
    clock,
    error::{ApiError, ErrorCode},
    request::{NO_COMMAND, Outcome, respond},
};

/// The largest body read; a form of any command is far smaller.
const BODY_BYTES_MAX: usize = 1 << 20;
/// How long a body may take to arrive.
const BODY_WAIT: Duration = Duration::from_secs(30);
/// Requests answered at a time; others wait.
const REQUESTS_MAX: usize = 64;
/// Answers up to here are sent whole, with their length.
const WHOLE_BYTES_MAX: usize = 1 << 20;
/// Larger answers are sent in pieces of this size, give or take an item.
const PIECE_BYTES: usize = 256 << 10;
/// Pieces made before the reader has taken the first of them.
const PIECES_AHEAD: usize = 2;
/// A reader that takes nothing for this long is gone.
const READER_WAIT: Duration = Duration::from_secs(60);
/// How often a maker looks whether a slow reader has taken something.
const READER_POLL: Duration = Duration::from_millis(5);
/// Characters of an error that the header repeats.
const DESCRIPTION_CHARS_MAX: usize = 512;
const DESCRIPTION: &str = "x-description";
const FORM: &str = "application/x-www-form-urlencoded";

/// What all requests share.
#[derive(Clone)]
struct Server {
    store: Store,
    free: Arc<Semaphore>,
}

/// The routes of the API.
pub(crate) fn router(store: Store) -> Router {
    let server = Server { store, free: Arc::new(Semaphore::new(REQUESTS_MAX)) };
    Router::new().route("/client/api", get(answer).post(answer)).with_state(server)
}

async fn answer(State(server): State<Server>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let form = read_form(&parts.headers, body).await;
    let Ok(permit) = server.free.acquire_owned().await else {
        return failed(Format::Xml, NO_COMMAND, &no_answer("the server is stopping"));
    };
    let (reply, replied) = oneshot::channel();
    let started = thread::Builder::new().name("request".to_owned()).spawn(move || {
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        let began = Stopwatch::now();
        let form = form.as_deref().map_err(ApiError::clone);
        let outcome = respond(&server.store, query, form, clock::now());
        let outer = outcome.outer.clone();
        let status = send(outcome, Outbox { reply: Some(reply), pieces: None });
        debug!(status, elapsed_ms = began.elapsed().as_millis(), "answered {outer}: {status}");
        drop(permit);
    });
    let replied = match started {
        Ok(_) => replied.await.map_err(|_| no_answer("it broke off; the log says more")),
        Err(cause) => Err(ApiError::internal("start a thread for the request", &cause)),
    };
    replied.unwrap_or_else(|error| failed(Format::Xml, NO_COMMAND, &error))
}

/// Reads a form; other bodies are no parameters, so they are refused rather
/// than ignored.
async fn read_form(headers: &HeaderMap, body: Body) -> Result<Bytes, ApiError> {
    let too_large = || {
        ApiError::parameter(format!(
            "The request's body broke off or is larger than {BODY_BYTES_MAX} bytes"
        ))
    };
    // Where the length is said, nobody waits for what would be refused.
    if hyper::body::Body::size_hint(&body).lower() > BODY_BYTES_MAX as u64 {
        return Err(too_large());
    }
    let body = match timeout(BODY_WAIT, to_bytes(body, BODY_BYTES_MAX)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return Err(too_large()),
        Err(_) => {
            return Err(ApiError::parameter(format!(
                "The request's body did not arrive within {} s",
                BODY_WAIT.as_secs()
            )));
        }
    };
    let content_type = headers.get(header::CONTENT_TYPE).map_or(FORM.as_bytes(), |v| v.as_bytes());
    let essence = content_type.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
    if body.is_empty() || essence.eq_ignore_ascii_case(FORM.as_bytes()) {
        return Ok(body);
    }
    Err(ApiError::parameter(format!(
        "The request's body is {}; parameters in a body must be {FORM}",
        String::from_utf8_lossy(essence)
    )))
}

fn no_answer(why: &str) -> ApiError {
    ApiError::internal("answer the request", &io::Error::other(why.to_owned()))
}

/// Encodes an outcome and sends it; returns the HTTP status.
fn send(outcome: Outcome, mut outbox: Outbox) -> u16 {
    let Outcome { format, outer, result } = outcome;
    let mut body = Vec::new();
    let encoded = result.map_err(Stop::from).and_then(|answer| {
        encode(&outer, answer, format, &mut body, &mut |body| outbox.take_full(body, format))
    });
    match encoded {
        Ok(()) => {
            outbox.finish(body, format);
            200
        }
        Err(Stop::Gone) => 200,
        Err(Stop::Failed(error)) => {
            outbox.fail(&outer, &error, format);
            error.code.status()
        }
    }
}

/// The way back to the caller: a whole response, or its head and then pieces.
struct Outbox {
    /// Until the response is on its way.
    reply: Option<oneshot::Sender<Response<Body>>>,
    /// Once it is.
    pieces: Option<mpsc::Sender<Piece>>,
}

impl Outbox {
    /// Takes what has been encoded once it is too much to keep.
    fn take_full(&mut self, body: &mut Vec<u8>, format: Format) -> Result<(), Stop> {
        let most = if self.pieces.is_some() { PIECE_BYTES } else { WHOLE_BYTES_MAX };
        if body.len() < most {
            return Ok(());
        }
        if let Some(reply) = self.reply.take() {
            let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
            self.pieces = Some(sender);
            reply
                .send(ok(format, Body::new(Pieces { receiver, complete: false })))
                .map_err(|_| Stop::Gone)?;
        }
        self.push(Piece::Part(std::mem::take(body).into()))
    }

    fn finish(&mut self, body: Vec<u8>, format: Format) {
        match self.reply.take() {
            // A caller who is gone by now misses nothing.
            Some(reply) => drop(reply.send(ok(format, body.into()))),
            None => drop(self.push(Piece::Last(body.into()))),
        }
    }

    /// Tells of an error; once pieces are on their way it is too late to say it,
    /// and without a last piece the answer breaks off.
    fn fail(&mut self, outer: &str, error: &ApiError, format: Format) {
        if let Some(reply) = self.reply.take() {
            drop(reply.send(failed(format, outer, error)));
        }
    }

    /// Hands a piece over, waiting for the reader to take an earlier one.
    fn push(&mut self, mut piece: Piece) -> Result<(), Stop> {
        let Some(pieces) = &self.pieces else { return Err(Stop::Gone) };
        let began = Stopwatch::now();
        loop {
            piece = match pieces.try_send(piece) {
                Ok(()) => return Ok(()),
                Err(mpsc::error::TrySendError::Closed(_)) => return Err(Stop::Gone),
                Err(mpsc::error::TrySendError::Full(piece)) => piece,
            };
            if began.elapsed() > READER_WAIT {
                warn!(
                    "broke off an answer: its reader took nothing for {} s",
                    READER_WAIT.as_secs()
                );
                return Err(Stop::Gone);
            }
            thread::sleep(READER_POLL);
        }
    }
}

/// A part of a body.
enum Piece {
    Part(Bytes),
    Last(Bytes),
}

/// The body of a response that is still being made. It ends well only after its
/// last piece: whatever else becomes of its maker breaks the connection off, so
/// that nobody takes half an answer for a whole one.
struct Pieces {
    receiver: mpsc::Receiver<Piece>,
    complete: bool,
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.complete {
            return Poll::Ready(None);
        }
        self.receiver.poll_recv(context).map(|piece| match piece {
            Some(Piece::Part(bytes)) => Some(Ok(Frame::data(bytes))),
            Some(Piece::Last(bytes)) => {
                self.complete = true;
                Some(Ok(Frame::data(bytes)))
            }
            None => Some(Err(io::Error::other("the answer cannot be completed"))),
        })
    }
}

fn ok(format: Format, body: Body) -> Response<Body> {
    response(StatusCode::OK, format, body)
}

fn failed(format: Format, outer: &str, error: &ApiError) -> Response<Body> {
    let status = StatusCode::from_u16(error.code.status());
    let status = status.expect("documented codes are HTTP statuses");
    let mut response = response(status, format, encode_error(outer, error, format).into());
    // HTTP's own name of 431 would mislead, and it has none for 432 and 530.
    response.extensions_mut().insert(reason(error.code));
    // Command line clients print this header when a call fails.
    response.headers_mut().insert(DESCRIPTION, description(&error.text));
    response
}

fn response(status: StatusCode, format: Format, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(format.content_type());
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

fn reason(code: ErrorCode) -> ReasonPhrase {
    match code {
        ErrorCode::Unauthorised => ReasonPhrase::from_static(b"Unauthorized"),
        ErrorCode::Parameter => ReasonPhrase::from_static(b"Parameter Error"),
        ErrorCode::UnknownCommand => ReasonPhrase::from_static(b"Unsupported Action"),
        ErrorCode::Internal => ReasonPhrase::from_static(b"Internal Error"),
    }
}

/// A text as a header can carry it: printable ASCII, not too long.
fn description(text: &str) -> HeaderValue {
    let plain = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
    let text: String = text.chars().take(DESCRIPTION_CHARS_MAX).map(plain).collect();
    HeaderValue::from_str(&text).expect("printable ASCII is a header value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_fits_the_description_header() {
        assert_eq!(description("no `é`\r\nX: y\u{0}"), "no `?`??X: y?");
        assert_eq!(description(&"x".repeat(70_000)).len(), DESCRIPTION_CHARS_MAX);
        assert_eq!(description(""), "");
    }

    #[tokio::test]
    async fn only_a_last_piece_ends_an_answer_well() {
        for ends_well in [true, false] {
            let (reply, replied) = oneshot::channel();
            let mut outbox = Outbox { reply: Some(reply), pieces: None };
            outbox.take_full(&mut vec![b'x'; WHOLE_BYTES_MAX], Format::Json).unwrap();
            if ends_well {
                outbox.finish(b"}".to_vec(), Format::Json);
            } else {
                outbox.fail("x", &ApiError::unauthorised(), Format::Json);
            }
            drop(outbox);
            let body = to_bytes(replied.await.unwrap().into_body(), usize::MAX).await;
            assert_eq!(body.ok().map(|body| body.len()), ends_well.then_some(WHOLE_BYTES_MAX + 1));
        }
    }

    #[test]
    fn a_maker_stops_when_its_reader_is_gone() {
        let (sender, receiver) = mpsc::channel(1);
        let mut outbox = Outbox { reply: None, pieces: Some(sender) };
        let full = || vec![b'x'; PIECE_BYTES];
        outbox.take_full(&mut full(), Format::Json).unwrap();
        let waiting = thread::spawn(move || outbox.take_full(&mut full(), Format::Json));
        drop(receiver);
        assert!(matches!(waiting.join().unwrap(), Err(Stop::Gone)));
    }
}
