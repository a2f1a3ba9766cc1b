//! Requests, counted as they are answered.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant as Stopwatch},
};

use super::{
    names, process,
    text::{Text, bucket},
};

/// Upper bounds of durations, in microseconds and as seconds.
///
/// # Source
/// The advice of OpenTelemetry for `http.server.request.duration`.
const BOUNDS: [(u64, &str); 14] = [
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (50_000, "0.05"),
    (75_000, "0.075"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (500_000, "0.5"),
    (750_000, "0.75"),
    (1_000_000, "1"),
    (2_500_000, "2.5"),
    (5_000_000, "5"),
    (7_500_000, "7.5"),
    (10_000_000, "10"),
];

/// The command of a request that names none there is.
const NO_COMMAND: &str = "none";

/// Durations of the requests of one command and status.
#[derive(Clone, Copy, Debug, Default)]
struct Durations {
    counts: [u64; BOUNDS.len() + 1],
    sum_us: u64,
}

/// Counts of requests. Commands are those of the table, so there is a bound on them
/// whatever callers send.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    active: AtomicU64,
    /// The number of the last request.
    last: AtomicU64,
    durations: Mutex<BTreeMap<(&'static str, u16), Durations>>,
}

/// A request under way; counted when it is answered, or dropped without an answer.
#[derive(Debug)]
pub(crate) struct Counted {
    requests: Arc<Requests>,
    command: &'static str,
    began: Stopwatch,
}

impl Requests {
    /// Begins to count a request.
    pub(crate) fn begin(self: &Arc<Self>, command: Option<&'static str>) -> Counted {
        self.active.fetch_add(1, Ordering::Relaxed);
        let command = command.unwrap_or(NO_COMMAND);
        Counted { requests: Arc::clone(self), command, began: Stopwatch::now() }
    }

    /// A name for a request in the log: the moment the process began, and a number.
    pub(crate) fn next_id(&self) -> String {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        format!("{:x}-{number}", process::started())
    }

    fn observe(&self, command: &'static str, status: u16, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let mut all = self.durations.lock().unwrap_or_else(PoisonError::into_inner);
        let of = all.entry((command, status)).or_default();
        of.counts[bucket(&BOUNDS, us)] += 1;
        of.sum_us = of.sum_us.saturating_add(us);
    }

    pub(super) fn put(&self, text: &mut Text) {
        text.one(&names::REQUESTS_ACTIVE, self.active.load(Ordering::Relaxed));
        let all = self.durations.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut samples = text.metric(&names::REQUEST_DURATION);
        for ((command, status), of) in &all {
            let labels = [("command", *command), ("status", &status.to_string())];
            samples.histogram(&labels, &BOUNDS, &of.counts, of.sum_us / 1000);
        }
    }
}

impl Counted {
    /// Counts the request by the status of its answer.
    pub(crate) fn answered(self, status: u16) {
        self.requests.observe(self.command, status, self.began.elapsed());
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.requests.active.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_under_way_and_what_was_answered() {
        let requests = Arc::new(Requests::default());
        let told = |line: &str| {
            let mut text = Text::default();
            requests.put(&mut text);
            let text = text.finish();
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        };
        let (one, other) = (requests.begin(Some("listZones")), requests.begin(None));
        told("cloudtally_http_server_active_requests 2");
        one.answered(200);
        drop(other);
        told("cloudtally_http_server_active_requests 0");
        let count = "cloudtally_http_server_request_duration_seconds_count";
        told(&format!("{count}{{command=\"listZones\",status=\"200\"}} 1"));
        requests.begin(Some("listZones")).answered(200);
        told(&format!("{count}{{command=\"listZones\",status=\"200\"}} 2"));
        assert_eq!(requests.durations.lock().unwrap().len(), 1, "what was cut off has no status");
    }

    #[test]
    fn a_request_costs_next_to_nothing() {
        let requests = Arc::new(Requests::default());
        let (rounds, began) = (100_000u32, Stopwatch::now());
        for _ in 0..rounds {
            requests.begin(Some("listZones")).answered(200);
        }
        // Some 100 ns; the bound is for a busy machine.
        assert!(began.elapsed() / rounds < Duration::from_micros(10), "{:?}", began.elapsed());
    }
}
