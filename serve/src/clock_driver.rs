//! Advances the cloud's clock: events that are due in the cloud and the usage job
//! happen in the order of their times.
//!
//! On the real clock the usage job has a schedule and a thread of its own
//! ([`crate::job`]), and only the cloud is driven from here. On a simulated one both
//! are, one thing after the other, so that a month is the same however fast it
//! passes: events that are due in the cloud at a moment come before the usage job of
//! that moment.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use cloudtally_model::{Instant, Millis, port::JournalError};
use cloudtally_platform::{
    engine::{Clock, Cloud},
    tenants::Tenants,
};
use cloudtally_store::Store;
use thiserror::Error;
use tokio::time::sleep;
use tracing::{error, info};

use crate::{
    clock::{self, Look, SteadyClock},
    job::UsageJobTimer,
    open::OpenedCloud,
    schedule::ScheduleError,
};

/// The longest that the driver sleeps: the machine's clock may be put forward meanwhile.
const SLEEP_MAX: Duration = Duration::from_secs(1);
/// Wait after a change that could not be kept.
const RETRY: Duration = Duration::from_secs(1);

/// Interval between two checks that the cloud is not lost.
const LOSS_LOOK: Duration = Duration::from_millis(200);

/// A driver of the cloud's clock: runs all that is due in the cloud, in the order of time.
pub(crate) struct ClockDriver {
    cloud: Arc<Cloud>,
    clock: Arc<Clock>,
    /// The machine's clock, as far as it is believed.
    machine: SteadyClock,
    timer: Arc<UsageJobTimer>,
    /// The simulated customers, who use the cloud besides its callers.
    tenants: Option<Mutex<Tenants>>,
    /// Held by the thread that advances the clock.
    stepping: Mutex<()>,
    stopping: AtomicBool,
}

impl ClockDriver {
    pub(crate) fn new(
        cloud: Arc<Cloud>,
        clock: Arc<Clock>,
        timer: Arc<UsageJobTimer>,
        tenants: Option<Tenants>,
    ) -> Self {
        let (stepping, stopping) = (Mutex::default(), AtomicBool::new(false));
        let (machine, tenants) = (SteadyClock::new(), tenants.map(Mutex::new));
        Self { cloud, clock, machine, timer, tenants, stepping, stopping }
    }

    /// The present of the cloud.
    pub(crate) fn now(&self) -> Instant {
        self.clock.now(self.machine.now())
    }

    /// The machine's clock, as far as it is believed.
    pub(crate) fn machine(&self) -> &SteadyClock {
        &self.machine
    }

    /// Waits until nobody knows any more what of the cloud is kept, which may be never.
    pub(crate) async fn lost(&self) {
        while self.cloud.lost().is_none() {
            sleep(LOSS_LOOK).await;
        }
    }

    pub(crate) fn cloud(&self) -> &Arc<Cloud> {
        &self.cloud
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn usage_job(&self) -> &UsageJobTimer {
        &self.timer
    }

    /// Returns true once the server is told to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Returns true if the usage job runs here and not on its own schedule.
    pub(crate) fn has_usage_job(&self) -> bool {
        matches!(*self.clock, Clock::Simulated(_))
    }

    /// Runs everything that is due by `to`; returns the moment the next event is due.
    ///
    /// If the server stops on the way, the clock stays at the last event that has happened:
    /// put on to `to` it would leave the tenants and jobs between out for ever.
    pub(crate) fn run_until(&self, to: Instant) -> Result<Advanced, JournalError> {
        let _alone = self.stepping.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if self.stopping.load(Ordering::SeqCst) {
                return Ok(Advanced::Stopped);
            }
            let job = if self.has_usage_job() { Some(self.timer.next()?) } else { None };
            let wakes = self.tenants().map(|tenants| tenants.next_due());
            let until = job.into_iter().chain(wakes).fold(to, Instant::min);
            let due = self.cloud.run_due(until)?;
            let is_due = |at: &Instant| *at <= to;
            // Who wakes at a moment acts before the usage job of that moment.
            match (wakes.filter(is_due), job.filter(is_due)) {
                (Some(at), job) if job.is_none_or(|job| at <= job) => {
                    self.show(at);
                    if let Some(mut tenants) = self.tenants() {
                        tenants.act(&self.cloud, at);
                    }
                }
                (_, Some(at)) => {
                    self.show(at);
                    // What is billed has passed, whoever looks at the folder.
                    self.cloud.keep_clock(at)?;
                    self.timer.run_now(at);
                }
                _ => {
                    self.show(to);
                    if self.has_usage_job() {
                        self.cloud.keep_clock(to)?;
                    }
                    let next = due.into_iter().chain(job).chain(wakes).min();
                    self.clock.go_until(next, self.machine.now());
                    return Ok(Advanced::All { next });
                }
            }
        }
    }

    fn tenants(&self) -> Option<MutexGuard<'_, Tenants>> {
        let tenants = self.tenants.as_ref()?;
        Some(tenants.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a simulated clock forward and lets everything happen that is due by then.
    pub(crate) fn advance(&self, to: Instant) -> Result<Advanced, JournalError> {
        let advanced = self.run_until(to)?;
        self.cloud.wake();
        Ok(advanced)
    }

    /// Asks the thread that advances the clock to stop after its current step.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.cloud.wake();
    }

    /// Lets a clock that is behind what has happened catch up.
    fn show(&self, at: Instant) {
        // One that is ahead of it already, or real, stays as it is.
        self.clock.advance_to(at, self.machine.now()).ok();
    }
}

/// The outcome of advancing the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Advanced {
    /// All that was due has happened.
    All {
        /// The instant the next event is due.
        next: Option<Instant>,
    },
    /// The server stops: some of it has.
    Stopped,
}

/// An error in running a cloud.
#[derive(Debug, Error)]
pub enum RunError {
    /// A change of the cloud cannot be kept.
    #[error("what happened in the cloud cannot be kept")]
    Journal(#[source] JournalError),
    /// There is no schedule.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
}

/// Runs a cloud on a simulated clock until a moment, with its tenants and its usage job
/// and without callers. Calls `progress` with the time it has reached.
pub fn run_cloud(
    store: &Store,
    opened: &OpenedCloud,
    tenants: Option<Tenants>,
    to: Instant,
    progress: &mut dyn FnMut(Instant),
) -> Result<(), RunError> {
    let (cloud, clock) = (Arc::clone(&opened.cloud), Arc::clone(&opened.clock));
    let timer = UsageJobTimer::new(store, clock.now(clock::now()))?.telling(&cloud);
    let driver = ClockDriver::new(cloud, clock, Arc::new(timer), tenants);
    let mut at = driver.now();
    while at < to {
        at = to.min(at + STEP);
        driver.run_until(at).map_err(RunError::Journal)?;
        progress(at);
    }
    Ok(())
}

/// Interval between reports of progress, in the cloud's time.
const STEP: Millis = Millis(6 * Millis::HOUR.0);

/// The thread that drives the clock; it ends when dropped.
pub(crate) struct Runner {
    driver: Arc<ClockDriver>,
    thread: Option<JoinHandle<()>>,
}

impl Runner {
    pub(crate) fn start(driver: &Arc<ClockDriver>) -> io::Result<Self> {
        let its_driver = Arc::clone(driver);
        let thread =
            thread::Builder::new().name("cloud".to_owned()).spawn(move || run(&its_driver))?;
        Ok(Self { driver: Arc::clone(driver), thread: Some(thread) })
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        // What it is at is done and kept first.
        self.driver.stop();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn run(driver: &ClockDriver) {
    let mut seen = 0;
    let mut watch = ClockWatch::default();
    while !driver.stopping.load(Ordering::SeqCst) {
        watch.look(driver);
        match driver.run_until(driver.now()) {
            Ok(Advanced::Stopped) => return,
            Ok(Advanced::All { next }) => {
                let left =
                    next.and_then(|next| driver.clock.wait_until(next, driver.machine.now()));
                seen = driver.cloud.wait_for_change(seen, left.unwrap_or(SLEEP_MAX).min(SLEEP_MAX));
            }
            Err(cause) if driver.cloud.lost().is_some() => {
                error!(%cause, "the cloud is served no more: {cause}");
                return;
            }
            Err(cause) => {
                error!(%cause, "what is due cannot be kept and is tried again: {cause}");
                thread::sleep(RETRY);
            }
        }
    }
}

/// Tells the administrator when the machine's clock has stepped, once, and when it is
/// back.
#[derive(Default)]
struct ClockWatch {
    has_stepped: bool,
}

impl ClockWatch {
    fn look(&mut self, driver: &ClockDriver) {
        match (driver.machine.look(), self.has_stepped) {
            (Look::Stepped { stands, machine, expected }, false) => {
                self.has_stepped = true;
                let text = format!(
                    "the machine's clock says {machine} where it should say {expected}: the cloud's \
                     time stands at {stands} until the clock is right again; if it is right now, \
                     restart the server (a cloud that lived ahead is set back by \
                     `cloudtally repair-clock`)"
                );
                error!(%machine, %expected, %stands, "{text}");
                driver.timer.tell_of_clock(stands, Some(text));
            }
            (Look::Steady(now), true) => {
                self.has_stepped = false;
                info!(%now, "the machine's clock is right again: the cloud's time goes on at {now}");
                driver.timer.tell_of_clock(now, None);
            }
            _ => {}
        }
    }
}
