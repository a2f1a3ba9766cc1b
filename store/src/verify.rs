//! The checks of `check`: every file against its checksum, every name against the
//! catalogue, and the catalogue against itself.
//!
//! It takes no lock and may run beside a writer. What a writer changes meanwhile
//! is looked at twice before it is called wrong.

use std::{
    collections::{HashMap, HashSet},
    io,
    path::{Path, PathBuf},
};

use rusqlite::params;

use crate::{
    Store, StoreError,
    catalogue::{
        db::{DATABASE, Db},
        load, sql,
    },
    disk,
    lake::{
        RECORDS,
        blocks::KeptChecksums,
        file,
        links::{is_same, record_link},
        verified::Found,
    },
    lock::FolderLock,
    verify_rows,
};

/// The weight of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Odd but harmless; nothing is lost.
    Warning,
    /// Data is missing or changed.
    Error,
}

/// One thing wrong with the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its weight.
    pub severity: Severity,
    /// The file, relative to the folder.
    pub path: PathBuf,
    /// The fault and its remedy.
    pub text: String,
}

impl Finding {
    pub(crate) fn error(path: &Path, text: String) -> Self {
        Self { severity: Severity::Error, path: path.to_owned(), text }
    }
}

struct NamedFile {
    path: PathBuf,
    bytes: u64,
    sha256: String,
}

impl Store {
    /// Everything wrong with the folder: missing, changed, truncated and unnamed
    /// files, and the database itself. `progress(done, total)` in bytes.
    pub fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Vec<Finding>, StoreError> {
        // Files first, names second: a file that appears in between is named.
        let is_writing = FolderLock::is_held(self.dir());
        let found = file::list(self.dir())?;
        let db = self.db()?;
        let (named, retired) = db.read(|db| {
            let named = db.rows(sql::lake::NAMED, [], |row| {
                let (path, bytes) = (load::path(row, 0)?, load::unsigned(row, 1)?);
                Ok(NamedFile { path, bytes, sha256: row.get(2)? })
            })?;
            Ok((named, db.rows(sql::lake::RETIRED, [], |row| load::path(row, 0))?))
        })?;

        let mut findings = Vec::new();
        check_catalogue(&db, &mut findings)?;
        let total = named.iter().map(|file| file.bytes).sum();
        let mut done = 0;
        progress(done, total);
        for file in &named {
            let finding =
                self.check_file(file, &mut |read| progress((done + read).min(total), total))?;
            if let Some(text) = finding
                // A writer may have replaced the file since we read the names.
                && db.number(sql::lake::IS_NAMED, params![file.path.to_string_lossy()])? == 1
            {
                findings.push(Finding::error(&file.path, text));
            }
            done += file.bytes;
            progress(done, total);
        }

        self.check_content(&db, &mut findings)?;
        self.check_links(&db, is_writing, &mut findings)?;
        let known: HashSet<&Path> = named
            .iter()
            .map(|file| file.path.as_path())
            .chain(retired.iter().map(PathBuf::as_path))
            .collect();
        for path in found.iter().filter(|path| !known.contains(path.as_path())) {
            // While a command writes, its files are not named yet.
            if !is_writing && !FolderLock::is_held(self.dir()) && self.dir().join(path).exists() {
                let text = "the catalogue does not name this file; it counts for nothing and the next command that writes removes it".to_owned();
                findings.push(Finding { severity: Severity::Warning, path: path.clone(), text });
            }
        }
        Ok(findings)
    }

    /// `DATA/records` against the catalogue.
    fn check_links(
        &self,
        db: &Db,
        is_writing: bool,
        findings: &mut Vec<Finding>,
    ) -> Result<(), StoreError> {
        let current = || {
            db.rows(sql::periods::CURRENT_RECORDS, [], |row| {
                Ok((record_link(load::period(row, 0)?), load::path(row, 2)?))
            })
        };
        let wanted: HashMap<PathBuf, PathBuf> = current()?.into_iter().collect();
        // What a writer does meanwhile, it does to the end.
        let is_settled = || !is_writing && !FolderLock::is_held(self.dir());
        let mut tell = |severity: Severity, path: &Path, what: &str| {
            let text = format!(
                "{what}; whoever reads `records/*.parquet` reads another bill, until the next command that writes puts it right"
            );
            findings.push(Finding { severity, path: path.to_owned(), text });
        };
        for (link, path) in &wanted {
            let file = disk::metadata(&self.dir().join(path));
            let linked = disk::metadata(&self.dir().join(link));
            let (severity, what) = match (&file, &linked) {
                // Told of already.
                (Err(_), _) => continue,
                (Ok(file), Ok(linked)) if is_same(file, linked) => continue,
                (Ok(_), Ok(_)) => (Severity::Error, "not the current records of its period"),
                (Ok(_), Err(_)) => (Severity::Warning, "missing"),
            };
            if is_settled() && current()?.contains(&(link.clone(), path.clone())) {
                tell(severity, link, what);
            }
        }
        let names = disk::read_dir(&self.dir().join(RECORDS)).into_iter().flatten().flatten();
        let mut strays: Vec<PathBuf> =
            names.map(|entry| Path::new(RECORDS).join(entry.file_name())).collect();
        strays.sort_unstable();
        for path in strays.iter().filter(|path| !wanted.contains_key(*path)) {
            if self.dir().join(path).is_file() && is_settled() {
                tell(Severity::Warning, path, "not the current records of any period");
            }
        }
        Ok(())
    }

    fn check_file(
        &self,
        named: &NamedFile,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Option<String>, StoreError> {
        let path = self.dir().join(&named.path);
        let mut file = match disk::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Ok(Some(format!(
                    "missing; expected {} bytes with sha-256 {}: restore it from a backup",
                    named.bytes, named.sha256
                )));
            }
            Err(e) => return Err(StoreError::io("read", &path, e)),
        };
        match Found::of(&mut file, progress) {
            Ok(found) => match found.differs(named.bytes, &named.sha256) {
                Some(what) => Ok(Some(format!("{what}: restore it from a backup"))),
                None => Ok(self.check_blocks(&path, &found).err().map(|what| what.to_string())),
            },
            // A bad block of the disk: tell of this file and go on with the rest.
            Err(e) => Ok(Some(format!("cannot be read ({e}): restore it from a backup"))),
        }
    }
}

impl Store {
    /// Compares the checksums that are kept of the blocks of a file that is what was written.
    fn check_blocks(&self, path: &Path, found: &Found) -> Result<(), StoreError> {
        if *self.checksums_of(path)? == *found.blocks {
            return Ok(());
        }
        let what = "the checksums of its blocks are not those of the file".to_owned();
        Err(StoreError::DamagedFile { path: path.to_owned(), what })
    }
}

/// SQLite's own checks, then what must agree between columns.
fn check_catalogue(db: &Db, findings: &mut Vec<Finding>) -> Result<(), StoreError> {
    let database = Path::new(DATABASE);
    let mut wrong = |what: String| {
        let text = format!("{what}: restore the whole data folder from a backup");
        findings.push(Finding::error(database, text));
    };
    for text in db.rows(sql::connection::INTEGRITY, [], |row| row.get::<_, String>(0))? {
        if text != "ok" {
            wrong(text);
        }
    }
    for table in db.rows(sql::connection::FOREIGN_KEYS, [], |row| row.get::<_, String>(0))? {
        wrong(format!("a row of `{table}` refers to nothing"));
    }
    for what in verify_rows::check(db) {
        wrong(what);
    }
    Ok(())
}
