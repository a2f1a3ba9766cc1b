//! One writer at a time.

use std::{fmt, time::Duration};

/// How long to wait for the folder's lock, and whom to tell.
pub struct LockWait<'a> {
    /// Give up after this long.
    pub limit: Duration,
    /// Called once when there is something to wait for.
    pub on_wait: &'a mut dyn FnMut(),
}

impl fmt::Debug for LockWait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockWait").field("limit", &self.limit).finish_non_exhaustive()
    }
}
