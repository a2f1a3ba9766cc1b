//! A node's bytes: numbers of seven bits a byte, keys as differences.

use std::cell::RefCell;

use zstd::bulk::Decompressor;

use super::{Place, RunKey};

/// Runs in a leaf: some 2 KiB, half of that compressed.
pub(super) const LEAF_RUNS: usize = 1024;

/// Size that the runs of a leaf cannot pass: 14 bytes a key and 10 its rows.
const LEAF_BYTES_MAX: usize = LEAF_RUNS * 24;

/// The error of bytes that no builder has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Senseless;

/// Appends a number, the lowest bits first; the top bit of a byte says that more follow.
pub(super) fn put(bytes: &mut Vec<u8>, number: impl Into<u128>) {
    let mut number = number.into();
    while number >= 0x80 {
        bytes.push(low_bits(number) | 0x80);
        number >>= 7;
    }
    bytes.push(low_bits(number));
}

fn low_bits(number: u128) -> u8 {
    u8::try_from(number & 0x7f).expect("7 bits fit")
}

/// Takes a number off the front.
pub(super) fn take(rest: &mut &[u8]) -> Result<u128, Senseless> {
    let first = *rest.split_off_first().ok_or(Senseless)?;
    if first < 0x80 {
        return Ok(u128::from(first));
    }
    let mut number = u128::from(first & 0x7f);
    for shift in (7..128).step_by(7) {
        let byte = *rest.split_off_first().ok_or(Senseless)?;
        number |= u128::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(Senseless)
}

/// Takes a number of 64 bits off the front.
pub(super) fn take_rows(rest: &mut &[u8]) -> Result<u64, Senseless> {
    u64::try_from(take(rest)?).map_err(|_| Senseless)
}

/// The runs of a stored leaf, as they were before it was compressed.
pub(super) fn decompressed(leaf: &[u8]) -> Result<Vec<u8>, Senseless> {
    thread_local! {
        static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
    }
    DECOMPRESSOR.with_borrow_mut(|decompressor| {
        let decompressor = match decompressor {
            Some(known) => known,
            None => decompressor.insert(Decompressor::new().map_err(|_| Senseless)?),
        };
        decompressor.decompress(leaf, LEAF_BYTES_MAX).map_err(|_| Senseless)
    })
}

/// Rows of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) key: RunKey,
    pub(super) rows: u64,
}

impl Run {
    /// The usage type.
    pub(super) fn usage_type(self) -> u16 {
        u16::try_from(self.key & 0xffff).expect("16 bits fit")
    }
}

/// The runs of a leaf, in order.
pub(super) struct Runs<'a> {
    rest: &'a [u8],
    last: Option<RunKey>,
}

impl<'a> Runs<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self { rest: body, last: None }
    }

    fn run(&mut self) -> Result<Run, Senseless> {
        let key = key_after(self.last, take(&mut self.rest)?)?;
        let rows = take_rows(&mut self.rest)?;
        self.last = Some(key);
        if rows == 0 { Err(Senseless) } else { Ok(Run { key, rows }) }
    }
}

impl Iterator for Runs<'_> {
    type Item = Result<Run, Senseless>;
    fn next(&mut self) -> Option<Self::Item> {
        (!self.rest.is_empty()).then(|| self.run())
    }
}

/// A child of an inner node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Child<'a> {
    pub(super) first: RunKey,
    pub(super) rows: u64,
    pub(super) place: Place,
    /// Its usage types with their rows, in order.
    types: &'a [u8],
}

impl Child<'_> {
    /// The rows of a usage type, or all.
    pub(super) fn rows_of(&self, usage_type: Option<u16>) -> Result<u64, Senseless> {
        let Some(wanted) = usage_type else { return Ok(self.rows) };
        let (mut rest, mut at) = (self.types, 0);
        while !rest.is_empty() {
            at += take_rows(&mut rest)?;
            let rows = take_rows(&mut rest)?;
            match at.cmp(&u64::from(wanted)) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => return Ok(rows),
                std::cmp::Ordering::Greater => break,
            }
        }
        Ok(0)
    }
}

/// The children of an inner node, in order.
pub(super) struct Children<'a> {
    rest: &'a [u8],
    last: Option<RunKey>,
    /// The end of the child before.
    end: u64,
}

impl<'a> Children<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self { rest: body, last: None, end: 0 }
    }

    fn child(&mut self) -> Result<Child<'a>, Senseless> {
        let rest = &mut self.rest;
        let first = key_after(self.last, take(rest)?)?;
        let rows = take_rows(rest)?;
        let position = self.end.checked_add(take_rows(rest)?).ok_or(Senseless)?;
        let length = take_rows(rest)?;
        let checksum = *rest.split_off(..8).and_then(|c| c.first_chunk()).ok_or(Senseless)?;
        let types = usize::try_from(take(rest)?).map_err(|_| Senseless)?;
        let types = rest.split_off(..types).ok_or(Senseless)?;
        self.last = Some(first);
        self.end = position.checked_add(length).ok_or(Senseless)?;
        let place = Place { position, length, checksum: u64::from_le_bytes(checksum) };
        Ok(Child { first, rows, place, types })
    }
}

impl<'a> Iterator for Children<'a> {
    type Item = Result<Child<'a>, Senseless>;
    fn next(&mut self) -> Option<Self::Item> {
        (!self.rest.is_empty()).then(|| self.child())
    }
}

fn key_after(last: Option<RunKey>, difference: RunKey) -> Result<RunKey, Senseless> {
    match last {
        None => Ok(difference),
        Some(_) if difference == 0 => Err(Senseless),
        Some(last) => last.checked_add(difference).ok_or(Senseless),
    }
}
