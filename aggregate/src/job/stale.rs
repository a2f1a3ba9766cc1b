//! Published periods that later events and removals have touched.

use cloudtally_model::{Instant, Period};
use cloudtally_store::{Inputs, PublishedPeriod, Snapshot};

/// Tells whether events or removals have arrived that a published period has not seen
/// and that lie before its end.
pub(crate) fn is_stale(snapshot: &Snapshot, known: &PublishedPeriod) -> bool {
    stale_from(snapshot, known.period, &known.inputs).is_some()
}

/// The earliest of the events and removals that published periods have not seen and
/// that lie before their end.
pub(crate) fn stale_from(
    snapshot: &Snapshot,
    published: Period,
    inputs: &Inputs,
) -> Option<Instant> {
    let files = snapshot.event_files.iter().filter(|file| file.seq > inputs.events_seq);
    let removals = snapshot.account_removals.iter();
    let removals = removals.filter(|removal| removal.seq > inputs.accounts_seq);
    let removed = removals.flat_map(|removal| [removal.before, removal.after]).flatten();
    let late = files.map(|file| file.first_created).chain(removed);
    let late = late.filter(|at| *at < published.end).min()?;
    // Nothing says any more what it would change of pruned days.
    let from = snapshot.pruned.rows_before.map_or(late, |before| before.max(late));
    (from < published.end).then_some(from)
}
