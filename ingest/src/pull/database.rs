//! Questions to the database of a cloud: its tables by the columns that are there, in pages.

use std::ops::ControlFlow;

use cloudtally_model::Instant;
use cloudtally_store::named_query;

use super::{
    fault::{Grant, PullFault},
    server::{Cell, Server, ServerError},
};

/// Rows of a page.
pub(super) const PAGE_ROWS: u64 = 10_000;
/// The statements. Words in braces stand for values.
const FILE: &str = include_str!("../../../sql/pull.sql");
const ISOLATION: &str = named_query(FILE, "isolation");
const BEGIN: &str = named_query(FILE, "begin");
const CLOCK: &str = named_query(FILE, "clock");
const COLUMNS: &str = named_query(FILE, "columns");
const ENDS: &str = named_query(FILE, "ends");
const PAGE: &str = named_query(FILE, "page");
const COUNT: &str = named_query(FILE, "count");
const WHOLE: &str = named_query(FILE, "whole");
/// The settings that matter to the bill.
pub(super) const SETTINGS: &str = named_query(FILE, "settings");

/// A table that is read, and its columns.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) table: &'static str,
    /// Those without which it is of no use come first.
    pub(super) columns: &'static [&'static str],
    /// The number of those.
    pub(super) needed: usize,
}

/// The database of a cloud.
pub(super) struct Database<'s> {
    server: &'s mut dyn Server,
    pub(super) name: String,
    /// The user as the server knows it: `tally@10.0.0.5`.
    pub(super) user: String,
    /// The server as it names itself.
    pub(super) identity: String,
    /// The clock of the server just before the snapshot.
    pub(super) snapshot: Instant,
}

impl<'s> Database<'s> {
    /// Takes a snapshot, in which everything is read.
    pub(super) fn open(server: &'s mut dyn Server, name: &str) -> Result<Self, PullFault> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.$".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_name) {
            return Err(PullFault::DatabaseName { name: name.to_owned() });
        }
        let mut database = Self {
            server,
            name: name.to_owned(),
            user: String::new(),
            identity: String::new(),
            snapshot: Instant::from_millis(0),
        };
        database.ask(ISOLATION, &[], 0, &mut |_| ControlFlow::Continue(()))?;
        let mut answer = Vec::new();
        database.ask(CLOCK, &[], 1, &mut |cells| {
            answer = cells.iter().map(|cell| text(*cell)).collect();
            ControlFlow::Continue(())
        })?;
        let [clock, user, host, port] = &answer[..] else {
            return Err(ServerError::strange("tells no clock").into());
        };
        let instant = Instant::parse(clock);
        database.snapshot =
            instant.map_err(|_| ServerError::strange(format!("tells `{clock}` as its clock")))?;
        (database.user, database.identity) = (user.clone(), format!("{host}:{port}"));
        database.ask(BEGIN, &[], 0, &mut |_| ControlFlow::Continue(()))?;
        Ok(database)
    }

    /// The columns of a table that are there and may be read. `Err` in it is the right that
    /// is missing, if the table is there at all.
    pub(super) fn columns(
        &mut self,
        wanted: &Wanted,
    ) -> Result<Result<Vec<&'static str>, Grant>, PullFault> {
        let mut found = Vec::new();
        let names = [("database", self.name.clone()), ("table", wanted.table.to_owned())];
        self.ask(COLUMNS, &names, 1000, &mut |cells| {
            found.extend(cells.first().map(|cell| text(*cell).to_ascii_lowercase()));
            ControlFlow::Continue(())
        })?;
        let is_there = |column: &&&str| found.iter().any(|found| found == **column);
        let needed = &wanted.columns[..wanted.needed];
        if needed.iter().filter(is_there).count() < needed.len() {
            return Ok(Err(self.grant(wanted)));
        }
        Ok(Ok(wanted.columns.iter().filter(is_there).copied().collect()))
    }

    /// The right to read a table.
    pub(super) fn grant(&self, wanted: &Wanted) -> Grant {
        Grant::new(&self.name, wanted.table, wanted.columns, &self.user)
    }

    /// The lowest and the highest id of a table; `None` if it is empty.
    pub(super) fn ends(&mut self, table: &str) -> Result<Option<(u64, u64)>, PullFault> {
        let names = [("database", self.name.clone()), ("table", table.to_owned())];
        let mut ends = None;
        self.ask(ENDS, &names, 1, &mut |cells| {
            let [first, last] = cells else { return ControlFlow::Break(()) };
            ends = id(*first).zip(id(*last));
            ControlFlow::Continue(())
        })?;
        Ok(ends)
    }

    /// The number of rows behind an id.
    pub(super) fn count(&mut self, table: &str, above: u64) -> Result<u64, PullFault> {
        let names = [
            ("database", self.name.clone()),
            ("table", table.to_owned()),
            ("above", above.to_string()),
        ];
        let mut count = None;
        self.ask(COUNT, &names, 1, &mut |cells| {
            count = cells.first().and_then(|cell| id(*cell));
            ControlFlow::Continue(())
        })?;
        count.ok_or_else(|| ServerError::strange("does not count").into())
    }

    /// Reads the rows of a table between two ids, page by page: above the first, through the
    /// last. Each row comes with its id, and ids grow.
    pub(super) fn pages(
        &mut self,
        table: &str,
        columns: &[&str],
        (mut above, through): (u64, u64),
        sink: &mut dyn FnMut(u64, &[Cell<'_>]) -> ControlFlow<()>,
    ) -> Result<(), PullFault> {
        let columns_text = listed(columns);
        while above < through {
            let names = [
                ("columns", columns_text.clone()),
                ("database", self.name.clone()),
                ("table", table.to_owned()),
                ("above", above.to_string()),
                ("through", through.to_string()),
                ("limit", PAGE_ROWS.to_string()),
            ];
            let (mut count, mut strange, mut is_ended) = (0, None, false);
            self.ask(PAGE, &names, PAGE_ROWS, &mut |cells| {
                let id = cells.first().and_then(|cell| id(*cell));
                let Some(id) = id.filter(|id| (above + 1..=through).contains(id)) else {
                    let id = text(cells.first().copied().flatten());
                    strange = Some(format!(
                        "sends row `{id}` of `{table}` where one between {} and {through} belongs",
                        above + 1
                    ));
                    return ControlFlow::Break(());
                };
                if cells.len() != columns.len() {
                    strange = Some(format!(
                        "sends {} fields of `{table}` for {}",
                        cells.len(),
                        columns.len()
                    ));
                    return ControlFlow::Break(());
                }
                (above, count) = (id, count + 1);
                let taken = sink(id, cells);
                is_ended = taken.is_break();
                taken
            })?;
            if let Some(what) = strange {
                return Err(ServerError::strange(what).into());
            }
            if is_ended || count < PAGE_ROWS {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads a table without ids whole.
    pub(super) fn whole(
        &mut self,
        table: &str,
        columns: &[&str],
        rows_max: u64,
        sink: &mut dyn FnMut(&[Cell<'_>]) -> ControlFlow<()>,
    ) -> Result<(), PullFault> {
        let names = [
            ("columns", listed(columns)),
            ("database", self.name.clone()),
            ("table", table.to_owned()),
            ("limit", rows_max.to_string()),
        ];
        self.ask(WHOLE, &names, rows_max, sink)
    }

    /// Asks a statement; more rows than were asked for end it.
    pub(super) fn ask(
        &mut self,
        statement: &str,
        values: &[(&str, String)],
        rows_max: u64,
        sink: &mut dyn FnMut(&[Cell<'_>]) -> ControlFlow<()>,
    ) -> Result<(), PullFault> {
        let mut count = 0;
        self.server.rows(&with_values(statement, values), &mut |cells| {
            count += 1;
            if count > rows_max { ControlFlow::Break(()) } else { sink(cells) }
        })?;
        match count > rows_max {
            true => Err(ServerError::strange(format!(
                "sends more than the {rows_max} rows it was asked for"
            ))
            .into()),
            false => Ok(()),
        }
    }
}

/// A statement with the values put in. They are names that were checked, and numbers.
fn with_values(statement: &str, values: &[(&str, String)]) -> String {
    let text = statement.split_once(';').map_or(statement, |(text, _)| text);
    values
        .iter()
        .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

fn listed(columns: &[&str]) -> String {
    let quoted: Vec<String> = columns.iter().map(|column| format!("`{column}`")).collect();
    quoted.join(", ")
}

/// A cell as text.
pub(super) fn text(cell: Cell<'_>) -> String {
    String::from_utf8_lossy(cell.unwrap_or_default()).into_owned()
}

fn id(cell: Cell<'_>) -> Option<u64> {
    std::str::from_utf8(cell?).ok()?.parse().ok()
}
