//! The cloud as a whole: who may look at it when, and how changes are kept.
//!
//! Looks take the read lock. Changes are gathered: whoever gets hold of the writer
//! runs what waits, in order of arrival, keeps it in one commit, and only then
//! are any of them answered. Nobody sees what is not kept: the write lock is held
//! until the commit is done, and what cannot be kept is undone. Where nobody knows
//! whether it was kept, nothing is answered any more.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard},
};

use cloudtally_model::{
    ApiError, Instant,
    port::{ChangeSet, Journal, JournalError, Kept, UnknownFate},
};

use super::{
    decode::Args,
    ids::ResourceId,
    jobs::{self, Request},
    node::Answer,
    resource::Resource,
    restore,
    secret::{self, Entropy},
    tx::{Numbers, Tx},
    world::World,
};
use crate::table::Tables;

/// Requests and due resources handled in one commit.
const BATCH_MAX: usize = 256;
/// The number of times a resource may be due at one moment before it is put off: a mistake in
/// our code must not stop the cloud.
const DUE_ROUNDS_MAX: usize = 100_000;

/// Faults of what is kept that one error tells.
const FAULTS_TOLD: usize = 5;
/// The last words on what is kept and cannot be used.
const REMEDY: &str = "`cloudtally check` tells more; restore the whole data folder from a backup";

const SEED: &str = "seed";
pub(super) const NEXT_ID: &str = "next_id";
pub(super) const NEXT_EVENT: &str = "next_event";
pub use cloudtally_model::port::{CLOCK_MS, IS_SIMULATED};

/// The options of a cloud when it is opened.
#[derive(Clone, Copy, Debug)]
pub struct CloudOptions {
    /// The seed of a new cloud's uuids.
    pub seed: u64,
    /// The contents of a new cloud.
    pub start: Start,
    /// True if it lives by a simulated clock.
    pub is_simulated: bool,
    /// The source of random bytes that nobody must guess.
    pub entropy: Entropy,
}

/// The contents of a new cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// ROOT, its admin and what the tables need.
    Empty,
    /// Also zones, hosts, storage, networks, offerings and templates.
    Ready,
}

/// A cloud that is kept in a journal.
pub struct Cloud {
    world: RwLock<World>,
    writer: Mutex<Writer>,
    waiting: Mutex<Vec<Arc<Ticket>>>,
    entropy: Entropy,
    /// Told when something new may be due.
    changed: (Mutex<u64>, Condvar),
    /// The cause for which nobody knows what is kept; nothing is done any more then.
    lost: OnceLock<String>,
}

struct Writer {
    journal: Box<dyn Journal>,
    numbers: Numbers,
    /// The instant of the last change: time never goes back.
    clock: Instant,
}

type Work = Box<dyn FnOnce(&mut Tx<'_>) -> Result<Answer, ApiError> + Send>;

/// A change that waits to be made.
struct Ticket {
    work: Mutex<Option<Work>>,
    result: Mutex<Option<Result<Answer, ApiError>>>,
}

impl Cloud {
    /// Loads the cloud that a journal has kept, or begins a new one.
    ///
    /// # Errors
    /// Errors of the journal, and rows that no cloud could have kept, by their ids.
    pub fn open(
        tables: &'static Tables,
        mut journal: Box<dyn Journal>,
        options: CloudOptions,
        now: Instant,
    ) -> Result<Self, JournalError> {
        let kept = journal.load()?;
        refuse_faults(tables, &kept)?;
        // What looks at all resources at once may meet damage that nobody has thought of.
        let began = catch_unwind(AssertUnwindSafe(|| begin(tables, kept, options, now)));
        let (world, numbers, clock, changes) = began.map_err(|cause| {
            let why = broke_off(&*cause).text;
            format!("the cloud that is kept cannot be opened: {why}; {REMEDY}")
        })?;
        journal.commit(&changes)?;
        Ok(Self {
            world: RwLock::new(world),
            writer: Mutex::new(Writer { journal, numbers, clock }),
            waiting: Mutex::default(),
            entropy: options.entropy,
            changed: (Mutex::new(0), Condvar::new()),
            lost: OnceLock::new(),
        })
    }

    /// A look at everything; changes wait for its end.
    pub fn world(&self) -> RwLockReadGuard<'_, World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decodes the parameters of a request that the server answers itself.
    ///
    /// # Errors
    /// Those of every other command: a parameter that is missing or cannot be what it should be.
    pub fn decode(&self, request: &Request) -> Result<Args, ApiError> {
        jobs::decode(&self.world(), request)
    }

    /// Answers a command.
    pub fn call(&self, mut request: Request, now: Instant) -> Result<Answer, ApiError> {
        if let Some(why) = self.lost() {
            return Err(refused(why));
        }
        if jobs::is_read(request.command) {
            return jobs::read(&self.world(), &request, now);
        }
        secret::prepare(request.command, &mut request.params, self.entropy)?;
        self.change(now, move |tx| jobs::execute(tx, &request))
    }

    /// Makes a change; it is kept when this returns.
    pub fn change(
        &self,
        now: Instant,
        work: impl FnOnce(&mut Tx<'_>) -> Result<Answer, ApiError> + Send + 'static,
    ) -> Result<Answer, ApiError> {
        let ticket =
            Arc::new(Ticket { work: Mutex::new(Some(Box::new(work))), result: Mutex::default() });
        held(&self.waiting).push(Arc::clone(&ticket));
        let mut writer = held(&self.writer);
        // Whoever held the writer before may have done ours already.
        loop {
            if let Some(result) = held(&ticket.result).take() {
                return result;
            }
            let batch: Vec<Arc<Ticket>> = {
                let mut waiting = held(&self.waiting);
                let most = waiting.len().min(BATCH_MAX);
                waiting.drain(..most).collect()
            };
            self.make(&mut writer, batch, now);
        }
    }

    fn make(&self, writer: &mut Writer, batch: Vec<Arc<Ticket>>, now: Instant) {
        if let Some(why) = self.lost() {
            for ticket in &batch {
                *held(&ticket.result) = Some(Err(refused(why)));
            }
            return;
        }
        let mut world = self.world.write().unwrap_or_else(PoisonError::into_inner);
        let now = now.max(writer.clock);
        let mut tx = Tx::new(&mut world, writer.numbers, self.entropy, now);
        let mut results = Vec::with_capacity(batch.len());
        for ticket in &batch {
            let work = held(&ticket.work).take().expect("each ticket is run once");
            let before = tx.savepoint();
            // A mistake in one command must not take others with it.
            let result = catch_unwind(AssertUnwindSafe(|| work(&mut tx)));
            results.push(result.unwrap_or_else(|cause| {
                tx.roll_back(before);
                Err(broke_off(&*cause))
            }));
        }
        match commit(writer, &mut tx) {
            Ok(()) => drop(tx),
            Err(cause) => {
                tx.abandon();
                self.look_at(&cause);
                let error = ApiError::runtime(match self.lost() {
                    None => format!("the change could not be kept: {cause}"),
                    Some(why) => format!("the change may or may not have been kept: {why}"),
                });
                results = batch.iter().map(|_| Err(error.clone())).collect();
            }
        }
        drop(world);
        for (ticket, result) in batch.iter().zip(results) {
            *held(&ticket.result) = Some(result);
        }
        self.tell();
    }

    /// Does everything that is due by `now`, in order; returns when the next is.
    pub fn run_due(&self, now: Instant) -> Result<Option<Instant>, JournalError> {
        for _ in 0..DUE_ROUNDS_MAX {
            let mut writer = held(&self.writer);
            self.refuse_if_lost()?;
            let mut world = self.world.write().unwrap_or_else(PoisonError::into_inner);
            let Some((due, _)) = world.next_due().filter(|(due, _)| *due <= now) else { break };
            // Time goes by from due to due, so that what follows from one resource
            // happens before what is due later.
            let due = due.max(writer.clock);
            let mut tx = Tx::new(&mut world, writer.numbers, self.entropy, due);
            let mut broken = Vec::new();
            for _ in 0..BATCH_MAX {
                let Some((at, id)) = tx.next_due().filter(|(at, _)| *at <= now) else { break };
                tx.go_to(at);
                let before = tx.savepoint();
                if let Err(cause) = catch_unwind(AssertUnwindSafe(|| jobs::run_due(&mut tx, id))) {
                    tx.roll_back(before);
                    broken.push((id, broke_off(&*cause).text));
                    tx.edit(id, |resource| {
                        resource.set_time(super::col::DUE, None);
                    });
                }
            }
            for (id, text) in broken {
                jobs::break_off(&mut tx, id, &text);
            }
            if let Err(cause) = commit(&mut writer, &mut tx) {
                tx.abandon();
                self.look_at(&cause);
                return Err(cause);
            }
        }
        Ok(self.world().next_due().map(|(due, _)| due))
    }

    /// The instant of the last change, over restarts, from which a simulated clock goes
    /// on from.
    pub fn clock(&self) -> Instant {
        held(&self.writer).clock
    }

    /// Keeps how far a simulated clock has gone while nothing happened.
    pub fn keep_clock(&self, now: Instant) -> Result<(), JournalError> {
        let mut writer = held(&self.writer);
        self.refuse_if_lost()?;
        if now > writer.clock {
            let numbers = numbers_kept(writer.numbers, now);
            let changes = ChangeSet { numbers, ..ChangeSet::default() };
            writer.journal.commit(&changes).inspect_err(|cause| self.look_at(cause))?;
            writer.clock = now;
        }
        Ok(())
    }

    /// The cause for which nobody knows what is kept, once that is so: the journal failed
    /// while it kept a change. What is in memory may be another cloud than the kept one, so that
    /// nothing is answered or done any more; opening the cloud anew finds out.
    pub fn lost(&self) -> Option<&str> {
        self.lost.get().map(String::as_str)
    }

    fn refuse_if_lost(&self) -> Result<(), JournalError> {
        match self.lost() {
            None => Ok(()),
            Some(why) => Err(Box::new(UnknownFate(why.into()))),
        }
    }

    /// Remembers a failure of the journal that leaves open what is kept.
    fn look_at(&self, cause: &JournalError) {
        if cause.is::<UnknownFate>() {
            self.lost.get_or_init(|| cause.to_string());
        }
    }

    fn tell(&self) {
        *held(&self.changed.0) += 1;
        self.changed.1.notify_all();
    }

    /// Wakes whoever waits for a change, as when the server stops.
    pub fn wake(&self) {
        self.tell();
    }

    /// Waits until something changes or the time is up; returns how often
    /// something has changed by then.
    pub fn wait_for_change(&self, seen: u64, most: std::time::Duration) -> u64 {
        let guard = held(&self.changed.0);
        let waited = self.changed.1.wait_timeout_while(guard, most, |count| *count == seen);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// The next instant at which something is due, and the resource that is.
    pub fn next_due(&self) -> Option<(Instant, ResourceId)> {
        self.world().next_due()
    }
}

/// Refuses what no cloud could have kept.
fn refuse_faults(tables: &'static Tables, kept: &Kept) -> Result<(), JournalError> {
    let mut faults = restore::faults(tables, kept);
    let count = faults.len();
    if count == 0 {
        return Ok(());
    }
    faults.truncate(FAULTS_TOLD);
    let more = match count.saturating_sub(FAULTS_TOLD) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Err(format!("{}{more}; {REMEDY}", faults.join(", ")).into())
}

/// The world that was kept or a new one, and what has to be kept of it before it is used.
fn begin(
    tables: &'static Tables,
    kept: Kept,
    options: CloudOptions,
    now: Instant,
) -> (World, Numbers, Instant, ChangeSet) {
    let (mut world, numbers, clock) = restore(tables, kept, options.seed);
    let is_new = world.is_empty();
    let clock = clock.map_or(now, |clock| clock.max(now));
    let mut tx = Tx::new(&mut world, numbers, options.entropy, clock);
    if is_new {
        (tables.hooks().begin)(&mut tx, options.start);
    }
    // A cloud from before there was a ledger: its use is known from now on.
    if tx.ledger().is_empty() {
        tx.settle_all();
    }
    let (mut changes, numbers) = tx.changes();
    changes.numbers = numbers_kept(numbers, clock);
    changes.numbers.push((IS_SIMULATED, options.is_simulated.into()));
    drop(tx);
    (world, numbers, clock, changes)
}

/// The world of rows that were looked at already.
fn restore(tables: &'static Tables, kept: Kept, seed: u64) -> (World, Numbers, Option<Instant>) {
    let number = |name: &str| kept.numbers.iter().find(|(n, _)| n == name).map(|(_, v)| *v);
    let clock = number(CLOCK_MS).map(Instant::from_millis);
    let number = |name: &str| number(name).map(i64::cast_unsigned);
    let mut world = World::new(tables);
    for (name, value) in kept.settings.iter().cloned() {
        world.set_setting(&name, Some(value));
    }
    let numbers = Numbers {
        seed: number(SEED).unwrap_or(seed),
        next_id: number(NEXT_ID).unwrap_or(1),
        next_event: number(NEXT_EVENT).unwrap_or(1),
    };
    for resource in kept.rows.into_iter().filter_map(|row| Resource::from_row(tables, row)) {
        world.put(resource.id, Some(Arc::new(resource)));
    }
    for entry in kept.ledger {
        world.ledger_mut().put(entry.number, Some(entry));
    }
    (world, numbers, clock)
}

fn numbers_kept(numbers: Numbers, clock: Instant) -> Vec<(&'static str, i64)> {
    let Numbers { seed, next_id, next_event } = numbers;
    [(SEED, seed), (NEXT_ID, next_id), (NEXT_EVENT, next_event)]
        .map(|(name, number)| (name, number.cast_signed()))
        .into_iter()
        .chain([(CLOCK_MS, clock.as_millis())])
        .collect()
}

fn commit(writer: &mut Writer, tx: &mut Tx<'_>) -> Result<(), JournalError> {
    let (mut changes, numbers) = tx.changes();
    if changes.is_empty() && numbers == writer.numbers {
        return Ok(());
    }
    let clock = writer.clock.max(tx.now);
    changes.numbers = numbers_kept(numbers, clock);
    writer.journal.commit(&changes)?;
    (writer.numbers, writer.clock) = (numbers, clock);
    Ok(())
}

/// The answer to whoever comes after a change of unknown fate.
fn refused(why: &str) -> ApiError {
    ApiError::runtime(format!(
        "nothing was done: an earlier change may or may not have been kept, and the cloud is served again once the server has been started anew and knows: {why}"
    ))
}

/// Turns a panic into an error text. Safe to show: its message is our own and holds no secrets.
fn broke_off(cause: &(dyn std::any::Any + Send)) -> ApiError {
    let text = cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("unknown cause");
    ApiError::runtime(format!("the command broke off; nothing was changed: {text}"))
}

fn held<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
