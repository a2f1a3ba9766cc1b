//! Inputs that people write: corrections of what a cloud told, and lists of what it has.

use std::{
    sync::{Arc, mpsc::sync_channel},
    thread,
};

use cloudtally_model::{
    CorrectiveEvent, EventId, Instant, LiveUse, SourceName, ZoneId, row_index, usage_type_of,
};
use cloudtally_store::{CorrectionNote, EventTable, IngestRun, QuarantinedRow, StoreError, Writer};

use crate::{
    chunks::Chunks,
    decode::{self, Decode},
    dedupe::{EventKeeper, Keeper, Verdicts},
    error::Fault,
    one_stream,
    open::Input,
    parquet::ColumnFields,
    plausible::Plausible,
    rows::Rows,
    table::Row,
    value::{Fields, Reason, Values},
};

/// Corrections have numbers below this.
const NUMBERS_MAX: u64 = 1 << 61;

impl Decode for CorrectiveEvent {
    type Table = Vec<Self>;

    fn decode<V: Values>(values: &V) -> Result<Self, Reason> {
        let mut next = Fields::new(values, Self::columns());
        let mut event = decode::event(&mut next)?;
        let number = event.id.0;
        if number >= NUMBERS_MAX {
            return Err(format!("column `id`: `{number}` is too large; number corrections from 1"));
        }
        event.id = EventId(Self::FIRST_ID + number);
        Ok(Self { event, author: next.text()?, reason: next.text()? })
    }

    /// Corrections are few, and are read a row at a time.
    fn decode_columns(next: &mut ColumnFields<'_>) -> Vec<Self> {
        next.doubt_all();
        Vec::new()
    }

    fn billed_at(&self) -> Option<(&'static str, Instant)> {
        Some(("created", self.event.created))
    }
}

impl Decode for LiveUse {
    type Table = Vec<Self>;

    fn decode<V: Values>(values: &V) -> Result<Self, Reason> {
        let mut next = Fields::new(values, Self::columns());
        let usage_type = usage_type_of(&next.text()?)
            .map_err(|reason| format!("column `usage_type`: {reason}"))?;
        if usage_type.is_bytes() {
            return Err("column `usage_type`: bytes are counted, nothing of them is in use; \
                        leave the row out"
                .to_owned());
        }
        Ok(Self {
            usage_type,
            resource: next.unsigned()?.into(),
            zone: next.signed_if_any()?.map(ZoneId::from_source),
            nic: next.unsigned_if_any()?.map(Into::into),
            account: next.unsigned_if_any()?.map(Into::into),
            name: next.text_if_any()?,
        })
    }

    /// Lists are short beside what they are compared with.
    fn decode_columns(next: &mut ColumnFields<'_>) -> Vec<Self> {
        next.doubt_all();
        Vec::new()
    }

    fn billed_at(&self) -> Option<(&'static str, Instant)> {
        None
    }
}

/// Keeps corrections as the events they are, with a note of who answers for each.
pub(crate) struct CorrectionKeeper<'a> {
    writer: &'a Writer,
    events: EventKeeper<'a>,
}

impl<'a> CorrectionKeeper<'a> {
    pub(crate) fn new(writer: &'a Writer, source: &SourceName) -> Result<Self, StoreError> {
        Ok(Self { writer, events: EventKeeper::new(writer, source)? })
    }
}

impl Keeper<CorrectiveEvent> for CorrectionKeeper<'_> {
    fn judge(&mut self, rows: &Vec<CorrectiveEvent>) -> Result<Verdicts, StoreError> {
        self.events.judge(&events_of(rows))
    }

    fn append(
        &mut self,
        (rows, new): (&Vec<CorrectiveEvent>, Vec<u32>),
        quarantined: &[QuarantinedRow],
        run: &mut IngestRun,
    ) -> Result<(), StoreError> {
        let note = |row: &u32| {
            let CorrectiveEvent { event, author, reason } = &rows[row_index(*row)];
            let (author, reason) = (author.to_string(), reason.to_string());
            CorrectionNote { event: event.id, author, reason, entered_ms: run.started_ms }
        };
        let notes: Vec<CorrectionNote> = new.iter().map(note).collect();
        let events = (&events_of(rows), new);
        let known = self.events.known();
        self.writer.append_corrections(known, events, &notes, quarantined, run)
    }
}

fn events_of(rows: &[CorrectiveEvent]) -> EventTable {
    let mut events = EventTable::default();
    rows.iter().for_each(|row| events.push(&row.event));
    events
}

/// A list of what a cloud says is in use.
#[derive(Debug, Default)]
pub struct Inventory {
    /// The uses.
    pub uses: Vec<LiveUse>,
    /// Rows that could not be read, each with its number and the reason.
    pub bad: Vec<(u64, String)>,
}

/// Reads a list of what is in use, in any format that `ingest` takes.
///
/// # Errors
/// The file cannot be read, or a column is missing.
pub fn read_inventory(input: &Input) -> Result<Inventory, Fault> {
    input.check()?;
    let mut inventory = Inventory::default();
    let (sender, receiver) = sync_channel(0);
    let (inputs, bytes_read) = ([input.clone()], Arc::default());
    let plausible = Plausible::at(Instant::END_OF_TIME);
    thread::scope(|scope| {
        let decoder = scope.spawn(|| {
            one_stream::decode::<LiveUse>(
                &inputs,
                &bytes_read,
                sender,
                plausible,
                Chunks::of_this_machine(),
            )
        });
        for batch in receiver {
            inventory.uses.extend((0..batch.rows.height()).map(|row| batch.rows.row(row)));
            inventory.bad.extend(batch.bad.into_iter().map(|bad| (bad.place.row, bad.reason)));
        }
        match decoder.join() {
            Ok(decoded) => decoded,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })?;
    Ok(inventory)
}
