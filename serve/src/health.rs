//! The health of the server, for those who start it, watch it and send it requests.
//!
//! `/livez` says that the process answers, and looks at nothing else: a restart mends
//! nothing that it depends on. `/readyz` says that requests make sense here; `/healthz` is
//! the same for older probes.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant as Stopwatch},
};

use cloudtally_model::with_causes;
use cloudtally_store::Store;
use tracing::warn;

use crate::clock_driver::ClockDriver;

/// Time for which the result of the checks is told again: anybody may ask.
const FRESH: Duration = Duration::from_secs(1);

/// One check and its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    /// The reason it failed; none if all is well.
    pub(crate) problem: Option<String>,
}

/// The latest results.
#[derive(Debug, Default)]
pub(crate) struct Health {
    latest: Mutex<Option<(Stopwatch, Arc<[Check]>)>>,
}

impl Health {
    /// Runs the checks, or gives the results of a moment ago. Blocks as the disk does.
    pub(crate) fn checks(&self, store: &Store, driver: &ClockDriver) -> Arc<[Check]> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, checks)) = &*latest
            && at.elapsed() < FRESH
        {
            return Arc::clone(checks);
        }
        let checks: Arc<[Check]> = check(store, driver).into();
        let failed = |checks: &[Check]| -> Vec<&'static str> {
            let failed = checks.iter().filter(|check| check.problem.is_some());
            failed.map(|check| check.name).collect()
        };
        // Told once and not with every probe.
        if latest.as_ref().is_none_or(|(_, before)| failed(before) != failed(&checks)) {
            for check in checks.iter() {
                if let Some(problem) = &check.problem {
                    warn!("not ready: {}: {problem}", check.name);
                }
            }
        }
        *latest = Some((Stopwatch::now(), Arc::clone(&checks)));
        checks
    }
}

fn check(store: &Store, driver: &ClockDriver) -> Vec<Check> {
    let catalogue = store.probe_catalogue().err().map(|cause| with_causes(&cause));
    let lock = (!store.cloud_is_held()).then(|| {
        "the lock of the cloud is not held any more: its file was removed, and another server may have taken the folder; stop one of them".to_owned()
    });
    let writing = store.probe_lock().err().map(|cause| with_causes(&cause));
    let cloud = driver.cloud().lost().map(str::to_owned);
    let stopping = driver.is_stopping().then(|| "the server stops".to_owned());
    [
        ("catalogue", catalogue),
        ("cloud-lock", lock),
        ("lake-lock", writing),
        ("cloud", cloud),
        ("serving", stopping),
    ]
    .map(|(name, problem)| Check { name, problem })
    .into()
}
