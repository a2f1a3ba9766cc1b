//! A stretch of an input's bytes that slides along: what a reader has not yet
//! consumed stays in place, so that a row can be looked at as a whole, kept as
//! it came, and read again from its second line when its first turns out broken.
//!
//! A failure of the input is remembered and handed out only when the bytes
//! before it are used up: everything readable is read.

use std::io::{self, Read};

/// Bytes asked of the input at a time.
const CHUNK_BYTES: usize = 256 * 1024;

pub(crate) struct Window<R> {
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    state: State,
    /// True once more was asked for than there is.
    starved: bool,
    /// Lines that were passed over before anything was read.
    pub(crate) lines_before: u64,
}

enum State {
    Open,
    Ended,
    Failed(io::Error),
}

/// The result of [`Window::fill`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filled {
    /// There are more bytes than before.
    More,
    /// There will be no more, because the input ended or failed.
    NoMore,
}

impl Window<io::Empty> {
    /// A window of bytes that are there already.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let (reader, buffer) = (io::empty(), bytes.to_vec());
        Self {
            reader,
            end: buffer.len(),
            buffer,
            start: 0,
            state: State::Ended,
            starved: false,
            lines_before: 0,
        }
    }
}

impl<R: Read> Window<R> {
    pub(crate) fn new(reader: R) -> Self {
        let (buffer, state) = (Vec::new(), State::Open);
        Self { reader, buffer, start: 0, end: 0, state, starved: false, lines_before: 0 }
    }

    /// The bytes that were read but not consumed.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Drops bytes from the front of [`Window::unread`].
    pub(crate) fn consume(&mut self, count: usize) {
        assert!(count <= self.end - self.start, "only what was read can be consumed");
        self.start += count;
    }

    /// Reads more bytes behind the unread ones.
    pub(crate) fn fill(&mut self) -> Filled {
        if !matches!(self.state, State::Open) {
            self.starved = true;
            return Filled::NoMore;
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() < self.end + CHUNK_BYTES {
            self.buffer.resize(self.end + CHUNK_BYTES, 0);
        }
        loop {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.state = State::Ended,
                Ok(count) => {
                    self.end += count;
                    return Filled::More;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => self.state = State::Failed(error),
            }
            return Filled::NoMore;
        }
    }

    /// Returns true if more was asked for than there is.
    pub(crate) fn starved(&self) -> bool {
        self.starved
    }

    /// Returns true if the input failed.
    pub(crate) fn failed(&self) -> bool {
        matches!(self.state, State::Failed(_))
    }

    /// Fails if the input failed; to be asked when there are no more bytes.
    pub(crate) fn check(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Failed(error) => Err(error),
            state => {
                self.state = state;
                Ok(())
            }
        }
    }

    /// Drops everything up to and including the next line break.
    pub(crate) fn skip_line(&mut self) {
        loop {
            let unread = self.unread();
            if let Some(at) = unread.iter().position(|b| *b == b'\n') {
                self.consume(at + 1);
                return;
            }
            self.consume(unread.len());
            if self.fill() == Filled::NoMore {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out one byte at a time, then fails.
    struct Failing(&'static [u8]);

    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0 {
                [] => Err(io::ErrorKind::UnexpectedEof.into()),
                [first, rest @ ..] => {
                    buffer[0] = *first;
                    self.0 = rest;
                    Ok(1)
                }
            }
        }
    }

    #[test]
    fn a_failure_comes_after_the_bytes_before_it() {
        let mut window = Window::new(Failing(b"ab\nc"));
        window.skip_line();
        while window.fill() == Filled::More {}
        assert_eq!(window.unread(), b"c");
        assert!(window.check().is_err());
    }
}
