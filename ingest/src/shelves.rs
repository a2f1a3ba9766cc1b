//! The storing side of a run that may have several streams.

use std::collections::HashMap;

use cloudtally_model::{Account, NetworkSample, UsageEvent};
use cloudtally_store::{StoreError, Stream, Writer};

use crate::{
    batch::Batch,
    border::{Border, Passed},
    dedupe::{AccountKeeper, EventKeeper, SampleKeeper, falls},
    intake::Gathered,
    request::IngestRequest,
    tally::Tally,
    value::Reason,
};

/// Keepers of the streams of a run; one that is not wanted has none.
pub(crate) struct Shelves<'a> {
    writer: &'a Writer,
    events: Option<EventKeeper<'a>>,
    samples: Option<SampleKeeper<'a>>,
    accounts: Option<AccountKeeper<'a>>,
    border: Border,
}

impl<'a> Shelves<'a> {
    /// Opens the shelves of one stream or of all.
    pub(crate) fn new(
        writer: &'a Writer,
        request: &IngestRequest,
        wanted: Option<Stream>,
    ) -> Result<Self, StoreError> {
        let is_wanted = |stream| wanted.is_none_or(|wanted| wanted == stream);
        let source = &request.source;
        let events = is_wanted(Stream::Events).then(|| EventKeeper::new(writer, source));
        let samples = is_wanted(Stream::Samples).then(|| SampleKeeper::new(writer, source));
        let accounts =
            is_wanted(Stream::Accounts).then(|| AccountKeeper::new(writer, source, request.now));
        Ok(Self {
            writer,
            events: events.transpose()?,
            samples: samples.transpose()?,
            accounts: accounts.transpose()?,
            border: Border::default(),
        })
    }

    /// Stores a piece of the inputs.
    pub(crate) fn take(
        &mut self,
        tally: &mut Tally<'_>,
        gathered: Gathered,
    ) -> Result<(), StoreError> {
        match gathered {
            Gathered::Events(batch) => {
                let passed = self.border.pass(*batch);
                self.store_events(tally, passed)
            }
            Gathered::Samples(batch) => self.store_samples(tally, *batch, HashMap::new()),
            Gathered::Counters(batch) => {
                let falling = falls(self.writer, &tally.request.source, &batch.rows)?;
                self.store_samples(tally, *batch, falling)
            }
            Gathered::Accounts(batch) => self.store_accounts(tally, batch),
            Gathered::Zones(zones) => {
                if tally.has(Stream::Events) {
                    let note = "zones came behind events that are stored already, so uploads among \
                                these were not held against them; dump data_center and \
                                image_store before usage_event";
                    tally.summary.notes.push(note.to_owned());
                }
                self.border.zones = Some(zones);
                Ok(())
            }
            Gathered::Addresses(addresses) => {
                self.border.addresses = addresses;
                Ok(())
            }
            Gathered::Note(note) => {
                tally.summary.notes.push(note);
                Ok(())
            }
        }
    }

    /// Stores the events that were held until all inputs were read.
    pub(crate) fn release(&mut self, tally: &mut Tally<'_>) -> Result<(), StoreError> {
        let passed = self.border.release();
        match passed.batch.places.is_empty() {
            true => Ok(()),
            false => self.store_events(tally, passed),
        }
    }

    /// Stores the ends of the runs of those streams that had rows, or of the wanted one.
    pub(crate) fn end(
        &mut self,
        tally: &mut Tally<'_>,
        wanted: Option<Stream>,
    ) -> Result<(), StoreError> {
        let has_run = |tally: &Tally<'_>, stream| wanted == Some(stream) || tally.has(stream);
        if let Some(keeper) = self.accounts.as_mut().filter(|_| has_run(tally, Stream::Accounts)) {
            tally.end::<Account>(Stream::Accounts, keeper)?;
        }
        if let Some(keeper) = self.samples.as_mut().filter(|_| has_run(tally, Stream::Samples)) {
            tally.end::<NetworkSample>(Stream::Samples, keeper)?;
        }
        if let Some(keeper) = self.events.as_mut().filter(|_| has_run(tally, Stream::Events)) {
            tally.end::<UsageEvent>(Stream::Events, keeper)?;
        }
        Ok(())
    }

    fn store_events(&mut self, tally: &mut Tally<'_>, passed: Passed) -> Result<(), StoreError> {
        let Some(keeper) = &mut self.events else { return Ok(()) };
        let Passed { batch, mends, doubtful } = passed;
        keeper.expect(mends);
        tally.store_doubtful(Stream::Events, batch, doubtful, keeper)?;
        tally.summary.mended = keeper.mended_count();
        Ok(())
    }

    fn store_samples(
        &mut self,
        tally: &mut Tally<'_>,
        batch: Batch<NetworkSample>,
        doubtful: HashMap<u32, Reason>,
    ) -> Result<(), StoreError> {
        match &mut self.samples {
            Some(keeper) => tally.store_doubtful(Stream::Samples, batch, doubtful, keeper),
            None => Ok(()),
        }
    }

    fn store_accounts(
        &mut self,
        tally: &mut Tally<'_>,
        batch: Batch<Account>,
    ) -> Result<(), StoreError> {
        match &mut self.accounts {
            Some(keeper) => tally.store(Stream::Accounts, batch, keeper),
            None => Ok(()),
        }
    }
}
