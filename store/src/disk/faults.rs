//! Faults of a disk, by a plan, for tests of debug builds.
//!
//! A test puts a folder under [`Faults`] and lets one [`Fault`] strike at the n-th operation that it can strike at.
//! After a crash every operation fails, as nothing runs on a machine without power, until [`Faults::restart`] has made
//! of the folder what such a crash may leave: names that no sync of their folder has put on disk may be lost, contents that
//! were not synced are torn, and of the database only what SQLite has synced is sure.

use std::{
    cell::Cell,
    fmt, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{at_crash::Unsynced, database::AtCrash};

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The power goes before an operation that changes something.
    CrashBefore,
    /// The power goes after it.
    CrashAfter,
    /// Some of a write comes through, then the power goes.
    TornWrite,
    /// The power goes after a name was made or changed, and no name that was not synced is left.
    LostName,
    /// A sync fails, and what it was for is lost at the next crash, however often it is synced again.
    FailedSync,
    /// A read ends early.
    ShortRead,
    /// A read fails.
    FailedRead,
    /// A read brings one changed bit.
    BitFlip,
    /// There is no room.
    DiskFull,
    /// A commit fails, and changes nothing.
    FailedCommit,
    /// A commit fails, and has changed everything.
    UnknownCommit,
    /// The power goes during a commit: the end of the write-ahead log is cut off or changed.
    TornCommit,
    /// The power goes while the write-ahead log is copied into the database.
    TornCheckpoint,
}

impl Fault {
    /// All kinds.
    pub const ALL: [Self; 13] = [
        Self::CrashBefore,
        Self::CrashAfter,
        Self::TornWrite,
        Self::LostName,
        Self::FailedSync,
        Self::ShortRead,
        Self::FailedRead,
        Self::BitFlip,
        Self::DiskFull,
        Self::FailedCommit,
        Self::UnknownCommit,
        Self::TornCommit,
        Self::TornCheckpoint,
    ];

    /// Returns true if the fault can strike at such an operation.
    fn strikes_at(self, op: Op) -> bool {
        let changes = !matches!(op, Op::Open | Op::Read | Op::Look);
        match self {
            Self::CrashBefore => changes,
            // A transaction that has begun has changed nothing yet.
            Self::CrashAfter => changes && op != Op::Begin,
            Self::TornWrite => op == Op::Write,
            Self::LostName => {
                matches!(op, Op::Create | Op::Rename | Op::Link | Op::MakeFolder | Op::Remove)
            }
            Self::FailedSync => matches!(op, Op::Sync | Op::SyncFolder),
            Self::ShortRead | Self::FailedRead | Self::BitFlip => op == Op::Read,
            Self::DiskFull => changes && !matches!(op, Op::Sync | Op::SyncFolder | Op::Remove),
            Self::FailedCommit | Self::UnknownCommit | Self::TornCommit | Self::TornCheckpoint => {
                op == Op::Commit
            }
        }
    }
}

/// An operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Open,
    Create,
    Write,
    Sync,
    Read,
    Rename,
    Link,
    Remove,
    MakeFolder,
    SyncFolder,
    Look,
    Begin,
    Commit,
}

/// The way that an operation goes.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// As ever.
    Through,
    /// A part of a write, in hundredths.
    Part(u8),
    /// A read that ends early.
    Short,
    /// A read with a changed bit, at a place that the number decides.
    Flipped(u64),
    /// A commit that is found to have failed.
    Unknown,
    /// A commit in which the power goes, with the database as it was before.
    Torn(Box<AtCrash>),
}

/// A folder under faults; freed from them when dropped.
#[derive(Debug)]
pub struct Faults(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    database: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    dice: u64,
    plan: Option<(Fault, u64)>,
    /// Operations at which each fault could have struck since the last plan.
    chances: [u64; Fault::ALL.len()],
    struck: Option<Struck>,
    is_down: bool,
    unsynced: Unsynced,
    at_crash: Option<AtCrash>,
    loses_names: bool,
    /// The power goes once the operation on this path has come through.
    last: Option<PathBuf>,
}

/// A fault that has struck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Struck {
    /// Its kind.
    pub fault: Fault,
    /// The file or folder.
    pub path: PathBuf,
    /// The operation.
    op: Op,
}

impl fmt::Display for Struck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {:?} of {}", self.fault, self.op, self.path.display())
    }
}

/// Folders under faults: as long as there are none, an operation costs one look at a number.
static COUNT: AtomicUsize = AtomicUsize::new(0);
static FOLDERS: RwLock<Vec<Arc<Inner>>> = RwLock::new(Vec::new());

thread_local! {
    static CLOCK_STEP_MS: Cell<i64> = const { Cell::new(0) };
}

/// Puts this thread's clock forward or back.
pub fn step_clock(ms: i64) {
    CLOCK_STEP_MS.set(ms);
}

pub(crate) fn clock_step_ms() -> i64 {
    CLOCK_STEP_MS.get()
}

impl Faults {
    /// Puts `root` and all below it under faults; `database` is that of the folder of state in it.
    pub fn over(root: &Path, database: &Path, seed: u64) -> Self {
        let aside = root.with_extension("aside");
        let unsynced = Unsynced::new(aside);
        let state = State { dice: seed, unsynced, ..State::default() };
        let inner = Arc::new(Inner {
            root: root.to_owned(),
            database: database.to_owned(),
            state: Mutex::new(state),
        });
        let mut folders = FOLDERS.write().unwrap_or_else(PoisonError::into_inner);
        folders.push(Arc::clone(&inner));
        COUNT.store(folders.len(), Ordering::SeqCst);
        Self(inner)
    }

    /// Lets `fault` strike at the `at`-th operation from now that it can strike at, from 0.
    pub fn plan(&self, fault: Fault, at: u64) {
        let mut state = self.0.state();
        state.plan = Some((fault, at));
        state.struck = None;
        state.chances = Default::default();
    }

    /// Takes the plan back, and tells what came of it.
    pub fn stop(&self) -> Option<Struck> {
        let mut state = self.0.state();
        state.plan = None;
        state.struck.take()
    }

    /// Returns the number of operations since the last plan at which `fault` could have struck.
    pub fn chances(&self, fault: Fault) -> u64 {
        self.0.state().chances[fault as usize]
    }

    /// Returns true if the power is gone.
    pub fn is_down(&self) -> bool {
        self.0.state().is_down
    }

    /// Lets the power go now.
    pub fn crash(&self) {
        let mut state = self.0.state();
        self.0.go_down(&mut state, None);
    }

    /// Brings the power back: the folder is what a crash may leave of it. Nobody may have
    /// anything of it open.
    pub fn restart(&self) {
        let mut state = self.0.state();
        let State { at_crash, unsynced, dice, loses_names, .. } = &mut *state;
        if let Some(at_crash) = at_crash.take() {
            at_crash.put_back(&self.0.database);
        }
        unsynced.lose(&mut || draw(dice), *loses_names);
        (state.is_down, state.loses_names) = (false, false);
        (state.plan, state.last) = (None, None);
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        let mut folders = FOLDERS.write().unwrap_or_else(PoisonError::into_inner);
        folders.retain(|folder| !Arc::ptr_eq(folder, &self.0));
        COUNT.store(folders.len(), Ordering::SeqCst);
    }
}

/// Draws the next number of a seed (splitmix64).
fn draw(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *seed;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// SQLite syncs its files by itself.
    fn is_database(&self, path: &Path) -> bool {
        path.parent() == self.database.parent()
            && path.to_string_lossy().starts_with(&*self.database.to_string_lossy())
    }

    fn go_down(&self, state: &mut State, database: Option<AtCrash>) {
        if !state.is_down {
            state.at_crash = database.or_else(|| AtCrash::now(&self.database));
            state.is_down = true;
        }
    }

    /// Decides on the way of an operation.
    fn enter(&self, op: Op, path: &Path) -> io::Result<Way> {
        let mut state = self.state();
        if state.is_down {
            return Err(gone(path));
        }
        // The database's own commits are passed by transactions of whatever else is in the root.
        if matches!(op, Op::Begin | Op::Commit) && path != self.database {
            return Ok(Way::Through);
        }
        for fault in Fault::ALL {
            state.chances[fault as usize] += u64::from(fault.strikes_at(op));
        }
        let Some((fault, at)) = state.plan else { return Ok(Way::Through) };
        if !fault.strikes_at(op) || state.chances[fault as usize] != at.saturating_add(1) {
            return Ok(Way::Through);
        }
        state.plan = None;
        state.struck = Some(Struck { fault, path: path.to_owned(), op });
        let number = draw(&mut state.dice);
        let failed =
            |what: &str| io::Error::other(format!("{what}, by a plan, at {}", path.display()));
        match fault {
            Fault::CrashBefore => {
                self.go_down(&mut state, None);
                Err(gone(path))
            }
            Fault::CrashAfter | Fault::LostName => {
                state.loses_names = fault == Fault::LostName;
                state.last = Some(path.to_owned());
                Ok(Way::Through)
            }
            Fault::TornWrite => Ok(Way::Part(u8::try_from(number % 100).unwrap_or(0))),
            Fault::FailedSync => {
                state.unsynced.never_syncs(path);
                Err(failed("the sync fails"))
            }
            Fault::ShortRead => Ok(Way::Short),
            Fault::FailedRead => Err(failed("the read fails")),
            Fault::BitFlip => Ok(Way::Flipped(number)),
            Fault::DiskFull => {
                let text = format!("no room, by a plan, at {}", path.display());
                Err(io::Error::new(io::ErrorKind::StorageFull, text))
            }
            Fault::FailedCommit => Err(failed("the commit fails")),
            Fault::UnknownCommit => Ok(Way::Unknown),
            Fault::TornCommit | Fault::TornCheckpoint => {
                let before = AtCrash::now(&self.database).ok_or_else(|| failed("no database"))?;
                let before = match fault {
                    Fault::TornCommit => before.torn_by(number),
                    _ => before.checkpointed_by(number),
                };
                Ok(Way::Torn(Box::new(before)))
            }
        }
    }

    fn note(&self, note: impl FnOnce(&mut Unsynced)) {
        note(&mut self.state().unsynced);
    }

    /// Ends an operation that came through: the power may go now.
    fn leave(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        if state.last.take_if(|last| last == path).is_none() {
            return Ok(());
        }
        self.go_down(&mut state, None);
        Err(gone(path))
    }
}

fn gone(path: &Path) -> io::Error {
    io::Error::other(format!("the power is gone, by a plan, at {}", path.display()))
}

/// The faults that a path is under.
fn over(path: &Path) -> Option<Arc<Inner>> {
    if COUNT.load(Ordering::Relaxed) == 0 {
        return None;
    }
    let folders = FOLDERS.read().unwrap_or_else(PoisonError::into_inner);
    folders.iter().find(|folder| path.starts_with(&folder.root)).cloned()
}

/// Begins an operation.
pub(crate) fn enter(op: Op, path: &Path) -> io::Result<Way> {
    over(path).map_or(Ok(Way::Through), |faults| faults.enter(op, path))
}

/// Ends an operation.
pub(crate) fn done(op: Op, path: &Path) -> io::Result<()> {
    let Some(faults) = over(path) else { return Ok(()) };
    if !faults.is_database(path) {
        faults.note(|unsynced| match op {
            Op::Write => unsynced.wrote(path),
            Op::Sync => unsynced.synced(path),
            Op::SyncFolder => unsynced.synced_folder(path),
            _ => {}
        });
    }
    faults.leave(path)
}

/// Ends an operation that has made a name.
pub(crate) fn made(op: Op, path: &Path) -> io::Result<()> {
    let Some(faults) = over(path) else { return Ok(()) };
    if !faults.is_database(path) {
        faults.note(|unsynced| {
            unsynced.made(path);
            if op == Op::Create {
                unsynced.began(path);
            }
        });
    }
    faults.leave(path)
}

/// Keeps what a name that is about to be given to something else stands for.
pub(crate) fn replaced(path: &Path) {
    if let Some(faults) = over(path) {
        faults.note(|unsynced| unsynced.keep_replaced(path));
    }
}

/// Ends a change of a name.
pub(crate) fn renamed(from: &Path, to: &Path) -> io::Result<()> {
    let Some(faults) = over(to) else { return Ok(()) };
    faults.note(|unsynced| unsynced.renamed(from, to));
    faults.leave(to)
}

/// Takes a name away; returns false if the caller has to.
pub(crate) fn removed(path: &Path) -> io::Result<bool> {
    let Some(faults) = over(path) else { return Ok(false) };
    if faults.is_database(path) {
        return Ok(false);
    }
    faults.state().unsynced.remove(path).map(|()| true)
}

/// Changes what was read by a fault; returns the number of bytes that the reader gets.
pub(crate) fn been_read(way: Way, bytes: &mut [u8], count: usize) -> io::Result<usize> {
    match way {
        Way::Short => Err(io::ErrorKind::UnexpectedEof.into()),
        Way::Flipped(number) if count > 0 => {
            let bit = number % (count as u64 * 8);
            bytes[usize::try_from(bit / 8).unwrap_or(0)] ^= 1 << (bit % 8);
            Ok(count)
        }
        _ => Ok(count),
    }
}

/// Ends a commit that SQLite has made.
pub(crate) fn committed(path: &Path, way: Way) -> io::Result<()> {
    let Some(faults) = over(path) else { return Ok(()) };
    match way {
        Way::Unknown => Err(io::Error::other(format!(
            "the commit cannot be told from a failed one, by a plan, at {}",
            path.display()
        ))),
        Way::Torn(before) => {
            let now = AtCrash::now(path);
            let mut state = faults.state();
            let left = now.map(|now| before.and_now(now));
            faults.go_down(&mut state, left);
            Err(gone(path))
        }
        _ => faults.leave(path),
    }
}

/// Ends a write that came through in part.
pub(crate) fn cut_off(path: &Path) -> io::Error {
    if let Some(faults) = over(path) {
        let mut state = faults.state();
        state.unsynced.wrote(path);
        faults.go_down(&mut state, None);
    }
    gone(path)
}
