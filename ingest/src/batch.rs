//! Rows on their way from a reader to the lake, gathered into batches.
//!
//! A batch is the unit of everything that follows: it is looked up, appended
//! and committed as one step, and memory holds two at a time (one being filled
//! while the other is stored). It may hold rows of several inputs, so that many
//! small files make few files of the lake.

use std::sync::mpsc::SyncSender;

use crate::{
    block::Block,
    decode::Decode,
    error::Fault,
    plausible::Plausible,
    rows::Rows,
    table::{Cell, Row},
    value::{Reason, cut},
};

/// Rows of a batch: enough to make good files of the lake, about 100 MB.
pub const BATCH_ROWS_MAX: usize = 256 * 1024;
/// Bytes of its rows as they came, which bounds a batch when rows are long.
const BATCH_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Rows, and bytes of their texts, that are gathered before they are put into a batch.
const PENDING_ROWS: usize = 1024;
const PENDING_BYTES: usize = 1024 * 1024;
/// Bytes of a row's text that the quarantine keeps.
pub(crate) const RAW_BYTES_MAX: usize = 4 * 1024;

/// The origin of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Position of its input in the request.
    pub(crate) input: usize,
    /// 1 is the input's first data row.
    pub(crate) row: u64,
}

/// A row that is set aside.
#[derive(Debug)]
pub(crate) struct BadRow {
    pub(crate) place: Place,
    pub(crate) reason: Reason,
    pub(crate) raw: String,
}

#[derive(Debug)]
pub(crate) struct Batch<T: Decode> {
    pub(crate) rows: T::Table,
    /// The origin of each row.
    pub(crate) places: Vec<Place>,
    pub(crate) bad: Vec<BadRow>,
    /// The text of all rows, and where each one's ends.
    text: Vec<u8>,
    text_ends: Vec<usize>,
    /// Bytes of the rows as they came.
    bytes: usize,
}

impl<T: Decode> Batch<T> {
    fn new() -> Self {
        Self {
            rows: T::Table::default(),
            places: Vec::new(),
            bad: Vec::new(),
            text: Vec::new(),
            text_ends: Vec::new(),
            bytes: 0,
        }
    }

    fn len(&self) -> usize {
        self.places.len() + self.bad.len()
    }

    fn is_full(&self) -> bool {
        self.len() >= BATCH_ROWS_MAX || self.bytes >= BATCH_BYTES_MAX
    }

    /// Adds the texts of rows: `text` from `start` on, and where in it each one's ends.
    fn append_texts(&mut self, text: &[u8], start: usize, ends: &[usize]) {
        let (end, before) = (ends.last().copied().unwrap_or(start), self.text.len());
        self.text.extend_from_slice(&text[start..end]);
        self.text_ends.extend(ends.iter().map(|end| end - start + before));
    }

    /// The batch without the good rows of some numbers, which are in order.
    pub(crate) fn without(self, taken: &[usize]) -> Self {
        let mut others = Self::new();
        let mut start = 0;
        for end in taken.iter().copied().chain([self.places.len()]) {
            others.rows.append(&self.rows, start..end);
            others.places.extend_from_slice(&self.places[start..end]);
            if start < end {
                let text_start = start.checked_sub(1).map_or(0, |before| self.text_ends[before]);
                others.append_texts(&self.text, text_start, &self.text_ends[start..end]);
            }
            start = end + 1;
        }
        (others.bad, others.bytes) = (self.bad, self.bytes);
        others
    }

    /// A batch of rows with their places and texts.
    pub(crate) fn of(rows: impl IntoIterator<Item = (T, Place, String)>) -> Self {
        let mut batch = Self::new();
        for (row, place, text) in rows {
            batch.rows.push(row);
            batch.places.push(place);
            batch.text.extend_from_slice(text.as_bytes());
            batch.text_ends.push(batch.text.len());
        }
        batch
    }

    /// The text of a good row as it came; a Parquet row, which has none, is
    /// spelt as JSON.
    pub(crate) fn raw(&self, index: usize) -> String {
        let start = index.checked_sub(1).map_or(0, |before| self.text_ends[before]);
        match &self.text[start..self.text_ends[index]] {
            [] => row_as_json(&self.rows.row(index)),
            text => raw_text(text),
        }
    }
}

/// The other side has stopped taking batches because of an error of its own.
#[derive(Debug)]
pub(crate) struct HungUp;

/// The reason a reader stopped before the end of its input.
#[derive(Debug)]
pub(crate) enum Stop {
    HungUp,
    Fault(Fault),
}

impl From<HungUp> for Stop {
    fn from(_: HungUp) -> Self {
        Self::HungUp
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// The way of batches to whoever stores them.
pub(crate) trait Outlet<T: Decode>: Send {
    fn send(&self, batch: Batch<T>) -> Result<(), HungUp>;
}

impl<T: Decode> Outlet<T> for SyncSender<Batch<T>> {
    fn send(&self, batch: Batch<T>) -> Result<(), HungUp> {
        SyncSender::send(self, batch).map_err(|_| HungUp)
    }
}

/// Takes the rows of the readers and sends them on in batches.
pub(crate) struct Batcher<T: Decode> {
    batch: Batch<T>,
    outlet: Box<dyn Outlet<T>>,
    /// The instants that rows may have.
    pub(crate) plausible: Plausible,
    place: Place,
    /// Rows that were taken one at a time and are not in the batch yet.
    pending: Block<T>,
}

impl<T: Decode> Batcher<T> {
    pub(crate) fn new(outlet: impl Outlet<T> + 'static, plausible: Plausible) -> Self {
        let (outlet, place) = (Box::new(outlet), Place { input: 0, row: 0 });
        Self { batch: Batch::new(), outlet, plausible, place, pending: Block::new() }
    }

    /// The next rows come from this input.
    pub(crate) fn begin(&mut self, input: usize) -> Result<(), HungUp> {
        self.take_pending()?;
        self.place = Place { input, row: 0 };
        Ok(())
    }

    /// Rows of the current input so far.
    pub(crate) fn rows(&self) -> u64 {
        self.place.row + self.pending.len() as u64
    }

    /// Takes the input's next row and its text.
    pub(crate) fn take_text(
        &mut self,
        decoded: Result<T, Reason>,
        text: &[u8],
    ) -> Result<(), HungUp> {
        self.pending.take_text(decoded, text, self.plausible);
        match self.pending.len() < PENDING_ROWS && self.pending.text.len() < PENDING_BYTES {
            true => Ok(()),
            false => self.take_pending(),
        }
    }

    /// Takes the input's next rows. Batches end at the same rows wherever blocks do.
    pub(crate) fn take_block(&mut self, block: Block<T>) -> Result<(), HungUp> {
        self.take_pending()?;
        self.put(block)
    }

    fn take_pending(&mut self) -> Result<(), HungUp> {
        let pending = std::mem::replace(&mut self.pending, Block::new());
        self.put(pending)
    }

    fn put(&mut self, block: Block<T>) -> Result<(), HungUp> {
        let mut bad = block.bad.into_iter().peekable();
        let (mut taken, mut good) = (0, 0);
        while taken < block.bytes.len() {
            // As many rows as the batch has room for.
            let (start, first_good) = (taken, good);
            while taken < block.bytes.len() && (taken == start || !self.batch.is_full()) {
                self.batch.bytes += block.bytes[taken];
                self.place.row += 1;
                match bad.next_if(|(at, ..)| *at == taken) {
                    Some((_, reason, raw)) => {
                        self.batch.bad.push(BadRow { place: self.place, reason, raw });
                    }
                    None => {
                        self.batch.places.push(self.place);
                        good += 1;
                    }
                }
                taken += 1;
            }
            self.batch.rows.append(&block.rows, first_good..good);
            let text_start = first_good.checked_sub(1).map_or(0, |before| block.text_ends[before]);
            let text_ends = &block.text_ends[first_good..good];
            self.batch.append_texts(&block.text, text_start, text_ends);
            self.send_when_full()?;
        }
        Ok(())
    }

    /// Sends what is left.
    pub(crate) fn flush(&mut self) -> Result<(), HungUp> {
        self.take_pending()?;
        self.send()
    }

    fn send(&mut self) -> Result<(), HungUp> {
        if self.batch.len() == 0 {
            return Ok(());
        }
        let full = std::mem::replace(&mut self.batch, Batch::new());
        self.outlet.send(full)
    }

    fn send_when_full(&mut self) -> Result<(), HungUp> {
        if self.batch.is_full() { self.send() } else { Ok(()) }
    }
}

/// The text of a row as the quarantine keeps it: bounded, without its line break; what is not UTF-8 becomes `\u{FFFD}`.
pub(crate) fn raw_text(text: &[u8]) -> String {
    let text = text.trim_ascii_end();
    let mut raw = String::from_utf8_lossy(&text[..text.len().min(RAW_BYTES_MAX)]).into_owned();
    if raw.len() > RAW_BYTES_MAX || text.len() > RAW_BYTES_MAX {
        const MARK: &str = " ...";
        raw.truncate(cut(&raw, RAW_BYTES_MAX - MARK.len()).len());
        raw.push_str(MARK);
    }
    raw
}

fn row_as_json<T: Row>(row: &T) -> String {
    let fields = T::columns().iter().map(|column| {
        let value = match (column.cell)(row) {
            Cell::Absent => serde_json::Value::Null,
            Cell::Unsigned(number) => number.into(),
            Cell::Signed(number) => number.into(),
            Cell::Set => true.into(),
            cell @ (Cell::Text(_) | Cell::Instant(_)) => cell.to_string().into(),
        };
        (column.name.to_owned(), value)
    });
    let object: serde_json::Map<String, serde_json::Value> = fields.collect();
    raw_text(serde_json::Value::Object(object).to_string().as_bytes())
}
