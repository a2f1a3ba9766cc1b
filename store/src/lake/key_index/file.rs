//! Nodes of a file, read one at a time and verified.

use std::{
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use xxhash_rust::xxh3::xxh3_64;

use super::{IndexPlace, Nodes, Place, node::Senseless};
use crate::{StoreError, disk::File, lake::verified};

/// Size beyond which no node is: sources and usage types are few.
const NODE_BYTES_MAX: u64 = 1 << 22;

/// The nodes of one file.
#[derive(Debug)]
pub(crate) struct NodeFile<'a> {
    path: &'a Path,
    file: File,
    start: u64,
}

/// A failure to read a node, whose file is known to whoever asked.
#[derive(Debug)]
pub(crate) enum NodeError {
    /// The system's.
    Io(io::Error),
    /// The bytes are not what was written.
    Damaged,
}

impl From<Senseless> for NodeError {
    fn from(_: Senseless) -> Self {
        Self::Damaged
    }
}

impl<'a> NodeFile<'a> {
    /// Opens a file for its nodes alone, each of which is verified when it is read.
    pub(crate) fn open(path: &'a Path, place: IndexPlace) -> Result<Self, StoreError> {
        let (file, _) = verified::open(path)?;
        Ok(Self { path, file, start: place.start })
    }

    /// An error that names the file.
    pub(crate) fn error(&self, cause: NodeError) -> StoreError {
        match cause {
            NodeError::Io(cause) => StoreError::io("read", self.path, cause),
            NodeError::Damaged => {
                let what = "its key index is not what was written".to_owned();
                StoreError::DamagedFile { path: self.path.to_owned(), what }
            }
        }
    }

    /// All bytes of the index, unverified.
    pub(crate) fn read_all(&self, place: IndexPlace) -> Result<Vec<u8>, NodeError> {
        self.bytes(0, place.head.position.saturating_add(place.head.length))
    }

    fn bytes(&self, position: u64, length: u64) -> Result<Vec<u8>, NodeError> {
        let at = self.start.checked_add(position).ok_or(NodeError::Damaged)?;
        let read = || {
            let mut file = &self.file;
            file.seek(SeekFrom::Start(at))?;
            let mut bytes = Vec::new();
            file.take(length).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes: Vec<u8> = read().map_err(NodeError::Io)?;
        if bytes.len() as u64 == length { Ok(bytes) } else { Err(NodeError::Damaged) }
    }
}

impl Nodes for NodeFile<'_> {
    type Error = NodeError;
    fn read(&self, place: Place) -> Result<Vec<u8>, NodeError> {
        if place.length > NODE_BYTES_MAX {
            return Err(NodeError::Damaged);
        }
        let bytes = self.bytes(place.position, place.length)?;
        if xxh3_64(&bytes) == place.checksum { Ok(bytes) } else { Err(NodeError::Damaged) }
    }
}
