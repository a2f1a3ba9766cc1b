#![doc = include_str!("../README.md")]

mod batch; // the unit of everything behind a reader
mod block; // rows of one stretch of an input
mod by_hand; // corrections and inventories
mod chunks; // stretches of text that are decoded side by side
mod csv;
mod decode; // values into rows
mod dedupe; // new, known or contradicting
mod error;
mod jsonl;
mod lines; // inputs whose rows are lines
mod live; // what our own cloud tells
mod names; // columns by the names an input gives them
mod open; // bytes from files and pipes, decompressed, and their format
mod parquet;
mod plausible; // instants that a row may have
#[cfg(test)]
mod reading_tests; // inputs of every kind, up to the batches
mod rows; // many rows as one value
mod run; // the loop
mod summary; // the numbers of an ingest
mod table; // the columns of each stream: the one place to add another
mod tsv;
mod value; // what numbers, texts and instants look like in any format
mod window; // a sliding stretch of an input
pub mod write; // the mirror: rows into files

pub use batch::BATCH_ROWS_MAX;
pub use by_hand::{Inventory, read_inventory};
pub use error::{Fault, IngestError, MissingColumns};
pub use live::{Taken, take_outbox};
pub use open::Input;
pub use run::{IngestRequest, ingest, ingest_corrections};
pub use summary::{Counts, IngestSummary, InputSummary, Progress};
pub use table::{Cell, Column, Kind, Need, Row};
