//! Rows of one stretch of an input, decoded.
//!
//! Stretches of an input are decoded side by side; their blocks are put into batches in
//! the order of the input.

use crate::{
    batch::{RAW_BYTES_MAX, raw_text},
    decode::Decode,
    plausible::Plausible,
    rows::Rows,
    value::Reason,
};

#[derive(Debug)]
pub(crate) struct Block<T: Decode> {
    /// The good rows.
    pub(crate) rows: T::Table,
    /// Bytes of each row as it came, good or bad.
    pub(crate) bytes: Vec<usize>,
    /// The place of each bad row among all, the reason, and its text.
    pub(crate) bad: Vec<(usize, Reason, String)>,
    /// The text of all good rows, and where each one's ends; rows may have none.
    pub(crate) text: Vec<u8>,
    pub(crate) text_ends: Vec<usize>,
}

impl<T: Decode> Block<T> {
    pub(crate) fn new() -> Self {
        Self {
            rows: T::Table::default(),
            bytes: Vec::new(),
            bad: Vec::new(),
            text: Vec::new(),
            text_ends: Vec::new(),
        }
    }

    /// The number of rows, good or bad.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Takes the next row and its text.
    pub(crate) fn take_text(
        &mut self,
        decoded: Result<T, Reason>,
        text: &[u8],
        plausible: Plausible,
    ) {
        let kept = &text[..text.len().min(RAW_BYTES_MAX + 1)];
        self.take(decoded, (text.len(), kept), || raw_text(text), plausible);
    }

    /// Takes the next row, which has no text but about so many bytes; `raw` spells a bad
    /// one.
    pub(crate) fn take_typed(
        &mut self,
        decoded: Result<T, Reason>,
        bytes: usize,
        raw: impl FnOnce() -> String,
        plausible: Plausible,
    ) {
        self.take(decoded, (bytes, &[]), raw, plausible);
    }

    /// Takes the next row: its size, and the text that is kept of it if it is good.
    fn take(
        &mut self,
        decoded: Result<T, Reason>,
        (bytes, kept): (usize, &[u8]),
        raw: impl FnOnce() -> String,
        plausible: Plausible,
    ) {
        match decoded.and_then(|row| plausible.check(row.billed_at()).map(|()| row)) {
            Ok(row) => {
                self.rows.push(row);
                self.text.extend_from_slice(kept);
                self.text_ends.push(self.text.len());
            }
            Err(reason) => self.bad.push((self.bytes.len(), reason, raw())),
        }
        self.bytes.push(bytes);
    }
}
