//! Connections: how many there may be, and whose turn it is to go.
//!
//! A connection costs memory and a file, so there are at most so many. One more
//! takes the place of the one that has been idle the longest: thousands of silent
//! connections keep nobody out. Idle is every connection that has no whole
//! request under way, also one that sends its request byte by byte.

use std::{
    collections::BTreeMap,
    io,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant as Stopwatch},
};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};
use tracing::{debug, warn};

use crate::patience::{PATIENCE, Patient};

/// Connections at a time. Well below the 1024 files that systems let a process
/// have unless told otherwise.
const CONNECTIONS_MAX: usize = 512;
/// Time that the head of a request may take to arrive, and that a connection
/// may be silent before its next one.
const HEAD_WAIT: Duration = Duration::from_secs(30);
/// A connection that was answered this recently may end its answer in peace.
const JUST_ANSWERED: Duration = Duration::from_secs(1);
/// Wait for a place before the next idle connection is closed.
const PLACE_WAIT: Duration = Duration::from_millis(200);
/// Wait after a connection could not be accepted.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    /// The moment since which it has no request under way; none while it has one.
    idle_since: Mutex<Option<Stopwatch>>,
    /// Requests it has brought.
    requests: AtomicU64,
    go: Notify,
    /// The address at its other end.
    pub(crate) peer: IpAddr,
}

impl Connection {
    pub(crate) fn new(peer: IpAddr) -> Self {
        Self {
            idle_since: Mutex::new(Some(Stopwatch::now())),
            requests: AtomicU64::new(0),
            go: Notify::new(),
            peer,
        }
    }

    /// Has a request under way until the guard is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> Busy {
        self.requests.fetch_add(1, Ordering::Relaxed);
        *self.idle() = None;
        Busy(Arc::clone(self))
    }

    fn was_just_answered(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > 0
            && self.idle().is_none_or(|since| since.elapsed() < JUST_ANSWERED)
    }

    fn idle(&self) -> MutexGuard<'_, Option<Stopwatch>> {
        self.idle_since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The reason a connection ends.
#[derive(Clone, Copy)]
enum Ends {
    /// It did.
    Over,
    /// Somebody else needs its place.
    ForOthers,
    /// The server stops.
    WithServer,
}

/// A request under way.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Connection>);

impl Drop for Busy {
    fn drop(&mut self) {
        *self.0.idle() = Some(Stopwatch::now());
    }
}

/// All connections of the server.
#[derive(Clone)]
pub(crate) struct Connections {
    places: Arc<Semaphore>,
    by_number: Arc<Mutex<BTreeMap<u64, Arc<Connection>>>>,
    next: Arc<AtomicU64>,
    /// True once the server is told to stop.
    stopping: watch::Sender<bool>,
}

impl Connections {
    pub(crate) fn new() -> Self {
        Self {
            places: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            by_number: Arc::default(),
            next: Arc::default(),
            stopping: watch::Sender::new(false),
        }
    }

    /// Accepts connections until [`Connections::stop`].
    pub(crate) async fn accept(self, listener: TcpListener, router: Router) {
        let mut stopping = self.stopping.subscribe();
        loop {
            let accepted = tokio::select! {
                biased;
                _ = stopping.wait_for(|stopping| *stopping) => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let place = tokio::select! {
                        biased;
                        _ = stopping.wait_for(|stopping| *stopping) => return,
                        place = self.place() => place,
                    };
                    drop(stream.set_nodelay(true));
                    tokio::spawn(self.clone().serve(stream, peer.ip(), router.clone(), place));
                }
                Err(cause) if is_of_connection(&cause) => {}
                Err(cause) => {
                    warn!("cannot accept a connection: {cause}");
                    self.send_away();
                    sleep(ACCEPT_RETRY).await;
                }
            }
        }
    }

    /// Counts the open connections.
    pub(crate) fn count(&self) -> usize {
        self.all().len()
    }

    /// Lets connections end: what is under way is answered, nothing new begins.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Waits until all connections have ended.
    pub(crate) async fn ended(&self) {
        let all = u32::try_from(CONNECTIONS_MAX).expect("a few hundred");
        drop(self.places.acquire_many(all).await);
    }

    /// A place for a new connection; somebody idle has to go if there is none.
    async fn place(&self) -> OwnedSemaphorePermit {
        loop {
            if self.places.available_permits() == 0 {
                self.send_away();
            }
            let place = Arc::clone(&self.places).acquire_owned();
            if let Ok(Ok(place)) = timeout(PLACE_WAIT, place).await {
                return place;
            }
        }
    }

    /// Sends the connection away that has been idle the longest.
    fn send_away(&self) {
        let mut connections = self.all();
        let idle = connections.iter().filter_map(|(number, connection)| {
            let since = *connection.idle();
            since.map(|since| (since, *number))
        });
        if let Some((_, number)) = idle.min()
            && let Some(connection) = connections.remove(&number)
        {
            debug!("closed an idle connection to make room for a new one");
            connection.go.notify_one();
        }
    }

    async fn serve(
        self,
        stream: TcpStream,
        peer: IpAddr,
        router: Router,
        place: OwnedSemaphorePermit,
    ) {
        let connection = Arc::new(Connection::new(peer));
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.all().insert(number, Arc::clone(&connection));
        let mut stopping = self.stopping.subscribe();
        let service = router.layer(Extension(Arc::clone(&connection)));
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WAIT)
            .serve_connection(
                TokioIo::new(Patient::new(stream, PATIENCE)),
                TowerToHyperService::new(service),
            );
        let mut served = std::pin::pin!(served);
        let ends = tokio::select! {
            ended = served.as_mut() => {
                if let Err(cause) = ended {
                    debug!("a connection broke off: {cause}");
                }
                Ends::Over
            }
            () = connection.go.notified() => Ends::ForOthers,
            _ = stopping.wait_for(|stopping| *stopping) => Ends::WithServer,
        };
        match ends {
            Ends::Over => {}
            // What was answered just now may not have been read yet.
            Ends::ForOthers if connection.was_just_answered() => {
                served.as_mut().graceful_shutdown();
                drop(timeout(JUST_ANSWERED, served).await);
            }
            Ends::ForOthers => {}
            Ends::WithServer => {
                served.as_mut().graceful_shutdown();
                drop(served.await);
            }
        }
        self.all().remove(&number);
        drop(place);
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Connection>>> {
        self.by_number.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns true if accepting failed because of the one who connected.
fn is_of_connection(cause: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(cause.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
