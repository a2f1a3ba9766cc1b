//! Files of the lake, verified block by block before any value of them is looked at.
//!
//! One flipped bit may decode to another number, which would be served, or published with
//! a valid checksum of its own. So whatever is read of a file is read as whole blocks, each
//! of which must have the checksum that the catalogue keeps of it. A page costs its own
//! blocks and not the file; who reads a file from end to end reads some blocks at a time.

use std::{
    collections::VecDeque,
    fmt,
    io::{self, Read},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use parquet::{
    errors::ParquetError,
    file::reader::{ChunkReader, Length},
};
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

use crate::{StoreError, disk::File};

/// Bytes of a block; the last one of a file may be shorter.
const BLOCK_BYTES: usize = 16 * 1024;
/// Bytes of a checksum.
const CHECKSUM_BYTES: usize = size_of::<u64>();
/// Bytes kept of a file that is read. The columns of a row group are decoded side by side,
/// each from a stretch of its own, so these must be more than there are columns.
const KEPT_BYTES_MAX: usize = 4 << 20;

/// The bytes that are read at once of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Just the blocks that hold what is asked for.
    Block,
    /// Some blocks more, for what is read from end to end.
    Stretch,
}

impl Reach {
    fn bytes(self) -> u64 {
        match self {
            Self::Block => BLOCK_BYTES as u64,
            Self::Stretch => 4 * BLOCK_BYTES as u64,
        }
    }
}

/// The checksums of a file's blocks as the catalogue keeps them: 8 bytes each,
/// little-endian, in order.
pub(crate) fn checksums(content: &[u8]) -> Vec<u8> {
    let mut blocks = BlockChecksums::default();
    blocks.update(content);
    blocks.finish()
}

/// The checksums of blocks, of content that comes in pieces.
#[derive(Default)]
pub(crate) struct BlockChecksums {
    done: Vec<u8>,
    block: Xxh3Default,
    /// Bytes of the block under way.
    gathered: usize,
}

impl BlockChecksums {
    /// Adds the next piece.
    pub(crate) fn update(&mut self, mut content: &[u8]) {
        while !content.is_empty() {
            let (now, later) = content.split_at(content.len().min(BLOCK_BYTES - self.gathered));
            self.block.update(now);
            self.gathered += now.len();
            if self.gathered == BLOCK_BYTES {
                self.end_block();
            }
            content = later;
        }
    }

    /// Ends the content.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        if self.gathered > 0 {
            self.end_block();
        }
        self.done
    }

    fn end_block(&mut self) {
        self.done.extend(self.block.digest().to_le_bytes());
        self.block.reset();
        self.gathered = 0;
    }
}

/// Gives the checksums of the blocks of files.
pub(crate) trait KeptChecksums: fmt::Debug + Sync {
    /// The checksums of a file by its absolute path.
    fn checksums_of(&self, path: &Path) -> Result<Arc<[u8]>, StoreError>;
}

/// Checksums in hand, of one file.
impl KeptChecksums for Arc<[u8]> {
    fn checksums_of(&self, _path: &Path) -> Result<Self, StoreError> {
        Ok(Self::clone(self))
    }
}

/// A block that is not what the catalogue says.
#[derive(Debug, thiserror::Error)]
#[error("the block of bytes {from} to {to} is not what was written")]
pub(crate) struct DamagedBlock {
    from: u64,
    to: u64,
}

/// An open file whose blocks are verified as they are read. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct VerifiedFile {
    inner: Arc<Inner>,
    reach: Reach,
}

#[derive(Debug)]
struct Inner {
    file: File,
    bytes: u64,
    checksums: Arc<[u8]>,
    /// Verified stretches by their start, the one that was used last at the end.
    kept: Mutex<VecDeque<(u64, Bytes)>>,
}

impl VerifiedFile {
    /// A file of so many bytes; `None` if the checksums are not of as many.
    pub(crate) fn new(file: File, bytes: u64, checksums: Arc<[u8]>) -> Option<Self> {
        let wanted = bytes.div_ceil(BLOCK_BYTES as u64) * CHECKSUM_BYTES as u64;
        if checksums.len() as u64 != wanted {
            return None;
        }
        let inner = Inner { file, bytes, checksums, kept: Mutex::default() };
        Some(Self { inner: Arc::new(inner), reach: Reach::Block })
    }

    /// The same file, of which so many bytes are read at once.
    pub(crate) fn reaching(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }

    /// The verified bytes of a range.
    fn fetch(&self, start: u64, length: u64) -> io::Result<Bytes> {
        let end = start.checked_add(length).filter(|end| *end <= self.inner.bytes);
        let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut kept = self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = |(from, bytes): &(u64, Bytes)| *from <= start && end <= from + size(bytes);
        let (from, stretch) = match kept.iter().rposition(holds) {
            Some(at) => kept.remove(at).expect("it was found there"),
            None => {
                let reach = self.reach.bytes();
                let from = start / reach * reach;
                let to = end.next_multiple_of(reach).min(self.inner.bytes);
                (from, self.inner.read_verified(from, to)?)
            }
        };
        let offset = index(start - from)?;
        let wanted = stretch.slice(offset..offset + index(length)?);
        kept.push_back((from, stretch));
        let mut sum: usize = kept.iter().map(|(_, bytes)| bytes.len()).sum();
        while sum > KEPT_BYTES_MAX && kept.len() > 1 {
            sum -= kept.pop_front().map_or(0, |(_, bytes)| bytes.len());
        }
        Ok(wanted)
    }
}

impl Inner {
    /// Reads whole blocks, `from` being where one begins.
    fn read_verified(&self, from: u64, to: u64) -> io::Result<Bytes> {
        let mut bytes = vec![0; index(to - from)?];
        self.file.read_exact_at(&mut bytes, from)?;
        let first = index(from)? / BLOCK_BYTES * CHECKSUM_BYTES;
        let checksums = self.checksums[first..].chunks_exact(CHECKSUM_BYTES);
        let mut at = from;
        for (block, checksum) in bytes.chunks(BLOCK_BYTES).zip(checksums) {
            let next = at + block.len() as u64;
            if xxh3_64(block).to_le_bytes() != *checksum {
                return Err(io::Error::other(DamagedBlock { from: at, to: next - 1 }));
            }
            at = next;
        }
        Ok(bytes.into())
    }
}

fn size(bytes: &Bytes) -> u64 {
    bytes.len() as u64
}

fn index(bytes: u64) -> io::Result<usize> {
    usize::try_from(bytes).map_err(io::Error::other)
}

impl Length for VerifiedFile {
    fn len(&self) -> u64 {
        self.inner.bytes
    }
}

impl ChunkReader for VerifiedFile {
    type T = VerifiedRead;

    fn get_read(&self, start: u64) -> Result<VerifiedRead, ParquetError> {
        Ok(VerifiedRead { file: self.clone(), at: start, ahead: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        self.fetch(start, length as u64).map_err(|cause| ParquetError::External(cause.into()))
    }
}

/// Reads on from a place in a file.
#[derive(Debug)]
pub(crate) struct VerifiedRead {
    file: VerifiedFile,
    at: u64,
    ahead: Bytes,
}

impl Read for VerifiedRead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ahead.is_empty() {
            let end = (self.at + 1).next_multiple_of(self.file.reach.bytes());
            let end = end.min(self.file.len());
            if self.at >= end {
                return Ok(0);
            }
            self.ahead = self.file.fetch(self.at, end - self.at)?;
            self.at = end;
        }
        let count = buffer.len().min(self.ahead.len());
        buffer[..count].copy_from_slice(&self.ahead.split_to(count));
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk;

    fn content() -> Vec<u8> {
        (0..5 * BLOCK_BYTES as u64 + 7).map(|at| (at * 31 / 7).to_le_bytes()[0]).collect()
    }

    fn opened(content: &[u8], checksums: Vec<u8>) -> Option<VerifiedFile> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, content).unwrap();
        let file = disk::open(&path).unwrap();
        VerifiedFile::new(file, content.len() as u64, checksums.into())
    }

    #[test]
    fn any_range_is_what_was_written() {
        let content = content();
        for reach in [Reach::Block, Reach::Stretch] {
            let file = opened(&content, checksums(&content)).unwrap().reaching(reach);
            let end = content.len();
            for (start, length) in
                [(0, 1), (0, end), (end - 1, 1), (BLOCK_BYTES - 1, 2), (100, 3 * BLOCK_BYTES)]
            {
                let bytes = file.get_bytes(start as u64, length).unwrap();
                assert_eq!(bytes, content[start..start + length]);
                let mut read = Vec::new();
                file.get_read(start as u64).unwrap().read_to_end(&mut read).unwrap();
                assert_eq!(read, content[start..]);
            }
            assert!(file.get_bytes(end as u64, 1).is_err());
            assert!(file.get_bytes(u64::MAX, 1).is_err());
        }
    }

    #[test]
    fn a_damaged_block_is_named_and_the_others_are_read() {
        let whole = content();
        let mut damaged = whole.clone();
        damaged[2 * BLOCK_BYTES + 5] ^= 4;
        let file = opened(&damaged, checksums(&whole)).unwrap();
        assert_eq!(file.get_bytes(0, 100).unwrap(), whole[..100]);
        let error = file.get_bytes(2 * BLOCK_BYTES as u64 - 1, 2).unwrap_err().to_string();
        assert!(error.contains("bytes 32768 to 49151 is not what was written"), "{error}");
        assert!(file.get_bytes(5 * BLOCK_BYTES as u64, 7).is_ok());
    }

    #[test]
    fn checksums_do_not_depend_on_the_pieces() {
        let content = content();
        let of_each = content.chunks(BLOCK_BYTES).flat_map(|block| xxh3_64(block).to_le_bytes());
        assert_eq!(checksums(&content), of_each.collect::<Vec<u8>>());
        for piece in [1000, BLOCK_BYTES, 3 * BLOCK_BYTES + 1] {
            let mut blocks = BlockChecksums::default();
            content.chunks(piece).for_each(|piece| blocks.update(piece));
            assert_eq!(blocks.finish(), checksums(&content));
        }
    }

    #[test]
    fn checksums_of_another_file_are_none() {
        let content = content();
        assert!(opened(&content, checksums(&content[..BLOCK_BYTES])).is_none());
        assert!(opened(&[], Vec::new()).is_some());
    }
}
