//! A record with names and dates resolved and nothing copied: like [`Line`](crate::Line),
//! for millions of them.

use std::sync::Arc;

use cloudtally_model::{
    Account, AccountId, Calendar, Instant, Millis, RecordId, RecordRow, SourceId, SourceName,
    Sources, UsageType,
};
use cloudtally_store::{Accounts, ServedColumns};

/// A record on its way into a file.
pub(super) struct ExportRow<'a> {
    pub(super) record: RecordRow<'a>,
    pub(super) row: &'static UsageType,
    pub(super) id: RecordId,
    /// First instant of the record, and as shown.
    pub(super) start: (Instant, Arc<str>),
    /// Last second of the record, and as shown.
    pub(super) end: (Instant, Arc<str>),
    pub(super) account: Option<&'a Account>,
    pub(super) generation: u32,
    pub(super) source: &'a SourceName,
    /// Start of the closed period that an adjustment corrects, and as shown.
    pub(super) corrects: Option<(Instant, Arc<str>)>,
}

/// The sources of names and dates.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    pub(super) calendar: Calendar,
    pub(super) sources: &'a Sources,
    pub(super) accounts: &'a Accounts,
}

/// Calls `each` with the records of some columns, in order.
pub(super) fn for_each<E>(
    served: &[ServedColumns],
    names: Names<'_>,
    each: &mut dyn FnMut(&ExportRow<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let Names { calendar, sources, accounts } = names;
    let shown = |at: Instant| (at, Arc::<str>::from(calendar.show(at)));
    let mut key = Vec::new();
    let mut known: Option<((SourceId, AccountId), Option<&Account>)> = None;
    for ServedColumns { period, generation, columns } in served {
        // Nearly all records begin with their period.
        let (first, end) = (shown(period.start), shown(period.end - Millis::SECOND));
        for record in columns.rows() {
            let source = sources.name(record.source);
            let owner = (record.source, record.account);
            let account = match known {
                Some((known, account)) if known == owner => account,
                _ => accounts.get(source, record.account),
            };
            known = Some((owner, account));
            let start = if record.start == first.0 { first.clone() } else { shown(record.start) };
            each(&ExportRow {
                row: record.row(),
                id: record.id(source, *period, &mut key),
                record,
                start,
                end: end.clone(),
                account,
                generation: *generation,
                source,
                corrects: record.corrects.map(shown),
            })?;
        }
    }
    Ok(())
}
