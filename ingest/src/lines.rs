//! The lines of an input whose rows are lines: JSON Lines and tab-separated text.

use std::io::Read;

use rayon::prelude::*;

use crate::{
    batch::{Batcher, Stop},
    block::Block,
    chunks::{Chunks, parts},
    csv::ROW_BYTES_MAX,
    decode::Decode,
    window::{Filled, Window},
};

/// The end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineEnd {
    /// With a line break, which is handed on.
    Break,
    /// With the input.
    OfInput,
    /// Beyond [`ROW_BYTES_MAX`]: its beginning is handed on, the rest is skipped.
    TooLong,
}

impl LineEnd {
    /// Adds to the reason why a row is bad what its end tells.
    pub(crate) fn explain(self, reason: String) -> String {
        match self {
            Self::Break | Self::TooLong => reason,
            Self::OfInput => format!(
                "{reason} (the last line has no line break: the file may have been cut off)"
            ),
        }
    }
}

/// A line of an input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) end: LineEnd,
    /// 1 is the first line that was asked for.
    pub(crate) number: u64,
}

/// True if the line break at a place of some text ends a row.
pub(crate) type IsEnd = fn(&[u8], usize) -> bool;

/// Takes every line break for the end of a row.
pub(crate) fn any_break(_: &[u8], _: usize) -> bool {
    true
}

/// Reads the first line, which is none of the rows. `None` if the input is empty or
/// failed before its end.
pub(crate) fn first<R: Read, T>(
    window: &mut Window<R>,
    read: impl FnOnce(&[u8]) -> Result<T, Stop>,
) -> Result<Option<T>, Stop> {
    let mut taken = None;
    next(window, any_break, |text, _| {
        taken = Some(read(text)?);
        Ok(())
    })?;
    Ok(taken)
}

/// Decodes all lines by `take`, many at a time. A failure of the input ends them early
/// and is left in the window; the line that it cut off is no line.
pub(crate) fn each<T, R, F>(
    window: &mut Window<R>,
    is_end: IsEnd,
    chunks: Chunks,
    batcher: &mut Batcher<T>,
    take: F,
) -> Result<(), Stop>
where
    T: Decode,
    R: Read,
    F: Fn(Line<'_>, &mut Block<T>) + Sync,
{
    let mut number = 0;
    loop {
        let cuts = chunks.cut(window, |bytes| last_end(bytes, is_end));
        if let Some(end) = cuts.last() {
            let parts = parts(window.unread(), &cuts);
            let breaks: Vec<u64> = parts.par_iter().map(|part| count_breaks(part)).collect();
            let before = breaks.iter().scan(number, |before, breaks| {
                *before += breaks;
                Some(*before - breaks)
            });
            let before: Vec<u64> = before.collect();
            let blocks = parts
                .par_iter()
                .zip(before)
                .map(|(part, before)| lines_of(part, is_end, before, &take));
            for block in blocks.collect::<Vec<_>>() {
                batcher.take_block(block)?;
            }
            number += breaks.iter().sum::<u64>();
            window.consume(*end);
            continue;
        }
        // What is left has no line break within the window, or chunks are not wanted.
        let mut block = Block::new();
        let mut breaks = 0;
        let found = next(window, is_end, |text, end| {
            take(Line { text, end, number: number + 1 }, &mut block);
            breaks = count_breaks(text);
            Ok(())
        })?;
        number += breaks;
        batcher.take_block(block)?;
        if !found {
            return Ok(());
        }
    }
}

fn count_breaks(text: &[u8]) -> u64 {
    text.iter().filter(|b| **b == b'\n').count() as u64
}

/// The end of the last row in some bytes.
fn last_end(bytes: &[u8], is_end: IsEnd) -> Option<usize> {
    let mut end = bytes.len();
    loop {
        let at = bytes[..end].iter().rposition(|b| *b == b'\n')?;
        if is_end(bytes, at) {
            return Some(at + 1);
        }
        end = at;
    }
}

/// The end of the first row in some bytes of which `searched` have none.
fn first_end(bytes: &[u8], searched: usize, is_end: IsEnd) -> Option<usize> {
    let mut from = searched;
    loop {
        let at = from + bytes[from..].iter().position(|b| *b == b'\n')?;
        if is_end(bytes, at) {
            return Some(at + 1);
        }
        from = at + 1;
    }
}

/// Decodes the lines of a chunk, which ends with one.
fn lines_of<T, F>(chunk: &[u8], is_end: IsEnd, before: u64, take: &F) -> Block<T>
where
    T: Decode,
    F: Fn(Line<'_>, &mut Block<T>) + Sync,
{
    let mut block = Block::new();
    let (mut rest, mut number) = (chunk, before + 1);
    while !rest.is_empty() {
        let (line, behind) = rest.split_at(first_end(rest, 0, is_end).unwrap_or(rest.len()));
        let (text, end) = bounded(line);
        take(Line { text, end, number }, &mut block);
        number += count_breaks(line);
        rest = behind;
    }
    block
}

/// A line with its break, or its beginning if it is too long.
fn bounded(line: &[u8]) -> (&[u8], LineEnd) {
    match line.len() - 1 > ROW_BYTES_MAX {
        true => (&line[..=ROW_BYTES_MAX], LineEnd::TooLong),
        false => (line, LineEnd::Break),
    }
}

/// Hands the next line to `take` and consumes it. False if there is none.
fn next<R, F>(window: &mut Window<R>, is_end: IsEnd, take: F) -> Result<bool, Stop>
where
    R: Read,
    F: FnOnce(&[u8], LineEnd) -> Result<(), Stop>,
{
    let mut searched = 0;
    loop {
        let unread = window.unread();
        if let Some(length) = first_end(unread, searched, is_end) {
            let (text, end) = bounded(&unread[..length]);
            take(text, end)?;
            window.consume(length);
            return Ok(true);
        }
        searched = unread.len();
        if searched > ROW_BYTES_MAX {
            take(&unread[..=ROW_BYTES_MAX], LineEnd::TooLong)?;
            window.skip_line();
            return Ok(true);
        }
        if window.fill() == Filled::NoMore {
            let last = window.unread();
            if last.is_empty() || window.failed() {
                return Ok(false);
            }
            take(last, LineEnd::OfInput)?;
            window.consume(last.len());
            return Ok(true);
        }
    }
}
