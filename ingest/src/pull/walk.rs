//! The tables of a cloud, handed over row by row in the order in which a dump has them.

use std::ops::ControlFlow;

use cloudtally_model::Instant;
use cloudtally_store::RowMark;

use super::{
    Prepared,
    database::{Database, Wanted},
    fault::PullFault,
    history::{ID_BITS, hash},
    server::Cell,
};
use crate::{
    batch::Stop,
    csv::ROW_BYTES_MAX,
    dump::{Cells, DumpRow, TableName, TableSink, Wish},
    error::Fault,
};

/// Rows of the log of counters that are read.
const LOG_ROWS_MAX: u64 = 8_000_000;

/// The part of a table in the counters of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counters {
    None,
    /// As they are now.
    Now,
    /// As they were at the ends of periods; read once.
    Past,
}

/// A table that is pulled.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) wanted: Wanted,
    pub(super) is_needed: bool,
    pub(super) counters: Counters,
    /// The loss if it cannot be read.
    pub(super) without: &'static str,
}

/// The settings.
pub(super) const CONFIGURATION: Wanted =
    Wanted { table: "configuration", columns: &["name", "value"], needed: 2 };
/// The events.
pub(super) const EVENTS: Wanted = Wanted {
    table: "usage_event",
    columns: &[
        "id",
        "type",
        "account_id",
        "created",
        "zone_id",
        "resource_id",
        "resource_name",
        "offering_id",
        "template_id",
        "size",
        "resource_type",
        "virtual_size",
    ],
    // All but `virtual_size` are there in every version. A column that a right is missing for
    // looks as if it were not there, and what it says would be missing from the bill.
    needed: 11,
};
/// The counters as they are now.
pub(super) const SERIES: Wanted = Wanted {
    table: "user_statistics",
    columns: &[
        "id",
        "account_id",
        "data_center_id",
        "device_id",
        "device_type",
        "net_bytes_sent",
        "net_bytes_received",
        "current_bytes_sent",
        "current_bytes_received",
        "network_id",
        "public_ip_address",
    ],
    needed: 9,
};
const ACCOUNTS: Wanted = Wanted {
    table: "account",
    columns: &["id", "account_name", "uuid", "type", "domain_id", "state", "created", "removed"],
    needed: 2,
};
const ZONES: Wanted = Wanted { table: "data_center", columns: &["id", "networktype"], needed: 1 };
const DOMAINS: Wanted = Wanted { table: "domain", columns: &["id", "path"], needed: 2 };
const STORES: Wanted = Wanted {
    table: "image_store",
    columns: &["id", "data_center_id", "image_provider_name"],
    needed: 2,
};
const LOG: Wanted = Wanted {
    table: "op_user_stats_log",
    columns: &["user_stats_id", "updated", "agg_bytes_sent", "agg_bytes_received"],
    needed: 4,
};
const ADDRESSES: Wanted = Wanted {
    table: "user_ip_address",
    columns: &["id", "account_id", "public_ip_address"],
    needed: 2,
};

/// The tables, in the order of a dump.
pub(super) const TABLES: [Table; 8] = [
    needed(ACCOUNTS, Counters::None),
    useful(ZONES, "zones of uploads are taken as the cloud wrote them"),
    useful(DOMAINS, "accounts come without the paths of their domains"),
    useful(STORES, "zones of image stores are not known"),
    Table { counters: Counters::Past, ..useful(LOG, "bytes from before this pull are not known") },
    needed(EVENTS, Counters::None),
    useful(ADDRESSES, "accounts of portable addresses are known by their releases alone"),
    needed(SERIES, Counters::Now),
];

const fn needed(wanted: Wanted, counters: Counters) -> Table {
    Table { wanted, is_needed: true, counters, without: "" }
}

const fn useful(wanted: Wanted, without: &'static str) -> Table {
    Table { wanted, is_needed: false, counters: Counters::None, without }
}

/// The mark of an event: of the columns that every version has, all but the name, which is no
/// key, tell it from another.
fn mark_of(id: u64, cells: &[Cell<'_>]) -> RowMark {
    let lasting = EVENTS.columns[..EVENTS.needed].iter().zip(cells);
    hash(id, lasting.filter(|(column, _)| **column != "resource_name").map(|(_, cell)| *cell))
}

/// The rows that are there now under the ids of some that were pulled.
pub(super) fn marks(
    database: &mut Database<'_>,
    columns: &[&'static str],
    pulled: &[RowMark],
) -> Result<Vec<RowMark>, PullFault> {
    let (Some(first), Some(last)) = (pulled.first(), pulled.last()) else {
        return Ok(Vec::new());
    };
    let mut now = Vec::with_capacity(pulled.len());
    database.pages(EVENTS.table, columns, (first.id - 1, last.id), &mut |id, cells| {
        if pulled.binary_search_by_key(&id, |row| row.id).is_ok() {
            now.push(mark_of(id, cells));
        }
        ControlFlow::Continue(())
    })?;
    Ok(now)
}

/// Hands over all tables.
pub(super) fn feed(prepared: &mut Prepared<'_>, sink: &mut dyn TableSink) -> Result<(), Stop> {
    let tables = std::mem::take(&mut prepared.tables);
    for (Table { wanted, counters, .. }, columns) in &tables {
        let name = TableName { database: None, table: wanted.table.to_owned() };
        let names: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
        if !sink.is_known(&name) || sink.table(Some(&name), &names)? == Wish::Unwanted {
            continue;
        }
        let mut rows = Rows { sink, cells: Cells::default(), text: Vec::new(), stop: None };
        let read = match (wanted.table == EVENTS.table, counters) {
            (true, _) => events(prepared, columns, &mut rows),
            (false, Counters::Past) => {
                prepared
                    .database
                    .whole(wanted.table, columns, LOG_ROWS_MAX, &mut |cells| rows.take(cells, None))
            }
            (false, counters) => small(prepared, wanted.table, columns, *counters, &mut rows),
        };
        if let Some(stop) = rows.stop {
            return Err(stop);
        }
        read.map_err(Fault::from)?;
    }
    Ok(())
}

/// Reads a table whole.
fn small(
    prepared: &mut Prepared<'_>,
    table: &str,
    columns: &[&str],
    counters: Counters,
    rows: &mut Rows<'_>,
) -> Result<(), PullFault> {
    let Some((first, last)) = prepared.database.ends(table)? else { return Ok(()) };
    let between = (first.saturating_sub(1), last);
    prepared.database.pages(table, columns, between, &mut |_, cells| rows.take(cells, None))?;
    if counters == Counters::Now {
        let snapshot = prepared.database.snapshot;
        let mark = prepared.course.mark();
        (mark.sampled, mark.series) = (Some(snapshot), mark.series.max(last));
    }
    Ok(())
}

/// Reads the events that were missed and came, and those that are new.
fn events(
    prepared: &mut Prepared<'_>,
    columns: &[&str],
    rows: &mut Rows<'_>,
) -> Result<(), PullFault> {
    let Prepared { database, course, ends, .. } = prepared;
    let created = columns.iter().position(|column| *column == "created");
    let mark = course.mark();
    let (epoch, floor, seen) = (u64::from(mark.epoch), mark.floor, mark.seen);
    let number = |id: u64| (epoch > 0).then(|| (epoch << ID_BITS | id).to_string());
    if !mark.holes.is_empty() {
        database.pages(EVENTS.table, columns, (floor, seen), &mut |id, cells| match course
            .fills(mark_of(id, cells))
        {
            true => rows.take(cells, number(id)),
            false => ControlFlow::Continue(()),
        })?;
    }
    let Some((first, last)) = *ends else { return Ok(()) };
    let above = seen.max(first.saturating_sub(1));
    database.pages(EVENTS.table, columns, (above, last), &mut |id, cells| {
        let text = created.and_then(|position| cells[position]);
        let text = text.and_then(|text| std::str::from_utf8(text).ok());
        let created = text.and_then(|text| Instant::parse(text).ok());
        course.pass(mark_of(id, cells), created);
        rows.take(cells, number(id))
    })
}

/// The way of rows to where those of dumps go.
struct Rows<'k> {
    sink: &'k mut dyn TableSink,
    cells: Cells,
    text: Vec<u8>,
    stop: Option<Stop>,
}

impl Rows<'_> {
    /// Hands over a row, whose first cell may be another than the database has.
    fn take(&mut self, row: &[Cell<'_>], first: Option<String>) -> ControlFlow<()> {
        self.cells.clear();
        self.text.clear();
        for (at, cell) in row.iter().enumerate() {
            let cell = match (&first, at) {
                (Some(first), 0) => Some(first.as_bytes()),
                _ => *cell,
            };
            if at > 0 {
                self.text.push(b'\t');
            }
            self.text.extend_from_slice(cell.unwrap_or(b"\\N"));
            match cell {
                None => self.cells.end_null(),
                Some(bytes) => {
                    self.cells.extend(bytes);
                    self.cells.end();
                }
            }
        }
        let row = DumpRow { line: 0, text: &self.text, cells: &self.cells };
        let taken = match self.text.len() > ROW_BYTES_MAX {
            true => {
                let reason = format!("the row has more than {ROW_BYTES_MAX} bytes");
                self.sink.broken(0, reason, &self.text)
            }
            false => self.sink.row(row),
        };
        match taken {
            Ok(()) => ControlFlow::Continue(()),
            Err(stop) => {
                self.stop = Some(stop);
                ControlFlow::Break(())
            }
        }
    }
}
