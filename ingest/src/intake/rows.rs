//! Tables of a dump, a row at a time.

use cloudtally_model::{Account, NetworkSample, UsageEvent};
use cloudtally_store::Stream;

use super::{
    ACCOUNTS_HELD_MAX, Intake,
    helpers::HelperRow,
    shape::{Helper, Table, all_names, by_columns, by_name},
};
use crate::{
    batch::Stop,
    decode::Decode,
    dump::{Cells, DumpRow, TableName, TableSink, Wish},
    error::{Fault, quoted},
    names,
    value::{RawValue, Reason, Values},
};

/// Tables and columns that a message names.
const MET_MAX: usize = 40;

/// The table whose rows come.
struct Current {
    table: Table,
    /// The position of each column of the table's own list.
    positions: Vec<Option<usize>>,
    columns: usize,
    /// Accounts that come without the paths of their domains.
    waits_for_paths: bool,
}

/// Takes the tables of one dump.
pub(super) struct TableRows<'i, 'a> {
    intake: &'i mut Intake<'a>,
    input: String,
    current: Option<Current>,
    /// True once a table came that is read.
    is_met: bool,
    /// The names of other tables, or their columns where they have none.
    others: Vec<String>,
}

impl<'i, 'a> TableRows<'i, 'a> {
    pub(super) fn new(intake: &'i mut Intake<'a>, input: &str) -> Self {
        let input = input.to_owned();
        Self { intake, input, current: None, is_met: false, others: Vec::new() }
    }

    /// Refuses a dump in which nothing was found.
    pub(super) fn finish(self, is_failed: bool) -> Result<(), Stop> {
        if self.is_met || is_failed {
            return Ok(());
        }
        Err(Fault::NoTable {
            input: self.input,
            expected: format!("one of the tables {}", all_names()),
            found: quoted(self.others.iter().map(String::as_str)),
        }
        .into())
    }

    fn is_wanted(&self, table: Table) -> bool {
        match (self.intake.terms.wanted, table) {
            (None, _) => true,
            (Some(wanted), Table::Stream(stream)) => wanted == stream,
            (Some(wanted), Table::Helper(helper)) => match helper {
                Helper::Domains => wanted == Stream::Accounts,
                Helper::Addresses | Helper::Zones | Helper::Stores => wanted == Stream::Events,
                Helper::Series | Helper::SeriesLog => wanted == Stream::Samples,
            },
        }
    }

    fn positions(
        &self,
        table: Table,
        input: &str,
        columns: &[String],
    ) -> Result<Vec<Option<usize>>, Fault> {
        match table {
            Table::Stream(Stream::Events) => names::positions::<UsageEvent>(input, columns, ""),
            Table::Stream(Stream::Samples) => names::positions::<NetworkSample>(input, columns, ""),
            Table::Stream(Stream::Accounts) => names::positions::<Account>(input, columns, ""),
            Table::Helper(helper) => Ok(helper.positions(columns)),
        }
    }

    /// Remembers a table that is not read.
    fn pass(&mut self, table: &str) {
        if self.others.len() < MET_MAX && !self.others.iter().any(|other| other == table) {
            self.others.push(table.to_owned());
        }
    }

    /// Counts a row of a helping table that could not be read.
    fn unread(&mut self, reason: String) {
        self.intake.unread += 1;
        self.intake.first_unread.get_or_insert(reason);
    }

    fn take_stream(
        &mut self,
        stream: Stream,
        row: Result<DumpRow<'_>, (Reason, &[u8])>,
    ) -> Result<(), Stop> {
        let (positions, waits) = match &self.current {
            Some(current) => (&current.positions[..], current.waits_for_paths),
            None => (&[][..], false),
        };
        let intake = &mut *self.intake;
        match (stream, row) {
            (Stream::Events, row) => {
                let (decoded, text) = decoded::<UsageEvent>(row, positions);
                intake.events.take_text(decoded, text)?;
            }
            (Stream::Samples, row) => {
                let (decoded, text) = decoded::<NetworkSample>(row, positions);
                intake.samples.take_text(decoded, text)?;
            }
            (Stream::Accounts, row) => match decoded::<Account>(row, positions) {
                (Ok(account), text) if waits && intake.held.len() < ACCOUNTS_HELD_MAX => {
                    intake.held.push((intake.input, account, text.to_vec()));
                }
                (decoded, text) => intake.accounts.take_text(decoded, text)?,
            },
        }
        Ok(())
    }
}

/// A reason with its line, where rows stand on lines.
fn at_line(line: u64, reason: Reason) -> Reason {
    match line {
        0 => reason,
        line => format!("line {line}: {reason}"),
    }
}

/// The row that cells make, or the reason why they make none, and its text.
fn decoded<'r, T: Decode>(
    row: Result<DumpRow<'r>, (Reason, &'r [u8])>,
    positions: &[Option<usize>],
) -> (Result<T, Reason>, &'r [u8]) {
    match row {
        Err((reason, text)) => (Err(reason), text),
        Ok(row) => {
            let decoded = T::decode(&CellValues { cells: row.cells, positions });
            (decoded.map_err(|reason| at_line(row.line, reason)), row.text)
        }
    }
}

impl TableSink for TableRows<'_, '_> {
    fn is_known(&mut self, name: &TableName) -> bool {
        let table = by_name(name.database.as_deref(), &name.table);
        let is_known = table.is_some_and(|table| self.is_wanted(table));
        match is_known {
            true => self.is_met = true,
            false => self.pass(&name.table),
        }
        is_known
    }

    fn table(&mut self, name: Option<&TableName>, columns: &[String]) -> Result<Wish, Stop> {
        self.current = None;
        let found = match name {
            Some(name) => by_name(name.database.as_deref(), &name.table),
            None => by_columns(columns),
        };
        let Some(table) = found.filter(|table| self.is_wanted(*table)) else {
            self.pass(&name.map_or_else(|| columns.join(" "), |name| name.table.clone()));
            return Ok(Wish::Unwanted);
        };
        let input = match name {
            Some(name) => format!("{}: {}", self.input, name.table),
            None => self.input.clone(),
        };
        let positions = self.positions(table, &input, columns)?;
        self.is_met = true;
        self.intake.tell_zones()?;
        let waits_for_paths = table == Table::Stream(Stream::Accounts)
            && names::position_of(columns, "domain_path").is_none();
        self.current = Some(Current { table, positions, columns: columns.len(), waits_for_paths });
        Ok(Wish::Wanted)
    }

    fn row(&mut self, row: DumpRow<'_>) -> Result<(), Stop> {
        let Some(current) = &self.current else { return Ok(()) };
        let (fields, columns) = (row.cells.len(), current.columns);
        if fields != columns {
            let fields_word = if fields == 1 { "field" } else { "fields" };
            let reason = format!("the row has {fields} {fields_word} but the header has {columns}");
            return self.broken(row.line, reason, row.text);
        }
        match current.table {
            Table::Stream(stream) => self.take_stream(stream, Ok(row)),
            Table::Helper(helper) => {
                let helped = HelperRow { row, positions: &current.positions };
                let taken = match helper {
                    Helper::Series | Helper::SeriesLog => {
                        self.intake.counters_input = self.intake.input;
                        self.intake.counters.take(helper, &helped)
                    }
                    _ => self.intake.helpers.take(helper, &helped),
                };
                if let Err(reason) = taken {
                    self.unread(at_line(row.line, reason));
                }
                Ok(())
            }
        }
    }

    fn broken(&mut self, line: u64, reason: String, text: &[u8]) -> Result<(), Stop> {
        let reason = at_line(line, reason);
        match self.current.as_ref().map(|current| current.table) {
            Some(Table::Helper(_)) => {
                self.unread(reason);
                Ok(())
            }
            Some(Table::Stream(stream)) => self.take_stream(stream, Err((reason, text))),
            None => {
                // Before any table: of the stream that is wanted most.
                let stream = self.intake.terms.wanted.unwrap_or(Stream::Events);
                self.take_stream(stream, Err((reason, text)))
            }
        }
    }

    fn cut(&mut self, line: u64, missing: &'static str) -> Stop {
        let (input, rows) = (self.input.clone(), self.intake.rows());
        Stop::Fault(Fault::CutDump { input, line, missing, rows })
    }
}

struct CellValues<'a> {
    cells: &'a Cells,
    positions: &'a [Option<usize>],
}

impl Values for CellValues<'_> {
    fn value(&self, column: usize) -> RawValue<'_> {
        let cell = self.positions[column].and_then(|position| self.cells.get(position));
        cell.map_or(RawValue::Absent, RawValue::Text)
    }
}
