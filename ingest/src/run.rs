//! The loop: one thread reads and decodes, the caller's looks up, stores and
//! counts, a batch at a time. A batch is stored in one atomic step with its
//! quarantine and the run's numbers, so wherever a run ends, what it has stored
//! is whole, and running again over the same inputs completes it.

use std::{
    sync::{
        Arc,
        atomic::AtomicU64,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use cloudtally_store::{StoreError, Writer};

use crate::{
    by_hand::CorrectionKeeper,
    chunks::Chunks,
    error::{Fault, IngestError},
    intake::{Terms, gather},
    one_stream::decode,
    open::Input,
    plausible::Plausible,
    request::{IngestRequest, Reading, Streams},
    shelves::Shelves,
    summary::{IngestSummary, Progress},
    tally::Tally,
};

/// Interval between reports of progress while a batch is being decoded.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Reads all inputs and stores what is new in them.
///
/// Inputs that cannot be opened are found before anything is stored. `progress`
/// is called several times a second and at the end.
///
/// # Errors
/// Rows stored before the error stay; the error carries their numbers.
pub fn ingest(
    writer: &Writer,
    request: &IngestRequest,
    progress: &mut dyn FnMut(Progress),
) -> Result<IngestSummary, IngestError> {
    ingest_as(writer, request, &Reading::default(), progress)
}

/// Like [`ingest`], by terms of the caller's.
///
/// # Errors
/// As for [`ingest`].
pub fn ingest_as(
    writer: &Writer,
    request: &IngestRequest,
    reading: &Reading,
    progress: &mut dyn FnMut(Progress),
) -> Result<IngestSummary, IngestError> {
    ingest_by(writer, request, reading, Chunks::of_this_machine(), progress)
}

/// Like [`ingest_as`], by chunks of a size.
pub(crate) fn ingest_by(
    writer: &Writer,
    request: &IngestRequest,
    reading: &Reading,
    chunks: Chunks,
    progress: &mut dyn FnMut(Progress),
) -> Result<IngestSummary, IngestError> {
    let mut tally = Tally::new(request);
    let ingested = ingest_gathered(&mut tally, writer, reading, chunks, progress);
    tally.result(ingested)
}

/// Like [`ingest`], of events that people add: each row names its author and the reason.
///
/// # Errors
/// As for [`ingest`].
pub fn ingest_corrections(
    writer: &Writer,
    request: &IngestRequest,
    progress: &mut dyn FnMut(Progress),
) -> Result<IngestSummary, IngestError> {
    let mut tally = Tally::new(request);
    let ingested = corrections(&mut tally, writer, progress);
    tally.result(ingested)
}

fn ingest_gathered(
    tally: &mut Tally<'_>,
    writer: &Writer,
    reading: &Reading,
    chunks: Chunks,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), Fault> {
    let request = tally.request;
    request.inputs.iter().try_for_each(Input::check)?;
    writer.source(&request.source)?;
    let wanted = (reading.streams == Streams::Requested).then_some(request.stream);
    let terms = Terms {
        wanted,
        columns: reading.columns.clone(),
        sampled: reading.sampled,
        born: None,
        calendar: writer.calendar()?,
        plausible: Plausible::at(request.now),
        chunks,
    };
    let mut shelves = Shelves::new(writer, request, wanted)?;
    let read = |bytes_read: &_, sender| gather(&request.inputs, bytes_read, sender, &terms);
    let read =
        side_by_side(tally, read, progress, &mut |tally, gathered| shelves.take(tally, gathered));
    if !matches!(read, Err(Fault::Store(_))) {
        // Events that were held were read, however the reading ended.
        shelves.release(tally)?;
    }
    read?;
    shelves.end(tally, wanted)?;
    tally.tell(progress);
    Ok(())
}

fn corrections(
    tally: &mut Tally<'_>,
    writer: &Writer,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), Fault> {
    let request = tally.request;
    request.inputs.iter().try_for_each(Input::check)?;
    writer.source(&request.source)?;
    let mut keeper = CorrectionKeeper::new(writer, &request.source)?;
    let (plausible, chunks) = (Plausible::at(request.now), Chunks::of_this_machine());
    let read =
        |bytes_read: &_, sender| decode(&request.inputs, bytes_read, sender, plausible, chunks);
    side_by_side(tally, read, progress, &mut |tally, batch| {
        tally.store(request.stream, batch, &mut keeper)
    })?;
    tally.end(request.stream, &mut keeper)?;
    tally.tell(progress);
    Ok(())
}

/// Reads on one thread and stores on this one. On an error of the storing side the
/// receiver is dropped, which stops the reader.
pub(crate) fn side_by_side<G: Send>(
    tally: &mut Tally<'_>,
    read: impl FnOnce(&Arc<AtomicU64>, SyncSender<G>) -> Result<(), Fault> + Send,
    progress: &mut dyn FnMut(Progress),
    store: &mut dyn FnMut(&mut Tally<'_>, G) -> Result<(), StoreError>,
) -> Result<(), Fault> {
    let bytes_read = Arc::clone(&tally.bytes_read);
    thread::scope(|scope| {
        // No room in between: one batch is filled while another is stored.
        let (sender, receiver) = sync_channel(0);
        let reader = scope.spawn(move || read(&bytes_read, sender));
        let stored = store_all(tally, receiver, progress, store);
        let read = match reader.join() {
            Ok(read) => read,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        stored.map_err(Fault::from).and(read)
    })
}

/// Takes what is sent until there is no more.
fn store_all<G>(
    tally: &mut Tally<'_>,
    receiver: Receiver<G>,
    progress: &mut dyn FnMut(Progress),
    store: &mut dyn FnMut(&mut Tally<'_>, G) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    loop {
        match receiver.recv_timeout(PROGRESS_EVERY) {
            Ok(sent) => store(tally, sent)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        tally.tell(progress);
    }
}
