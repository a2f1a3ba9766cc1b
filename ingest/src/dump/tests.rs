//! Laws of all formats: any cells come back as they were, however the bytes arrive, and no
//! bytes at all stop a reader.

use std::io::{self, Read};

use proptest::prelude::*;

use super::*;
use crate::batch::HungUp;

type Row = Vec<Option<Vec<u8>>>;

/// Hands out a few bytes at a time.
struct Dripping<'a>(&'a [u8], usize);

impl Read for Dripping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(self.0.len()).min(buffer.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

#[derive(Debug, Default)]
struct Collected {
    columns: Vec<String>,
    rows: Vec<Row>,
    lines: Vec<u64>,
    broken: usize,
}

impl TableSink for Collected {
    fn table(&mut self, _: Option<&TableName>, columns: &[String]) -> Result<Wish, Stop> {
        self.columns = columns.to_vec();
        Ok(Wish::Wanted)
    }

    fn row(&mut self, row: DumpRow<'_>) -> Result<(), Stop> {
        let cells = (0..row.cells.len()).map(|at| row.cells.get(at).map(<[u8]>::to_vec));
        self.rows.push(cells.collect());
        self.lines.push(row.line);
        Ok(())
    }

    fn broken(&mut self, _: u64, _: String, _: &[u8]) -> Result<(), Stop> {
        self.broken += 1;
        Ok(())
    }

    fn cut(&mut self, _: u64, _: &'static str) -> Stop {
        HungUp.into()
    }
}

fn collect(dialect: Dialect, bytes: &[u8], step: usize, columns: Option<&[String]>) -> Collected {
    let mut window = Window::new(Dripping(bytes, step));
    let mut sink = Collected::default();
    drop(read(dialect, &mut window, columns, &mut sink));
    sink
}

/// A row as `mysqldump` writes it.
fn statement(rows: &[Row]) -> Vec<u8> {
    let mut sql = b"insert into `t` (`a`, `b;`, c) VALUES ".to_vec();
    for (at, row) in rows.iter().enumerate() {
        sql.extend_from_slice(if at == 0 { b"(" } else { b",\n(" });
        for (at, cell) in row.iter().enumerate() {
            if at > 0 {
                sql.push(b',');
            }
            let Some(cell) = cell else {
                sql.extend_from_slice(b"NULL");
                continue;
            };
            sql.push(b'\'');
            for byte in cell {
                match byte {
                    0 => sql.extend_from_slice(b"\\0"),
                    b'\n' => sql.extend_from_slice(b"\\n"),
                    b'\r' => sql.extend_from_slice(b"\\r"),
                    b'\'' | b'"' | b'\\' => sql.extend([b'\\', *byte]),
                    byte => sql.push(*byte),
                }
            }
            sql.push(b'\'');
        }
        sql.push(b')');
    }
    sql.extend_from_slice(b";\n-- the end\n");
    sql
}

/// Rows as `INTO OUTFILE` writes them.
fn outfile(rows: &[Row]) -> Vec<u8> {
    let mut text = Vec::new();
    for row in rows {
        for (at, cell) in row.iter().enumerate() {
            if at > 0 {
                text.push(b',');
            }
            let Some(cell) = cell else {
                text.extend_from_slice(b"\\N");
                continue;
            };
            text.push(b'"');
            for byte in cell {
                match byte {
                    0 => text.extend_from_slice(b"\\0"),
                    b'\n' | b'"' | b'\\' => text.extend([b'\\', *byte]),
                    byte => text.push(*byte),
                }
            }
            text.push(b'"');
        }
        text.push(b'\n');
    }
    text
}

fn cell() -> impl Strategy<Value = Option<Vec<u8>>> {
    let byte = prop_oneof![
        Just(b'\''),
        Just(b'"'),
        Just(b'\\'),
        Just(b'\n'),
        Just(b'\r'),
        Just(0),
        Just(b','),
        Just(b')'),
        Just(b';'),
        any::<u8>()
    ];
    proptest::option::of(proptest::collection::vec(byte, 0..12))
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    proptest::collection::vec(proptest::collection::vec(cell(), 3), 1..12)
}

const OUTFILE: Dialect = Dialect::Outfile { separator: b',', quote: b'"' };

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn cells_come_back_as_they_were(rows in rows(), step in 1usize..40) {
        let found = collect(Dialect::Sql, &statement(&rows), step, None);
        prop_assert_eq!(&found.columns, &["a", "b;", "c"]);
        prop_assert_eq!((&found.rows, found.broken), (&rows, 0));

        let columns = ["a", "b", "c"].map(str::to_owned);
        let found = collect(OUTFILE, &outfile(&rows), step, Some(&columns));
        prop_assert_eq!((&found.rows, found.broken), (&rows, 0));
    }

    #[test]
    fn no_bytes_stop_a_reader(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        step in 1usize..40
    ) {
        let beginnings = [
            (Dialect::Sql, &b"insert into t (a,b) VALUES ("[..]),
            (Dialect::Sql, b"create table t (a int, "),
            (Dialect::Sql, b"DELIMITER ;;\n"),
            (OUTFILE, b"a,b\n\""),
            (Dialect::Grid, b"+--+\n| a |\n+--+\n| "),
            (Dialect::Vertical, b"*** 1. row ***\na: "),
            (Dialect::Xml, b"<?xml?><resultset><row><field name=\"a\">"),
        ];
        for (dialect, beginning) in beginnings {
            collect(dialect, &[beginning, &bytes].concat(), step, None);
        }
    }
}

#[test]
fn rows_know_their_lines() {
    let sql =
        b"-- a comment\n/* and\nanother */\ninsert into t (a) VALUES\n(1),(2),\n('x\ny'),(4);\n";
    let found = collect(Dialect::Sql, sql, 5, None);
    assert_eq!(found.lines, [5, 5, 6, 7]);
}
