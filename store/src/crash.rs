//! Places where a test may kill the process or fill the disk.
//!
//! Before and after every step that a crash could part from the next, the code
//! passes a named point. In debug builds two variables act on them:
//! `CLOUDTALLY_CRASH_AT=<name>:<n>` aborts at the n-th passing, as a power cut
//! would, and `CLOUDTALLY_FAIL_AT=<name>:<n>` makes that step fail with "disk
//! full". `CLOUDTALLY_STOP_AT=<name>:<n>` suspends the process there, as an operator or a
//! hypervisor would, until it is let go on. Release builds have none of them; the names are
//! listed all the same.

use std::io;

/// The points around writing and naming one set of files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    /// The temporary file is about to be made.
    pub(crate) before_write: &'static str,
    /// Its bytes are written, perhaps only to memory.
    pub(crate) after_write: &'static str,
    /// Its bytes are on disk.
    pub(crate) after_sync: &'static str,
    /// It has its final name.
    pub(crate) after_rename: &'static str,
    /// The name is on disk.
    pub(crate) after_folder_sync: &'static str,
    /// The catalogue transaction is complete but for its commit.
    pub(crate) before_commit: &'static str,
    /// The catalogue names the files.
    pub(crate) after_commit: &'static str,
}

macro_rules! steps {
    ($($constant:ident = $name:literal),* $(,)?) => {
        $(pub(crate) const $constant: Steps = Steps {
            before_write: concat!($name, ".before_write"),
            after_write: concat!($name, ".after_write"),
            after_sync: concat!($name, ".after_sync"),
            after_rename: concat!($name, ".after_rename"),
            after_folder_sync: concat!($name, ".after_folder_sync"),
            before_commit: concat!($name, ".before_commit"),
            after_commit: concat!($name, ".after_commit"),
        };)*
        const POINTS: &[&str] = &[
            $(
                concat!($name, ".before_write"),
                concat!($name, ".after_write"),
                concat!($name, ".after_sync"),
                concat!($name, ".after_rename"),
                concat!($name, ".after_folder_sync"),
                concat!($name, ".before_commit"),
                concat!($name, ".after_commit"),
            )*
            MIGRATION_BEFORE_COMMIT,
            MIGRATION_AFTER_COMMIT,
            ACCOUNTS_BEFORE_COMMIT,
            ACCOUNTS_AFTER_COMMIT,
            ORPHAN_BEFORE_REMOVE,
            ORPHAN_AFTER_REMOVE,
            LINK_BEFORE_MAKE,
            LINK_BEFORE_RENAME,
            LINK_AFTER_RENAME,
            CLOUD_BEFORE_COMMIT,
            CLOUD_AFTER_COMMIT,
        ];
    };
}

steps! {
    EVENTS = "events",
    SAMPLES = "samples",
    PERIODS = "periods",
    COMPACT = "compact",
    UPGRADE = "upgrade",
    BACKUP = "backup",
    RESTORE = "restore",
}
/// The schema is made but not committed.
pub(crate) const MIGRATION_BEFORE_COMMIT: &str = "migration.before_commit";
/// The schema is there.
pub(crate) const MIGRATION_AFTER_COMMIT: &str = "migration.after_commit";
/// Accounts are changed but not committed.
pub(crate) const ACCOUNTS_BEFORE_COMMIT: &str = "accounts.before_commit";
/// Accounts are changed.
pub(crate) const ACCOUNTS_AFTER_COMMIT: &str = "accounts.after_commit";
/// A file that nothing names is about to be removed.
pub(crate) const ORPHAN_BEFORE_REMOVE: &str = "orphan.before_remove";
/// It is removed.
pub(crate) const ORPHAN_AFTER_REMOVE: &str = "orphan.after_remove";

/// The current records of a period are about to get their name in `DATA/records`.
pub(crate) const LINK_BEFORE_MAKE: &str = "link.before_make";
/// They have a temporary one.
pub(crate) const LINK_BEFORE_RENAME: &str = "link.before_rename";
/// They have it.
pub(crate) const LINK_AFTER_RENAME: &str = "link.after_rename";
/// A change of the cloud is written but not committed.
pub(crate) const CLOUD_BEFORE_COMMIT: &str = "cloud.before_commit";
/// A change of the cloud is kept; nobody has been told. What fails here leaves open
/// whether it was kept.
pub(crate) const CLOUD_AFTER_COMMIT: &str = "cloud.after_commit";

/// The names of all crash points, so that a test can walk them.
pub fn crash_points() -> &'static [&'static str] {
    POINTS
}

/// Passes a point: nothing happens unless a test asked for it.
#[cfg(debug_assertions)]
pub(crate) fn point(name: &'static str) -> io::Result<()> {
    debug_assert!(POINTS.contains(&name), "`{name}` is not listed");
    if plan::CRASH.is_now(name) {
        std::process::abort();
    }
    if plan::STOP.is_now(name) {
        plan::stop();
    }
    if plan::FAIL.is_now(name) {
        return Err(io::Error::new(io::ErrorKind::StorageFull, format!("asked for at {name}")));
    }
    Ok(())
}

/// Passes a point: nothing happens in release builds.
#[cfg(not(debug_assertions))]
#[inline]
pub(crate) fn point(_name: &'static str) -> io::Result<()> {
    Ok(())
}

/// Another machine, as a test plays it.
#[derive(Clone, Debug)]
pub(crate) struct OtherMachine {
    /// Its name.
    pub(crate) name: String,
    /// By how much its clock is ahead, in milliseconds.
    pub(crate) ahead_ms: i64,
}

/// The machine that this process plays, of `CLOUDTALLY_OTHER_MACHINE=<name>:<ms ahead>`.
#[cfg(debug_assertions)]
pub(crate) fn other_machine() -> Option<OtherMachine> {
    let text = std::env::var("CLOUDTALLY_OTHER_MACHINE").ok()?;
    let (name, ahead_ms) = text.rsplit_once(':')?;
    Some(OtherMachine { name: name.to_owned(), ahead_ms: ahead_ms.parse().ok()? })
}

/// The machine that this process plays: none in release builds.
#[cfg(not(debug_assertions))]
pub(crate) fn other_machine() -> Option<OtherMachine> {
    None
}

#[cfg(debug_assertions)]
mod plan {
    use std::sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    };

    pub(super) static CRASH: LazyLock<Plan> = LazyLock::new(|| Plan::read("CLOUDTALLY_CRASH_AT"));
    pub(super) static STOP: LazyLock<Plan> = LazyLock::new(|| Plan::read("CLOUDTALLY_STOP_AT"));
    pub(super) static FAIL: LazyLock<Plan> = LazyLock::new(|| Plan::read("CLOUDTALLY_FAIL_AT"));

    /// Suspends the process until somebody lets it go on.
    pub(super) fn stop() {
        let me = std::process::id().to_string();
        let stopped = std::process::Command::new("kill").args(["-STOP", &me]).status();
        assert!(stopped.is_ok_and(|status| status.success()), "this process cannot be stopped");
    }

    /// `name:n`, and how often the point was passed so far.
    pub(super) struct Plan {
        target: Option<(String, u64)>,
        passed: AtomicU64,
    }

    impl Plan {
        fn read(variable: &str) -> Self {
            let target = std::env::var(variable).ok().and_then(|text| {
                let (name, count) = text.rsplit_once(':')?;
                Some((name.to_owned(), count.parse().ok()?))
            });
            Self { target, passed: AtomicU64::new(0) }
        }

        pub(super) fn is_now(&self, name: &str) -> bool {
            match &self.target {
                Some((target, count)) if target == name => {
                    self.passed.fetch_add(1, Ordering::SeqCst) + 1 == *count
                }
                _ => false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct() {
        let mut names = crash_points().to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), crash_points().len());
    }
}
