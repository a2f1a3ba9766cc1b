//! The way of an answer to its reader.
//!
//! Small answers are sent whole. A large one is sent in pieces while it is made, or
//! after: it leaves its place among the requests and takes one of those for large
//! answers ([`crate::large`]), and its maker waits for a slow reader, but not for ever.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    thread,
    time::{Duration, Instant as Stopwatch},
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, Response, header},
};
use cloudtally_model::ApiError;
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tracing::warn;

use crate::{
    answer::{Stop, Style, encode},
    connections::Busy,
    large::{LargeAnswers, Place, Reader},
    patience::PATIENCE,
    request::Outcome,
    response::{SESSION_COOKIE, failed, ok},
};

/// Answers up to here are sent whole, with their length.
const WHOLE_BYTES_MAX: usize = 1 << 20;
/// Larger answers are sent in pieces of this size, give or take an item.
const PIECE_BYTES: usize = 256 << 10;
/// Pieces made before the reader has taken the first of them.
const PIECES_AHEAD: usize = 2;
/// Interval at which a maker looks again for room that a slow reader has made.
const READER_POLL: Duration = Duration::from_millis(5);

/// Encodes an outcome and sends it; returns the HTTP status.
pub(crate) fn send(outcome: Outcome, mut outbox: HttpOutbox) -> u16 {
    let Outcome { style, outer, result, opened, reader } = outcome;
    outbox.reader = reader;
    let mut body = Vec::new();
    let encoded = result.map_err(Stop::from).and_then(|answer| {
        encode(&outer, answer, style, &mut body, &mut |body| outbox.take_full(body, style))
    });
    let sent = match encoded {
        Ok(()) => outbox.finish(body, style, opened.as_deref()),
        Err(stop) => Err(stop),
    };
    match sent {
        Ok(()) | Err(Stop::Gone) => 200,
        Err(Stop::Failed(error)) => {
            outbox.fail(&outer, &error, style);
            error.code.status()
        }
    }
}

/// The way back to the caller: a whole response, or its head and then pieces.
pub(crate) struct HttpOutbox {
    /// Until the response is on its way.
    reply: Option<oneshot::Sender<Response<Body>>>,
    /// Once it is.
    pieces: Option<mpsc::Sender<Piece>>,
    /// Until the answer is out of our hands.
    busy: Option<Busy>,
    /// The place among the requests, until the answer waits for its reader.
    permit: Option<OwnedSemaphorePermit>,
    /// Places for answers that do.
    large: LargeAnswers,
    reader: Reader,
    began: Stopwatch,
}

impl HttpOutbox {
    pub(crate) fn new(
        reply: oneshot::Sender<Response<Body>>,
        busy: Busy,
        permit: OwnedSemaphorePermit,
        large: LargeAnswers,
    ) -> Self {
        Self {
            reply: Some(reply),
            pieces: None,
            busy: Some(busy),
            permit: Some(permit),
            large,
            reader: Reader::default(),
            began: Stopwatch::now(),
        }
    }

    /// Takes what has been encoded once it is too much to keep.
    fn take_full(&mut self, body: &mut Vec<u8>, style: Style) -> Result<(), Stop> {
        let most = if self.pieces.is_some() { PIECE_BYTES } else { WHOLE_BYTES_MAX };
        if body.len() < most {
            return Ok(());
        }
        if self.reply.is_some() {
            let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
            self.begin_large(style, Source::Made { receiver, complete: false }, None)?;
            self.pieces = Some(sender);
        }
        self.push(Piece::Part(std::mem::take(body).into()))
    }

    /// Sends the head of an answer that waits for its reader, which it does elsewhere
    /// than among the requests.
    fn begin_large(
        &mut self,
        style: Style,
        source: Source,
        opened: Option<&str>,
    ) -> Result<(), Stop> {
        let place = self.large.take(self.reader)?;
        let Some(reply) = self.reply.take() else { return Err(Stop::Gone) };
        let pieces = Pieces { source, _place: place, _busy: self.busy.take() };
        self.permit = None;
        reply.send(with_cookie(ok(style, Body::new(pieces)), opened)).map_err(|_| Stop::Gone)
    }

    fn finish(&mut self, body: Vec<u8>, style: Style, opened: Option<&str>) -> Result<(), Stop> {
        if self.pieces.is_some() {
            return self.push(Piece::Last(body.into()));
        }
        if body.len() > WHOLE_BYTES_MAX {
            return self.begin_large(style, Source::Whole(body.into()), opened);
        }
        if let Some(reply) = self.reply.take() {
            self.busy = None;
            // A caller who is gone by now misses nothing.
            drop(reply.send(with_cookie(ok(style, body.into()), opened)));
        }
        Ok(())
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
        let waits_since = Stopwatch::now();
        loop {
            piece = match pieces.try_send(piece) {
                Ok(()) => return Ok(()),
                Err(mpsc::error::TrySendError::Closed(_)) => return Err(Stop::Gone),
                Err(mpsc::error::TrySendError::Full(piece)) => piece,
            };
            if waits_since.elapsed() > PATIENCE.for_some || self.began.elapsed() > PATIENCE.for_all
            {
                warn!("broke off an answer: its reader took too long");
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

/// The origin of a body's pieces.
enum Source {
    /// They are being made. It ends well only after its last piece: whatever else
    /// becomes of the maker breaks the connection off, so that nobody takes half an
    /// answer for a whole one.
    Made { receiver: mpsc::Receiver<Piece>, complete: bool },
    /// They are there.
    Whole(Bytes),
}

/// The body of a large answer; it gives its place back when it ends.
struct Pieces {
    source: Source,
    _place: Place,
    _busy: Option<Busy>,
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut self.source {
            Source::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Source::Whole(bytes) => {
                let piece = bytes.split_to(bytes.len().min(PIECE_BYTES));
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            Source::Made { complete: true, .. } => Poll::Ready(None),
            Source::Made { receiver, complete } => {
                receiver.poll_recv(context).map(|piece| match piece {
                    Some(Piece::Part(bytes)) => Some(Ok(Frame::data(bytes))),
                    Some(Piece::Last(bytes)) => {
                        *complete = true;
                        Some(Ok(Frame::data(bytes)))
                    }
                    None => Some(Err(io::Error::other("the answer cannot be completed"))),
                })
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Whole(bytes) => bytes.is_empty(),
            Source::Made { complete, .. } => *complete,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Source::Made { .. } => SizeHint::default(),
        }
    }
}

fn with_cookie(mut response: Response<Body>, opened: Option<&str>) -> Response<Body> {
    if let Some(cookie) = opened.and_then(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

fn cookie(session: &str) -> Option<HeaderValue> {
    let cookie = format!("{SESSION_COOKIE}={session}; Path=/client; HttpOnly; SameSite=Lax");
    HeaderValue::from_str(&cookie).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::body::to_bytes;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::connections::Connection;

    /// An outbox that holds the only place.
    fn outbox(reply: oneshot::Sender<Response<Body>>) -> (HttpOutbox, Arc<Semaphore>) {
        let places = Arc::new(Semaphore::new(1));
        let permit = Arc::clone(&places).try_acquire_owned().unwrap();
        let home = std::net::Ipv4Addr::LOCALHOST.into();
        let busy = Arc::new(Connection::new(home)).begin();
        (HttpOutbox::new(reply, busy, permit, LargeAnswers::default()), places)
    }

    #[tokio::test]
    async fn only_a_last_piece_ends_an_answer_well() {
        for ends_well in [true, false] {
            let (reply, replied) = oneshot::channel();
            let (mut outbox, _places) = outbox(reply);
            outbox.take_full(&mut vec![b'x'; WHOLE_BYTES_MAX], Style::PLAIN).unwrap();
            if ends_well {
                outbox.finish(b"}".to_vec(), Style::PLAIN, None).unwrap();
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
        let (mut outbox, _places) = outbox(oneshot::channel().0);
        (outbox.reply, outbox.pieces) = (None, Some(sender));
        let full = || vec![b'x'; PIECE_BYTES];
        outbox.take_full(&mut full(), Style::PLAIN).unwrap();
        let waiting = thread::spawn(move || outbox.take_full(&mut full(), Style::PLAIN));
        drop(receiver);
        assert!(matches!(waiting.join().unwrap(), Err(Stop::Gone)));
    }

    #[tokio::test]
    async fn a_large_answer_leaves_its_place_to_others_and_arrives_whole() {
        for size in [WHOLE_BYTES_MAX, WHOLE_BYTES_MAX + 1, 9 * PIECE_BYTES] {
            let (reply, replied) = oneshot::channel();
            let (mut outbox, places) = outbox(reply);
            let large = outbox.large.clone();
            outbox.finish(vec![b'x'; size], Style::PLAIN, Some("S")).unwrap();
            let response = replied.await.unwrap();
            assert_eq!(response.headers()[header::SET_COOKIE].as_bytes()[..13], *b"JSESSIONID=S;");
            let is_large = size > WHOLE_BYTES_MAX;
            assert_eq!(places.available_permits(), usize::from(is_large), "{size}");
            let others: Vec<_> = (0..4).map_while(|_| large.take(Reader::default()).ok()).collect();
            assert_eq!(others.len(), if is_large { 3 } else { 4 });
            drop(others);
            let length = hyper::body::Body::size_hint(response.body()).exact();
            assert_eq!(length, Some(size as u64));
            assert_eq!(to_bytes(response.into_body(), usize::MAX).await.unwrap().len(), size);
            let all: Vec<_> = (0..4).map_while(|_| large.take(Reader::default()).ok()).collect();
            assert_eq!(all.len(), 4, "its place is free again");
        }
    }

    #[tokio::test]
    async fn one_large_answer_too_many_is_refused_before_it_begins() {
        let (reply, replied) = oneshot::channel();
        let (mut outbox, _places) = outbox(reply);
        let _held: Vec<_> = (0..4).map(|_| outbox.large.take(Reader::default()).unwrap()).collect();
        let outcome = Outcome {
            style: Style::PLAIN,
            outer: "x".to_owned(),
            result: Ok(crate::answer::Answer::Tree(cloudtally_platform::engine::Answer::Bare(
                vec![(
                    "text",
                    cloudtally_platform::engine::Node::text("x".repeat(2 * WHOLE_BYTES_MAX)),
                )],
            ))),
            opened: None,
            reader: Reader::default(),
        };
        outbox.reader = Reader::default();
        assert_eq!(send(outcome, outbox), 429);
        let response = replied.await.unwrap();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()[header::RETRY_AFTER], "5");
    }
}
