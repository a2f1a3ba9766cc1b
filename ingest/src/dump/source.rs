//! The bytes of an input with the number of the line they stand on.

use std::io::Read;

use crate::{
    csv::ROW_BYTES_MAX,
    window::{Filled, Window},
};

/// The bytes of an input with the number of the line they stand on.
pub(super) struct Source<'w, R> {
    pub(super) window: &'w mut Window<R>,
    /// The line of the first byte that is not consumed.
    pub(super) line: u64,
}

impl<'w, R: Read> Source<'w, R> {
    pub(super) fn new(window: &'w mut Window<R>) -> Self {
        let line = window.lines_before + 1;
        Self { window, line }
    }

    pub(super) fn unread(&self) -> &[u8] {
        self.window.unread()
    }

    /// Reads more; false if there is none.
    pub(super) fn fill(&mut self) -> bool {
        self.window.fill() == Filled::More
    }

    pub(super) fn consume(&mut self, count: usize) {
        let breaks = self.unread()[..count].iter().filter(|byte| **byte == b'\n').count();
        self.line += breaks as u64;
        self.window.consume(count);
    }

    /// The next byte, which stays; `None` at the end.
    pub(super) fn peek(&mut self) -> Option<u8> {
        if self.unread().is_empty() && !self.fill() {
            return None;
        }
        self.unread().first().copied()
    }

    /// True if the next bytes are these.
    pub(super) fn is_next(&mut self, bytes: &[u8]) -> bool {
        while self.unread().len() < bytes.len() {
            if !self.fill() {
                return false;
            }
        }
        self.unread().starts_with(bytes)
    }

    /// Consumes all bytes that are wanted.
    pub(super) fn skip_while(&mut self, is_wanted: impl Fn(u8) -> bool) {
        loop {
            let unread = self.unread();
            let count = unread.iter().take_while(|byte| is_wanted(**byte)).count();
            let is_all = count == unread.len();
            self.consume(count);
            if !is_all || !self.fill() {
                return;
            }
        }
    }

    /// Consumes everything through the next of some bytes; false if there is none.
    pub(super) fn skip_through(&mut self, bytes: &[u8]) -> bool {
        loop {
            let unread = self.unread();
            if let Some(at) = unread.windows(bytes.len()).position(|found| found == bytes) {
                self.consume(at + bytes.len());
                return true;
            }
            let kept = unread.len().min(bytes.len() - 1);
            self.consume(unread.len() - kept);
            if !self.fill() {
                self.consume(kept);
                return false;
            }
        }
    }

    /// The next bytes through a mark, or `None` if it is not within the bound of a row.
    pub(super) fn through(&mut self, mark: &[u8]) -> Option<usize> {
        let mut searched = 0;
        loop {
            let unread = self.unread();
            let found = unread[searched..].windows(mark.len()).position(|found| found == mark);
            if let Some(at) = found {
                return Some(searched + at + mark.len());
            }
            searched = unread.len().saturating_sub(mark.len() - 1);
            if searched > ROW_BYTES_MAX || !self.fill() {
                return None;
            }
        }
    }
}
