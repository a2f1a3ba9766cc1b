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
    Extension, Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method as HttpMethod, Response, StatusCode, header},
    routing::get,
};
use cloudtally_model::{ApiError, ErrorCode};
use hyper::{body::Frame, ext::ReasonPhrase};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::timeout,
};
use tracing::{debug, warn};

use crate::{
    answer::{Stop, Style, encode, encode_error},
    clock,
    connections::{Busy, Connection},
    error::internal,
    front::Front,
    request::{Asked, Door, Method, NO_COMMAND, Outcome, respond},
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

const SESSION_COOKIE: &str = "JSESSIONID";

/// What all requests by one door share.
#[derive(Clone)]
struct Server {
    front: Arc<Front>,
    free: Arc<Semaphore>,
    door: Door,
}

/// The ways into the API: the public one at its path, and the one for programs
/// of the same machine, at any path.
pub(crate) fn routers(front: Arc<Front>) -> (Router, Router) {
    let free = Arc::new(Semaphore::new(REQUESTS_MAX));
    let server = |door| Server { front: Arc::clone(&front), free: Arc::clone(&free), door };
    let methods = || get(answer).post(answer);
    let public = Router::new()
        .route("/client/api", methods())
        .route("/client/api/", methods())
        .with_state(server(Door::Public));
    let integration =
        Router::new().fallback_service(methods().with_state(server(Door::Integration)));
    (public, integration)
}

async fn answer(
    State(server): State<Server>,
    Extension(connection): Extension<Arc<Connection>>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let form = read_form(&parts.headers, body).await;
    let busy = connection.begin();
    let Ok(permit) = server.free.acquire_owned().await else {
        return failed(Style::PLAIN, NO_COMMAND, &no_answer("the server is stopping"));
    };
    let (reply, replied) = oneshot::channel();
    let started = thread::Builder::new().name("request".to_owned()).spawn(move || {
        let began = Stopwatch::now();
        let session = session_of(&parts.headers);
        let asked = Asked {
            query: parts.uri.query().unwrap_or_default().as_bytes(),
            form: form.as_deref().map_err(ApiError::clone),
            session: session.as_deref(),
            door: server.door,
            method: match parts.method {
                HttpMethod::POST => Method::Post,
                _ => Method::Get,
            },
        };
        let outcome = respond(&server.front, &asked, clock::now());
        let outer = outcome.outer.clone();
        let outbox = Outbox { reply: Some(reply), pieces: None, busy: Some(busy) };
        let status = send(outcome, outbox);
        debug!(status, elapsed_ms = began.elapsed().as_millis(), "answered {outer}: {status}");
        drop(permit);
    });
    let replied = match started {
        Ok(_) => replied.await.map_err(|_| no_answer("it broke off; the log says more")),
        Err(cause) => Err(internal("start a thread for the request", &cause)),
    };
    replied.unwrap_or_else(|error| failed(Style::PLAIN, NO_COMMAND, &error))
}

/// The session that the cookies name.
fn session_of(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == SESSION_COOKIE).then(|| value.trim_matches('"').to_owned())
    })
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
    internal("answer the request", &io::Error::other(why.to_owned()))
}

/// Encodes an outcome and sends it; returns the HTTP status.
fn send(outcome: Outcome, mut outbox: Outbox) -> u16 {
    let Outcome { style, outer, result, opened } = outcome;
    let mut body = Vec::new();
    let encoded = result.map_err(Stop::from).and_then(|answer| {
        encode(&outer, answer, style, &mut body, &mut |body| outbox.take_full(body, style))
    });
    match encoded {
        Ok(()) => {
            outbox.finish(body, style, opened.as_deref());
            200
        }
        Err(Stop::Gone) => 200,
        Err(Stop::Failed(error)) => {
            outbox.fail(&outer, &error, style);
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
    /// Until the answer is out of our hands.
    busy: Option<Busy>,
}

impl Outbox {
    /// Takes what has been encoded once it is too much to keep.
    fn take_full(&mut self, body: &mut Vec<u8>, style: Style) -> Result<(), Stop> {
        let most = if self.pieces.is_some() { PIECE_BYTES } else { WHOLE_BYTES_MAX };
        if body.len() < most {
            return Ok(());
        }
        if let Some(reply) = self.reply.take() {
            let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
            self.pieces = Some(sender);
            let pieces = Pieces { receiver, complete: false, _busy: self.busy.take() };
            reply.send(ok(style, Body::new(pieces))).map_err(|_| Stop::Gone)?;
        }
        self.push(Piece::Part(std::mem::take(body).into()))
    }

    fn finish(&mut self, body: Vec<u8>, style: Style, opened: Option<&str>) {
        match self.reply.take() {
            // A caller who is gone by now misses nothing.
            Some(reply) => {
                let mut response = ok(style, body.into());
                if let Some(cookie) = opened.and_then(cookie) {
                    response.headers_mut().insert(header::SET_COOKIE, cookie);
                }
                self.busy = None;
                drop(reply.send(response));
            }
            None => drop(self.push(Piece::Last(body.into()))),
        }
    }

    /// Tells of an error; once pieces are on their way it is too late to say it,
    /// and without a last piece the answer breaks off.
    fn fail(&mut self, outer: &str, error: &ApiError, style: Style) {
        self.busy = None;
        if let Some(reply) = self.reply.take() {
            drop(reply.send(failed(style, outer, error)));
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
    _busy: Option<Busy>,
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

fn cookie(session: &str) -> Option<HeaderValue> {
    let cookie = format!("{SESSION_COOKIE}={session}; Path=/client; HttpOnly; SameSite=Lax");
    HeaderValue::from_str(&cookie).ok()
}

fn ok(style: Style, body: Body) -> Response<Body> {
    response(StatusCode::OK, style, body)
}

fn failed(style: Style, outer: &str, error: &ApiError) -> Response<Body> {
    let status = StatusCode::from_u16(error.code.status());
    let status = status.expect("documented codes are HTTP statuses");
    let mut response = response(status, style, encode_error(outer, error, style.format).into());
    // HTTP's own name of 431 would mislead, and it has none for 432 and 530.
    response.extensions_mut().insert(reason(error.code));
    // Command line clients print this header when a call fails.
    response.headers_mut().insert(DESCRIPTION, description(&error.text));
    response
}

fn response(status: StatusCode, style: Style, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(style.content_type);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

fn reason(code: ErrorCode) -> ReasonPhrase {
    ReasonPhrase::try_from(code.reason().as_bytes()).expect("the table's words are plain ASCII")
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
            let mut outbox = Outbox { reply: Some(reply), pieces: None, busy: None };
            outbox.take_full(&mut vec![b'x'; WHOLE_BYTES_MAX], Style::PLAIN).unwrap();
            if ends_well {
                outbox.finish(b"}".to_vec(), Style::PLAIN, None);
            } else {
                outbox.fail("x", &ApiError::unauthorised(), Style::PLAIN);
            }
            drop(outbox);
            let body = to_bytes(replied.await.unwrap().into_body(), usize::MAX).await;
            assert_eq!(body.ok().map(|body| body.len()), ends_well.then_some(WHOLE_BYTES_MAX + 1));
        }
    }

    #[test]
    fn a_maker_stops_when_its_reader_is_gone() {
        let (sender, receiver) = mpsc::channel(1);
        let mut outbox = Outbox { reply: None, pieces: Some(sender), busy: None };
        let full = || vec![b'x'; PIECE_BYTES];
        outbox.take_full(&mut full(), Style::PLAIN).unwrap();
        let waiting = thread::spawn(move || outbox.take_full(&mut full(), Style::PLAIN));
        drop(receiver);
        assert!(matches!(waiting.join().unwrap(), Err(Stop::Gone)));
    }
}
