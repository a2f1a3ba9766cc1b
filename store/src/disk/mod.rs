//! The operations on files: everything that this crate does to a disk goes through here.
//!
//! In release builds these are the calls of the standard library and nothing else. In debug builds a folder
//! may be put under [`faults`]: then each operation asks first what is to go wrong with it, and names and contents
//! that were not synced are remembered, so that a crash can lose them.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

pub(crate) use std::fs::{Metadata, ReadDir, TryLockError};

#[cfg(debug_assertions)]
mod at_crash; // what a crash leaves of names and contents
#[cfg(debug_assertions)]
mod database; // what a crash leaves of the database
#[cfg(debug_assertions)]
pub(crate) mod faults; // what goes wrong, by a plan
#[cfg(not(debug_assertions))]
#[path = "no_faults.rs"]
mod faults;

use faults::{Op, Way};

/// Rights of a file that the owner alone reads and writes.
#[cfg(unix)]
const OWNER_ONLY: u32 = 0o600;

/// The handling of a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// It is refused.
    Refuse,
    /// It is emptied.
    Empty,
    /// It stays as it is.
    Keep,
}

/// An open file.
#[derive(Debug)]
pub(crate) struct File {
    file: fs::File,
    #[cfg(debug_assertions)]
    path: PathBuf,
}

impl File {
    fn of(file: fs::File, path: &Path) -> Self {
        #[cfg(not(debug_assertions))]
        let _ = path;
        Self {
            file,
            #[cfg(debug_assertions)]
            path: path.to_owned(),
        }
    }

    #[cfg(debug_assertions)]
    fn path(&self) -> &Path {
        &self.path
    }

    #[cfg(not(debug_assertions))]
    #[inline]
    fn path(&self) -> &Path {
        Path::new("")
    }

    /// Puts content and size on disk.
    pub(crate) fn sync_all(&self) -> io::Result<()> {
        faults::enter(Op::Sync, self.path())?;
        self.file.sync_all()?;
        faults::done(Op::Sync, self.path())
    }

    pub(crate) fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    pub(crate) fn set_modified(&self, at: SystemTime) -> io::Result<()> {
        self.file.set_modified(at)
    }

    pub(crate) fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    pub(crate) fn try_lock(&self) -> Result<(), TryLockError> {
        self.file.try_lock()
    }

    pub(crate) fn try_lock_shared(&self) -> Result<(), TryLockError> {
        self.file.try_lock_shared()
    }

    pub(crate) fn lock_shared(&self) -> io::Result<()> {
        self.file.lock_shared()
    }

    /// Reads as many bytes as `bytes` holds, from a place.
    #[cfg(unix)]
    pub(crate) fn read_exact_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        let way = faults::enter(Op::Read, self.path())?;
        std::os::unix::fs::FileExt::read_exact_at(&self.file, bytes, at)?;
        faults::been_read(way, bytes, bytes.len()).map(drop)
    }

    /// Does the same by moving the position; the caller sees to it that nobody else does.
    #[cfg(not(unix))]
    pub(crate) fn read_exact_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(bytes)
    }
}

impl Read for &File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let way = faults::enter(Op::Read, self.path())?;
        let count = (&self.file).read(buffer)?;
        Ok(faults::been_read(way, buffer, count).unwrap_or(0))
    }
}

impl Read for File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match faults::enter(Op::Write, self.path())? {
            // The rest of the page never comes.
            Way::Part(share) => {
                let part = bytes.len() / 100 * usize::from(share);
                self.file.write_all(&bytes[..part])?;
                Err(faults::cut_off(self.path()))
            }
            _ => {
                self.file.write_all(bytes)?;
                faults::done(Op::Write, self.path())?;
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for &File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        (&self.file).seek(to)
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Opens a file to be read.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    faults::enter(Op::Open, path)?;
    fs::File::open(path).map(|file| File::of(file, path))
}

/// Makes a file for the owner alone, to be written.
pub(crate) fn create(path: &Path, existing: Existing) -> io::Result<File> {
    faults::enter(Op::Create, path)?;
    let mut options = OpenOptions::new();
    options.write(true);
    match existing {
        Existing::Refuse => options.create_new(true),
        Existing::Empty => options.create(true).truncate(true),
        Existing::Keep => options.create(true).truncate(false),
    };
    let was_there = cfg!(debug_assertions) && path.exists();
    let file = owner_only(&mut options).open(path)?;
    if !was_there {
        faults::made(Op::Create, path)?;
    }
    Ok(File::of(file, path))
}

/// Reserves for the owner the file that these options create.
fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, OWNER_ONLY);
    options
}

/// Opens the file of a lock, which holds nothing that a crash could lose.
pub(crate) fn open_lock(path: &Path, create: bool) -> io::Result<File> {
    faults::enter(Op::Open, path)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(create).truncate(false);
    owner_only(&mut options).open(path).map(|file| File::of(file, path))
}

/// Opens a file to be written in place.
pub(crate) fn open_to_write(path: &Path) -> io::Result<File> {
    faults::enter(Op::Open, path)?;
    OpenOptions::new().write(true).open(path).map(|file| File::of(file, path))
}

/// Puts the names in a folder on disk.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    // Windows cannot open folders as files and needs no such sync.
    if cfg!(unix) {
        faults::enter(Op::SyncFolder, path)?;
        fs::File::open(path).and_then(|folder| folder.sync_all())?;
        faults::done(Op::SyncFolder, path)?;
    }
    Ok(())
}

pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    faults::enter(Op::Rename, to)?;
    faults::replaced(to);
    fs::rename(from, to)?;
    faults::renamed(from, to)
}

pub(crate) fn hard_link(file: &Path, link: &Path) -> io::Result<()> {
    faults::enter(Op::Link, link)?;
    fs::hard_link(file, link)?;
    faults::made(Op::Link, link)
}

/// Copies a file to one that is not there.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<u64> {
    faults::enter(Op::Create, to)?;
    let bytes = fs::copy(from, to)?;
    faults::made(Op::Create, to)?;
    Ok(bytes)
}

pub(crate) fn remove_file(path: &Path) -> io::Result<()> {
    faults::enter(Op::Remove, path)?;
    if !faults::removed(path)? {
        fs::remove_file(path)?;
    }
    faults::done(Op::Remove, path)
}

/// Removes an empty folder.
pub(crate) fn remove_dir(path: &Path) -> io::Result<()> {
    faults::enter(Op::Remove, path)?;
    fs::remove_dir(path)?;
    faults::done(Op::Remove, path)
}

pub(crate) fn remove_dir_all(path: &Path) -> io::Result<()> {
    faults::enter(Op::Remove, path)?;
    if !faults::removed(path)? {
        fs::remove_dir_all(path)?;
    }
    faults::done(Op::Remove, path)
}

/// Makes one folder by a builder that knows its rights.
pub(crate) fn create_dir(builder: &fs::DirBuilder, path: &Path) -> io::Result<()> {
    faults::enter(Op::MakeFolder, path)?;
    builder.create(path)?;
    faults::made(Op::MakeFolder, path)
}

/// Makes a folder and those above it that are not there, with their names on disk.
pub(crate) fn create_dir_all(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let above = path.parent().unwrap_or(Path::new(""));
    create_dir_all(above)?;
    match create_dir(&fs::DirBuilder::new(), path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        result => result?,
    }
    sync_folder(if above.as_os_str().is_empty() { Path::new(".") } else { above })
}

pub(crate) fn metadata(path: &Path) -> io::Result<Metadata> {
    faults::enter(Op::Look, path)?;
    fs::metadata(path)
}

pub(crate) fn read_dir(path: &Path) -> io::Result<ReadDir> {
    faults::enter(Op::Look, path)?;
    fs::read_dir(path)
}

/// Reads all of a file.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(crate) fn canonicalize(path: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(path)
}

#[cfg(unix)]
pub(crate) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    faults::enter(Op::Look, path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// Reads what the system tells of itself; none where it does not.
pub(crate) fn told_by_system(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

/// Passes the beginning of a transaction that changes the database at `path`.
pub(crate) fn begin(path: &Path) -> io::Result<()> {
    faults::enter(Op::Begin, path).map(drop)
}

/// Passes the moment before a commit.
pub(crate) fn before_commit(path: &Path) -> io::Result<Way> {
    faults::enter(Op::Commit, path)
}

/// Passes the moment after a commit.
pub(crate) fn after_commit(path: &Path, way: Way) -> io::Result<()> {
    faults::committed(path, way)
}

/// The wall clock, milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX).saturating_add(faults::clock_step_ms())
}
