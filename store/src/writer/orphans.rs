//! What a crash left behind: files below the folders of the lake that the
//! catalogue does not name, temporary ones included.
//!
//! Only with the lock held, because the files of a running writer are not named
//! yet either.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

use rusqlite::params;
use tracing::info;

use super::{Writer, now_ms, path_text};
use crate::{
    StoreError,
    catalogue::{load, sql},
    crash, lake,
};

/// How long a replaced file stays for readers that looked at the catalogue before.
const RETIRED_KEPT_MS: i64 = 3_600_000;

impl Writer {
    pub(super) fn remove_orphans(&self) -> Result<(), StoreError> {
        let db = self.db()?;
        let (named, retired) = db.read(|db| {
            let named = db.rows(sql::lake::NAMED, [], |row| load::path(row, 0))?;
            let retired = db.rows(sql::lake::RETIRED, [], |row| {
                Ok((load::path(row, 0)?, row.get::<_, i64>(1)?))
            })?;
            Ok((named, retired))
        })?;

        // 1. Replaced files whose time is over: the file, then its row.
        let last_ms = now_ms() - RETIRED_KEPT_MS;
        let (old, kept): (Vec<_>, Vec<_>) =
            retired.into_iter().partition(|(_, retired_ms)| *retired_ms < last_ms);
        for (path, _) in &old {
            self.remove(path)?;
            db.execute(sql::lake::FORGET_RETIRED, params![path_text(path)])?;
        }

        // 2. Files that nothing names.
        let kept: HashSet<PathBuf> = kept.into_iter().map(|(path, _)| path).collect();
        let named: HashSet<PathBuf> = named.into_iter().collect();
        let found = lake::file::list(self.dir())?;
        for path in found.iter().filter(|path| !named.contains(*path) && !kept.contains(*path)) {
            self.remove(path)?;
            info!(path = %path.display(), "removed {}: nothing names it", path.display());
        }

        // 3. Links, which nothing names either.
        self.link_current(&kept)
    }

    pub(super) fn remove(&self, path: &Path) -> Result<(), StoreError> {
        let path = self.dir().join(path);
        let error = |e| StoreError::io("remove", &path, e);
        crash::point(crash::ORPHAN_BEFORE_REMOVE).map_err(error)?;
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(error(e)),
            _ => {}
        }
        crash::point(crash::ORPHAN_AFTER_REMOVE).map_err(error)
    }
}
