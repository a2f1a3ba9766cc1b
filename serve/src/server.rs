//! Start, serve, run the job on its schedule, stop without losing anything.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use cloudtally_aggregate::{Plan, run_job};
use cloudtally_model::{Instant, settings};
use cloudtally_store::{LockWait, Store, StoreError};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};
use tracing::{error, info};

use crate::{
    http::router,
    schedule::{Schedule, ScheduleError},
    usage::wall_clock_ms,
};

/// How long a scheduled run waits for another writer before it gives up until
/// the next minute.
const LOCK_WAIT: Duration = Duration::from_secs(30);

/// What to serve.
pub struct ServeOptions {
    /// The folder.
    pub store: Store,
    /// Where to listen; port 0 takes any free one.
    pub listen: String,
}

/// Why serving ended.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on `{listen}`; choose another address with `--listen`")]
    Listen {
        /// The address asked for.
        listen: String,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// The server failed.
    #[error("the server failed")]
    Serve(#[source] io::Error),
    /// There is no schedule.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// The scheduler failed.
    #[error("the scheduler failed")]
    Scheduler(#[from] JobSchedulerError),
    /// The folder failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Serves until `stop` is done. `ready` is told the address once it is bound.
pub async fn serve(
    options: ServeOptions,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let ServeOptions { store, listen } = options;
    let cause = |cause| ServeError::Listen { listen: listen.clone(), cause };
    let listener = TcpListener::bind(&listen).await.map_err(cause)?;
    let address = listener.local_addr().map_err(cause)?;
    let mut scheduler = start_schedule(&store).await?;
    ready(address);
    let served = axum::serve(listener, router(store)).with_graceful_shutdown(stop).await;
    scheduler.shutdown().await?;
    served.map_err(ServeError::Serve)
}

/// Looks at the schedule every minute and runs the job when it is due.
///
/// The scheduler library fixes a zone's offset when a job is added, which would
/// shift runs by an hour when the clocks change; so it only gives the beat, and
/// [`Schedule`] decides in local time. Settings are read at each beat: a changed
/// time counts from the next minute on.
async fn start_schedule(store: &Store) -> Result<JobScheduler, ServeError> {
    let scheduler = JobScheduler::new().await?;
    let now = Instant::from_millis(wall_clock_ms());
    let due = if missed_a_run(store)? { now } else { Schedule::of(store)?.next_after(now) };
    info!(%due, "the usage job runs next at {due}");
    let beat = Arc::new(Beat { store: store.clone(), due: Mutex::new(due) });
    let job = Job::new_async("0 * * * * *", move |_, _| {
        let beat = Arc::clone(&beat);
        Box::pin(async move {
            if let Err(cause) = tokio::task::spawn_blocking(move || beat.run_if_due()).await {
                error!(%cause, "the usage job broke off: {cause}");
            }
        })
    })?;
    scheduler.add(job).await?;
    scheduler.start().await?;
    Ok(scheduler)
}

/// Whether the folder has been aggregated before and has complete periods that
/// are not: the server was down when the job was due.
fn missed_a_run(store: &Store) -> Result<bool, ServeError> {
    let snapshot = store.snapshot()?;
    let Some(last) = snapshot.periods.last() else { return Ok(false) };
    let now = Instant::from_millis(wall_clock_ms());
    Ok(Schedule::of(store)?.next_after(store.calendar()?.next(last.period).end) <= now)
}

struct Beat {
    store: Store,
    due: Mutex<Instant>,
}

impl Beat {
    fn run_if_due(&self) {
        let now = Instant::from_millis(wall_clock_ms());
        // One beat at a time; a beat that comes while a long job runs does nothing.
        let Ok(mut due) = self.due.try_lock().or_else(|busy| match busy {
            std::sync::TryLockError::Poisoned(poisoned) => Ok(PoisonError::into_inner(poisoned)),
            std::sync::TryLockError::WouldBlock => Err(()),
        }) else {
            return;
        };
        let enabled = self.store.setting(settings::ENABLE_USAGE).is_ok_and(|v| v == "true");
        if now < *due {
            // A changed setting may bring the next run nearer, or put it off.
            if let Ok(schedule) = Schedule::of(&self.store) {
                *due = schedule.next_after(now);
            }
            return;
        }
        if enabled {
            self.run(now);
        }
        match Schedule::of(&self.store) {
            Ok(schedule) => *due = schedule.next_after(now),
            Err(cause) => error!(%cause, "no schedule for the usage job: {cause}"),
        }
    }

    fn run(&self, now: Instant) {
        let wait = LockWait { limit: LOCK_WAIT, on_wait: &mut || {} };
        let result = self.store.writer(wait).map_err(Into::into).and_then(|writer| {
            run_job(&writer, "scheduled", Plan::Scheduled, now, &wall_clock_ms, &mut |_| {})
        });
        match result {
            Ok(report) => info!(
                published = report.published,
                republished = report.republished,
                records = report.records,
                "usage job done: {} periods published, {} republished",
                report.published,
                report.republished
            ),
            Err(cause) => error!(%cause, "usage job failed: {cause}"),
        }
    }
}
