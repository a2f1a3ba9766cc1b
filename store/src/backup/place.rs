//! One file into the backup: kept, linked or copied, and held against its checksum.

use std::{
    io::{self, Read, Write},
    path::Path,
};

use sha2::{Digest, Sha256};

use super::{BackupError, BackupReport, list::Listed};
use crate::{
    StoreError,
    crash::{self, BACKUP, Steps},
    disk::{self, Existing, File},
    lake::{
        file::{TEMPORARY, hex, make_folder},
        verified,
    },
    modes::Readers,
};

const BUFFER_BYTES: usize = 1 << 18;

/// Puts a file of the data folder into the backup. `known` is its line in the list of an
/// earlier backup there.
pub(super) fn place(
    data: &Path,
    to: &Path,
    file: &Listed,
    known: Option<&Listed>,
    report: &mut BackupReport,
) -> Result<(), BackupError> {
    let target = to.join(&file.path);
    if let Ok(there) = disk::metadata(&target) {
        // One that an earlier list names was verified as it was copied; `restore` does so
        // again. Others are left of a backup that was cut off.
        let is_known =
            known.is_some_and(|known| known.sha256 == file.sha256) && there.len() == file.bytes;
        if !is_known && hash(&target)? != (file.bytes, file.sha256.clone()) {
            return Err(BackupError::OfAnother { path: target });
        }
        report.kept += 1;
        return Ok(());
    }
    let folder = file.path.parent().unwrap_or(Path::new(""));
    make_folder(to, folder, Readers::Owner)?;
    let temporary = target.with_file_name(format!("{TEMPORARY}{}", std::process::id()));
    let source = data.join(&file.path);
    let placed = put(&source, &temporary, &target, file);
    if placed.is_err() {
        // The first error is the one to tell; the next backup removes it.
        let _ = disk::remove_file(&temporary);
    }
    match placed? {
        Placed::Linked => report.linked += 1,
        Placed::Copied => report.copied += 1,
    }
    Ok(())
}

enum Placed {
    Linked,
    Copied,
}

fn put(
    source: &Path,
    temporary: &Path,
    target: &Path,
    file: &Listed,
) -> Result<Placed, StoreError> {
    let written = |e| StoreError::io("write", target, e);
    crash::point(BACKUP.before_write).map_err(written)?;
    let placed = match disk::hard_link(source, temporary) {
        Ok(()) => {
            let found = hash(temporary)?;
            refuse_other(source, file, found)?;
            crash::point(BACKUP.after_write).map_err(written)?;
            Placed::Linked
        }
        // Another file system, or one without links. A file that is missing shows there.
        Err(_) => {
            let found = copy(source, temporary, &BACKUP)?;
            refuse_other(source, file, found)?;
            Placed::Copied
        }
    };
    crash::point(BACKUP.after_sync).map_err(written)?;
    disk::rename(temporary, target).map_err(written)?;
    crash::point(BACKUP.after_rename).map_err(written)?;
    Ok(placed)
}

/// Refuses a file of the data folder that is not what the catalogue says.
fn refuse_other(
    source: &Path,
    file: &Listed,
    (bytes, sha256): (u64, String),
) -> Result<(), StoreError> {
    if (bytes, &sha256) == (file.bytes, &file.sha256) {
        return Ok(());
    }
    let what = format!(
        "expected {} bytes with sha-256 {}, found {bytes} bytes with sha-256 {sha256}",
        file.bytes, file.sha256
    );
    Err(StoreError::DamagedFile { path: source.to_owned(), what })
}

/// Copies a file to one that must not be there, and syncs it; returns its size and checksum
/// as they were read.
pub(super) fn copy(
    source: &Path,
    target: &Path,
    steps: &Steps,
) -> Result<(u64, String), StoreError> {
    let written = |e| StoreError::io("write", target, e);
    let (mut from, _) = verified::open(source)?;
    let mut to = disk::create(target, Existing::Refuse).map_err(written)?;
    let found = read(source, &mut from, &mut |part| to.write_all(part).map_err(written))?;
    crash::point(steps.after_write).map_err(written)?;
    to.sync_all().map_err(written)?;
    Ok(found)
}

/// The size and the checksum of a file.
pub(super) fn hash(path: &Path) -> Result<(u64, String), StoreError> {
    let (mut file, _) = verified::open(path)?;
    read(path, &mut file, &mut |_| Ok(()))
}

fn read(
    path: &Path,
    file: &mut File,
    each: &mut dyn FnMut(&[u8]) -> Result<(), StoreError>,
) -> Result<(u64, String), StoreError> {
    let (mut hash, mut bytes) = (Sha256::new(), 0u64);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((bytes, hex(&hash.finalize()))),
            Ok(count) => {
                hash.update(&buffer[..count]);
                each(&buffer[..count])?;
                bytes += count as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(StoreError::io("read", path, e)),
        }
    }
}
