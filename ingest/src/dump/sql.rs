//! Statements, as `mysqldump` and `mariadb-dump` write them.
//!
//! Read are the statements that define a table, that choose a database and that insert
//! lists of values; others are passed over. The columns of a list are those that the
//! statement names, else those of the table's definition above it. A statement may be
//! larger than memory: its rows are read one at a time.

use std::{collections::HashMap, io::Read};

use super::{
    lexer::{Lexer, Token},
    table::{Cells, DumpRow, TableName, TableSink, Wish},
    tuple::{self, Parsed},
};
use crate::{batch::Stop, csv::ROW_BYTES_MAX, value::cut, window::Window};

/// The words that begin what a definition of a table holds beside its columns.
const NO_COLUMNS: [&str; 10] = [
    "PRIMARY",
    "KEY",
    "UNIQUE",
    "INDEX",
    "CONSTRAINT",
    "FULLTEXT",
    "FOREIGN",
    "SPATIAL",
    "CHECK",
    "PERIOD",
];
/// Columns that a table can have, and tables whose columns are remembered.
const COLUMNS_MAX: usize = 4096;
const TABLES_MAX: usize = 1000;
/// The first words of an input that is made of statements.
const FIRST_WORDS: [&str; 11] = [
    "INSERT",
    "REPLACE",
    "CREATE",
    "DROP",
    "SET",
    "USE",
    "LOCK",
    "START",
    "BEGIN",
    "DELIMITER",
    "ALTER",
];

/// True if an input begins with a statement or a comment of SQL.
pub(crate) fn begins_with_statement(sample: &[u8]) -> bool {
    if sample.starts_with(b"-- ") || sample.starts_with(b"--\n") || sample.starts_with(b"/*") {
        return true;
    }
    let length = sample.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let word = String::from_utf8_lossy(&sample[..length]).to_ascii_uppercase();
    FIRST_WORDS.contains(&word.as_str())
        && sample.get(length).is_some_and(|byte| matches!(byte, b' ' | b'\n' | b'\r'))
}

/// Reads all tables of a dump.
pub(crate) fn read<R: Read>(window: &mut Window<R>, sink: &mut dyn TableSink) -> Result<(), Stop> {
    Statements::new(window).read(sink)
}

/// The columns of the only table that some statements define.
pub(crate) fn columns_of<R: Read>(reader: R) -> Option<Vec<String>> {
    let mut window = Window::new(reader);
    let mut statements = Statements::new(&mut window);
    // One that ends too early may have said enough.
    drop(statements.read(&mut Definitions));
    let mut columns = statements.columns.into_values();
    columns.next().filter(|_| columns.next().is_none())
}

/// Wants the definitions alone.
struct Definitions;

impl TableSink for Definitions {
    fn table(&mut self, _: Option<&TableName>, _: &[String]) -> Result<Wish, Stop> {
        Ok(Wish::Unwanted)
    }

    fn row(&mut self, _: DumpRow<'_>) -> Result<(), Stop> {
        Ok(())
    }

    fn broken(&mut self, _: u64, _: String, _: &[u8]) -> Result<(), Stop> {
        Ok(())
    }

    fn cut(&mut self, _: u64, _: &'static str) -> Stop {
        Stop::HungUp
    }
}

struct Statements<'w, R> {
    lexer: Lexer<'w, R>,
    database: Option<String>,
    /// The columns of the tables that were defined.
    columns: HashMap<String, Vec<String>>,
    cells: Cells,
}

impl<'w, R: Read> Statements<'w, R> {
    fn new(window: &'w mut Window<R>) -> Self {
        Self {
            lexer: Lexer::new(window),
            database: None,
            columns: HashMap::new(),
            cells: Cells::default(),
        }
    }

    fn read(&mut self, sink: &mut dyn TableSink) -> Result<(), Stop> {
        loop {
            match self.lexer.token() {
                Token::End => break,
                Token::Symbol(b';') => {}
                word if word.is("INSERT") || word.is("REPLACE") => self.insert(sink)?,
                word if word.is("CREATE") => self.create(sink)?,
                word if word.is("USE") => {
                    self.database = self.lexer.token().name();
                    self.lexer.skip_statement();
                }
                word if word.is("DELIMITER") => self.lexer.skip_routines(),
                _ => {
                    if !self.lexer.skip_statement() && !self.lexer.source.window.failed() {
                        return Err(sink.cut(self.lexer.source.line, "the end of a statement"));
                    }
                }
            }
        }
        match self.lexer.is_unclosed() && !self.lexer.source.window.failed() {
            true => Err(sink.cut(self.lexer.source.line, "its closing line `-- Dump completed`")),
            false => Ok(()),
        }
    }

    /// Reads `table` or `database.table`, and the token behind it.
    fn table_name(&mut self, first: Token) -> Option<(TableName, Token)> {
        let first = first.name()?;
        let next = self.lexer.token();
        if next != Token::Symbol(b'.') {
            let database = self.database.clone();
            return Some((TableName { database, table: first }, next));
        }
        let table = self.lexer.token().name()?;
        Some((TableName { database: Some(first), table }, self.lexer.token()))
    }

    /// Reads the columns of a definition of a table.
    fn create(&mut self, sink: &mut dyn TableSink) -> Result<(), Stop> {
        let mut token = self.lexer.token();
        if token.is("TEMPORARY") {
            token = self.lexer.token();
        }
        if !token.is("TABLE") {
            self.lexer.skip_statement();
            return Ok(());
        }
        token = self.lexer.token();
        if token.is("IF") {
            // `IF NOT EXISTS`
            self.lexer.token();
            self.lexer.token();
            token = self.lexer.token();
        }
        let named = self.table_name(token);
        let Some((name, Token::Symbol(b'('))) = named else {
            self.lexer.skip_statement();
            return Ok(());
        };
        let columns = self.defined_columns();
        if sink.is_known(&name) && self.columns.len() < TABLES_MAX {
            self.columns.insert(key_of(&name), columns);
        }
        if !self.lexer.skip_statement() && !self.lexer.source.window.failed() {
            return Err(sink.cut(self.lexer.source.line, "the end of a definition of a table"));
        }
        Ok(())
    }

    /// Reads the names of the columns, through the bracket that closes them.
    fn defined_columns(&mut self) -> Vec<String> {
        let mut columns = Vec::new();
        while columns.len() < COLUMNS_MAX {
            match self.lexer.token() {
                Token::Name(name) => columns.push(name),
                Token::Word(word) if !NO_COLUMNS.contains(&&*word.to_ascii_uppercase()) => {
                    columns.push(word);
                }
                Token::Word(_) => {}
                Token::Symbol(_) | Token::End => return columns,
            }
            // To the comma behind the column, or the end of them.
            let mut depth = 0;
            loop {
                match self.lexer.token() {
                    Token::Symbol(b'(') => depth += 1,
                    Token::Symbol(b')') if depth == 0 => return columns,
                    Token::Symbol(b')') => depth -= 1,
                    Token::Symbol(b',') if depth == 0 => break,
                    Token::Symbol(b'\'') => self.lexer.skip_string(b'\''),
                    Token::End => return columns,
                    Token::Word(_) | Token::Name(_) | Token::Symbol(_) => {}
                }
            }
        }
        columns
    }

    /// Reads the rows of a statement that inserts.
    fn insert(&mut self, sink: &mut dyn TableSink) -> Result<(), Stop> {
        let line = self.lexer.source.line;
        let mut token = self.lexer.token();
        while ["LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE", "INTO"]
            .iter()
            .any(|word| token.is(word))
        {
            token = self.lexer.token();
        }
        let Some((name, mut token)) = self.table_name(token) else {
            self.lexer.skip_statement();
            return Ok(());
        };
        if !sink.is_known(&name) {
            return self.pass_over(sink);
        }
        let mut columns = None;
        if token == Token::Symbol(b'(') {
            columns = Some(self.listed_columns());
            token = self.lexer.token();
        }
        if !token.is("VALUES") && !token.is("VALUE") {
            if token == Token::End {
                return Err(sink.cut(self.lexer.source.line, "the end of a statement"));
            }
            self.lexer.skip_statement();
            let reason = format!("the statement about `{}` has no list of values", name.table);
            return sink.broken(line, reason, b"");
        }
        let columns = columns.or_else(|| self.columns.get(&key_of(&name)).cloned());
        let Some(columns) = columns else {
            self.lexer.skip_statement();
            let reason = format!(
                "the statement about `{}` names no columns and its definition is not in the \
                 dump; dump it with `--complete-insert` or without `--no-create-info`",
                name.table
            );
            return sink.broken(line, reason, b"");
        };
        match sink.table(Some(&name), &columns)? {
            Wish::Wanted => self.rows(sink),
            Wish::Unwanted => self.pass_over(sink),
        }
    }

    fn pass_over(&mut self, sink: &mut dyn TableSink) -> Result<(), Stop> {
        match self.lexer.skip_statement() || self.lexer.source.window.failed() {
            true => Ok(()),
            false => Err(sink.cut(self.lexer.source.line, "the end of a statement")),
        }
    }

    fn listed_columns(&mut self) -> Vec<String> {
        let mut columns = Vec::new();
        while columns.len() < COLUMNS_MAX {
            match self.lexer.token() {
                Token::Word(name) | Token::Name(name) => columns.push(name),
                Token::Symbol(b',') => {}
                Token::Symbol(_) | Token::End => return columns,
            }
        }
        columns
    }

    /// Reads lists of values through the end of the statement.
    fn rows(&mut self, sink: &mut dyn TableSink) -> Result<(), Stop> {
        loop {
            self.lexer.skip_blanks();
            match self.lexer.source.peek() {
                Some(b'(') => self.row(sink)?,
                Some(b',') => self.lexer.source.consume(1),
                Some(b';') => {
                    self.lexer.source.consume(1);
                    return Ok(());
                }
                None if self.lexer.source.window.failed() => return Ok(()),
                None => return Err(sink.cut(self.lexer.source.line, "the end of a statement")),
                Some(_) => return self.pass_over(sink),
            }
        }
    }

    fn row(&mut self, sink: &mut dyn TableSink) -> Result<(), Stop> {
        loop {
            let line = self.lexer.source.line;
            let unread = self.lexer.source.unread();
            match tuple::parse(unread, &mut self.cells) {
                Parsed::Whole(length) => {
                    sink.row(DumpRow { line, text: &unread[..length], cells: &self.cells })?;
                    self.lexer.source.consume(length);
                    return Ok(());
                }
                Parsed::Unfinished if unread.len() <= ROW_BYTES_MAX => {
                    if self.lexer.source.fill() {
                        continue;
                    }
                    if self.lexer.source.window.failed() {
                        let all = self.lexer.source.unread().len();
                        self.lexer.source.consume(all);
                        return Ok(());
                    }
                    let reason = "the dump ends within the row".to_owned();
                    sink.broken(line, reason, self.lexer.source.unread())?;
                    return Err(sink.cut(line, "the end of a row"));
                }
                Parsed::Unfinished => {
                    let reason = format!("the row is longer than {ROW_BYTES_MAX} bytes");
                    sink.broken(line, reason, unread)?;
                    self.lexer.source.consume(1);
                    self.lexer.skip_tuple();
                    return Ok(());
                }
                Parsed::Bad(at, reason) => {
                    let shown = String::from_utf8_lossy(&unread[at..unread.len().min(at + 200)]);
                    let reason = format!("{reason}: `{}`", cut(shown.trim(), 60));
                    let end = unread[at..].iter().position(|byte| *byte == b')');
                    let end = end.map_or(unread.len(), |end| at + end + 1);
                    sink.broken(line, reason, &unread[..end])?;
                    self.lexer.source.consume(at);
                    self.lexer.skip_tuple();
                    return Ok(());
                }
            }
        }
    }
}

/// The database and the table in lower case: names come from servers on any system.
fn key_of(name: &TableName) -> String {
    let database = name.database.as_deref().unwrap_or_default();
    format!("{database}.{}", name.table).to_ascii_lowercase()
}
