//! Rows on their way into the lake, as columns.
//!
//! A reader fills a table, whoever looks for duplicates names the rows that are new, and
//! the writer sorts their numbers and gathers the columns of each file by them. So no
//! row is a struct of its own between an input and the encoder; [`EventTable::row`] and
//! [`SampleTable::row`] make one where a message needs it.

mod columns; // words of many rows, and the arrays of columns
mod events;
mod samples;

pub use columns::Words;
pub use events::EventTable;
pub use samples::{SampleOrder, SampleTable};

pub(crate) use columns::{
    flags, instants, numbers, numbers_but_zero, numbers_if_any, repeated, texts,
};
