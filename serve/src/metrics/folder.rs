//! Metrics of a data folder, for those who serve it and for those who do not.

use cloudtally_aggregate::stale_periods;
use cloudtally_model::Period;
use cloudtally_store::{Figures, JobFigures, Store, StoreError};

use super::{
    names,
    text::{Seconds, Text, bucket},
};

/// The revision that this program was built from, where whoever built it said so.
const REVISION: &str = match option_env!("CLOUDTALLY_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};
/// Upper bounds of the durations of runs, in milliseconds and as seconds.
const JOB_BOUNDS: [(u64, &str); 10] = [
    (1_000, "1"),
    (5_000, "5"),
    (15_000, "15"),
    (60_000, "60"),
    (300_000, "300"),
    (900_000, "900"),
    (1_800_000, "1800"),
    (3_600_000, "3600"),
    (7_200_000, "7200"),
    (14_400_000, "14400"),
];

/// The metrics of a folder as text. It costs a snapshot of the catalogue; no file of the
/// lake is read.
pub fn folder_metrics(store: &Store) -> Result<String, StoreError> {
    let mut text = Text::default();
    put(&mut text, store)?;
    Ok(text.finish())
}

/// Writes the metrics of a folder.
pub(super) fn put(text: &mut Text, store: &Store) -> Result<(), StoreError> {
    let snapshot = store.snapshot()?;
    let calendar = store.calendar()?;
    let figures = store.figures()?;
    let labels = [("version", env!("CARGO_PKG_VERSION")), ("revision", REVISION)];
    text.metric(&names::BUILD_INFO).put(&labels, 1);
    inputs(text, &figures);
    jobs(text, &figures);
    let published = snapshot.published().iter().map(|(extent, _)| calendar.count(*extent)).sum();
    let mut periods = text.metric(&names::PERIODS);
    let through = snapshot.closed_through();
    let closed = snapshot.published().into_iter().filter(|(extent, _)| extent.start < through);
    let closed = closed.map(|(extent, _)| Period { end: extent.end.min(through), ..extent });
    let closed = closed.map(|extent| calendar.count(extent)).sum();
    let states: [(&str, u64); 3] = [
        ("published", published),
        ("stale", stale_periods(&snapshot, calendar)),
        ("closed", closed),
    ];
    for (state, count) in states {
        periods.put(&[("state", state)], count);
    }
    let mut closed_through = text.metric(&names::CLOSED_THROUGH);
    if closed > 0 {
        closed_through.put(&[], Seconds::of_millis(through.as_millis()));
    }
    text.one(&names::CORRECTIONS, figures.corrections);
    if let Some(end) = snapshot.published_end() {
        text.one(&names::LAST_PERIOD_END, Seconds::of_millis(end.as_millis()));
    }
    text.one(&names::RECORDS, snapshot.periods.iter().map(|known| known.rows).sum::<u64>());
    let mut anomalies = text.metric(&names::ANOMALIES);
    for (usage_type, count) in &figures.anomalies {
        anomalies.put(&[("usage_type", &usage_type.to_string())], count);
    }
    let mut bytes = text.metric(&names::LAKE_BYTES);
    for of in &figures.files {
        bytes.put(&[("kind", &of.kind)], of.bytes);
    }
    let mut files = text.metric(&names::LAKE_FILES);
    for of in &figures.files {
        files.put(&[("kind", &of.kind)], of.files);
    }
    Ok(())
}

fn inputs(text: &mut Text, figures: &Figures) {
    let mut rows = text.metric(&names::INGEST_ROWS);
    for (stream, of) in &figures.ingested {
        let results = [
            ("accepted", of.accepted),
            ("duplicate", of.duplicate),
            ("quarantined", of.quarantined),
        ];
        for (result, count) in results {
            rows.put(&[("stream", stream.as_name()), ("result", result)], count);
        }
    }
    let mut last = text.metric(&names::INGEST_LAST_EVENT);
    for (source, at) in &figures.last_events {
        last.put(&[("source", source)], Seconds::of_millis(at.as_millis()));
    }
    let mut outbox = text.metric(&names::OUTBOX_ROWS);
    for (stream, count) in &figures.outbox {
        outbox.put(&[("stream", stream.as_name())], count);
    }
}

fn jobs(text: &mut Text, figures: &Figures) {
    let mut runs = text.metric(&names::JOB_RUNS);
    for JobFigures { kind, done, failed, cut_off, .. } in &figures.jobs {
        for (result, count) in [("done", done), ("failed", failed), ("cut off", cut_off)] {
            runs.put(&[("kind", kind), ("result", result)], count);
        }
    }
    let mut durations = text.metric(&names::JOB_DURATION);
    for of in &figures.jobs {
        let mut counts = [0; JOB_BOUNDS.len() + 1];
        for ms in &of.durations_ms {
            counts[bucket(&JOB_BOUNDS, *ms)] += 1;
        }
        let sum = of.durations_ms.iter().sum();
        durations.histogram(&[("kind", &of.kind)], &JOB_BOUNDS, &counts, sum);
    }
    let mut last = text.metric(&names::JOB_LAST_SUCCESS);
    for of in &figures.jobs {
        if let Some(at) = of.last_success_ms {
            last.put(&[("kind", &of.kind)], Seconds::of_millis(at));
        }
    }
    text.one(&names::JOB_RUNNING, u8::from(figures.job_is_running));
}
