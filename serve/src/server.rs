//! Start, serve, run the job on its schedule, stop without losing anything.

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use cloudtally_store::{Store, StoreError};
use thiserror::Error;
use tokio::{net::TcpListener, sync::oneshot, task::spawn_blocking, time::timeout};
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};
use tracing::{error, info, warn};

use crate::{clock, http::router, job::Beat, schedule::ScheduleError};

/// How long requests and a usage job under way may take to end once the server
/// is told to stop. Less than the 10 s after which service managers lose patience.
const STOP_LIMIT: Duration = Duration::from_secs(8);

/// What to serve.
pub struct ServeOptions {
    /// The folder.
    pub store: Store,
    /// Where to listen; port 0 takes any free one.
    pub listen: String,
}

/// How serving ended once the server was told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// What was under way came to its end by itself.
    Whole,
    /// [`STOP_LIMIT`] passed: connections were closed or the usage job was left.
    Cut,
}

/// Why serving failed.
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
///
/// `stop` is polled before anything else is done, so whatever it does when first
/// polled is in force when `ready` is called; if it is done by then, nothing
/// begins and `ready` is not called.
///
/// Requests under way when `stop` is done are answered; connections that are
/// idle, or that have not brought a request to its end within [`STOP_LIMIT`], are
/// closed.
pub async fn serve(
    options: ServeOptions,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()>,
) -> Result<Stopped, ServeError> {
    // 1. Listen, start the schedule, tell where we are.
    let ServeOptions { store, listen } = options;
    let cause = |cause| ServeError::Listen { listen: listen.clone(), cause };
    let mut stop = pin!(stop);
    let listener = tokio::select! {
        biased;
        () = &mut stop => {
            info!("stopping before anything began");
            return Ok(Stopped::Whole);
        }
        bound = TcpListener::bind(&listen) => bound.map_err(cause)?,
    };
    let address = listener.local_addr().map_err(cause)?;
    let beat = Arc::new(Beat::new(&store, clock::now())?);
    let mut scheduler = start_schedule(&beat).await?;
    ready(address);
    // 2. Serve until told to stop.
    let (stopping, stopped) = oneshot::channel::<()>();
    let served = axum::serve(listener, router(store)).with_graceful_shutdown(async {
        drop(stopped.await);
    });
    let mut served = pin!(served.into_future());
    tokio::select! {
        biased;
        () = &mut stop => {}
        ended = &mut served => return ended.map(|()| Stopped::Whole).map_err(ServeError::Serve),
    }
    // 3. No new connections, requests or runs; what is under way may end.
    info!("stopping");
    drop(stopping);
    scheduler.shutdown().await?;
    let (served, job) = tokio::join!(timeout(STOP_LIMIT, served), beat.finish(STOP_LIMIT));
    match served {
        Ok(ended) => ended.map(|()| job).map_err(ServeError::Serve),
        Err(_) => {
            warn!("closed connections that did not end within {} s", STOP_LIMIT.as_secs());
            Ok(Stopped::Cut)
        }
    }
}

/// Looks at the schedule now and at every full minute.
///
/// The scheduler library fixes a zone's offset when a job is added, which would
/// shift runs by an hour when the clocks change; so it only gives the beat, and
/// [`Schedule`](crate::Schedule) decides in local time.
async fn start_schedule(beat: &Arc<Beat>) -> Result<JobScheduler, ServeError> {
    let scheduler = JobScheduler::new().await?;
    let every_minute = Arc::clone(beat);
    let job = Job::new_async("0 * * * * *", move |_, _| Box::pin(look(Arc::clone(&every_minute))))?;
    scheduler.add(job).await?;
    scheduler.start().await?;
    tokio::spawn(look(Arc::clone(beat)));
    Ok(scheduler)
}

async fn look(beat: Arc<Beat>) {
    if let Err(cause) = spawn_blocking(move || beat.look(clock::now())).await {
        error!(%cause, "a look at the schedule broke off: {cause}");
    }
}
