//! True history of one thing, and the bill it must have.
//!
//! A [`Timeline`] is about one usage type and one part of one resource: the
//! running time of a VM, one of its NICs, a template in one zone. The simulated
//! cloud writes marks on it as it acts; it knows the truth, so a mark says what
//! really began, changed or ended. Beside these there are *ghost* marks: an action
//! that means nothing for the truth, but that a reader of the stream would apply
//! if, for want of a closing event, the thing still looked open. Upgrading a
//! stopped VM is a ghost change of its running time; destroying it is a ghost end.
//!
//! Two readings:
//!
//! - [`Timeline::truth`]: the real marks alone.
//! - [`Timeline::billable`]: what can be known when the rows of some closing marks
//!   were lost. With nothing lost it equals the truth, ghosts or not.
//!
//! # The lost closes, one by one
//!
//! The rules decide each case (usage rules 3); the marks only have to be there.
//!
//! - *VM.STOP lost, then VM.START with the same attributes.* "Open while open, same
//!   attributes" is an anomaly and no new stretch: running time goes on without a
//!   gap. Ending one stretch and beginning another with the same key at the same
//!   instant gives the same sum, so `Begin` needs no special case.
//! - *VM.STOP lost, then VM.UPGRADE, then VM.START.* The VM looks running, so UPGRADE
//!   splits its running time: the old offering is billed to the upgrade, the new one
//!   from there. Hence `GhostChange` on the running time.
//! - *VM.STOP lost, then VM.DESTROY.* DESTROY closes running time (`GhostEnd`).
//! - *VM.DESTROY lost, nothing after it.* Allocated time, and NICs that only the
//!   DESTROY would have closed, and running time if there was no STOP, are billed to
//!   the end of the window: one row, several `End` marks.
//! - *VM.DESTROY lost, then recovered.* VM.CREATE finds it open with the same
//!   attributes: the time in between is billed. Running time ends at the next
//!   VM.START or VM.DESTROY only, whichever comes first; VM.CREATE is not about it.
//! - *VM.DESTROY of an account move lost.* The VM.CREATE of the other account at the
//!   same instant splits, for the account counts as an attribute: nobody pays more.
//!   A NIC that only this DESTROY closed is billed to the old account until the same
//!   NIC is assigned again or the VM is destroyed, and to the end if it was replaced.
//!   Lost together with VM.STOP: the old account pays for running time until the new
//!   one starts (split by account) or upgrades (a splitting event, billed as it says).
//! - *NETWORK.OFFERING.REMOVE (or DELETE) lost.* Open until the same NIC is assigned
//!   again, or until VM.DESTROY, which closes every NIC of the VM, removed ones too:
//!   a `GhostEnd` on each NIC the VM ever had.
//! - *VOLUME.DELETE lost, then VOLUME.CREATE* (recover, move): billed until then. A
//!   volume is never resized between the two, so no ghost changes are needed.
//! - *TEMPLATE.DELETE or ISO.DELETE lost.* One lost row may have closed several zones
//!   (zone 0 or -1), and each goes on until the next opening in its zone or the next
//!   delete that reaches it: of its zone, or of zone 0 or -1. A region-wide copy is
//!   reached by a delete of any zone. So every delete leaves `End` or `GhostEnd` on
//!   each part it reaches.
//! - *Address release lost.* Billed to the old tenant until the address is assigned
//!   again: the next tenant's assignment splits by account.
//! - *Snapshots, rules, VPN users*: until added again (VPN users only), else the end.
//! - *Any of them, of an account that was removed later*: its open stretches end with
//!   the account.
//!
//! Only closes are ever lost. Openings and changes are all in the stream, so at a
//! ghost change the attributes last known from the stream are the true ones.

use std::collections::BTreeMap;

use cloudtally_model::{Instant, UsageTypeId};
use cloudtally_oracle::LocalDay;

/// The parts that tell the bills of one timeline apart; `None` if the usage type's key
/// has no such part, or if the thing has no such attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) account: u32,
    /// 0 is no zone.
    pub(crate) zone: u32,
    pub(crate) offering: Option<u32>,
    pub(crate) template: Option<u32>,
    pub(crate) size: Option<u64>,
}

impl Key {
    pub(crate) fn of(account: u32, zone: u32) -> Self {
        Self { account, zone, offering: None, template: None, size: None }
    }
}

/// The meaning of an action for a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A stretch begins; one that is open ends here (another offering, account, ...).
    Begin(Key),
    /// The open stretch ends and another begins.
    Change(Key),
    /// The open stretch ends.
    End,
    /// Nothing is open; if something looked open, it would change.
    GhostChange(Key),
    /// Nothing is open; if something looked open, it would end.
    GhostEnd,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    at: Instant,
    /// Number of the row that says so in the stream.
    row: u32,
    meaning: Meaning,
}

/// A stretch of use with one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) from: Instant,
    pub(crate) until: Instant,
    pub(crate) key: Key,
}

/// The history of one part of one resource for one usage type.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    pub(crate) usage_type: UsageTypeId,
    pub(crate) resource: u32,
    /// The NIC, 0 elsewhere.
    pub(crate) nic: u32,
    marks: Vec<Mark>,
}

/// Quantities of one key on one day; `None` where there is no bill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Quantities {
    pub(crate) truth: Option<u64>,
    pub(crate) billable: Option<u64>,
}

impl Timeline {
    pub(crate) fn new(usage_type: UsageTypeId, resource: u32, nic: u32) -> Self {
        Self { usage_type, resource, nic, marks: Vec::new() }
    }

    /// Writes a mark; marks are written in the order of their rows in the stream.
    pub(crate) fn mark(&mut self, at: Instant, row: u32, meaning: Meaning) {
        assert!(
            self.marks.last().is_none_or(|last| last.at <= at),
            "the marks of usage type {} of {} are in order of time",
            self.usage_type,
            self.resource
        );
        self.marks.push(Mark { at, row, meaning });
    }

    /// Returns true if a stretch is open after the last mark.
    pub(crate) fn is_open(&self) -> bool {
        let real =
            |mark: &&Mark| !matches!(mark.meaning, Meaning::GhostChange(_) | Meaning::GhostEnd);
        let last = self.marks.iter().rev().find(real);
        matches!(last.map(|mark| mark.meaning), Some(Meaning::Begin(_) | Meaning::Change(_)))
    }

    /// The true history, up to `end`.
    pub(crate) fn truth(&self, end: Instant) -> Vec<Stretch> {
        let mut stretches = Vec::new();
        let mut open: Option<(Instant, Key)> = None;
        let mut finish = |open: &mut Option<(Instant, Key)>, until| {
            if let Some((from, key)) = open.take() {
                stretches.push(Stretch { from, until, key });
            }
        };
        for mark in &self.marks {
            match mark.meaning {
                Meaning::Begin(key) => {
                    finish(&mut open, mark.at);
                    open = Some((mark.at, key));
                }
                Meaning::Change(key) => {
                    assert!(open.is_some(), "only what is open changes");
                    finish(&mut open, mark.at);
                    open = Some((mark.at, key));
                }
                Meaning::End => {
                    assert!(open.is_some(), "only what is open ends");
                    finish(&mut open, mark.at);
                }
                Meaning::GhostChange(_) | Meaning::GhostEnd => {
                    assert!(open.is_none(), "a ghost mark is about what is over");
                }
            }
        }
        finish(&mut open, end);
        stretches
    }

    /// The billable stretches, up to `end`, if some rows were lost; see the module.
    ///
    /// `is_lost` tells of a row by its number, `removed` when an account went.
    pub(crate) fn billable(
        &self,
        end: Instant,
        is_lost: impl Fn(u32) -> bool,
        removed: impl Fn(u32) -> Option<Instant>,
    ) -> Vec<Stretch> {
        let mut stretches: Vec<Stretch> = Vec::new();
        // The stretch that looks open is the last one, its end not yet known.
        let mut looks_open = false;
        for mark in self.marks.iter().filter(|mark| !is_lost(mark.row)) {
            if looks_open && let Some(last) = stretches.last_mut() {
                last.until = mark.at;
            }
            match mark.meaning {
                Meaning::Begin(key) => {
                    stretches.push(Stretch { from: mark.at, until: end, key });
                    looks_open = true;
                }
                Meaning::Change(key) | Meaning::GhostChange(key) if looks_open => {
                    stretches.push(Stretch { from: mark.at, until: end, key });
                }
                Meaning::Change(_) | Meaning::GhostChange(_) => {}
                Meaning::End | Meaning::GhostEnd => looks_open = false,
            }
        }
        for stretch in &mut stretches {
            if let Some(removed) = removed(stretch.key.account) {
                stretch.until = stretch.until.min(removed).max(stretch.from);
            }
        }
        stretches
    }

    /// Returns true if storage of nothing has a bill of zero: the guide's bare metal rule.
    fn bills_nothing(&self, key: &Key) -> bool {
        matches!(self.usage_type.0, 7 | 8) && key.size == Some(0)
    }

    /// Adds stretches to the days they touch.
    pub(crate) fn add_days(
        &self,
        stretches: &[Stretch],
        days: &[LocalDay],
        sums: &mut BTreeMap<(usize, Key), Quantities>,
        which: fn(&mut Quantities) -> &mut Option<u64>,
    ) {
        for stretch in stretches {
            let first = days.partition_point(|day| day.end <= stretch.from);
            for (index, day) in days.iter().enumerate().skip(first) {
                let (from, until) = (stretch.from.max(day.start), stretch.until.min(day.end));
                if from >= until {
                    break;
                }
                let amount_ms = until.since(from).0.unsigned_abs();
                let amount = if self.bills_nothing(&stretch.key) { 0 } else { amount_ms };
                *which(sums.entry((index, stretch.key)).or_default()).get_or_insert(0) += amount;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: Instant = Instant::from_millis(1_000);

    fn key(account: u32, offering: u32) -> Key {
        Key { offering: Some(offering), ..Key::of(account, 1) }
    }

    /// Marks as (ms, meaning); the row is the position.
    fn timeline(marks: &[(i64, Meaning)]) -> Timeline {
        let mut timeline = Timeline::new(UsageTypeId::RUNNING_VM, 1, 0);
        for (row, (at, meaning)) in (0..).zip(marks) {
            timeline.mark(Instant::from_millis(*at), row, *meaning);
        }
        timeline
    }

    fn check(marks: &[(i64, Meaning)], lost: &[u32], expected: &[(i64, i64, Key)]) {
        let stretches = timeline(marks).billable(END, |row| lost.contains(&row), |_| None);
        let found: Vec<_> = stretches
            .iter()
            .filter(|s| s.from < s.until)
            .map(|s| (s.from.as_millis(), s.until.as_millis(), s.key))
            .collect();
        assert_eq!(found, expected, "lost {lost:?} of {marks:?}");
    }

    #[test]
    fn a_lost_stop_then_upgrade_start_and_stop() {
        let (small, large) = (key(5, 1), key(5, 2));
        let marks = [
            (100, Meaning::Begin(small)),
            (200, Meaning::End),
            (300, Meaning::GhostChange(large)),
            (400, Meaning::Begin(large)),
            (500, Meaning::End),
            (600, Meaning::GhostEnd),
        ];
        check(&marks, &[], &[(100, 200, small), (400, 500, large)]);
        check(&marks, &[1], &[(100, 300, small), (300, 400, large), (400, 500, large)]);
        check(&marks, &[4], &[(100, 200, small), (400, 600, large)]);
        check(&marks, &[4, 5], &[(100, 200, small), (400, 1_000, large)]);
        let truth = timeline(&marks).truth(END);
        assert_eq!(truth.len(), 2);
        assert_eq!(truth[1].until.as_millis(), 500);
    }

    #[test]
    fn a_lost_destroy_of_an_account_move_costs_nobody() {
        let marks = [
            (100, Meaning::Begin(key(5, 1))),
            (200, Meaning::End),
            (200, Meaning::Begin(key(6, 1))),
        ];
        let moved = [(100, 200, key(5, 1)), (200, 1_000, key(6, 1))];
        check(&marks, &[], &moved);
        check(&marks, &[1], &moved);
    }

    #[test]
    fn a_removed_account_pays_no_longer() {
        let marks = [(100, Meaning::Begin(key(5, 1))), (200, Meaning::End)];
        let removed = |account| (account == 5).then_some(Instant::from_millis(700));
        let stretches = timeline(&marks).billable(END, |row| row == 1, removed);
        assert_eq!(stretches[0].until.as_millis(), 700);
    }
}
