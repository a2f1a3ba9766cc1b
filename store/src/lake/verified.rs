//! Files of the lake as the catalogue names them, and their checksums as a whole.
//!
//! A reader has each block verified ([`VerifiedFile`]); `check` and `upgrade`, which look at
//! all of a file, compare the SHA-256 that anybody can compute.

use std::{
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use sha2::{Digest, Sha256};

use super::{
    blocks::{BlockChecksums, KeptChecksums, VerifiedFile},
    file::hex,
};
use crate::{
    StoreError,
    disk::{self, File},
};

const BUFFER_BYTES: usize = 1 << 18;

/// A file of the lake, as the catalogue names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NamedFile<'a> {
    /// Absolute.
    pub(crate) path: &'a Path,
    /// Number of rows.
    pub(crate) rows: u64,
    /// Size of the file.
    pub(crate) bytes: u64,
    /// The checksums of its blocks.
    pub(crate) checksums: &'a dyn KeptChecksums,
}

impl NamedFile<'_> {
    /// Opens the file, whose blocks are verified as they are read.
    ///
    /// # Errors
    /// `MissingFile`; `DamagedFile` if it is of another size.
    pub(crate) fn open(&self) -> Result<VerifiedFile, StoreError> {
        let (file, bytes) = open(self.path)?;
        let damaged = |what| StoreError::DamagedFile { path: self.path.to_owned(), what };
        if bytes != self.bytes {
            let expected = self.bytes;
            return Err(damaged(format!("it has {bytes} bytes and the catalogue says {expected}")));
        }
        let checksums = self.checksums.checksums_of(self.path)?;
        VerifiedFile::new(file, bytes, checksums).ok_or_else(|| {
            damaged("the catalogue keeps the checksums of another number of blocks".to_owned())
        })
    }
}

/// Opens a file; says how many bytes it has.
///
/// # Errors
/// `MissingFile`.
pub(crate) fn open(path: &Path) -> Result<(File, u64), StoreError> {
    let file = disk::open(path).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => StoreError::MissingFile { path: path.to_owned() },
        _ => StoreError::io("read", path, cause),
    })?;
    let metadata = file.metadata().map_err(|cause| StoreError::io("read", path, cause))?;
    Ok((file, metadata.len()))
}

/// The checksums of the blocks of a file that has none yet, which must be what its SHA-256
/// says.
///
/// # Errors
/// `MissingFile`; `DamagedFile` with both checksums.
pub(crate) fn checksums_of_whole(
    path: &Path,
    bytes: u64,
    sha256: &str,
) -> Result<Arc<[u8]>, StoreError> {
    let (mut file, _) = open(path)?;
    let found = Found::of(&mut file, &mut |_| {});
    let found = found.map_err(|cause| StoreError::io("read", path, cause))?;
    match found.differs(bytes, sha256) {
        Some(what) => Err(StoreError::DamagedFile { path: path.to_owned(), what }),
        None => Ok(found.blocks.into()),
    }
}

/// Size and checksum of a file as it is.
pub(crate) struct Found {
    bytes: u64,
    sha256: String,
    /// Checksums of its blocks.
    pub(crate) blocks: Vec<u8>,
}

impl Found {
    /// Reads a file to its end; `progress` is told the bytes read so far.
    pub(crate) fn of(file: &mut File, progress: &mut dyn FnMut(u64)) -> io::Result<Self> {
        let (mut hash, mut blocks) = (Sha256::new(), BlockChecksums::default());
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut bytes = 0u64;
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    hash.update(&buffer[..count]);
                    blocks.update(&buffer[..count]);
                    bytes += count as u64;
                    progress(bytes);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(Self { bytes, sha256: hex(&hash.finalize()), blocks: blocks.finish() })
    }

    /// Tells in which way it differs from what the catalogue says, if it does.
    pub(crate) fn differs(&self, bytes: u64, sha256: &str) -> Option<String> {
        if self.bytes == bytes && self.sha256 == sha256 {
            return None;
        }
        let how = match self.bytes.cmp(&bytes) {
            std::cmp::Ordering::Less => "truncated",
            std::cmp::Ordering::Equal => "changed",
            std::cmp::Ordering::Greater => "grown",
        };
        Some(format!(
            "{how}; expected {bytes} bytes with sha-256 {sha256}, found {} bytes with sha-256 {}",
            self.bytes, self.sha256
        ))
    }
}
