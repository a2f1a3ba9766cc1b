//! A connection to `cloudtally.db`, with our errors and our transactions.
//!
//! WAL mode lets readers go on while a transaction is written; `synchronous =
//! FULL` makes a committed transaction survive a power cut. Writers are told
//! apart by the folder's lock, so a busy database is rare; we wait for it anyway.

use std::{
    io,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

use rusqlite::{
    Connection, ErrorCode, OpenFlags, Params, Row,
    backup::{Backup, StepResult},
};

use super::{
    checksums,
    sql::{self, MIGRATIONS},
};
use crate::{
    StoreError, crash,
    disk::{self, Existing},
};

/// The database's name inside the folder.
pub(crate) const DATABASE: &str = "cloudtally.db";

const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
const APPLICATION_ID: i64 = 0x436c_7479;
/// Room for every prepared statement we have.
const STATEMENTS_MAX: usize = 128;

/// The rights of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Everything.
    Write,
    /// Read, beside others who write.
    Read,
    /// Read a database that nobody writes to.
    Still,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Db {
    connection: Connection,
    path: PathBuf,
}

impl Db {
    /// Connects to the database of `dir`, which must exist.
    pub(crate) fn connect(dir: &Path, mode: Mode) -> Result<Self, StoreError> {
        let path = dir.join(DATABASE);
        let (name, flags) = match mode {
            Mode::Write => (path.clone(), OpenFlags::SQLITE_OPEN_READ_WRITE),
            Mode::Read => (path.clone(), OpenFlags::SQLITE_OPEN_READ_ONLY),
            Mode::Still => (
                PathBuf::from(format!("file:{}?immutable=1", quoted(&path))),
                OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI,
            ),
        };
        let connection =
            Connection::open_with_flags(&name, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
                .map_err(|e| StoreError::database(&path, "open", e))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        let db = Self { connection, path };
        checksums::register(&db.connection)
            .map_err(|e| StoreError::database(&db.path, "checksum_of", e))?;
        db.connection
            .busy_timeout(BUSY_TIMEOUT)
            .map_err(|e| StoreError::database(&db.path, "busy_timeout", e))?;
        db.batch(sql::connection::CONFIGURE)?;
        Ok(db)
    }

    /// Connects without the right to write, as to a backup on a disk that is read-only.
    pub(crate) fn connect_read_only(dir: &Path) -> Result<(Self, Mode), StoreError> {
        let connect = |mode| {
            let db = Self::connect(dir, mode)?;
            let found = db.schema_version()?;
            match known_version() {
                known if known == found => Ok((db, mode)),
                known => Err(StoreError::OlderDatabase { path: db.path, found, known }),
            }
        };
        match connect(Mode::Read) {
            // Without a file of shared memory, which cannot be made, only a database at
            // which nobody is writing can be read: one whose changes are all in it.
            Err(StoreError::Permission { .. }) if is_settled(dir) => connect(Mode::Still),
            result => result,
        }
    }

    /// Makes the file, empty, readable only by its owner: it will hold secret keys.
    pub(crate) fn create_file(dir: &Path) -> Result<(), StoreError> {
        let path = dir.join(DATABASE);
        disk::create(&path, Existing::Keep)
            .map(drop)
            .map_err(|e| StoreError::io("create", &path, e))
    }

    /// The schema's version; 0 for an empty file.
    ///
    /// # Errors
    /// `ForeignDatabase` if it is some other program's, `NewerDatabase`.
    pub(crate) fn schema_version(&self) -> Result<u32, StoreError> {
        let number =
            |sql| self.row(sql, [], |row| row.get::<_, i64>(0)).map(Option::unwrap_or_default);
        let version = number(sql::connection::SCHEMA_VERSION)?;
        let application = number(sql::connection::APPLICATION_ID)?;
        let is_empty = version == 0 && number(sql::connection::TABLE_COUNT)? == 0;
        let found = u32::try_from(version).unwrap_or(u32::MAX);
        if !is_empty && application != APPLICATION_ID {
            return Err(StoreError::ForeignDatabase { path: self.path.clone() });
        }
        if found > known_version() {
            let known = known_version();
            return Err(StoreError::NewerDatabase { path: self.path.clone(), found, known });
        }
        Ok(found)
    }

    /// Notes the schema's version.
    pub(crate) fn set_schema_version(&self, version: u32) -> Result<(), StoreError> {
        self.connection
            .pragma_update(None, "user_version", version)
            .map_err(|e| StoreError::database(&self.path, "user_version", e))
    }

    /// Lists what is not as the migrations leave it; tables of others do not count.
    pub(crate) fn strange_schema(&self) -> Result<Vec<String>, StoreError> {
        let found = self.schema()?;
        let is_strange = |of: &&(String, String)| !found.contains(of);
        let expected = self.expected_schema()?.iter();
        Ok(expected.filter(is_strange).map(|(name, _)| name.clone()).collect())
    }

    /// The schema that the migrations make, which is the same as long as the program runs.
    fn expected_schema(&self) -> Result<&'static [(String, String)], StoreError> {
        static EXPECTED: OnceLock<Vec<(String, String)>> = OnceLock::new();
        if let Some(known) = EXPECTED.get() {
            return Ok(known);
        }
        let error = |e| StoreError::database(&self.path, "schema", e);
        let connection = Connection::open_in_memory().map_err(error)?;
        checksums::register(&connection).map_err(error)?;
        let expected = Self { connection, path: self.path.clone() };
        MIGRATIONS.iter().try_for_each(|migration| expected.batch(migration))?;
        let schema = expected.schema()?;
        Ok(EXPECTED.get_or_init(|| schema))
    }

    /// Names and texts of everything that the schema has.
    fn schema(&self) -> Result<Vec<(String, String)>, StoreError> {
        let text = |row: &Row<'_>, column| -> rusqlite::Result<String> {
            let bytes = row.get_ref(column)?.as_bytes()?;
            let text = String::from_utf8_lossy(bytes);
            // SQLite adds columns behind the last line.
            let words: Vec<&str> = text.split_whitespace().collect();
            Ok(words.join(" ").replace(" ,", ",").replace(" )", ")"))
        };
        self.rows(sql::connection::SCHEMA, [], |row| Ok((text(row, 0)?, text(row, 1)?)))
    }

    /// Copies the database as it is at this moment, beside whoever writes, into an empty
    /// file.
    pub(crate) fn copy_to(&self, target: &Path) -> Result<(), StoreError> {
        const TRIES: u32 = 100;
        let error = |e| StoreError::database(target, "backup", e);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut copy = Connection::open_with_flags(target, flags).map_err(error)?;
        let backup = Backup::new(&self.connection, &mut copy).map_err(error)?;
        // All pages in one step are of one moment. Some pages a step would begin anew with
        // every change, which need never end.
        for _ in 0..TRIES {
            match backup.step(-1).map_err(error)? {
                StepResult::Done => return Ok(()),
                _ => std::thread::sleep(Duration::from_millis(50)),
            }
        }
        let path = self.path.clone();
        Err(StoreError::DatabaseBusy { path, cause: rusqlite::Error::InvalidQuery })
    }

    /// Passes a crash point around a transaction.
    pub(crate) fn point(&self, name: &'static str) -> Result<(), StoreError> {
        crash::point(name).map_err(|e| StoreError::io("write", &self.path, e))
    }

    /// The database's path, for errors.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns true if no transaction is open.
    pub(crate) fn is_idle(&self) -> bool {
        self.connection.is_autocommit()
    }

    /// An error that says the catalogue does not make sense.
    pub(crate) fn damaged(&self, what: impl Into<String>) -> StoreError {
        StoreError::DatabaseDamaged { path: self.path.clone(), what: what.into() }
    }

    /// All rows of a query.
    pub(crate) fn rows<T>(
        &self,
        sql: &'static str,
        params: impl Params,
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map(params, map)?;
            rows.collect::<rusqlite::Result<Vec<T>>>()
        };
        rows().map_err(|e| StoreError::database(&self.path, sql, e))
    }

    /// The first row of a query, if there is one.
    pub(crate) fn row<T>(
        &self,
        sql: &'static str,
        params: impl Params,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        let row = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query(params)?;
            rows.next()?.map(map).transpose()
        };
        row().map_err(|e| StoreError::database(&self.path, sql, e))
    }

    /// Calls `each` with the rows of a query, one at a time.
    pub(crate) fn for_each(
        &self,
        sql: &'static str,
        params: impl Params,
        mut each: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let error = |e| StoreError::database(&self.path, sql, e);
        let mut statement = self.connection.prepare_cached(sql).map_err(error)?;
        let mut rows = statement.query(params).map_err(error)?;
        while let Some(row) = rows.next().map_err(error)? {
            each(row)?;
        }
        Ok(())
    }

    /// All rows of a table, whose name ends the query.
    #[cfg(debug_assertions)]
    pub(crate) fn rows_of<T>(
        &self,
        sql: &'static str,
        table: &str,
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = || {
            let mut statement = self.connection.prepare(&format!("{sql}{table}"))?;
            let rows = statement.query_map([], map)?;
            rows.collect::<rusqlite::Result<Vec<T>>>()
        };
        rows().map_err(|e| StoreError::database(&self.path, sql, e))
    }

    /// The one number a query always answers.
    pub(crate) fn number(&self, sql: &'static str, params: impl Params) -> Result<u64, StoreError> {
        self.row(sql, params, |row| row.get::<_, i64>(0))?
            .map(i64::cast_unsigned)
            .ok_or_else(|| self.damaged(format!("no answer to `{sql}`")))
    }

    /// Runs a statement; returns the number of rows it changed.
    pub(crate) fn execute(
        &self,
        sql: &'static str,
        params: impl Params,
    ) -> Result<usize, StoreError> {
        let run = || self.connection.prepare_cached(sql)?.execute(params);
        run().map_err(|e| StoreError::database(&self.path, sql, e))
    }

    /// Runs statements that answer nothing.
    pub(crate) fn batch(&self, sql: &'static str) -> Result<(), StoreError> {
        self.connection.execute_batch(sql).map_err(|e| StoreError::database(&self.path, sql, e))
    }

    /// One consistent view for all queries of `work`.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.transaction(sql::connection::BEGIN_READ, work)
    }

    /// All changes of `work` or none.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.transaction(sql::connection::BEGIN_WRITE, work)
    }

    /// All changes of `work`, or none where it gives nothing.
    pub(crate) fn write_if<T>(
        &self,
        work: impl FnOnce(&Self) -> Result<Option<T>, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        self.begin(sql::connection::BEGIN_WRITE)?;
        let result = work(self).and_then(|value| {
            if value.is_some() {
                self.commit()?;
            }
            Ok(value)
        });
        self.undo();
        result
    }

    /// Ends a transaction that is open yet, without its changes.
    fn undo(&self) {
        if !self.is_idle() {
            // The first error is the one to tell; an undone rollback ends with the connection.
            let _ = self.batch(sql::connection::ROLLBACK);
        }
    }

    /// Commits. Where the disk fails meanwhile, the transaction may be found in the
    /// database when it is opened the next time, or not.
    fn commit(&self) -> Result<(), StoreError> {
        let sql = sql::connection::COMMIT;
        let unknown = |cause: Box<dyn std::error::Error + Send + Sync>| StoreError::UnknownFate {
            path: self.path.clone(),
            cause,
        };
        let way = disk::before_commit(&self.path).map_err(|cause| match cause.kind() {
            io::ErrorKind::StorageFull => StoreError::io("write", &self.path, cause),
            _ => unknown(cause.into()),
        })?;
        self.connection.execute_batch(sql).map_err(|cause| match cause.sqlite_error_code() {
            Some(ErrorCode::SystemIoFailure) => unknown(cause.into()),
            _ => StoreError::database(&self.path, sql, cause),
        })?;
        disk::after_commit(&self.path, way).map_err(|cause| unknown(cause.into()))
    }

    /// Begins a transaction.
    fn begin(&self, sql: &'static str) -> Result<(), StoreError> {
        if sql == sql::connection::BEGIN_WRITE {
            disk::begin(&self.path).map_err(|e| StoreError::io("write", &self.path, e))?;
        }
        self.batch(sql)
    }

    fn transaction<T>(
        &self,
        begin: &'static str,
        work: impl FnOnce(&Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.begin(begin)?;
        let result = work(self).and_then(|value| {
            if begin == sql::connection::BEGIN_READ {
                self.batch(sql::connection::COMMIT)?;
            } else {
                self.commit()?;
            }
            Ok(value)
        });
        if result.is_err() {
            self.undo();
        }
        result
    }
}

/// Returns true if no change waits outside the database.
fn is_settled(dir: &Path) -> bool {
    let waiting = disk::metadata(&dir.join(format!("{DATABASE}-wal")));
    waiting.map_or(true, |file| file.len() == 0)
}

/// A path as part of a URI.
fn quoted(path: &Path) -> String {
    let mut text = String::new();
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                text.push(char::from(byte));
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// The schema this program writes.
pub(super) fn known_version() -> u32 {
    u32::try_from(MIGRATIONS.len()).expect("a few migrations")
}
