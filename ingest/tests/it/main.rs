//! Ingest into a real folder of state.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

mod accounts;
mod border;
mod cut_dumps;
mod dumps;
mod events;
mod failures;
mod laws;
mod live;
mod pull;
mod samples;

use std::path::{Path, PathBuf};

use cloudtally_ingest::{
    Counts, IngestError, IngestRequest, IngestSummary, Input, Reading, Row, Streams, ingest,
    ingest_as,
    write::{Format, RowWriter},
};
use cloudtally_model::{
    DeviceType, Instant, NetworkSample, SeriesKey, SourceName, UsageEvent, ZoneId,
};
use cloudtally_store::{LockWait, Store, Stream};
use tempfile::TempDir;

/// A folder of state and a place for inputs beside it.
struct Cloud {
    dir: TempDir,
    store: Store,
}

impl Cloud {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("data")).unwrap();
        Self { dir, store }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Makes an input from bytes.
    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Makes an input from rows.
    fn rows<T: Row>(&self, name: &str, format: Format, rows: &[T]) -> PathBuf {
        let path = self.path(name);
        let mut writer = RowWriter::create(&path, format).unwrap();
        rows.iter().for_each(|row| writer.write(row).unwrap());
        writer.finish().unwrap();
        path
    }

    /// Ingests whatever streams files hold, by columns that are given.
    fn ingest_all(
        &self,
        files: &[&Path],
        columns: Option<&str>,
    ) -> Result<IngestSummary, IngestError> {
        let wait = LockWait { limit: std::time::Duration::ZERO, on_wait: &mut || {} };
        let writer = self.store.writer(wait).unwrap();
        let request = IngestRequest {
            stream: Stream::Events,
            source: SourceName::new("default").unwrap(),
            inputs: files.iter().map(|path| Input::from_argument(*path)).collect(),
            started_ms: 1_769_903_999_000,
            now: at("2027-01-01 00:00:00"),
        };
        let columns = columns.map(|names| names.split(',').map(str::to_owned).collect());
        let reading = Reading { streams: Streams::All, columns, sampled: None };
        ingest_as(&writer, &request, &reading, &mut |_| {})
    }

    /// Makes an input from text and ingests it.
    fn ingest_text(&self, text: impl AsRef<[u8]>) -> Result<IngestSummary, IngestError> {
        let input = self.file("input", text);
        self.ingest_all(&[&input], None)
    }

    fn try_ingest(&self, stream: Stream, files: &[&Path]) -> Result<IngestSummary, IngestError> {
        self.try_ingest_of("default", stream, files)
    }

    fn try_ingest_of(
        &self,
        source: &str,
        stream: Stream,
        files: &[&Path],
    ) -> Result<IngestSummary, IngestError> {
        let wait = LockWait { limit: std::time::Duration::ZERO, on_wait: &mut || {} };
        let writer = self.store.writer(wait).unwrap();
        let request = IngestRequest {
            stream,
            source: SourceName::new(source).unwrap(),
            inputs: files.iter().map(|path| Input::from_argument(*path)).collect(),
            started_ms: 1_769_903_999_000,
            now: at("2027-01-01 00:00:00"),
        };
        ingest(&writer, &request, &mut |_| {})
    }

    fn ingest(&self, stream: Stream, files: &[&Path]) -> IngestSummary {
        self.try_ingest(stream, files).unwrap()
    }

    /// All stored events, by source and id.
    fn events(&self) -> Vec<(String, UsageEvent)> {
        let mut events = Vec::new();
        for file in self.store.snapshot().unwrap().event_files {
            let mut keep = |event| events.push((file.source.to_string(), event));
            self.store.read_events(&file, Instant::EPOCH, Instant::END_OF_TIME, &mut keep).unwrap();
        }
        events.sort_by_key(|(source, event)| (source.clone(), event.id));
        events
    }

    /// All stored samples, by instant and series.
    fn samples(&self) -> Vec<NetworkSample> {
        let mut samples = Vec::new();
        for file in self.store.snapshot().unwrap().sample_files {
            let (from, to) = (Instant::from_millis(-1), Instant::END_OF_TIME);
            self.store.read_samples(&file, from, to, &mut |sample| samples.push(sample)).unwrap();
        }
        samples.sort_by(|a, b| (a.sampled, &a.series).cmp(&(b.sampled, &b.series)));
        samples
    }

    /// Input, row, reason and raw text of all rows set aside, in that order.
    fn quarantined(&self) -> Vec<(String, u64, String, String)> {
        let rows = self.store.quarantined(None, 1000).unwrap().into_iter();
        let mut rows: Vec<_> = rows.map(|row| (row.input, row.row, row.reason, row.raw)).collect();
        rows.sort();
        rows
    }
}

fn counts(read: u64, accepted: u64, duplicate: u64, quarantined: u64) -> Counts {
    Counts { read, accepted, duplicate, quarantined }
}

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn event(id: u64) -> UsageEvent {
    UsageEvent {
        id: id.into(),
        event_type: "VM.START".into(),
        created: Instant::from_millis(
            1_769_900_000_000 + i64::try_from(id % 1000).unwrap() * 60_000,
        ),
        account: 2u64.into(),
        zone: ZoneId::from_source(1),
        resource: (id * 7).into(),
        resource_name: Some(format!("vm-{id}").into()),
        offering: Some(3u64.into()),
        template: None,
        size: None,
        virtual_size: None,
        resource_type: Some("KVM".into()),
    }
}

fn sample(minute: i64, device: u64, bytes: u64) -> NetworkSample {
    let series = SeriesKey {
        account: 2u64.into(),
        zone: ZoneId::from_source(1),
        device_type: DeviceType::DomainRouter,
        device,
        network: 204u64.into(),
        address: None,
    };
    let sampled = Instant::from_millis(1_769_900_000_000 + minute * 60_000);
    NetworkSample {
        sampled,
        series,
        bytes_sent: bytes,
        bytes_received: bytes / 2,
        restarted: false,
    }
}
