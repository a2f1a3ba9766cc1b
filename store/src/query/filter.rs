//! The records that a set is asked for.

use cloudtally_model::{AccountId, SourceName, UsageTypeId};

/// A choice among the records of the window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordFilter {
    /// Only this source.
    pub source: Option<SourceName>,
    /// Only these accounts; `None` is all, an empty list is none.
    pub accounts: Option<Vec<(SourceName, AccountId)>>,
    /// Only this type.
    pub usage_type: Option<UsageTypeId>,
}
