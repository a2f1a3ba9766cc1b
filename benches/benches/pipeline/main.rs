//! One month of a small cloud through every stage, each stage timed alone.
//!
//! The numbers are for comparing one commit with the next on one machine; what
//! the whole binary does with millions of records, and how it compares with
//! other engines, is measured by the scripts beside this folder. Nothing here
//! fails because something is slow: a shared machine would make that a lottery.
//!
//! Everything runs in temporary folders below `TMPDIR`, with the same syncing to
//! disk as in earnest, so the stages that write depend on the disk.

use criterion::Criterion;

mod aggregate; // events to published records
mod cloud; // the month that all stages work on
mod ingest; // files to the lake
mod read; // pages, counts, exports

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let month = cloud::Month::generate();
    ingest::benches(&mut criterion, &month);
    aggregate::benches(&mut criterion, &month);
    read::benches(&mut criterion, &month);
    criterion.final_summary();
}
