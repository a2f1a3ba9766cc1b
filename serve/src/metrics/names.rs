//! The metrics: names, kinds and help texts, one row each.
//!
//! Names follow the conventions of Prometheus: base units, `_total` on what only grows.
//! No label is an account, a resource or an address: their number has no bound.

/// The kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Goes up and down.
    Gauge,
    /// Only grows.
    Counter,
    /// Observations counted by upper bounds.
    Histogram,
}

impl MetricKind {
    /// As the text format writes it.
    pub fn as_name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
        }
    }
}

/// The origin of a metric's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricOrigin {
    /// The data folder: `cloudtally metrics` prints it, too.
    Folder,
    /// The process that serves.
    Server,
}

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: MetricKind,
    /// The origin of its values.
    pub origin: MetricOrigin,
    /// Its meaning, for people.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($constant:ident = $name:literal, $kind:ident of the $origin:ident: $help:literal;)*) => {
        $(pub(super) const $constant: Metric = Metric {
            name: $name,
            kind: MetricKind::$kind,
            origin: MetricOrigin::$origin,
            help: $help,
        };)*
        /// All metrics.
        pub const METRICS: &[Metric] = &[$($constant),*];
    };
}

metrics! {
    BUILD_INFO = "cloudtally_build_info", Gauge of the Folder:
        "Always 1; the labels say which version this is, and from which revision of the source.";
    INGEST_ROWS = "cloudtally_ingest_rows_total", Counter of the Folder:
        "Rows that ingest has read, by stream and by what became of them.";
    INGEST_LAST_EVENT = "cloudtally_ingest_last_event_timestamp_seconds", Gauge of the Folder:
        "Time of the latest accepted event of a source.";
    OUTBOX_ROWS = "cloudtally_outbox_rows", Gauge of the Folder:
        "Rows that the simulated cloud has told and no usage job has taken yet; counted up to 1000000.";
    JOB_RUNS = "cloudtally_job_runs_total", Counter of the Folder:
        "Ended runs of the usage job, by kind and result.";
    JOB_DURATION = "cloudtally_job_duration_seconds", Histogram of the Folder:
        "Durations of runs that came to their end, by kind.";
    JOB_LAST_SUCCESS = "cloudtally_job_last_success_timestamp_seconds", Gauge of the Folder:
        "End of the last successful run, by kind; absent until there was one.";
    JOB_RUNNING = "cloudtally_job_running", Gauge of the Folder:
        "1 while a run of the usage job is under way, else 0.";
    PERIODS = "cloudtally_periods", Gauge of the Folder:
        "Published periods: all of them, those that late input has made stale and the next run republishes, and those that are closed.";
    CLOSED_THROUGH = "cloudtally_closed_through_timestamp_seconds", Gauge of the Folder:
        "End of the last closed period; absent until one is closed.";
    CORRECTIONS = "cloudtally_corrections_total", Counter of the Folder:
        "Corrections that publishing periods again has made.";
    LAST_PERIOD_END = "cloudtally_last_published_period_end_timestamp_seconds", Gauge of the Folder:
        "End of the last published period; absent until there is one.";
    RECORDS = "cloudtally_records", Gauge of the Folder:
        "Usage records of the current generations.";
    ANOMALIES = "cloudtally_anomalies", Gauge of the Folder:
        "Anomalies of what is published, by usage type.";
    LAKE_BYTES = "cloudtally_lake_bytes", Gauge of the Folder:
        "Size of the files of the lake that count, by kind; records count every generation.";
    LAKE_FILES = "cloudtally_lake_files", Gauge of the Folder:
        "Number of the files of the lake that count, by kind.";
    SANITY_FAILED = "cloudtally_sanity_checks_failed", Gauge of the Server:
        "Findings of the sanity checks after the last run of this server; absent until there was one.";
    PERIODS_HELD = "cloudtally_periods_held", Gauge of the Server:
        "Periods that the last run of this server held back as they would move too much; absent until there was one.";
    ALERTS = "cloudtally_alerts_active", Gauge of the Server:
        "Alerts of the cloud that stand, by the number of their type.";
    READY = "cloudtally_ready", Gauge of the Server:
        "1 if /readyz would answer 200, else 0.";
    REQUEST_DURATION = "cloudtally_http_server_request_duration_seconds", Histogram of the Server:
        "Time from a whole request to the end of its answer, by command and HTTP status.";
    REQUESTS_ACTIVE = "cloudtally_http_server_active_requests", Gauge of the Server:
        "Requests that are being answered or wait for it.";
    CONNECTIONS = "cloudtally_http_connections", Gauge of the Server:
        "Open connections to the API.";
    PROCESS_CPU = "process_cpu_seconds_total", Counter of the Server:
        "CPU time of the process, in user and system mode.";
    PROCESS_MEMORY = "process_resident_memory_bytes", Gauge of the Server:
        "Resident memory of the process.";
    PROCESS_FILES = "process_open_fds", Gauge of the Server:
        "Open files of the process.";
    PROCESS_FILES_MAX = "process_max_fds", Gauge of the Server:
        "Files that the process may have open.";
    PROCESS_START = "process_start_time_seconds", Gauge of the Server:
        "Start of the server.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_to_the_conventions() {
        for (at, metric) in METRICS.iter().enumerate() {
            let Metric { name, kind, .. } = metric;
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == MetricKind::Counter, "{name}");
            assert!(!metric.help.is_empty() && !metric.help.contains(['\n', '\\']), "{name}");
            assert!(METRICS[..at].iter().all(|other| other.name != *name), "{name}");
        }
    }
}
