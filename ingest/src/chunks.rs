//! Stretches of text that are decoded side by side.
//!
//! A reader fills its window with some chunks' worth of bytes, cuts it where a row
//! seems to end, decodes the chunks on all cores and takes their blocks in order. What
//! comes of an input does not depend on where it is cut: a line is a line, and a chunk
//! of CSV that did not end where it was cut is read again, a row at a time.

use std::io::Read;

use crate::window::{Filled, Window};

/// Bytes of a chunk: some thousand rows.
const CHUNK_BYTES: usize = 512 * 1024;
/// Chunks decoded side by side, however many cores there are.
const CHUNKS_MAX: usize = 64;

/// The sizes of chunks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunks {
    /// Bytes of each; the last of a window has what is left.
    pub(crate) bytes: usize,
    /// Chunks decoded side by side; none if rows are decoded one at a time.
    pub(crate) count: usize,
}

impl Chunks {
    /// Rows are read one at a time: the plain way, which all others must agree with.
    #[cfg(test)]
    pub(crate) const NONE: Self = Self { bytes: 0, count: 0 };

    /// Two for each core, so that none waits long for the slowest.
    pub(crate) fn of_this_machine() -> Self {
        let count = (2 * rayon::current_num_threads()).min(CHUNKS_MAX);
        Self { bytes: CHUNK_BYTES, count }
    }

    /// Reads a window full and finds where to cut it: the end of each chunk. `end` finds
    /// the end of the last whole row in some bytes, or where there seems to be one.
    pub(crate) fn cut<R: Read>(
        self,
        window: &mut Window<R>,
        end: impl Fn(&[u8]) -> Option<usize>,
    ) -> Vec<usize> {
        let wanted = self.bytes * self.count;
        while window.unread().len() < wanted && window.fill() == Filled::More {}
        let unread = window.unread();
        let (mut cuts, mut start) = (Vec::new(), 0);
        while cuts.len() < self.count && start < unread.len() {
            // Longer than a chunk where a row is.
            let mut bytes = self.bytes;
            let length = loop {
                let rest = &unread[start..];
                match end(&rest[..bytes.min(rest.len())]) {
                    Some(length) => break length,
                    None if bytes >= rest.len() => return cuts,
                    None => bytes *= 2,
                }
            };
            start += length;
            cuts.push(start);
        }
        cuts
    }
}

/// The chunks of some bytes by their ends.
pub(crate) fn parts<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    starts.zip(cuts).map(|(start, end)| &bytes[start..*end]).collect()
}
