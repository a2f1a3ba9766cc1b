//! The key index of a record file: where each (source, account, usage type) begins.
//!
//! Rows with equal keys stand together, a *run*. The index is a search tree over the runs,
//! written into the file behind its last column; a note in the footer says where, and other
//! programs pass over it. Leaves hold some hundred runs. An inner node holds of each child
//! its first key, its rows, and its rows of each usage type. So counting, and finding the
//! n-th row of an account or a type, read one node a level, however many accounts there
//! are, and nobody decodes the index as a whole.
//!
//! A parent holds the checksums of its children and the note that of the head, which holds
//! the root: a node is looked at when it is found to be what was written.

mod build; // the tree, as its rows come by
mod file; // nodes of a file
mod node; // a node's bytes
mod walk; // counting and finding

use node::{Senseless, take, take_rows};

pub(crate) use build::{Key, KeyIndexBuilder};
pub(crate) use file::{NodeError, NodeFile};
pub(crate) use walk::Choice;

/// A key as one number, which sorts as the rows do: 16 bits of the source's position in the
/// file, 64 of the account, 16 of the usage type.
pub(crate) type RunKey = u128;

/// The key after all others.
pub(crate) const END: RunKey = 1 << 96;

/// The name of the footer's note.
pub(crate) const NOTE: &str = "cloudtally.key_index";

/// The form that is written.
const VERSION: u64 = 1;

/// The key of a run; a source is its position among those of the file.
pub(crate) fn run_key(source: u16, account: u64, usage_type: u16) -> RunKey {
    u128::from(source) << 80 | u128::from(account) << 16 | u128::from(usage_type)
}

/// The place of the index in a file, as the footer's note has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IndexPlace {
    /// Offset of the first node in the file.
    start: u64,
    /// The head, which ends the index.
    head: Place,
}

/// A node's place behind the first one, and its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    position: u64,
    length: u64,
    checksum: u64,
}

impl IndexPlace {
    /// The note for the footer.
    pub(crate) fn note(self) -> String {
        let Self { start, head: Place { position, length, checksum } } = self;
        format!("{VERSION} {start} {position} {length} {checksum:016x}")
    }

    /// Reads the note; `None` if it makes no sense.
    pub(crate) fn from_note(note: &str) -> Option<Self> {
        let mut words = note.split(' ');
        let mut number = || words.next()?.parse::<u64>().ok();
        if number()? != VERSION {
            return None;
        }
        let (start, position, length) = (number()?, number()?, number()?);
        let checksum = u64::from_str_radix(words.next()?, 16).ok()?;
        let head = Place { position, length, checksum };
        words.next().is_none().then_some(Self { start, head })
    }
}

/// The bytes of nodes.
pub(crate) trait Nodes {
    /// The error of these nodes.
    type Error: From<Senseless>;
    /// Reads the bytes of a node, which are what was written.
    fn read(&self, place: Place) -> Result<Vec<u8>, Self::Error>;
}

/// The head of a key index: what stays in memory of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyIndex {
    place: IndexPlace,
    rows: u64,
    /// Names in the order of the file.
    sources: Vec<String>,
    /// Levels below the root; 0 where that is a leaf.
    level: u64,
    root: Vec<u8>,
}

impl KeyIndex {
    /// Reads the head.
    pub(crate) fn open<N: Nodes>(place: IndexPlace, nodes: &N) -> Result<Self, N::Error> {
        let head = nodes.read(place.head)?;
        Ok(Self::from_head(place, &head)?)
    }

    fn from_head(place: IndexPlace, mut head: &[u8]) -> Result<Self, Senseless> {
        let head = &mut head;
        let rows = take_rows(head)?;
        let mut sources = Vec::new();
        for _ in 0..take(head)? {
            let length = usize::try_from(take(head)?).map_err(|_| Senseless)?;
            let name = head.split_off(..length).ok_or(Senseless)?;
            sources.push(String::from_utf8(name.to_vec()).map_err(|_| Senseless)?);
        }
        let level = take_rows(head)?;
        Ok(Self { place, rows, sources, level, root: head.to_vec() })
    }

    /// The place it was read from.
    pub(crate) fn place(&self) -> IndexPlace {
        self.place
    }

    /// Number of rows in the file.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Memory it takes, in bytes, roughly.
    pub(crate) fn size_bytes(&self) -> usize {
        size_of::<Self>() + self.root.len() + self.sources.len() * 88
    }

    /// The number that the file's runs have for a source.
    pub(crate) fn position(&self, name: &str) -> Option<u16> {
        let at = self.sources.iter().position(|known| known == name)?;
        u16::try_from(at).ok()
    }
}

#[cfg(test)]
mod tests;
