//! Records by window, account and type.

use cloudtally_model::{
    AccountId, Instant, Period, RecordId, SourceName, Sources, UsageRecord, UsageTypeId,
};

use crate::StoreError;

/// Which periods: both ends inclusive to the second. A record matches when its
/// period's start is at or after `from` and its period's displayed end
/// (`end - 1 s`) at or before `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordWindow {
    /// Earliest start of a period.
    pub from: Instant,
    /// Latest displayed end of a period.
    pub to: Instant,
}

/// Which records of the window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordFilter {
    /// Only these accounts; `None` is all, an empty list is none.
    pub accounts: Option<Vec<(SourceName, AccountId)>>,
    /// Only this type.
    pub usage_type: Option<UsageTypeId>,
}

/// A record with what it takes to show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedRecord {
    /// The period it belongs to.
    pub period: Period,
    /// The generation of the period's records.
    pub generation: u32,
    /// The record; its source is a rank in [`RecordSet::sources`].
    pub record: UsageRecord,
}

/// The records of one query: a consistent set, whatever is published meanwhile.
#[derive(Debug)]
pub struct RecordSet {
    sources: Sources,
}

#[expect(unused_variables, reason = "interface first")]
impl RecordSet {
    /// How many records there are; no file is read.
    pub fn count(&self) -> u64 {
        todo!()
    }

    /// Records `[offset, offset + limit)` of the set, by period and record order.
    pub fn page(&self, offset: u64, limit: u64) -> Result<Vec<ServedRecord>, StoreError> {
        todo!()
    }

    /// All records in order, streamed.
    pub fn for_each(
        &self,
        each: &mut dyn FnMut(ServedRecord) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        todo!()
    }

    /// The sources whose ranks the records carry.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The record of this id, if it is in the set.
    pub fn find(&self, id: RecordId) -> Result<Option<ServedRecord>, StoreError> {
        todo!()
    }
}
