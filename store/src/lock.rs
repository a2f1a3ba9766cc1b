//! One writer at a time: an operating-system lock on `DATA/lock`.
//!
//! The system frees the lock when the process ends, however it ends, so there is
//! no stale lock to clear after a crash. The file itself stays; it holds the
//! number of the process that took the lock last, for the message of those who
//! wait. Reading the folder needs no lock at all.

use std::{
    fmt,
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::{
    StoreError,
    disk::{self, File, TryLockError},
    modes,
};

/// A bound on the wait for the folder's lock, and a callback for the one who waits.
pub struct LockWait<'a> {
    /// Give up after this long.
    pub limit: Duration,
    /// Called once when there is something to wait for.
    pub on_wait: &'a mut dyn FnMut(),
}

impl fmt::Debug for LockWait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockWait").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// Held while files of the lake are written.
const NAME: &str = "lock";
/// Held for as long as the cloud is in some process's memory.
const CLOUD: &str = "cloud.lock";
/// Held while a backup reads files that may be replaced.
const BACKUP: &str = "backup.lock";
/// All lock files.
pub(crate) const NAMES: [&str; 3] = [NAME, CLOUD, BACKUP];
const POLL: Duration = Duration::from_millis(25);

/// The held lock; freed when dropped.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes the lock of `dir`, polling until `wait.limit` has passed.
    pub(crate) fn take(dir: &Path, wait: LockWait<'_>) -> Result<Self, StoreError> {
        Self::take_file(dir.join(NAME), wait)
    }

    /// Takes the lock of the cloud in `dir`: two processes that both have it in
    /// memory would each overwrite what the other keeps.
    pub(crate) fn take_cloud(dir: &Path, wait: LockWait<'_>) -> Result<Self, StoreError> {
        Self::take_file(dir.join(CLOUD), wait).map_err(|error| match error {
            StoreError::Locked { path, holder, .. } => StoreError::Served { path, holder },
            other => other,
        })
    }

    /// Keeps files that were replaced from being removed for as long as it is held. Several
    /// may hold it. A folder that cannot be written has nobody who removes anything.
    pub(crate) fn keep_retired(dir: &Path) -> Result<Option<Self>, StoreError> {
        let path = dir.join(BACKUP);
        let file = match disk::open_lock(&path, true) {
            Ok(file) => file,
            Err(e) => match StoreError::io("open", &path, e) {
                StoreError::Permission { .. } => return Ok(None),
                other => return Err(other),
            },
        };
        file.lock_shared().map_err(|e| StoreError::io("lock", &path, e))?;
        Ok(Some(Self { _file: file }))
    }

    /// Returns true if files that were replaced must stay, because a backup reads them.
    pub(crate) fn are_retired_kept(dir: &Path) -> bool {
        disk::open(&dir.join(BACKUP))
            .is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
    }

    /// Takes the lock of any file.
    pub(crate) fn take_file(path: PathBuf, wait: LockWait<'_>) -> Result<Self, StoreError> {
        let open = disk::open_lock(&path, true);
        let mut file = open.map_err(|e| StoreError::io("open", &path, e))?;
        if let Ok(found) = file.metadata() {
            // Whoever can open it can hold it.
            modes::bound_lock(&path, &found);
        }
        let began = Instant::now();
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(cause)) => {
                    return Err(StoreError::io("lock", &path, cause));
                }
                Err(TryLockError::WouldBlock) => {}
            }
            if !told {
                (wait.on_wait)();
                told = true;
            }
            let waited = began.elapsed();
            if waited >= wait.limit {
                return Err(StoreError::Locked { holder: holder(&mut file), path, waited });
            }
            thread::sleep(POLL.min(wait.limit - waited));
        }
        // Only for the message of those who wait: a failure here is no failure.
        let _ = file.set_len(0);
        let _ = file.rewind();
        let _ = writeln!(file, "{}", std::process::id());
        Ok(Self { _file: file })
    }

    /// Opens the file of the writer's lock and takes nothing; one that is not there yet is
    /// made by whoever writes first.
    pub(crate) fn probe(dir: &Path) -> Result<(), StoreError> {
        let path = dir.join(NAME);
        match disk::open_lock(&path, false) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(StoreError::io("open", &path, e)),
            _ => Ok(()),
        }
    }

    /// Returns true if some process holds the writer's lock; false if that cannot be told.
    pub(crate) fn is_held(dir: &Path) -> bool {
        is_file_held(&dir.join(NAME))
    }

    /// Returns true if some process has the cloud in memory; false if that cannot be told.
    pub(crate) fn is_cloud_held(dir: &Path) -> bool {
        is_file_held(&dir.join(CLOUD))
    }
}

fn is_file_held(path: &Path) -> bool {
    disk::open(path)
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    // Where a lock also forbids reading, the number is just left out.
    let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
    match text.trim().parse::<u32>() {
        Ok(number) if read.is_ok() => format!(" (process {number})"),
        _ => String::new(),
    }
}
