//! Opening a folder of state, and the connections of an open one.

use std::{
    fmt, io,
    ops::Deref,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    Accounts, Store, StoreError,
    cache::Cache,
    catalogue::{
        db::{DATABASE, Db, Mode},
        migrate::migrate,
    },
    disk, format,
    group_access::GroupReads,
    lake::{self, key_index::KeyIndex, read::Footers},
    modes::{self, Readers},
};

/// Footers of record files kept in memory: some 40 MiB for 100 million records.
const FOOTER_BYTES_MAX: usize = 64 << 20;
/// Heads of key indexes kept in memory: at most some 8 kB a file, however large.
const KEY_INDEX_BYTES_MAX: usize = 16 << 20;
/// Checksums of blocks kept in memory: a two-thousandth of the files' size.
const BLOCKS_BYTES_MAX: usize = 8 << 20;
/// Connections kept for the next who needs one.
const IDLE_CONNECTIONS_MAX: usize = 8;

/// State shared by all clones of a [`Store`].
pub(crate) struct Inner {
    dir: PathBuf,
    mode: Mode,
    idle: Mutex<Vec<Db>>,
    /// The connection of the last lease: reading the schema costs more than taking a lease.
    pub(crate) of_lease: Mutex<Option<Db>>,
    pub(crate) footers: Footers,
    pub(crate) group_reads: GroupReads,
    /// Checksums of the blocks of files that are read.
    pub(crate) blocks: Cache<Arc<[u8]>>,
    pub(crate) key_indexes: Cache<Arc<KeyIndex>>,
    /// With the value of the counter `accounts` that they were read at.
    pub(crate) accounts: Mutex<Option<(u64, Arc<Accounts>)>>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the folder, creating it and its database if they are not there.
    ///
    /// # Errors
    /// `NotAFolder`, `Permission`, `ForeignDatabase`, `NewerDatabase`, `EarlierFormat`,
    /// `LaterFormat`;
    /// `LakeWithoutCatalogue` if the database is gone but files of the lake are
    /// not: a new, empty catalogue would make orphans of them all.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        make_dir(dir).map_err(|e| {
            let is_file = |path: &&Path| path.is_file();
            match dir.ancestors().find(is_file) {
                Some(file) => StoreError::NotAFolder { path: file.to_owned() },
                None => StoreError::io("make the folder", dir, e),
            }
        })?;
        let database = dir.join(DATABASE);
        if database.is_dir() {
            return Err(StoreError::ForeignDatabase { path: database });
        }
        if !database.exists() {
            refuse_files_without_names(dir)?;
            Db::create_file(dir)?;
            lake::file::sync_folder(dir)?;
        }
        Self::connect(dir)
    }

    /// Opens an existing folder; the error says how to make one.
    pub fn open_existing(dir: &Path) -> Result<Self, StoreError> {
        Self::expect_catalogue(dir)?;
        Self::connect(dir)
    }

    /// Refuses what is no folder of state.
    pub(crate) fn expect_catalogue(dir: &Path) -> Result<(), StoreError> {
        let metadata = disk::metadata(dir).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => StoreError::NoFolder { dir: dir.to_owned() },
            _ => StoreError::io("read", dir, e),
        })?;
        if !metadata.is_dir() {
            return Err(StoreError::NotAFolder { path: dir.to_owned() });
        }
        match disk::metadata(&dir.join(DATABASE)) {
            Ok(file) if file.is_file() => Ok(()),
            Ok(_) => Err(StoreError::ForeignDatabase { path: dir.join(DATABASE) }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                refuse_files_without_names(dir)?;
                Err(StoreError::NoCatalogue { dir: dir.to_owned() })
            }
            Err(e) => Err(StoreError::io("read", &dir.join(DATABASE), e)),
        }
    }

    fn connect(dir: &Path) -> Result<Self, StoreError> {
        let db = Db::connect(dir, Mode::Write)?;
        if db.schema_version()? == 0 {
            refuse_files_without_names(dir)?;
        }
        // Before the schema changes: the earlier program may go on with an earlier folder.
        format::refuse_other(&db, dir)?;
        migrate(&db)?;
        Ok(Self::of(dir, db, Mode::Write))
    }

    /// Opens an existing folder that cannot or shall not be written to, such as a backup.
    ///
    /// # Errors
    /// As of [`Self::open_existing`]; `OlderDatabase`, `EarlierFormat`.
    pub fn open_read_only(dir: &Path) -> Result<Self, StoreError> {
        let (db, mode) = Db::connect_read_only(dir)?;
        format::refuse_other(&db, dir)?;
        Ok(Self::of(dir, db, mode))
    }

    pub(crate) fn of(dir: &Path, db: Db, mode: Mode) -> Self {
        let inner = Inner {
            dir: dir.to_owned(),
            mode,
            idle: Mutex::new(vec![db]),
            of_lease: Mutex::default(),
            footers: Cache::new(FOOTER_BYTES_MAX),
            group_reads: GroupReads::default(),
            blocks: Cache::new(BLOCKS_BYTES_MAX),
            key_indexes: Cache::new(KEY_INDEX_BYTES_MAX),
            accounts: Mutex::new(None),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }

    /// Keeps whoever would write out of a folder that is open for reading alone.
    pub(crate) fn refuse_if_read_only(&self) -> Result<(), StoreError> {
        if self.inner.mode == Mode::Write {
            return Ok(());
        }
        let cause = io::Error::from(io::ErrorKind::ReadOnlyFilesystem);
        Err(StoreError::io("write", self.dir(), cause))
    }

    /// A connection for the time of one operation.
    pub(crate) fn db(&self) -> Result<Connected<'_>, StoreError> {
        let idle = self.inner.idle().pop();
        let db = match idle {
            Some(db) => db,
            None => Db::connect(&self.inner.dir, self.inner.mode)?,
        };
        Ok(Connected { db: Some(db), inner: &self.inner })
    }
}

impl Inner {
    fn idle(&self) -> MutexGuard<'_, Vec<Db>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that goes back to the others when dropped.
#[derive(Debug)]
pub(crate) struct Connected<'a> {
    db: Option<Db>,
    inner: &'a Inner,
}

impl Deref for Connected<'_> {
    type Target = Db;
    fn deref(&self) -> &Db {
        self.db.as_ref().expect("it is there until dropped")
    }
}

impl Drop for Connected<'_> {
    fn drop(&mut self) {
        let mut idle = self.inner.idle();
        // One that a panic left inside a transaction is closed, which undoes it.
        if let Some(db) = self.db.take().filter(Db::is_idle)
            && idle.len() < IDLE_CONNECTIONS_MAX
        {
            idle.push(db);
        }
    }
}

/// Makes the folder, for its owner alone, and the folders above it.
fn make_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let above = lake::file::above(dir);
    disk::create_dir_all(above)?;
    match modes::create_folder(dir, Readers::Owner) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => {}
        result => result?,
    }
    // Before anything in it is called kept.
    disk::sync_folder(above)
}

fn refuse_files_without_names(dir: &Path) -> Result<(), StoreError> {
    let Some(file) = lake::file::list(dir)?.into_iter().next() else { return Ok(()) };
    let top = file.iter().next().map_or_else(|| dir.to_owned(), |top| dir.join(top));
    Err(StoreError::LakeWithoutCatalogue { database: dir.join(DATABASE), lake: top })
}
