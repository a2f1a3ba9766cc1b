//! Orphans of a crash: files below the folders of the lake that the
//! catalogue does not name, temporary ones included.
//!
//! Only with the lock held, because the files of a running writer are not named
//! yet either.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
};

use rusqlite::params;
use tracing::info;

use super::{Writer, now_ms, path_text};
use crate::{
    StoreError,
    catalogue::{load, sql},
    crash, disk, lake,
    lock::FolderLock,
};

/// Time that a replaced file stays for readers that looked at the catalogue before.
const RETIRED_KEPT_MS: i64 = 3_600_000;

/// A file that was replaced, and when, in milliseconds since 1970.
type Retired = (PathBuf, i64);

impl Writer {
    pub(super) fn remove_orphans(&self) -> Result<(), StoreError> {
        let db = self.db()?;
        let found = lake::file::list(self.dir())?;
        let (mut named, mut retired) = self.named_and_retired()?;
        let is_known = |path: &PathBuf| {
            named.contains(path) || retired.iter().any(|(retired, _)| retired == path)
        };
        if !found.iter().all(is_known) {
            // A commit that failed with the disk may come back when the catalogue is opened
            // anew, and would name files that are gone by then. It cannot once another has
            // taken its place; where none can be made, nothing is removed.
            db.write(|db| db.execute(sql::lake::SETTLE, []).map(drop))?;
            (named, retired) = self.named_and_retired()?;
        }

        // 1. Replaced files whose time is over: the file, then its row. A backup reads the
        // files that its copy of the catalogue names, however long that takes.
        let last_ms = now_ms() - RETIRED_KEPT_MS;
        let is_over = |retired_ms: i64| retired_ms < last_ms;
        let may_go = retired.iter().any(|(_, retired_ms)| is_over(*retired_ms))
            && !FolderLock::are_retired_kept(self.dir());
        let (old, kept): (Vec<_>, Vec<_>) =
            retired.into_iter().partition(|(_, retired_ms)| may_go && is_over(*retired_ms));
        for (path, _) in &old {
            self.alone(|writer| writer.remove(path))?;
            db.execute(sql::lake::FORGET_RETIRED, params![path_text(path)])?;
        }
        if !old.is_empty() {
            db.execute(sql::lake::FORGET_BLOCKS, [])?;
        }

        // 2. Files that nothing names.
        let kept: HashSet<PathBuf> = kept.into_iter().map(|(path, _)| path).collect();
        for path in found.iter().filter(|path| !named.contains(*path) && !kept.contains(*path)) {
            self.alone(|writer| writer.remove(path))?;
            info!(path = %path.display(), "removed {}: nothing names it", path.display());
        }

        // 3. Links, which nothing names either.
        self.alone(|writer| writer.link_current(&kept))
    }

    /// Changes names of files while nobody else can take the folder over: a process that is
    /// suspended in the middle holds the database's write lock, so what it goes on with is
    /// never the work of a stale writer on the files of another.
    pub(super) fn alone<T>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.db()?.write(|_| work(self))
    }

    /// Files that count, and replaced ones that are still there with when they were.
    fn named_and_retired(&self) -> Result<(HashSet<PathBuf>, Vec<Retired>), StoreError> {
        self.db()?.read(|db| {
            let named = db.rows(sql::lake::NAMED, [], |row| load::path(row, 0))?;
            let retired = db.rows(sql::lake::RETIRED, [], |row| {
                Ok((load::path(row, 0)?, row.get::<_, i64>(1)?))
            })?;
            Ok((named.into_iter().collect(), retired))
        })
    }

    pub(super) fn remove(&self, path: &Path) -> Result<(), StoreError> {
        let path = self.dir().join(path);
        let error = |e| StoreError::io("remove", &path, e);
        crash::point(crash::ORPHAN_BEFORE_REMOVE).map_err(error)?;
        match disk::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(error(e)),
            _ => {}
        }
        crash::point(crash::ORPHAN_AFTER_REMOVE).map_err(error)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use super::*;
    use crate::{LockWait, Store};

    fn settled(store: &Store) -> u64 {
        let count =
            store.db().unwrap().row(sql::ingest::COUNTER, params!["settled"], |row| row.get(0));
        count.unwrap().map_or(0, i64::cast_unsigned)
    }

    #[test]
    fn replaced_files_stay_while_a_backup_reads() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("data")).unwrap();
        let writer =
            || store.writer(LockWait { limit: Duration::ZERO, on_wait: &mut || {} }).map(drop);
        let name = "events/2026-01-01/1-a.parquet";
        let file = store.dir().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "x").unwrap();
        // Replaced in 1970: its hour is long over.
        let retire = |db: &crate::catalogue::db::Db| {
            db.execute(sql::lake::RETIRE, params![name, 0]).map(drop)
        };
        store.db().unwrap().write(retire).unwrap();
        let (one, other) = (
            FolderLock::keep_retired(store.dir()).unwrap(),
            FolderLock::keep_retired(store.dir()).unwrap(),
        );
        for held in [one, other] {
            writer().unwrap();
            assert!(file.exists());
            drop(held);
        }
        writer().unwrap();
        assert!(!file.exists());
    }

    #[test]
    fn files_that_nothing_names_go_only_behind_a_commit() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("data")).unwrap();
        let writer =
            || store.writer(LockWait { limit: Duration::ZERO, on_wait: &mut || {} }).map(drop);
        writer().unwrap();
        assert_eq!(settled(&store), 0, "nothing to remove costs nothing");
        let folder = store.dir().join("events/2026-01-01");
        fs::create_dir_all(&folder).unwrap();
        let orphan = folder.join("1-a.parquet");
        fs::write(&orphan, "x").unwrap();
        writer().unwrap();
        assert!(!orphan.exists());
        assert_eq!(settled(&store), 1);
    }
}
