//! Inputs of every kind, sound and broken, up to the batches that would go to
//! the lake. What the lake makes of them is tested in `tests/it`.

mod bad;
mod batches;
mod chunks;
mod columns;
mod fuzzed;
mod laws;
mod operators;
mod refused;
mod sound;

use std::{
    io::Write as _,
    path::Path,
    sync::{Arc, mpsc::sync_channel},
    thread,
};

use cloudtally_model::{Instant, UsageEvent};

use crate::{
    Input,
    batch::Batch,
    chunks::Chunks,
    decode::Decode,
    error::Fault,
    one_stream::decode,
    plausible::Plausible,
    rows::Rows,
    table::Row,
    write::{Format, RowWriter},
};

/// The result of reading an input.
#[derive(Debug, PartialEq)]
struct Outcome<T> {
    rows: Vec<T>,
    /// Row number, reason, raw text.
    bad: Vec<(u64, String, String)>,
    /// The error with its causes, the input called `IN`.
    fault: Option<String>,
}

/// All of the years that the tests use.
fn plausible() -> Plausible {
    Plausible::at(at("2999-12-31 00:00:00"))
}

/// Hands each batch of some files to `take`.
fn batches<T: Decode>(
    paths: &[&Path],
    chunks: Chunks,
    mut take: impl FnMut(Batch<T>),
) -> Result<(), Fault> {
    let inputs: Vec<Input> = paths.iter().map(|path| Input::File((*path).to_owned())).collect();
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(0);
        let decoder =
            scope.spawn(|| decode::<T>(&inputs, &Arc::default(), sender, plausible(), chunks));
        receiver.into_iter().for_each(&mut take);
        decoder.join().unwrap()
    })
}

fn read_once<T: Decode>(path: &Path, chunks: Chunks) -> Outcome<T> {
    let mut outcome = Outcome { rows: Vec::new(), bad: Vec::new(), fault: None };
    let read = batches::<T>(&[path], chunks, |batch| {
        let bad = batch.bad.into_iter().map(|bad| (bad.place.row, bad.reason, bad.raw));
        outcome.bad.extend(bad);
        outcome.rows.extend((0..batch.rows.height()).map(|row| batch.rows.row(row)));
    });
    outcome.fault = read.err().map(|fault| {
        let mut text = fault.to_string().replace(&path.display().to_string(), "IN");
        let mut error: &dyn std::error::Error = &fault;
        while let Some(cause) = error.source() {
            text.push_str(&format!(": {cause}"));
            error = cause;
        }
        text
    });
    outcome
}

/// Reads a file a row at a time and by chunks of several sizes, with the same result.
fn read_file<T: Decode>(path: &Path) -> Outcome<T> {
    let naive = read_once(path, Chunks::NONE);
    for (bytes, count) in [(40, 3), (1000, 2), (512 * 1024, 4)] {
        let chunked = read_once(path, Chunks { bytes, count });
        assert_eq!(chunked, naive, "{count} chunks of {bytes} bytes");
    }
    naive
}

fn read<T: Decode>(bytes: &[u8]) -> Outcome<T> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    read_file(file.path())
}

/// The number of rows in each batch of a file that is read again and again.
fn batch_sizes(content: &[u8], times: usize) -> Vec<usize> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    let sizes = |chunks| {
        let mut sizes = Vec::new();
        let paths = vec![file.path(); times];
        batches::<UsageEvent>(&paths, chunks, |batch| sizes.push(batch.rows.height())).unwrap();
        sizes
    };
    let naive = sizes(Chunks::NONE);
    assert_eq!(sizes(Chunks::of_this_machine()), naive);
    naive
}

fn write<T: Row>(rows: &[T], format: Format) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut writer = RowWriter::create(file.path(), format).unwrap();
    rows.iter().for_each(|row| writer.write(row).unwrap());
    writer.finish().unwrap();
    std::fs::read(file.path()).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn event(id: u64) -> UsageEvent {
    UsageEvent {
        id: id.into(),
        event_type: "VM.START".into(),
        created: at("2026-01-31 23:59:59"),
        account: 2u64.into(),
        zone: cloudtally_model::ZoneId::from_source(1),
        resource: 9u64.into(),
        resource_name: None,
        offering: None,
        template: None,
        size: None,
        virtual_size: None,
        resource_type: None,
    }
}

const HEADER: &str = "id,type,created,account_id,zone_id,resource_id,resource_name\n";

fn ids(outcome: &Outcome<UsageEvent>) -> Vec<u64> {
    outcome.rows.iter().map(|event| event.id.0).collect()
}
