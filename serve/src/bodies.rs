//! Bodies of requests on their way in: each is bounded, and all of them together.
//!
//! Hundreds of connections may each send a body at the same time. The first bytes of each
//! are read without asking, so that ordinary forms always get in; what is longer takes
//! room that all share as it arrives, so that nobody holds room by promising bytes.

use std::{future::poll_fn, pin::Pin, sync::Arc};

use axum::body::{Body, Bytes};
use hyper::body::Body as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The largest body read; a form of any command is far smaller.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;
/// Bytes of each body that take no room.
const SMALL_BYTES: usize = 64 << 10;
/// Room for what all bodies together have beyond that.
const ROOM_BYTES: usize = 32 << 20;
/// Room is given out in pieces of so many bytes.
const PIECE_BYTES: usize = 1 << 10;

/// The room that large bodies share.
#[derive(Clone)]
pub(crate) struct Bodies {
    room: Arc<Semaphore>,
}

/// A body that has arrived, with the room it takes.
pub(crate) struct Arrived {
    pub(crate) bytes: Bytes,
    pub(crate) room: Option<OwnedSemaphorePermit>,
}

/// The reason a body is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotRead {
    /// It broke off or is too large.
    TooLarge,
    /// Others take all room.
    NoRoom,
}

impl Bodies {
    pub(crate) fn new() -> Self {
        Self { room: Arc::new(Semaphore::new(ROOM_BYTES / PIECE_BYTES)) }
    }

    /// Reads a body to its end.
    pub(crate) async fn read(&self, mut body: Body) -> Result<Arrived, NotRead> {
        // Where the length is said, nobody waits for what would be refused.
        if body.size_hint().lower() > BODY_BYTES_MAX as u64 {
            return Err(NotRead::TooLarge);
        }
        let (mut bytes, mut room): (Vec<u8>, Option<OwnedSemaphorePermit>) = (Vec::new(), None);
        while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            let Ok(data) = frame.map_err(|_| NotRead::TooLarge)?.into_data() else { continue };
            let length = bytes.len() + data.len();
            if length > BODY_BYTES_MAX {
                return Err(NotRead::TooLarge);
            }
            let pieces = length.saturating_sub(SMALL_BYTES).div_ceil(PIECE_BYTES);
            let held = room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
            if let Some(more) = pieces.checked_sub(held).filter(|more| *more > 0) {
                let more = u32::try_from(more).map_err(|_| NotRead::NoRoom)?;
                let more = Arc::clone(&self.room).try_acquire_many_owned(more);
                let more = more.map_err(|_| NotRead::NoRoom)?;
                match &mut room {
                    Some(room) => room.merge(more),
                    None => room = Some(more),
                }
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Arrived { bytes: bytes.into(), room })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(length: usize) -> Body {
        Body::from(vec![b'a'; length])
    }

    #[tokio::test]
    async fn all_bodies_together_are_bounded_and_small_ones_always_get_in() {
        let bodies = Bodies::new();
        let mut arrived = Vec::new();
        let refused = loop {
            match bodies.read(of(BODY_BYTES_MAX)).await {
                Ok(body) => arrived.push(body),
                Err(why) => break why,
            }
            assert!(arrived.len() < 512, "as many as there are connections");
        };
        assert_eq!(refused, NotRead::NoRoom);
        let total: usize = arrived.iter().map(|body| body.bytes.len()).sum();
        assert!((ROOM_BYTES..ROOM_BYTES + (4 << 20)).contains(&total), "{total}");
        let small = bodies.read(of(SMALL_BYTES)).await;
        assert!(small.is_ok_and(|body| body.bytes.len() == SMALL_BYTES));
        // Room comes back with the end of a request.
        arrived.pop();
        assert!(bodies.read(of(BODY_BYTES_MAX)).await.is_ok());
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_takes_no_room() {
        let bodies = Bodies::new();
        assert_eq!(bodies.read(of(BODY_BYTES_MAX + 1)).await.err(), Some(NotRead::TooLarge));
        assert_eq!(bodies.room.available_permits(), ROOM_BYTES / PIECE_BYTES);
    }
}
