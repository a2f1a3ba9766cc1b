//! Rows of tables without types, and who takes them.

use crate::batch::Stop;

/// The formats that are read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Statements, as `mysqldump` and `mariadb-dump` write them.
    Sql,
    /// Separated fields in which a backslash escapes, with the quote that may enclose them.
    Outfile {
        separator: u8,
        quote: u8,
    },
    /// A table drawn with lines, as a terminal shows it.
    Grid,
    /// A column a line, as `\G` shows it.
    Vertical,
    Xml,
}

impl Dialect {
    /// The format's name in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sql => "a dump of SQL statements",
            Self::Outfile { .. } => "the output of `INTO OUTFILE`",
            Self::Grid => "a table drawn with lines",
            Self::Vertical => "the output of `\\G`",
            Self::Xml => "a dump as XML",
        }
    }
}

/// The name of a table in a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableName {
    pub(crate) database: Option<String>,
    pub(crate) table: String,
}

/// The wish for the rows of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Wanted,
    Unwanted,
}

/// A row of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DumpRow<'a> {
    /// The line on which it begins; 1 is the input's first, 0 is none.
    pub(crate) line: u64,
    /// The row as it came.
    pub(crate) text: &'a [u8],
    pub(crate) cells: &'a Cells,
}

/// Takes the tables of a dump.
pub(crate) trait TableSink {
    /// True of a table whose definition and rows are of use.
    fn is_known(&mut self, _table: &TableName) -> bool {
        true
    }

    /// Begins a table, whose name is `None` where the format has none. The rows that
    /// follow are its.
    fn table(&mut self, name: Option<&TableName>, columns: &[String]) -> Result<Wish, Stop>;

    /// Takes the next row.
    fn row(&mut self, row: DumpRow<'_>) -> Result<(), Stop>;

    /// Takes a row that cannot be taken apart.
    fn broken(&mut self, line: u64, reason: String, text: &[u8]) -> Result<(), Stop>;

    /// Stops at the end of a dump that was cut.
    fn cut(&mut self, line: u64, missing: &'static str) -> Stop;
}

/// The cells of a row, kept in one buffer that serves row after row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cells {
    bytes: Vec<u8>,
    ends: Vec<(usize, bool)>,
}

impl Cells {
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Adds bytes to the cell that is being made.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn push(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Takes back the last byte of the cell that is being made.
    pub(super) fn pop(&mut self) {
        self.bytes.pop();
    }

    /// Ends the cell that was made.
    pub(crate) fn end(&mut self) {
        self.ends.push((self.bytes.len(), true));
    }

    /// Ends a cell that is NULL.
    pub(crate) fn end_null(&mut self) {
        self.bytes.truncate(self.ends.last().map_or(0, |(end, _)| *end));
        self.ends.push((self.bytes.len(), false));
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The cell of a number; `None` is NULL.
    pub(crate) fn get(&self, at: usize) -> Option<&[u8]> {
        let (end, is_there) = self.ends[at];
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before].0);
        is_there.then(|| &self.bytes[start..end])
    }

    /// The cells as names, which headers have.
    pub(super) fn names(&self) -> Vec<String> {
        (0..self.len())
            .map(|at| String::from_utf8_lossy(self.get(at).unwrap_or_default()).trim().to_owned())
            .collect()
    }
}
