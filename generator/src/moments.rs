//! The instants at which things happen.

use cloudtally_model::{Instant, Millis};
use cloudtally_oracle::{Window, local_days};

use crate::{dice::Dice, options::OptionsError};

/// Chooses instants inside the window.
pub(crate) struct Moments {
    pub(crate) window: Window,
    /// UTC and local midnights inside the window, ascending.
    midnights: Vec<Instant>,
    /// Number of zones they are of.
    zones: usize,
}

/// Nothing begins this close to the end of the window, so that an action of
/// several events never runs over it.
pub(crate) const LAST_ACTION: Millis = Millis(5 * Millis::MINUTE.0);

impl Moments {
    pub(crate) fn new(window: Window, zones: &[String]) -> Result<Self, OptionsError> {
        let mut midnights = Vec::new();
        for zone in zones.iter().map(String::as_str).chain(["UTC"]) {
            midnights.extend(local_days(zone, window)?.into_iter().map(|day| day.start));
        }
        midnights.sort();
        midnights.dedup();
        Ok(Self { window, midnights, zones: zones.len() + 1 })
    }

    /// An instant a little after `earlier + gap`: nearly always a whole second, as
    /// in a dump of a real cloud; sometimes with milliseconds, sometimes exactly a
    /// midnight. `None` if too little of the window is left.
    pub(crate) fn after(&self, dice: &mut Dice, earlier: Instant, gap: Millis) -> Option<Instant> {
        let due = earlier + gap;
        let whole = Instant::from_millis((due.as_millis() + 999).div_euclid(1_000) * 1_000);
        let instant = match dice.below(40) {
            0 => due + Millis(dice.below_ms(1_000)),
            1 => self.midnight_after(dice, due).unwrap_or(whole),
            _ => whole,
        };
        (instant + LAST_ACTION < self.window.end).then_some(instant)
    }

    /// One of the next midnights at or after an instant: of any zone, since the next
    /// one after working hours would always be of the same.
    fn midnight_after(&self, dice: &mut Dice, instant: Instant) -> Option<Instant> {
        let next = self.midnights.partition_point(|midnight| *midnight < instant);
        self.midnights.get(next + dice.index(self.zones)).copied()
    }
}
