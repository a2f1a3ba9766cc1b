//! Rows of our own cloud's outbox, taken into the lake.
//!
//! The cloud writes what matters to a bill into an outbox, in the transaction of
//! the change itself. From there it is taken in the order it was told: judged like
//! any other input, appended, and struck off the outbox, all in one transaction of
//! the catalogue. So it is in the lake exactly once, wherever a process is killed.
//!
//! Few and large files are better than many small ones, so the outbox is taken
//! when a usage job is due, not at each event.

use cloudtally_model::{Instant, SourceName, row_index};
use cloudtally_store::{IngestRun, QuarantinedRow, StoreError, Stream, Told, Writer};

use crate::{
    decode::Decode,
    dedupe::{AccountKeeper, EventKeeper, Keeper, Known, SampleKeeper},
    rows::Rows,
    summary::Counts,
    table::Row,
    value::{Reason, beyond_numbers},
};

/// Rows taken in one step.
const STEP_ROWS_MAX: usize = 65_536;
/// Name of the outbox among the inputs of runs.
const INPUT: &str = "outbox";

/// Numbers of the rows taken, by stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Usage events.
    pub events: Counts,
    /// Samples of traffic counters.
    pub samples: Counts,
    /// Accounts, new or changed.
    pub accounts: Counts,
}

/// Takes everything our own cloud has told so far.
///
/// # Errors
/// Rows taken before the error stay taken.
pub fn take_outbox(writer: &Writer, started_ms: i64) -> Result<Taken, StoreError> {
    let source = SourceName::new(SourceName::PLATFORM).expect("a name of our own");
    let next = (writer.told_accounts(0, 1)?, writer.told_samples(0, 1)?, writer.told_events(0, 1)?);
    let mut taken = Taken::default();
    if next.0.is_empty() && next.1.is_empty() && next.2.is_empty() {
        return Ok(taken);
    }
    writer.source(&source)?;
    // Accounts first, so that nobody sees an event of an account without a name.
    if !next.0.is_empty() {
        let keeper = AccountKeeper::new(writer, &source, Instant::from_millis(started_ms))?;
        let read = |offset| writer.told_accounts(offset, STEP_ROWS_MAX);
        taken.accounts = take(keeper, run(&source, Stream::Accounts, started_ms), read)?;
    }
    if !next.1.is_empty() {
        let keeper = SampleKeeper::new(writer, &source)?;
        let read = |offset| writer.told_samples(offset, STEP_ROWS_MAX);
        taken.samples = take(keeper, run(&source, Stream::Samples, started_ms), read)?;
    }
    if !next.2.is_empty() {
        let keeper = EventKeeper::new(writer, &source)?;
        let read = |offset| writer.told_events(offset, STEP_ROWS_MAX);
        taken.events = take(keeper, run(&source, Stream::Events, started_ms), read)?;
    }
    Ok(taken)
}

fn run(source: &SourceName, stream: Stream, started_ms: i64) -> IngestRun {
    IngestRun {
        id: None,
        started_ms,
        source: source.clone(),
        stream,
        inputs: INPUT.to_owned(),
        read: 0,
        accepted: 0,
        duplicate: 0,
        quarantined: 0,
        finished: false,
        taken: None,
    }
}

/// Takes one stream, step by step.
fn take<T: Decode>(
    mut keeper: impl Keeper<T>,
    mut run: IngestRun,
    read: impl Fn(u64) -> Result<Vec<Told<T>>, StoreError>,
) -> Result<Counts, StoreError> {
    let mut offset = 0;
    loop {
        let told = read(offset)?;
        let Some(last) = told.last() else { break };
        offset = last.offset;
        run.read += told.len() as u64;
        let mut quarantined = Vec::new();
        let mut rows = T::Table::default();
        let mut offsets = Vec::with_capacity(told.len());
        for Told { offset, item } in told {
            match beyond_numbers(&item) {
                Some(reason) => quarantined.push(set_aside(&run, offset, &item, reason)),
                None => {
                    offsets.push(offset);
                    rows.push(item);
                }
            }
        }
        run.quarantined += quarantined.len() as u64;
        let verdicts = keeper.judge(&rows)?;
        assert_eq!(verdicts.new.len() + verdicts.known.len(), rows.height());
        run.accepted += verdicts.new.len() as u64;
        for (row, known) in verdicts.known {
            match known {
                Known::Duplicate | Known::Renamed => run.duplicate += 1,
                Known::Conflict(reason) => {
                    run.quarantined += 1;
                    let (row, offset) = (rows.row(row_index(row)), offsets[row_index(row)]);
                    quarantined.push(set_aside(&run, offset, &row, reason));
                }
            }
        }
        run.taken = Some(offset);
        keeper.append((&rows, verdicts.new), &quarantined, &mut run)?;
    }
    run.finished = true;
    run.taken = None;
    keeper.note(&mut run)?;
    let IngestRun { read, accepted, duplicate, quarantined, .. } = run;
    assert_eq!(read, accepted + duplicate + quarantined);
    Ok(Counts { read, accepted, duplicate, quarantined })
}

/// A row for the quarantine.
fn set_aside<T: Row>(run: &IngestRun, offset: u64, row: &T, reason: Reason) -> QuarantinedRow {
    QuarantinedRow {
        source: run.source.clone(),
        stream: run.stream,
        input: INPUT.to_owned(),
        row: offset,
        reason,
        raw: raw(row),
    }
}

/// A row as it would stand in a file.
fn raw<T: Row>(row: &T) -> String {
    let cells: Vec<String> =
        T::columns().iter().map(|column| (column.cell)(row).to_string()).collect();
    cells.join(",")
}
