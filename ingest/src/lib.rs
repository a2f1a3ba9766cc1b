#![doc = include_str!("../README.md")]

mod batch; // the unit of everything behind a reader
mod block; // rows of one stretch of an input
mod border; // events that the cloud writes wrongly
mod by_hand; // corrections and inventories
mod chunks; // stretches of text that are decoded side by side
mod csv;
mod decode; // values into rows
mod dedupe; // new, known or contradicting
mod dump; // tables as the tools of MySQL write them
mod error;
mod intake; // inputs of any format, with any tables
mod jsonl;
mod lines; // inputs whose rows are lines
mod live; // what our own cloud tells
mod names; // columns by the names an input gives them
mod one_stream; // inputs of rows of one type
mod open; // bytes from files and pipes, decompressed, and their format
mod parquet;
mod plausible; // instants that a row may have
pub mod pull; // databases of clouds
#[cfg(test)]
mod reading_tests; // inputs of every kind, up to the batches
mod request; // orders
mod rows; // many rows as one value
mod run; // the loop
mod shelves; // the storing side of several streams
mod summary; // the numbers of an ingest
mod table; // the columns of each stream: the one place to add another
mod tally; // the numbers of a run
mod tsv;
mod value; // what numbers, texts and instants look like in any format
mod window; // a sliding stretch of an input
pub mod write; // the mirror: rows into files

pub use batch::BATCH_ROWS_MAX;
pub use by_hand::{Inventory, read_inventory};
pub use error::{Fault, IngestError, MissingColumns};
pub use live::{Taken, take_outbox};
pub use open::Input;
pub use request::{IngestRequest, Reading, Streams};
pub use run::{ingest, ingest_as, ingest_corrections};
pub use summary::{Counts, IngestSummary, InputSummary, Progress};
pub use table::{Cell, Column, Kind, Need, Row};
