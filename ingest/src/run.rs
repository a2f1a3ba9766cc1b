//! The loop: one thread reads and decodes, the caller's looks up, stores and
//! counts, a batch at a time. A batch is stored in one atomic step with its
//! quarantine and the run's numbers, so wherever a run ends, what it has stored
//! is whole, and running again over the same inputs completes it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use cloudtally_model::{Instant, SourceName, row_index};
use cloudtally_store::{IngestRun, QuarantinedRow, StoreError, Stream, Writer};

use crate::{
    batch::{Batch, Batcher, Place, Stop},
    by_hand::CorrectionKeeper,
    chunks::Chunks,
    csv,
    decode::Decode,
    dedupe::{AccountKeeper, EventKeeper, Keeper, Known, SampleKeeper},
    error::{Fault, IngestError},
    jsonl,
    open::{Input, Opened, open},
    parquet,
    plausible::Plausible,
    rows::Rows,
    summary::{Counts, IngestSummary, InputSummary, Progress},
    tsv,
    value::cut,
};

/// Interval between reports of progress while a batch is being decoded.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);
/// Quarantined rows that a summary shows.
const FIRST_QUARANTINED_MAX: usize = 5;
/// Bytes of the list of inputs that a run's row keeps.
const INPUTS_BYTES_MAX: usize = 1000;

/// An order to ingest.
#[derive(Clone, Debug)]
pub struct IngestRequest {
    /// The stream that the rows are of.
    pub stream: Stream,
    /// The source that they come from.
    pub source: SourceName,
    /// Files, read one after the other.
    pub inputs: Vec<Input>,
    /// Wall time, milliseconds since 1970, for the run's row.
    pub started_ms: i64,
    /// The clock by which instants are believed: the machine's, or the simulated
    /// one that the rows come from.
    pub now: Instant,
}

/// Reads all inputs and stores what is new in them.
///
/// Inputs that cannot be opened are found before anything is stored. `progress`
/// is called several times a second and at the end.
///
/// # Errors
/// Rows stored before the error stay; the error carries their numbers.
pub fn ingest(
    writer: &Writer,
    request: &IngestRequest,
    progress: &mut dyn FnMut(Progress),
) -> Result<IngestSummary, IngestError> {
    ingest_by(writer, request, Chunks::of_this_machine(), progress)
}

/// Like [`ingest`], of events that people add: each row names its author and the reason.
///
/// # Errors
/// As for [`ingest`].
pub fn ingest_corrections(
    writer: &Writer,
    request: &IngestRequest,
    progress: &mut dyn FnMut(Progress),
) -> Result<IngestSummary, IngestError> {
    let mut tally = Tally::new(request, Chunks::of_this_machine());
    let ingested = tally.corrections(writer, progress);
    tally.result(ingested)
}

/// Like [`ingest`], by chunks of a size.
pub(crate) fn ingest_by(
    writer: &Writer,
    request: &IngestRequest,
    chunks: Chunks,
    progress: &mut dyn FnMut(Progress),
) -> Result<IngestSummary, IngestError> {
    let mut tally = Tally::new(request, chunks);
    let ingested = tally.ingest(writer, request, progress);
    tally.result(ingested)
}

/// The numbers of a run and what goes with them into the lake.
struct Tally<'a> {
    request: &'a IngestRequest,
    chunks: Chunks,
    summary: IngestSummary,
    run: IngestRun,
}

impl<'a> Tally<'a> {
    fn new(request: &'a IngestRequest, chunks: Chunks) -> Self {
        let names: Vec<String> = request.inputs.iter().map(Input::name).collect();
        let joined = names.join(", ");
        let run = IngestRun {
            id: None,
            started_ms: request.started_ms,
            source: request.source.clone(),
            stream: request.stream,
            inputs: cut(&joined, INPUTS_BYTES_MAX).to_owned(),
            read: 0,
            accepted: 0,
            duplicate: 0,
            quarantined: 0,
            finished: false,
            taken: None,
        };
        let inputs = names.into_iter().map(|name| InputSummary { name, counts: Counts::default() });
        let summary = IngestSummary { inputs: inputs.collect(), ..IngestSummary::default() };
        Self { request, chunks, summary, run }
    }

    fn ingest(
        &mut self,
        writer: &Writer,
        request: &IngestRequest,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), Fault> {
        request.inputs.iter().try_for_each(Input::check)?;
        let source = &request.source;
        writer.source(source)?;
        match request.stream {
            Stream::Events => self.run(EventKeeper::new(writer, source)?, progress),
            Stream::Samples => self.run(SampleKeeper::new(writer, source)?, progress),
            Stream::Accounts => {
                self.run(AccountKeeper::new(writer, source, request.now)?, progress)
            }
        }
    }

    fn corrections(
        &mut self,
        writer: &Writer,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), Fault> {
        self.request.inputs.iter().try_for_each(Input::check)?;
        let source = &self.request.source;
        writer.source(source)?;
        self.run(CorrectionKeeper::new(writer, source)?, progress)
    }

    /// The summary, or the fault with what was done before it.
    fn result(self, ingested: Result<(), Fault>) -> Result<IngestSummary, IngestError> {
        let summary = self.summary;
        assert_eq!(summary.inputs.iter().map(|input| input.counts).sum::<Counts>(), summary.counts);
        match ingested {
            Ok(()) => Ok(summary),
            Err(fault) => Err(IngestError { fault, summary: Box::new(summary) }),
        }
    }

    fn run<T: Decode>(
        &mut self,
        mut keeper: impl Keeper<T>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), Fault> {
        let inputs = &self.request.inputs;
        let plausible = Plausible::at(self.request.now);
        let bytes_total = inputs.iter().map(Input::size_bytes).sum();
        let bytes_read = Arc::new(AtomicU64::new(0));
        let mut tell = |counts: Counts| {
            let bytes_read = bytes_read.load(Ordering::Relaxed);
            progress(Progress { bytes_read, bytes_total, rows: counts.read });
        };
        let chunks = self.chunks;
        thread::scope(|scope| {
            // No room in between: one batch is filled while another is stored.
            let (sender, receiver) = sync_channel(0);
            let decoder =
                scope.spawn(|| decode::<T>(inputs, &bytes_read, sender, plausible, chunks));
            let stored = self.store_all(receiver, &mut keeper, &mut tell);
            let decoded = match decoder.join() {
                Ok(decoded) => decoded,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            stored.map_err(Fault::from).and(decoded)
        })?;
        self.run.finished = true;
        keeper.note(&mut self.run)?;
        tell(self.summary.counts);
        Ok(())
    }

    /// Takes batches until there are no more. On an error the receiver is dropped,
    /// which stops the reader.
    fn store_all<T: Decode>(
        &mut self,
        receiver: Receiver<Batch<T>>,
        keeper: &mut impl Keeper<T>,
        tell: &mut dyn FnMut(Counts),
    ) -> Result<(), StoreError> {
        loop {
            match receiver.recv_timeout(PROGRESS_EVERY) {
                Ok(batch) => self.store(batch, keeper)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            tell(self.summary.counts);
        }
    }

    /// One atomic step.
    fn store<T: Decode>(
        &mut self,
        mut batch: Batch<T>,
        keeper: &mut impl Keeper<T>,
    ) -> Result<(), StoreError> {
        // Sort the rows into new ones, known ones and those to set aside.
        let mut by_input = vec![Counts::default(); self.summary.inputs.len()];
        let verdicts = keeper.judge(&batch.rows)?;
        let height = verdicts.new.len() + verdicts.known.len();
        assert_eq!(height, batch.rows.height(), "every row has a verdict");
        let mut quarantined = Vec::with_capacity(batch.bad.len());
        for bad in std::mem::take(&mut batch.bad) {
            quarantined.push(self.quarantined(bad.place, bad.reason, bad.raw));
            by_input[bad.place.input].count_quarantined();
        }
        for row in &verdicts.new {
            by_input[batch.places[row_index(*row)].input].count_accepted();
        }
        for (row, known) in verdicts.known {
            let place = batch.places[row_index(row)];
            match known {
                Known::Duplicate => by_input[place.input].count_duplicate(),
                Known::Conflict(reason) => {
                    quarantined.push(self.quarantined(place, reason, batch.raw(row_index(row))));
                    by_input[place.input].count_quarantined();
                }
            }
        }
        let mut without_meter: BTreeMap<String, u64> = BTreeMap::new();
        batch.rows.count_without_meter(&verdicts.new, &mut without_meter);

        // Store them; only then do they count.
        let counts: Counts = by_input.iter().copied().sum();
        assert_eq!(counts.read, counts.accepted + counts.duplicate + counts.quarantined);
        let totals = self.summary.counts + counts;
        self.run.read = totals.read;
        self.run.accepted = totals.accepted;
        self.run.duplicate = totals.duplicate;
        self.run.quarantined = totals.quarantined;
        keeper.append((&batch.rows, verdicts.new), &quarantined, &mut self.run)?;
        self.summary.counts = totals;
        for (input, counts) in self.summary.inputs.iter_mut().zip(by_input) {
            input.counts = input.counts + counts;
        }
        for (name, rows) in without_meter {
            *self.summary.without_meter.entry(name).or_default() += rows;
        }
        let room = FIRST_QUARANTINED_MAX - self.summary.first_quarantined.len();
        self.summary.first_quarantined.extend(quarantined.into_iter().take(room));
        Ok(())
    }

    fn quarantined(&self, place: Place, reason: String, raw: String) -> QuarantinedRow {
        QuarantinedRow {
            source: self.request.source.clone(),
            stream: self.request.stream,
            input: self.request.inputs[place.input].file_name(),
            row: place.row,
            reason,
            raw,
        }
    }
}

/// The reading side: all inputs, one after the other. What was read before a
/// fault is sent on.
pub(crate) fn decode<T: Decode>(
    inputs: &[Input],
    bytes_read: &Arc<AtomicU64>,
    sender: SyncSender<Batch<T>>,
    plausible: Plausible,
    chunks: Chunks,
) -> Result<(), Fault> {
    let mut batcher = Batcher::new(sender, plausible);
    let mut decoded = Ok(());
    for (index, input) in inputs.iter().enumerate() {
        decoded = batcher.begin(index).map_err(Stop::from);
        decoded = decoded.and_then(|()| decode_input(input, bytes_read, chunks, &mut batcher));
        if decoded.is_err() {
            break;
        }
    }
    let flushed = batcher.flush().map_err(Stop::from);
    match decoded.and(flushed) {
        // Then the storing side has the error.
        Ok(()) | Err(Stop::HungUp) => Ok(()),
        Err(Stop::Fault(fault)) => Err(fault),
    }
}

fn decode_input<T: Decode>(
    input: &Input,
    bytes_read: &Arc<AtomicU64>,
    chunks: Chunks,
    batcher: &mut Batcher<T>,
) -> Result<(), Stop> {
    let name = input.name();
    let mut window = match open::<T>(input, bytes_read)? {
        Opened::Parquet(file) => return parquet::read(&name, file, bytes_read, chunks, batcher),
        Opened::Csv(mut window) => {
            csv::read(&name, &mut window, chunks, batcher)?;
            window
        }
        Opened::Tsv(mut window) => {
            tsv::read(&name, &mut window, chunks, batcher)?;
            window
        }
        Opened::JsonLines(mut window) => {
            jsonl::read(&name, &mut window, chunks, batcher)?;
            window
        }
    };
    let rows = batcher.rows();
    window.check().map_err(|cause| {
        Stop::Fault(match cause.kind() {
            std::io::ErrorKind::UnexpectedEof => Fault::CutOff { input: name, rows },
            _ => Fault::Read { input: name, rows, cause },
        })
    })
}
