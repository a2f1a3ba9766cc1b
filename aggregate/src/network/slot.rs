//! The periods of a bill, as the replay of samples needs to know them.

use cloudtally_model::Period;

/// A period of a bill.
pub(super) struct Slot {
    pub(super) period: Period,
    /// `None`: it is not published. Else up to which file it has seen its samples.
    pub(super) published: Option<Option<u64>>,
    /// True if the run computes it.
    pub(super) is_target: bool,
}

impl Slot {
    /// Tells whether it is neither published nor about to be.
    pub(super) fn is_gap(&self) -> bool {
        self.published.is_none() && !self.is_target
    }

    /// Tells whether it is published but a series waited then.
    pub(super) fn is_half_billed(&self) -> bool {
        self.published == Some(None)
    }
}
