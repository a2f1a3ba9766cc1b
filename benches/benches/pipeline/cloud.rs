//! The month that all stages work on, and folders of state made from it.

use std::{fs, path::Path, time::Duration};

use cloudtally_aggregate::{Plan, Rebuild, Target, Unfinished, aggregate};
use cloudtally_generator::{EmittedEvent, EmittedSample, History, Options};
use cloudtally_ingest::{
    IngestRequest, Input, ingest,
    write::{AccountWriter, EventWriter, Format, SampleWriter},
};
use cloudtally_model::{Instant, SourceName, UsageEvent, calendar};
use cloudtally_store::{LockWait, Store, Stream, Writer};
use tempfile::TempDir;

/// Some 48 000 events and 74 000 samples, which make 119 000 records in 31 days.
const VMS: u32 = 1_000;
const SEED: u64 = 1;
/// The history begins on 1 January; the back-fills are told when it is over.
const FIRST_DAY: &str = "2026-01-01";
const LAST_DAY: &str = "2026-01-31";
const AFTERWARDS: &str = "2026-02-01T00:15:00Z";

/// The month, in memory and as input files.
pub(crate) struct Month {
    pub(crate) events: Vec<UsageEvent>,
    files: TempDir,
    /// A folder of state into which everything was ingested.
    ingested: TempDir,
    /// The same, aggregated.
    published: TempDir,
}

impl Month {
    pub(crate) fn generate() -> Self {
        let history =
            History::generate(&Options::new(VMS, SEED)).expect("the options are in range");
        let events = history.events().map(|line| match line {
            EmittedEvent::Event(row) => row.event,
            EmittedEvent::Malformed(row) => unreachable!("no mess was asked for: {row:?}"),
        });
        let month = Self {
            events: events.collect(),
            files: folder(),
            ingested: folder(),
            published: folder(),
        };
        month.write_files(&history);
        let store = open(month.ingested.path());
        for (stream, file) in [(Stream::Accounts, "accounts.csv"), (Stream::Samples, "samples.csv")]
        {
            month.ingest(&writer(&store), stream, file);
        }
        month.ingest(&writer(&store), Stream::Events, &events_file(Format::Csv));
        copy(month.ingested.path(), month.published.path());
        month.publish(&open(month.published.path()));
        month
    }

    fn write_files(&self, history: &History) {
        let path = |name: &str| self.files.path().join(name);
        for format in Format::ALL {
            let file = path(&events_file(format));
            let mut rows = EventWriter::create(&file, format).expect("the folder is ours");
            for event in &self.events {
                rows.write(event).expect("there is room");
            }
            rows.finish().expect("there is room");
        }
        let file = path("samples.csv");
        let mut rows = SampleWriter::create(&file, Format::Csv).expect("the folder is ours");
        for line in history.samples() {
            if let EmittedSample::Sample(sample) = line {
                rows.write(&sample).expect("there is room");
            }
        }
        rows.finish().expect("there is room");
        let file = path("accounts.csv");
        let mut rows = AccountWriter::create(&file, Format::Csv).expect("the folder is ours");
        for account in history.accounts() {
            rows.write(account).expect("there is room");
        }
        rows.finish().expect("there is room");
    }

    /// Ingests one of the files; all rows must be new.
    pub(crate) fn ingest(&self, writer: &Writer, stream: Stream, file: &str) -> u64 {
        let request = IngestRequest {
            stream,
            source: source(),
            inputs: vec![Input::from_argument(self.files.path().join(file))],
            started_ms: 0,
            now: afterwards(),
        };
        let counts = ingest(writer, &request, &mut |_| {}).expect("the files are whole").counts;
        assert_eq!(counts.read, counts.accepted, "every row is new and readable");
        counts.accepted
    }

    /// Publishes the whole month in an ingested folder.
    pub(crate) fn publish(&self, store: &Store) -> u64 {
        let day = |text| calendar::day(text).expect("a day");
        let plan = Plan::BackFill {
            from: day(FIRST_DAY),
            to: day(LAST_DAY),
            rebuild: Rebuild::Touched,
            unfinished: Unfinished::Refuse,
        };
        let writer = writer(store);
        aggregate(Target::Publish(&writer), plan, afterwards(), &mut |_| {})
            .expect("the month aggregates")
            .records
    }

    /// A new folder with everything ingested and nothing aggregated.
    pub(crate) fn ingested_copy(&self) -> TempDir {
        let to = folder();
        copy(self.ingested.path(), to.path());
        to
    }

    /// The folder that is aggregated; for reading only.
    pub(crate) fn published(&self) -> Store {
        open(self.published.path())
    }
}

/// The name of the file of events in a format.
pub(crate) fn events_file(format: Format) -> String {
    format!("usage_events.{}", format.extension())
}

pub(crate) fn source() -> SourceName {
    SourceName::new(SourceName::DEFAULT).expect("the default is a name")
}

pub(crate) fn afterwards() -> Instant {
    Instant::parse(AFTERWARDS).expect("an instant")
}

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("temporary folders can be made")
}

pub(crate) fn open(dir: &Path) -> Store {
    Store::open(dir).expect("the folder opens")
}

pub(crate) fn writer(store: &Store) -> Writer {
    let wait = LockWait { limit: Duration::from_secs(10), on_wait: &mut || {} };
    store.writer(wait).expect("nobody else writes to our folder")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the folder is ours");
    for entry in fs::read_dir(from).expect("it is there") {
        let path = entry.expect("it can be listed").path();
        let target = to.join(path.file_name().expect("entries have names"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("there is room");
        }
    }
}
