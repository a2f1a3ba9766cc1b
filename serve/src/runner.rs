//! Lets the cloud live: does what is due, on a thread of its own.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use cloudtally_platform::engine::Cloud;
use tracing::error;

use crate::clock;

/// The longest it sleeps: the machine's clock may be put forward meanwhile.
const SLEEP_MAX: Duration = Duration::from_secs(1);
/// How long it waits after a change that could not be kept.
const RETRY: Duration = Duration::from_secs(1);

/// The thread; it ends when dropped.
pub(crate) struct Runner {
    cloud: Arc<Cloud>,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Runner {
    pub(crate) fn start(cloud: &Arc<Cloud>) -> io::Result<Self> {
        let (cloud, stopping) = (Arc::clone(cloud), Arc::new(AtomicBool::new(false)));
        let (its_cloud, its_stopping) = (Arc::clone(&cloud), Arc::clone(&stopping));
        let thread = thread::Builder::new()
            .name("cloud".to_owned())
            .spawn(move || run(&its_cloud, &its_stopping))?;
        Ok(Self { cloud, stopping, thread: Some(thread) })
    }

    /// Asks it to end; what it is at is done and kept first.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.cloud.wake();
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn run(cloud: &Cloud, stopping: &AtomicBool) {
    let mut seen = 0;
    while !stopping.load(Ordering::SeqCst) {
        match cloud.run_due(clock::now()) {
            Ok(next) => {
                let left_ms = next.map_or(i64::MAX, |next| {
                    next.as_millis().saturating_sub(clock::wall_clock_ms()).max(0)
                });
                let left = Duration::from_millis(left_ms.unsigned_abs());
                seen = cloud.wait_for_change(seen, left.min(SLEEP_MAX));
            }
            Err(cause) => {
                error!(%cause, "what is due cannot be kept and is tried again: {cause}");
                thread::sleep(RETRY);
            }
        }
    }
}
