//! The right to write, between machines.
//!
//! A folder may lie where several machines reach it. Whoever writes holds the lease beside
//! the operating system's lock ([`crate::lock`]), says every [`BEAT`] that it lives, and
//! gives it back at a clean stop. Another machine takes it when it was given back, or when
//! nothing was heard of its holder for [`EXPIRY`].
//!
//! The clocks of machines differ and a process may be suspended at any instruction, so the
//! time decides only *when* somebody else may take over. What keeps the folder whole is the
//! token, which grows with each taking: every transaction of the lake's writer begins by
//! comparing its own with the one that stands, under the database's write lock, and does
//! nothing if another has taken over ([`Fenced`]).
//!
//! On one machine nobody waits. Whoever asks for the lease holds the operating system's lock
//! by then. If the lease names this machine, as it runs since its last start, then its holder
//! would hold that lock too if it lived: it does not, and cannot come back. A process of an
//! earlier start of the same machine is dead as well, but machines that were copied share
//! their names, so that case waits like one of another machine.

use std::{
    fmt,
    ops::Deref,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant as Stopwatch},
};

use cloudtally_model::Instant;
use rusqlite::{Row, params};
use tracing::{error, warn};

use crate::{
    LockWait, Store, StoreError,
    catalogue::{
        db::{Db, Mode},
        sql,
    },
    crash, disk,
    open::Connected,
};

/// Time without a sign of life after which another machine may take over.
const EXPIRY_MS: i64 = 5 * 60_000;
/// Time between two signs of life.
const BEAT: Duration = Duration::from_secs(30);
/// Time between two looks at a lease that somebody else holds.
const POLL: Duration = Duration::from_millis(250);

/// A process on a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Holder {
    /// For people.
    name: String,
    /// The machine as it runs since its last start.
    machine: String,
}

impl Holder {
    /// This process.
    fn this() -> Self {
        let host = disk::told_by_system("/proc/sys/kernel/hostname");
        let host = if host.is_empty() { "an unknown host".to_owned() } else { host };
        let name = format!("process {} on {host}", std::process::id());
        if let Some(other) = crash::other_machine() {
            return Self { name: format!("{name} as {}", other.name), machine: other.name };
        }
        // It is new with each start, and containers of one machine share it, as they do its
        // locks. Where it is not known the host's name has to do.
        let start = disk::told_by_system("/proc/sys/kernel/random/boot_id");
        let machine = if start.is_empty() { host } else { start };
        Self { name, machine }
    }
}

/// The lease as it stands.
struct Standing {
    token: i64,
    holder: Holder,
    taken_ms: i64,
    heartbeat_ms: i64,
    is_released: bool,
}

impl Standing {
    fn of(db: &Db) -> Result<Option<Self>, StoreError> {
        let read = |row: &Row<'_>| {
            Ok(Self {
                token: row.get(0)?,
                holder: Holder { name: row.get(1)?, machine: row.get(2)? },
                taken_ms: row.get(3)?,
                heartbeat_ms: row.get(4)?,
                is_released: row.get(5)?,
            })
        };
        db.row(sql::lease::CURRENT, [], read)
    }

    /// Returns true if `asking`, who holds the operating system's lock, may take it.
    fn is_free_for(&self, asking: &Holder, now_ms: i64) -> bool {
        // A sign of life from the future is one of a clock that was wrong.
        let is_silent = now_ms.abs_diff(self.heartbeat_ms) >= EXPIRY_MS.unsigned_abs();
        self.is_released || self.holder.machine == asking.machine || is_silent
    }

    fn refused(&self) -> StoreError {
        let at = Instant::from_millis;
        StoreError::Leased {
            holder: self.holder.name.clone(),
            since: at(self.taken_ms),
            heard: at(self.heartbeat_ms),
            until: at(self.heartbeat_ms.saturating_add(EXPIRY_MS)),
        }
    }
}

/// The lease, held; given back when dropped.
pub(crate) struct Lease {
    token: i64,
    beating: Arc<Beating>,
    store: Store,
    heart: Option<JoinHandle<()>>,
}

/// State of the thread that gives the signs of life.
struct Beating {
    token: i64,
    /// A connection that does not sync; none once it is given back.
    db: Mutex<Option<Db>>,
    is_over: Mutex<bool>,
    over: Condvar,
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("token", &self.token).finish_non_exhaustive()
    }
}

impl Lease {
    /// Takes the lease of the folder, whose operating system's lock the caller holds; waits
    /// for another machine until `wait.limit` has passed.
    ///
    /// # Errors
    /// `Leased` when another machine still holds it at the end of the wait.
    pub(crate) fn take(store: &Store, wait: LockWait<'_>) -> Result<Self, StoreError> {
        let db = match lock(&store.inner.of_lease).take() {
            Some(db) => db,
            None => {
                let db = Db::connect(store.dir(), Mode::Write)?;
                db.batch(sql::lease::LAX)?;
                db
            }
        };
        let (holder, began) = (Holder::this(), Stopwatch::now());
        let mut told = false;
        let token = loop {
            match take_now(&db, &holder, now_ms())? {
                Ok(token) => break token,
                Err(refused) if began.elapsed() >= wait.limit => return Err(refused),
                Err(_) => {}
            }
            if !told {
                (wait.on_wait)();
                told = true;
            }
            thread::sleep(POLL.min(wait.limit.saturating_sub(began.elapsed())));
        };
        let beating = Beating {
            token,
            db: Mutex::new(Some(db)),
            is_over: Mutex::default(),
            over: Condvar::new(),
        };
        let beating = Arc::new(beating);
        let heart = Arc::clone(&beating);
        let heart = thread::Builder::new().name("lease".to_owned()).spawn(move || heart.beat(BEAT));
        let heart = heart.map_err(|e| StoreError::io("start a thread for", store.dir(), e))?;
        Ok(Self { token, beating, store: store.clone(), heart: Some(heart) })
    }

    /// A connection whose transactions look at the lease first.
    pub(crate) fn fence<'a>(&self, db: Connected<'a>) -> Fenced<'a> {
        Fenced { db, token: self.token }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        *lock(&self.beating.is_over) = true;
        self.beating.over.notify_all();
        if let Some(heart) = self.heart.take() {
            // One that broke off has said so.
            let _ = heart.join();
        }
        let Some(db) = lock(&self.beating.db).take() else { return };
        match db.execute(sql::lease::RELEASE, params![self.token]) {
            Ok(_) => *lock(&self.store.inner.of_lease) = Some(db),
            // This machine takes it at once all the same, another after a while.
            Err(cause) => warn!(%cause, "cannot give the lease of the folder back: {cause}"),
        }
    }
}

impl Beating {
    /// Gives a sign of life every so often, until the writer is done or another has taken
    /// over.
    fn beat(&self, every: Duration) {
        let mut is_over = lock(&self.is_over);
        loop {
            // It may be over before this thread comes to wait at all.
            let waited = self.over.wait_timeout_while(is_over, every, |over| !*over);
            is_over = waited.unwrap_or_else(PoisonError::into_inner).0;
            if *is_over {
                return;
            }
            let db = lock(&self.db);
            let Some(db) = &*db else { return };
            match db.execute(sql::lease::BEAT, params![self.token, now_ms()]) {
                Ok(1) => {}
                Ok(_) => {
                    error!(
                        "another machine has taken over the folder; what is not written yet will be refused"
                    );
                    return;
                }
                // The next one may come through.
                Err(cause) => warn!(%cause, "cannot renew the lease of the folder: {cause}"),
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the lease if it is free; the token, or why not.
fn take_now(db: &Db, holder: &Holder, now_ms: i64) -> Result<Result<i64, StoreError>, StoreError> {
    db.write(|db| {
        if let Some(standing) = Standing::of(db)?
            && !standing.is_free_for(holder, now_ms)
        {
            return Ok(Err(standing.refused()));
        }
        let params = params![holder.name, holder.machine, now_ms];
        let token = db.row(sql::lease::TAKE, params, |row| row.get(0))?;
        token.map(Ok).ok_or_else(|| db.damaged("the lease cannot be taken"))
    })
}

/// The present as a lease goes by it.
fn now_ms() -> i64 {
    let ahead = crash::other_machine().map_or(0, |other| other.ahead_ms);
    crate::writer::now_ms() + ahead
}

/// A connection of a writer: a transaction that changes something begins with a look at the
/// lease, and fails if another has taken over.
#[derive(Debug)]
pub(crate) struct Fenced<'a> {
    db: Connected<'a>,
    token: i64,
}

impl Deref for Fenced<'_> {
    type Target = Db;
    fn deref(&self) -> &Db {
        &self.db
    }
}

impl Fenced<'_> {
    /// All changes of `work` or none.
    ///
    /// # Errors
    /// `LeaseLost` if another machine has taken over; nothing is changed then.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&Db) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.db.write(|db| {
            self.look(db)?;
            work(db)
        })
    }

    /// All changes of `work`, or none where it gives nothing.
    ///
    /// # Errors
    /// As of [`Self::write`].
    pub(crate) fn write_if<T>(
        &self,
        work: impl FnOnce(&Db) -> Result<Option<T>, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        self.db.write_if(|db| {
            self.look(db)?;
            work(db)
        })
    }

    /// Changes one thing by a statement; returns the number of rows it changed.
    ///
    /// # Errors
    /// As of [`Self::write`].
    pub(crate) fn execute(
        &self,
        sql: &'static str,
        params: impl rusqlite::Params,
    ) -> Result<usize, StoreError> {
        self.write(|db| db.execute(sql, params))
    }

    fn look(&self, db: &Db) -> Result<(), StoreError> {
        match Standing::of(db)? {
            Some(standing) if standing.token == self.token => Ok(()),
            Some(Standing { holder, taken_ms, .. }) => {
                let since = Instant::from_millis(taken_ms);
                Err(StoreError::LeaseLost { holder: holder.name, since })
            }
            None => Err(db.damaged("the lease of the folder is gone")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;

    fn of(machine: &str) -> Holder {
        Holder { name: format!("process 1 on {machine}"), machine: machine.to_owned() }
    }

    fn fenced(store: &Store, token: i64) -> Fenced<'_> {
        Fenced { db: store.db().unwrap(), token }
    }

    #[test]
    fn a_lease_that_is_given_back_at_once_does_not_wait_for_its_next_sign_of_life() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        for _ in 0..200 {
            let began = Stopwatch::now();
            let wait = LockWait { limit: Duration::ZERO, on_wait: &mut || {} };
            drop(Lease::take(&store, wait).unwrap());
            assert!(began.elapsed() < BEAT, "it waited");
        }
    }

    #[test]
    fn one_machine_takes_it_at_once_another_after_five_minutes_of_silence() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("data")).unwrap();
        let db = store.db().unwrap();
        let take = |who: &Holder, now_ms| take_now(&db, who, now_ms).unwrap();
        let (a, b) = (of("a"), of("b"));
        assert_eq!(take(&a, 1_000).unwrap(), 1);
        // Killed: the same machine has the operating system's lock, so nobody else lives.
        assert_eq!(take(&a, 1_001).unwrap(), 2);
        let refused = take(&b, 1_001 + EXPIRY_MS - 1).unwrap_err().to_string();
        for part in ["process 1 on a", "1970-01-01T00:00:01", "00:05:01"] {
            assert!(refused.contains(part), "{part} in {refused}");
        }
        // A sign of life counts from then.
        db.execute(sql::lease::BEAT, params![2, 100_000]).unwrap();
        assert!(take(&b, 1_001 + EXPIRY_MS).is_err());
        assert_eq!(take(&b, 100_000 + EXPIRY_MS).unwrap(), 3);
        // Given back: at once.
        db.execute(sql::lease::RELEASE, params![3]).unwrap();
        assert_eq!(take(&a, 100_001 + EXPIRY_MS).unwrap(), 4);
        // A clock that was far ahead and put right keeps nobody out for as long.
        db.execute(sql::lease::BEAT, params![4, i64::MAX / 2]).unwrap();
        assert_eq!(take(&b, 5).unwrap(), 5);
        // A token that is not the latest neither beats nor gives back.
        assert_eq!(db.execute(sql::lease::BEAT, params![4, 9]).unwrap(), 0);
        assert_eq!(db.execute(sql::lease::RELEASE, params![4]).unwrap(), 0);
    }

    #[test]
    fn a_stale_token_changes_nothing_and_says_who_has_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("data")).unwrap();
        let db = store.db().unwrap();
        let mine = take_now(&db, &of("a"), 1_000).unwrap().unwrap();
        let changes = |db: &Db| db.execute(sql::lake::SETTLE, []).map(drop);
        fenced(&store, mine).write(changes).unwrap();
        take_now(&db, &of("b"), 1_000 + EXPIRY_MS).unwrap().unwrap();
        let settled = || db.number(sql::ingest::COUNTER, params!["settled"]).unwrap();
        let stale = fenced(&store, mine);
        for refused in [
            stale.write(changes),
            stale.write_if(|db| changes(db).map(Some)).map(drop),
            stale.execute(sql::lake::SETTLE, []).map(drop),
        ] {
            let text = refused.unwrap_err().to_string();
            assert!(text.contains("process 1 on b") && text.contains("00:05:01"), "{text}");
            assert_eq!(settled(), 1);
        }
    }

    #[test]
    fn a_writer_gives_signs_of_life_until_another_has_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("data")).unwrap();
        let db = store.db().unwrap();
        let token = take_now(&db, &of("a"), 1_000).unwrap().unwrap();
        let own = Mutex::new(Some(Db::connect(store.dir(), Mode::Write).unwrap()));
        let beating =
            Arc::new(Beating { token, db: own, is_over: Mutex::default(), over: Condvar::new() });
        let heart = Arc::clone(&beating);
        let heart = thread::spawn(move || heart.beat(Duration::from_millis(5)));
        let began = Stopwatch::now();
        while Standing::of(&db).unwrap().unwrap().heartbeat_ms == 1_000 {
            assert!(began.elapsed() < Duration::from_secs(30));
            thread::sleep(Duration::from_millis(5));
        }
        assert!(take_now(&db, &of("b"), now_ms()).unwrap().is_err(), "it lives");
        db.execute(sql::lease::RELEASE, params![token]).unwrap();
        take_now(&db, &of("b"), 7).unwrap().unwrap();
        heart.join().unwrap();
        assert_eq!(Standing::of(&db).unwrap().unwrap().heartbeat_ms, 7, "the other's");
    }

    #[test]
    fn a_writer_gives_it_back() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("data")).unwrap();
        let standing = || Standing::of(&store.db().unwrap()).unwrap().unwrap();
        let writer =
            || store.writer(LockWait { limit: Duration::ZERO, on_wait: &mut || {} }).unwrap();
        let held = writer();
        assert_eq!((standing().token, standing().is_released), (1, false));
        assert_eq!(standing().holder, Holder::this());
        drop(held);
        assert_eq!((standing().token, standing().is_released), (1, true));
        drop(writer());
        assert_eq!((standing().token, standing().is_released), (2, true));
    }
}
