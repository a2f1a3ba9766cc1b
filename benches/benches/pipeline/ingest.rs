//! Files to the lake.
//!
//! `ingest/*` is the whole way: read, decode, compare with what is known, sort,
//! encode a file a day, sync, commit. `append` is the part behind the decoder, so
//! the difference is what a format costs to read. The month fits one batch, in
//! which decoding and storing do not overlap.

use cloudtally_ingest::write::Format;
use cloudtally_store::{IngestRun, Stream};
use criterion::{BatchSize, Criterion, Throughput};

use crate::cloud::{Month, events_file, folder, open, source, writer};

pub(crate) fn benches(criterion: &mut Criterion, month: &Month) {
    let mut group = criterion.benchmark_group("ingest");
    group.sample_size(10).throughput(Throughput::Elements(month.events.len() as u64));
    for format in Format::ALL {
        group.bench_function(format.extension(), |bencher| {
            let file = events_file(format);
            bencher.iter_batched_ref(
                || {
                    let dir = folder();
                    let store = open(dir.path());
                    (writer(&store), dir)
                },
                |(writer, _)| month.ingest(writer, Stream::Events, &file),
                BatchSize::PerIteration,
            );
        });
    }
    group.bench_function("append", |bencher| {
        bencher.iter_batched_ref(
            || {
                let dir = folder();
                let store = open(dir.path());
                let writer = writer(&store);
                writer.source(&source()).expect("a source can be registered");
                let known = writer.known_events(&source()).expect("nothing is known yet");
                (writer, known, Some(month.events.clone()), run(), dir)
            },
            |(writer, known, events, run, _)| {
                let events = events.take().expect("each set of events is used once");
                writer.append_events(known, events, &[], run).expect("the events are new");
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn run() -> IngestRun {
    IngestRun {
        id: None,
        started_ms: 0,
        source: source(),
        stream: Stream::Events,
        inputs: "memory".to_owned(),
        read: 0,
        accepted: 0,
        duplicate: 0,
        quarantined: 0,
        finished: true,
        taken: None,
    }
}
