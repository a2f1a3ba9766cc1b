//! The files of the database at the moment of a crash.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use rusqlite::Connection;

/// Bytes of a page of the database.
const PAGE_BYTES: usize = 4096;

/// Database and write-ahead log, with what becomes of them.
#[derive(Clone, Debug)]
pub(crate) struct AtCrash {
    database: Vec<u8>,
    log: Vec<u8>,
    tear: Tear,
}

#[derive(Clone, Copy, Debug)]
enum Tear {
    No,
    /// The log is cut off within what the commit wrote, or a bit of that is changed.
    Log(u64),
    /// Some pages of the log are in the database.
    Pages(u64),
}

fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(database.as_os_str());
    name.push(ending);
    name.into()
}

impl AtCrash {
    /// Takes the files as they are now; none if there is no database.
    pub(super) fn now(database: &Path) -> Option<Self> {
        let log = fs::read(beside(database, "-wal")).unwrap_or_default();
        Some(Self { database: fs::read(database).ok()?, log, tear: Tear::No })
    }

    pub(super) fn torn_by(self, number: u64) -> Self {
        Self { tear: Tear::Log(number), ..self }
    }

    pub(super) fn checkpointed_by(self, number: u64) -> Self {
        Self { tear: Tear::Pages(number), ..self }
    }

    /// Makes of the files before a commit and after it what a crash in between leaves.
    pub(super) fn and_now(self, now: Self) -> Self {
        match self.tear {
            Tear::No => now,
            Tear::Log(number) => Self {
                log: torn(&self.log, now.log, number),
                database: self.database,
                tear: Tear::No,
            },
            Tear::Pages(number) => {
                let whole = checkpointed(&self.database, &now.log);
                let database = mixed(&self.database, &whole, number);
                Self { database, log: now.log, tear: Tear::No }
            }
        }
    }

    /// Writes the files; what SQLite shares between processes is gone with the power.
    pub(super) fn put_back(self, database: &Path) {
        drop(fs::remove_file(beside(database, "-shm")));
        let log = beside(database, "-wal");
        if self.log.is_empty() {
            drop(fs::remove_file(&log));
        } else {
            fs::write(log, self.log).expect("the log of a test is written");
        }
        fs::write(database, self.database).expect("the database of a test is written");
    }
}

/// The log after a commit, of which only a part came to the disk.
fn torn(before: &[u8], mut after: Vec<u8>, number: u64) -> Vec<u8> {
    let same = before.iter().zip(&after).take_while(|(old, new)| old == new).count();
    let written = after.len() - same;
    if written == 0 {
        return after;
    }
    let at = same + usize::try_from(number / 4 % (written as u64 + 1)).unwrap_or(0);
    if number.is_multiple_of(4) && at < after.len() {
        after[at] ^= 1 << (number >> 32 & 7);
        return after;
    }
    // Behind it lies what was there before, if anything.
    let old = before.get(at..).unwrap_or_default().to_vec();
    after.truncate(at);
    after.extend(old);
    after
}

/// The database with all of the log in it.
fn checkpointed(database: &[u8], log: &[u8]) -> Vec<u8> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = env::temp_dir().join(format!("cloudtally-checkpoint-{}-{number}", process::id()));
    fs::create_dir_all(&folder).expect("a folder for a copy of the database");
    let path = folder.join("copy.db");
    fs::write(&path, database).expect("a copy of the database is written");
    fs::write(beside(&path, "-wal"), log).expect("a copy of the log is written");
    let connection = Connection::open(&path).expect("a copy of the database is opened");
    // Reading it makes SQLite look at the log, which is copied as the last one closes it.
    let version = connection.pragma_query_value(None, "schema_version", |row| row.get::<_, i64>(0));
    version.expect("a copy of the database is read");
    drop(connection);
    let whole = fs::read(path).expect("a copy of the database is read");
    drop(fs::remove_dir_all(folder));
    whole
}

/// Pages of both, by chance.
fn mixed(before: &[u8], whole: &[u8], mut number: u64) -> Vec<u8> {
    let mut pages = before.to_vec();
    for (page, new) in pages.chunks_mut(PAGE_BYTES).zip(whole.chunks(PAGE_BYTES)) {
        number = number.rotate_left(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        if number >> 63 == 1 && page.len() == new.len() {
            page.copy_from_slice(new);
        }
    }
    pages
}
