//! The present, by the machine's clock.

use std::time::{SystemTime, UNIX_EPOCH};

use cloudtally_model::Instant;

/// Milliseconds since 1970.
pub(crate) fn wall_clock_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The present as an instant.
pub(crate) fn now() -> Instant {
    Instant::from_millis(wall_clock_ms())
}
