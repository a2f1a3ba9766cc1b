//! Inputs that hold one stream, whose rows are of one type: corrections and lists that
//! people write.

use std::sync::{Arc, atomic::AtomicU64, mpsc::SyncSender};

use crate::{
    batch::{Batch, Batcher, Stop},
    chunks::Chunks,
    csv::{self, Layout},
    decode::Decode,
    dump::Dialect,
    error::Fault,
    jsonl, names,
    open::{Input, Opened, open},
    parquet,
    plausible::Plausible,
    tsv,
};

/// Reads all inputs, one after the other. What was read before a fault is sent on.
pub(crate) fn decode<T: Decode>(
    inputs: &[Input],
    bytes_read: &Arc<AtomicU64>,
    sender: SyncSender<Batch<T>>,
    plausible: Plausible,
    chunks: Chunks,
) -> Result<(), Fault> {
    let mut batcher = Batcher::new(sender, plausible);
    let mut decoded = Ok(());
    for (index, input) in inputs.iter().enumerate() {
        decoded = batcher.begin(index).map_err(Stop::from);
        decoded = decoded.and_then(|()| decode_input(input, bytes_read, chunks, &mut batcher));
        if decoded.is_err() {
            break;
        }
    }
    let flushed = batcher.flush().map_err(Stop::from);
    match decoded.and(flushed) {
        // Then the storing side has the error.
        Ok(()) | Err(Stop::HungUp) => Ok(()),
        Err(Stop::Fault(fault)) => Err(fault),
    }
}

fn decode_input<T: Decode>(
    input: &Input,
    bytes_read: &Arc<AtomicU64>,
    chunks: Chunks,
    batcher: &mut Batcher<T>,
) -> Result<(), Stop> {
    let name = input.name();
    let mut window = match open(input, &names::required::<T>(), bytes_read)? {
        Opened::Parquet(file) => return parquet::read(&name, file, bytes_read, chunks, batcher),
        // People write quotes doubled, however their texts look.
        Opened::Csv(mut window, separator)
        | Opened::Dump(mut window, Dialect::Outfile { separator, .. }) => {
            let layout = Layout { separator, columns: None };
            csv::read(&name, &mut window, layout, chunks, batcher)?;
            window
        }
        Opened::Tsv(mut window) => {
            tsv::read(&name, &mut window, None, chunks, batcher)?;
            window
        }
        Opened::JsonLines(mut window) => {
            jsonl::read(&name, &mut window, chunks, batcher)?;
            window
        }
        Opened::Dump(_, dialect) => {
            let hint = "write them as CSV with a header row";
            return Err(Fault::Unreadable { input: name, what: dialect.name(), hint }.into());
        }
    };
    let rows = batcher.rows();
    window.check().map_err(|cause| {
        Stop::Fault(match cause.kind() {
            std::io::ErrorKind::UnexpectedEof => Fault::CutOff { input: name, rows },
            _ => Fault::Read { input: name, rows, cause },
        })
    })
}
