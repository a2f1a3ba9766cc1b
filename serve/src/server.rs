//! Start, serve, run the job on its schedule, stop without losing anything.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::{Arc, Weak},
    time::Duration,
};

use cloudtally_model::{Instant, Millis};
use cloudtally_platform::{
    engine::{Clock, Cloud},
    tenants::Tenants,
};
use cloudtally_store::{Store, StoreError};
use thiserror::Error;
use tokio::{
    net::TcpListener,
    task::{JoinHandle, spawn_blocking},
    time::{sleep, timeout},
};
use tracing::{error, info, warn};

use crate::{
    clock,
    clock_driver::{ClockDriver, Runner},
    connections::Connections,
    front::Front,
    guard::{self, Guard},
    http::routers,
    job::UsageJobTimer,
    metrics,
    schedule::ScheduleError,
    stopped::Stopped,
};

/// Time that requests and a usage job under way may take to end once the server
/// is told to stop. Less than the 10 s after which service managers lose patience.
const STOP_LIMIT: Duration = Duration::from_secs(8);

/// The folder, the cloud and the addresses to serve.
pub struct ServeOptions {
    /// The folder.
    pub store: Store,
    /// The cloud in it.
    pub cloud: Arc<Cloud>,
    /// Its present.
    pub clock: Arc<Clock>,
    /// The simulated customers, who use it besides its callers.
    pub tenants: Option<Tenants>,
    /// The address to listen on; port 0 takes any free one.
    pub listen: String,
    /// The address of the unauthenticated port, if `integration.api.port` names one.
    pub integration_listen: IpAddr,
    /// The address of the listener for monitoring; none has no such listener.
    pub metrics: Option<String>,
}

/// The addresses that are bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The API's.
    pub api: SocketAddr,
    /// That of the listener for monitoring.
    pub metrics: Option<SocketAddr>,
}

/// The setting that names the unauthenticated port; 0 is none.
const INTEGRATION_PORT: &str = "integration.api.port";

/// An error of serving.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on `{listen}`; choose another address with `--listen`")]
    Listen {
        /// The address asked for.
        listen: String,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// The unauthenticated port cannot be listened on.
    #[error(
        "cannot listen on `{address}`; set `integration.api.port` to another port or to 0, or choose another address with `--integration-listen`"
    )]
    Integration {
        /// The address.
        address: SocketAddr,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// The listener for monitoring cannot be bound.
    #[error("cannot listen on `{listen}`; choose another address with `--metrics`")]
    Metrics {
        /// The address asked for.
        listen: String,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// The thread that drives the clock cannot be started.
    #[error("cannot start a thread for the cloud")]
    Runner(#[source] io::Error),
    /// There is no schedule.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// The disk failed while a change of the cloud was kept.
    #[error("stopped, because the last change of the cloud may or may not have been kept: {0}")]
    UnknownFate(String),
    /// The folder failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Serves until `stop` is done. `ready` is told the addresses once they are bound.
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
    ready: impl FnOnce(Bound),
    stop: impl Future<Output = ()>,
) -> Result<Stopped, ServeError> {
    // 1. Listen, start the schedule and the cloud, tell where we are.
    let ServeOptions { store, cloud, clock, tenants, listen, integration_listen, metrics: monitor } =
        options;
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
    let integration = integration_listener(&cloud, integration_listen).await?;
    let monitor = metrics_listener(monitor).await?;
    let guard =
        Guard::integration(cloud.world().setting("integration.api.hosts"), integration_listen);
    let proxies = guard::proxies(cloud.world().setting("proxy.addresses"));
    let timer = UsageJobTimer::new(&store, clock.now(clock::now()))?.telling(&cloud);
    timer.announce()?;
    let timer = Arc::new(timer);
    let driver = Arc::new(ClockDriver::new(cloud, clock, Arc::clone(&timer), tenants));
    let front = Arc::new(Front::new(store, Arc::clone(&driver)));
    let schedule = start_schedule(&timer, &front);
    let runner = Runner::start(&driver).map_err(ServeError::Runner)?;
    let monitor_address = monitor.as_ref().and_then(|listener| listener.local_addr().ok());
    ready(Bound { api: address, metrics: monitor_address });
    // 2. Serve until told to stop.
    let (public, programs) = routers(Arc::clone(&front), proxies, guard);
    // Whoever watches has connections of their own, also while the API has none left.
    let (connections, watching) = (Connections::new(), Connections::new());
    let mut accepting: Vec<JoinHandle<()>> =
        vec![tokio::spawn(connections.clone().accept(listener, public))];
    if let Some(listener) = integration {
        accepting.push(tokio::spawn(connections.clone().accept(listener, programs)));
    }
    if let Some(listener) = monitor {
        let router = metrics::router(front, connections.clone());
        accepting.push(tokio::spawn(watching.clone().accept(listener, router)));
    } else {
        drop(front);
    }
    tokio::select! {
        () = &mut stop => {}
        () = driver.lost() => {}
    }
    // 3. No new connections, requests or runs; what is under way may end.
    info!("stopping");
    connections.stop();
    watching.stop();
    // A clock that is being put forward would not stop for a month.
    driver.stop();
    schedule.abort();
    let ended = async {
        for listener in accepting {
            drop(listener.await);
        }
        connections.ended().await;
        watching.ended().await;
    };
    let (served, job) = tokio::join!(timeout(STOP_LIMIT, ended), timer.finish(STOP_LIMIT));
    // What the cloud is at is kept first.
    drop(spawn_blocking(move || drop(runner)).await);
    if let Some(why) = driver.cloud().lost() {
        return Err(ServeError::UnknownFate(why.to_owned()));
    }
    if served.is_err() {
        warn!("closed connections that did not end within {} s", STOP_LIMIT.as_secs());
        return Ok(Stopped::Cut);
    }
    Ok(job)
}

/// The unauthenticated port, if the settings name one.
async fn integration_listener(
    cloud: &Cloud,
    listen: IpAddr,
) -> Result<Option<TcpListener>, ServeError> {
    let port = cloud.world().setting_number(INTEGRATION_PORT);
    let Some(port) = u16::try_from(port).ok().filter(|port| *port != 0) else { return Ok(None) };
    let address = SocketAddr::new(listen, port);
    let cause = |cause| ServeError::Integration { address, cause };
    let listener = TcpListener::bind(address).await.map_err(cause)?;
    warn!("everybody who reaches http://{address} is the root admin (`{INTEGRATION_PORT}`)");
    Ok(Some(listener))
}

/// The listener for monitoring, if one is asked for.
async fn metrics_listener(listen: Option<String>) -> Result<Option<TcpListener>, ServeError> {
    let Some(listen) = listen else { return Ok(None) };
    match TcpListener::bind(&listen).await {
        Ok(listener) => Ok(Some(listener)),
        Err(cause) => Err(ServeError::Metrics { listen, cause }),
    }
}

/// Looks at the schedule now and at every full minute of the machine's clock, until it is aborted.
///
/// [`Schedule`](crate::Schedule) decides in local time, so runs do not shift by an hour when the clocks change.
fn start_schedule(timer: &Arc<UsageJobTimer>, front: &Arc<Front>) -> JoinHandle<()> {
    // The task may outlive us, and must not keep the cloud from the next.
    let (timer, front) = (Arc::clone(timer), Arc::downgrade(front));
    tokio::spawn(async move {
        loop {
            // A look that takes long, as over a run, does not put off the next.
            tokio::spawn(look(Arc::clone(&timer), Weak::clone(&front)));
            sleep(until_full_minute(clock::now())).await;
        }
    })
}

/// The time until a minute is full, at least a millisecond and at most a minute.
fn until_full_minute(now: Instant) -> Duration {
    let into = now.as_millis().rem_euclid(Millis::MINUTE.0);
    Duration::from_millis((Millis::MINUTE.0 - into).unsigned_abs())
}

async fn look(timer: Arc<UsageJobTimer>, front: Weak<Front>) {
    let looked = spawn_blocking(move || {
        let Some(front) = front.upgrade() else { return };
        // On a simulated clock the usage job comes by that clock.
        if !front.driver.has_usage_job() {
            timer.look(front.driver.machine().now());
        }
        let adopted = front.adopt_settings(front.driver.now());
        if let Err(cause) = adopted {
            error!("cannot take up settings that were changed by hand: {cause}");
        }
    });
    if let Err(cause) = looked.await {
        error!(%cause, "a look at the schedule broke off: {cause}");
    }
}
