//! The numbers of a run and what goes with them into the lake.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use cloudtally_model::row_index;
use cloudtally_store::{IngestRun, QuarantinedRow, StoreError, Stream};

use crate::{
    batch::{Batch, Place},
    decode::Decode,
    dedupe::{Keeper, Known},
    error::{Fault, IngestError},
    open::Input,
    request::IngestRequest,
    rows::Rows,
    summary::{Counts, IngestSummary, InputSummary, Progress},
    value::{Reason, cut},
};

/// Quarantined rows that a summary shows.
const FIRST_QUARANTINED_MAX: usize = 5;
/// Bytes of the list of inputs that a run's row keeps.
const INPUTS_BYTES_MAX: usize = 1000;

/// The numbers of a run.
pub(crate) struct Tally<'a> {
    pub(crate) request: &'a IngestRequest,
    pub(crate) bytes_read: Arc<AtomicU64>,
    pub(crate) summary: IngestSummary,
    bytes_total: Option<u64>,
    /// The run's row in the catalogue for each stream that had rows.
    runs: Vec<(Stream, IngestRun)>,
}

impl<'a> Tally<'a> {
    pub(crate) fn new(request: &'a IngestRequest) -> Self {
        let names = request.inputs.iter().map(Input::name);
        let inputs = names.map(|name| InputSummary { name, counts: Counts::default() });
        let summary = IngestSummary { inputs: inputs.collect(), ..IngestSummary::default() };
        let bytes_total = request.inputs.iter().map(Input::size_bytes).sum();
        Self { request, bytes_read: Arc::default(), summary, bytes_total, runs: Vec::new() }
    }

    /// Tells how far the run is.
    pub(crate) fn tell(&self, progress: &mut dyn FnMut(Progress)) {
        let bytes_read = self.bytes_read.load(Ordering::Relaxed);
        let (bytes_total, rows) = (self.bytes_total, self.summary.counts.read);
        progress(Progress { bytes_read, bytes_total, rows });
    }

    /// The summary, or the fault with what was done before it.
    pub(crate) fn result(self, ingested: Result<(), Fault>) -> Result<IngestSummary, IngestError> {
        let summary = self.summary;
        assert_eq!(summary.inputs.iter().map(|input| input.counts).sum::<Counts>(), summary.counts);
        assert_eq!(
            summary.streams.iter().map(|(_, counts)| *counts).sum::<Counts>(),
            summary.counts
        );
        match ingested {
            Ok(()) => Ok(summary),
            Err(fault) => Err(IngestError { fault, summary: Box::new(summary) }),
        }
    }

    /// Stores the end of a stream's run.
    pub(crate) fn end<T: Decode>(
        &mut self,
        stream: Stream,
        keeper: &mut impl Keeper<T>,
    ) -> Result<(), StoreError> {
        let run = self.run(stream);
        self.runs[run].1.finished = true;
        keeper.note(&mut self.runs[run].1)
    }

    /// True if a stream had rows.
    pub(crate) fn has(&self, stream: Stream) -> bool {
        self.runs.iter().any(|(of, _)| *of == stream)
    }

    /// The place of a stream's run.
    fn run(&mut self, stream: Stream) -> usize {
        if let Some(at) = self.runs.iter().position(|(of, _)| *of == stream) {
            return at;
        }
        let names: Vec<String> = self.request.inputs.iter().map(Input::name).collect();
        let joined = names.join(", ");
        let run = IngestRun {
            id: None,
            started_ms: self.request.started_ms,
            source: self.request.source.clone(),
            stream,
            inputs: cut(&joined, INPUTS_BYTES_MAX).to_owned(),
            read: 0,
            accepted: 0,
            duplicate: 0,
            quarantined: 0,
            finished: false,
            taken: None,
        };
        self.runs.push((stream, run));
        self.summary.streams.push((stream, Counts::default()));
        self.runs.len() - 1
    }

    /// Stores a batch in one atomic step.
    pub(crate) fn store<T: Decode>(
        &mut self,
        stream: Stream,
        batch: Batch<T>,
        keeper: &mut impl Keeper<T>,
    ) -> Result<(), StoreError> {
        self.store_doubtful(stream, batch, HashMap::new(), keeper)
    }

    /// Like [`Tally::store`], of rows of which some are set aside unless they are known.
    pub(crate) fn store_doubtful<T: Decode>(
        &mut self,
        stream: Stream,
        mut batch: Batch<T>,
        mut doubtful: HashMap<u32, Reason>,
        keeper: &mut impl Keeper<T>,
    ) -> Result<(), StoreError> {
        // Sort the rows into new ones, known ones and those to set aside.
        let mut by_input = vec![Counts::default(); self.summary.inputs.len()];
        let mut verdicts = keeper.judge(&batch.rows)?;
        verdicts.new.retain(|row| match doubtful.remove(row) {
            Some(reason) => {
                verdicts.known.push((*row, Known::Conflict(reason)));
                false
            }
            None => true,
        });
        let height = verdicts.new.len() + verdicts.known.len();
        assert_eq!(height, batch.rows.height(), "every row has a verdict");
        let mut quarantined = Vec::with_capacity(batch.bad.len());
        for bad in std::mem::take(&mut batch.bad) {
            quarantined.push(self.quarantined(stream, bad.place, bad.reason, bad.raw));
            by_input[bad.place.input].count_quarantined();
        }
        for row in &verdicts.new {
            by_input[batch.places[row_index(*row)].input].count_accepted();
        }
        let mut renamed = 0;
        for (row, known) in verdicts.known {
            let place = batch.places[row_index(row)];
            match known {
                Known::Duplicate => by_input[place.input].count_duplicate(),
                Known::Renamed => {
                    renamed += 1;
                    by_input[place.input].count_duplicate();
                }
                Known::Conflict(reason) => {
                    let raw = batch.raw(row_index(row));
                    quarantined.push(self.quarantined(stream, place, reason, raw));
                    by_input[place.input].count_quarantined();
                }
            }
        }
        let mut without_meter: BTreeMap<String, u64> = BTreeMap::new();
        batch.rows.count_without_meter(&verdicts.new, &mut without_meter);

        // Store them; only then do they count.
        let counts: Counts = by_input.iter().copied().sum();
        assert_eq!(counts.read, counts.accepted + counts.duplicate + counts.quarantined);
        let at = self.run(stream);
        let of_stream = self.summary.streams[at].1 + counts;
        let run = &mut self.runs[at].1;
        run.read = of_stream.read;
        run.accepted = of_stream.accepted;
        run.duplicate = of_stream.duplicate;
        run.quarantined = of_stream.quarantined;
        keeper.append((&batch.rows, verdicts.new), &quarantined, run)?;
        self.summary.streams[at].1 = of_stream;
        self.summary.counts = self.summary.counts + counts;
        self.summary.renamed += renamed;
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

    fn quarantined(
        &self,
        stream: Stream,
        place: Place,
        reason: String,
        raw: String,
    ) -> QuarantinedRow {
        QuarantinedRow {
            source: self.request.source.clone(),
            stream,
            input: self.request.inputs[place.input].file_name(),
            row: place.row,
            reason,
            raw,
        }
    }
}
