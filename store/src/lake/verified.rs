//! Files of the lake against their checksums, when a process first opens them.
//!
//! One flipped bit may decode to another number, and what is computed from it would
//! be published with a valid checksum of its own. So no value of a file is looked at
//! before the file is what the catalogue says.

use std::{
    fs::{File, Metadata},
    io::{self, Read},
    path::Path,
    time::SystemTime,
};

use sha2::{Digest, Sha256};

use super::file::hex;
use crate::{StoreError, cache::Cache};

const BUFFER_BYTES: usize = 1 << 18;
/// Memory for a remembered file, beside its path.
const ENTRY_BYTES: usize = 128;
/// Memory for files that were found right; one that is forgotten is read again.
const VERIFIED_BYTES_MAX: usize = 32 << 20;

/// The files that this process has found to be what the catalogue says.
#[derive(Debug)]
pub(crate) struct Verified(Cache<Stamp>);

/// Size and time, which tell that a file is not the one that was looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Default for Verified {
    fn default() -> Self {
        Self(Cache::new(VERIFIED_BYTES_MAX))
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self { bytes: metadata.len(), modified: metadata.modified().ok() }
    }
}

impl Verified {
    /// Notes that a file, as it was before it was read, is what the catalogue says.
    pub(crate) fn remember(&self, path: &Path, before: &Metadata) {
        let size = ENTRY_BYTES + path.as_os_str().len();
        self.0.put(path, Stamp::of(before), size);
    }
}

/// A file of the lake, as the catalogue names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NamedFile<'a> {
    /// Absolute.
    pub(crate) path: &'a Path,
    /// Number of rows.
    pub(crate) rows: u64,
    /// Size of the file.
    pub(crate) bytes: u64,
    /// Checksum in lower-case hexadecimal.
    pub(crate) sha256: &'a str,
    /// The files that were found right already.
    pub(crate) verified: &'a Verified,
}

impl NamedFile<'_> {
    /// Opens the file, which is what the catalogue says.
    ///
    /// # Errors
    /// `MissingFile`; `DamagedFile` with both checksums.
    pub(crate) fn open(&self) -> Result<File, StoreError> {
        let failed = |cause| StoreError::io("read", self.path, cause);
        let mut file = File::open(self.path).map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => StoreError::MissingFile { path: self.path.to_owned() },
            _ => failed(cause),
        })?;
        let found = file.metadata().map_err(failed)?;
        let metadata = found;
        let stamp = Stamp::of(&metadata);
        if self.verified.0.get(self.path) == Some(stamp) {
            return Ok(file);
        }
        let found = Found::of(&mut file, &mut |_| {}).map_err(failed)?;
        if let Some(what) = found.differs(self.bytes, self.sha256) {
            return Err(StoreError::DamagedFile { path: self.path.to_owned(), what });
        }
        self.verified.remember(self.path, &metadata);
        Ok(file)
    }
}

/// Size and checksum of a file as it is.
pub(crate) struct Found {
    bytes: u64,
    sha256: String,
}

impl Found {
    /// Reads a file to its end; `progress` is told the bytes read so far.
    pub(crate) fn of(file: &mut File, progress: &mut dyn FnMut(u64)) -> io::Result<Self> {
        let mut hash = Sha256::new();
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut bytes = 0u64;
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    hash.update(&buffer[..count]);
                    bytes += count as u64;
                    progress(bytes);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(Self { bytes, sha256: hex(&hash.finalize()) })
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
