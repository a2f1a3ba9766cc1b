//! Events that the cloud wrote wrongly, as `explain` shows them.

use std::collections::BTreeSet;

use cloudtally_model::{EventId, Instant, SourceName};
use cloudtally_store::{MendedEvent, Store, StoreError};
use serde_json::{Value, json};

use crate::console::shown;

/// The mends of some events of a source.
pub(super) fn mends(
    store: &Store,
    source: &SourceName,
    events: &BTreeSet<EventId>,
) -> Result<Vec<MendedEvent>, StoreError> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let mut mends = store.mended_events(source)?;
    mends.retain(|mend| events.contains(&mend.event));
    Ok(mends)
}

/// Prints mends, a line each.
pub(super) fn print(mends: &[MendedEvent]) {
    for MendedEvent { event, column, original, reason, .. } in mends {
        println!("mended   event {event}, {column} was {original}: {}", shown(reason));
    }
}

/// Mends as programs read them.
pub(super) fn as_json(mends: &[MendedEvent]) -> Value {
    let one = |mend: &MendedEvent| {
        let entered = Instant::from_millis(mend.entered_ms).to_string();
        json!({ "event": mend.event.0, "column": mend.column, "original": mend.original,
                "reason": mend.reason, "entered": entered })
    };
    mends.iter().map(one).collect()
}
