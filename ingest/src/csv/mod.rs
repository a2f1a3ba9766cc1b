//! CSV, as `csv` and RFC 4180 understand it: quotes around fields that need them, quotes
//! doubled inside; commas, semicolons or bars between fields. Blank lines are no rows.
//! The columns stand in a header row unless they are given.
//!
//! `csv_core` takes rows apart; the bytes stay in our window, so that a row can
//! be kept as it came. What it does not do is tell broken quotes: a quote that is
//! opened and never closed would swallow the rest of the file as one field. So a
//! row in quotes is checked, and when its quotes make no sense only its first
//! line is set aside and reading goes on with the next one. The same goes for a
//! row longer than [`ROW_BYTES_MAX`].
//!
//! Reading on from the second line reads bytes again that were read in vain. What may
//! be read in vain is earned by rows that were consumed ([`EARNED_PER_BYTE`]), so an
//! input whose every line opens a quote costs a few times its size and not its square.

mod records; // one row at a time

use std::io::Read;

use rayon::prelude::*;

use self::records::{LineBreak, Next, Records};
use crate::{
    batch::{Batcher, Stop},
    block::Block,
    chunks::{Chunks, parts},
    decode::Decode,
    error::Fault,
    names,
    plausible::Plausible,
    value::{RawValue, Reason, Values},
    window::Window,
};

/// Bytes of a row; a longer one is taken for an unclosed quote.
pub(crate) const ROW_BYTES_MAX: usize = 1024 * 1024;
/// Bytes that may be read in vain for each byte consumed.
const EARNED_PER_BYTE: usize = 8;

/// The separator of an input, and its columns where it has no header row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout<'a> {
    pub(crate) separator: u8,
    pub(crate) columns: Option<&'a [String]>,
}

/// Reads all rows. A failure of the input ends it early and is left in the
/// window.
pub(crate) fn read<T: Decode, R: Read>(
    input: &str,
    window: &mut Window<R>,
    layout: Layout<'_>,
    chunks: Chunks,
    batcher: &mut Batcher<T>,
) -> Result<(), Stop> {
    let mut records = Records::new(window, layout.separator);
    let header = match layout.columns {
        Some(columns) => columns.to_vec(),
        None => match records.next() {
            Next::Row(_) => {
                let header = records.header();
                records.consume();
                header
            }
            Next::Broken(reason) => {
                return Err(Fault::Header { input: input.to_owned(), reason }.into());
            }
            Next::Cut => return Ok(()),
            Next::End => {
                let columns = names::required::<T>();
                return Err(Fault::Empty { input: input.to_owned(), columns }.into());
            }
        },
    };
    let positions = names::positions::<T>(input, &header, "")?;
    let header = Header { positions, fields: header.len(), separator: layout.separator };
    // Bytes of chunks that were decoded in vain. So many are read a row at a time
    // before chunks are tried again.
    let mut in_vain = 0;
    loop {
        if in_vain == 0 && records.credit == ROW_BYTES_MAX {
            let (taken, tried) = read_chunks(&header, &mut records, chunks, batcher)?;
            in_vain = (tried - taken).saturating_sub(taken);
            if taken > 0 {
                continue;
            }
        }
        match records.next() {
            Next::Row(last) => {
                batcher.take_text(header.decode(&records, last), records.text())?;
            }
            Next::Broken(reason) => batcher.take_text(Err(reason), records.text())?,
            Next::Cut | Next::End => return Ok(()),
        }
        in_vain = in_vain.saturating_sub(records.length);
        records.consume();
    }
}

/// Decodes a window of chunks and takes their rows up to where a chunk did not end with
/// a row. Returns the bytes taken and tried.
fn read_chunks<T: Decode, R: Read>(
    header: &Header,
    records: &mut Records<'_, R>,
    chunks: Chunks,
    batcher: &mut Batcher<T>,
) -> Result<(usize, usize), Stop> {
    let cuts = chunks.cut(records.window, seeming_end);
    let Some(tried) = cuts.last() else { return Ok((0, records.window.unread().len())) };
    let parts = parts(records.window.unread(), &cuts);
    let plausible = batcher.plausible;
    let read: Vec<Chunk<T>> =
        parts.par_iter().map(|part| read_chunk(header, part, plausible)).collect();
    let mut taken = 0;
    for (chunk, part) in read.into_iter().zip(parts) {
        batcher.take_block(chunk.block)?;
        taken += chunk.length;
        records.credit = chunk.credit;
        // The next one began in the middle of a row, or as if nothing had been broken.
        if chunk.length < part.len() || chunk.credit < ROW_BYTES_MAX {
            break;
        }
    }
    records.window.consume(taken);
    Ok((taken, *tried))
}

/// The whole rows at the beginning of a chunk.
struct Chunk<T: Decode> {
    block: Block<T>,
    /// Bytes of these rows.
    length: usize,
    /// The credit of [`Records`] behind them.
    credit: usize,
}

/// Reads rows as long as the chunk alone tells what they are. It must begin with a row,
/// and all credit must be there.
fn read_chunk<T: Decode>(header: &Header, chunk: &[u8], plausible: Plausible) -> Chunk<T> {
    let mut window = Window::of(chunk);
    let mut records = Records::new(&mut window, header.separator);
    let (mut block, mut length) = (Block::new(), 0);
    loop {
        let credit = records.credit;
        let next = records.next();
        if records.window.starved() || records.length > ROW_BYTES_MAX {
            return Chunk { block, length, credit };
        }
        let decoded = match next {
            Next::Row(last) => header.decode(&records, last),
            Next::Broken(reason) => Err(reason),
            Next::Cut | Next::End => return Chunk { block, length, credit },
        };
        block.take_text(decoded, records.text(), plausible);
        length += records.length;
        records.consume();
    }
}

/// The end of the last row in some bytes that begin with one, if all quotes are around
/// fields: behind the first character of a line break outside of quotes. The rest of
/// the line break and blank lines count to the next row.
fn seeming_end(bytes: &[u8]) -> Option<usize> {
    let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let quotes = |bytes: &[u8]| bytes.iter().filter(|b| **b == b'"').count();
    let (mut end, mut quotes_within) = (bytes.len(), quotes(bytes));
    let mut last = None;
    loop {
        let at = bytes[..end].iter().rposition(|b| *b == b'\n');
        let first = at.and_then(|at| bytes[..at].iter().rposition(|b| !is_break(b)));
        let Some(first) = first.map(|before| before + 1) else { return last };
        quotes_within -= quotes(&bytes[first..end]);
        if quotes_within % 2 == 0 {
            return Some(first + 1);
        }
        // Some quote is an ordinary character; any line break may do.
        last = last.or(Some(first + 1));
        if bytes.len() - first > SEARCHED_BYTES_MAX {
            return last;
        }
        end = first;
    }
}

/// Bytes in which the end of a row is looked for.
const SEARCHED_BYTES_MAX: usize = 64 * 1024;

/// The columns of an input.
struct Header {
    /// The position of each column of the table.
    positions: Vec<Option<usize>>,
    fields: usize,
    separator: u8,
}

impl Header {
    fn decode<T: Decode, R: Read>(
        &self,
        records: &Records<'_, R>,
        last: LineBreak,
    ) -> Result<T, Reason> {
        let fields = records.fields;
        let decoded = if fields == self.fields {
            T::decode(&RowValues { records, positions: &self.positions })
        } else {
            Err(format!(
                "the row has {fields} {} but the header has {}",
                if fields == 1 { "field" } else { "fields" },
                self.fields
            ))
        };
        decoded.map_err(|reason| last.explain(reason))
    }
}

struct RowValues<'a, 'w, R> {
    records: &'a Records<'w, R>,
    positions: &'a [Option<usize>],
}

impl<R: Read> Values for RowValues<'_, '_, R> {
    fn value(&self, column: usize) -> RawValue<'_> {
        match self.positions[column] {
            Some(position) => RawValue::Text(self.records.field(position)),
            None => RawValue::Absent,
        }
    }
}
