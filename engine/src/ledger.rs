//! The ledger: what each tenant really had, and when.
//!
//! It is the second opinion on the bill. It stands below the code that writes
//! usage events and never looks at them: the engine shows it every resource that is
//! put into the world, [`facts`] says which uses a resource is as it stands, and where
//! that differs from what is open, entries end and begin at that instant. So a
//! path to a state on which somebody forgot to write an event shows as a
//! difference between the two.
//!
//! - Only the end of an instant counts: what begins and ends in the same
//!   millisecond is no use, and at most an entry of no length.
//! - Facts may depend on other resources (a NIC's offering is its network's); whose
//!   facts to look at again is said by [`facts::concerned`], nowhere else.
//! - When a host dies its machines run on until the platform learns of it: the
//!   ledger sees what the platform knows, as the bill does.
//! - Traffic is what the simulated routers forward, growth by growth of their
//!   counters, whether or not a sample is taken of it. Growths within a quarter of
//!   an hour share an entry: every time zone of the years that can be billed has
//!   its midnights on quarters.
//!
//! Entries are kept with the change that made them. Their sums are computed by a crate
//! of their own (`oracle`), which knows nothing of this one.

use std::collections::BTreeMap;

use cloudtally_model::{
    Instant, Millis,
    port::{LedgerEntry, Use},
};

use crate::{Resource, ResourceId};

/// Growths of a counter within so long share an entry.
const QUARTER: Millis = Millis(15 * Millis::MINUTE.0);

/// Everything that was and is used.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: BTreeMap<u64, LedgerEntry>,
    /// The entries of a resource that last.
    open: BTreeMap<ResourceId, Vec<u64>>,
    /// The last entry of a router.
    traffic: BTreeMap<ResourceId, u64>,
}

/// An entry as it becomes, by its number; none takes it away.
pub(crate) type Change = (u64, Option<LedgerEntry>);

/// Bytes that a router has forwarded since it was counted last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forwarded {
    pub(crate) router: ResourceId,
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

impl Ledger {
    /// All entries, in order of their numbers.
    pub fn entries(&self) -> impl Iterator<Item = &LedgerEntry> {
        self.entries.values()
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Tells whether nothing was ever used.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn entry(&self, number: u64) -> Option<&LedgerEntry> {
        self.entries.get(&number)
    }

    /// Puts an entry in the place of the one with its number; none takes it away.
    /// Returns what was there.
    pub(crate) fn put(&mut self, number: u64, entry: Option<LedgerEntry>) -> Option<LedgerEntry> {
        let before = self.entries.remove(&number);
        if let Some(before) = &before {
            let resource = ResourceId(before.thing);
            if let Some(open) = self.open.get_mut(&resource) {
                open.retain(|open| *open != number);
                if open.is_empty() {
                    self.open.remove(&resource);
                }
            }
            if self.traffic.get(&resource) == Some(&number) {
                self.traffic.remove(&resource);
            }
        }
        if let Some(entry) = entry {
            let resource = ResourceId(entry.thing);
            if entry.bytes.is_some() {
                self.traffic.insert(resource, number);
            } else if entry.end.is_none() {
                self.open.entry(resource).or_default().push(number);
            }
            self.entries.insert(number, entry);
        }
        before
    }

    fn next_number(&self) -> u64 {
        self.entries.last_key_value().map_or(1, |(number, _)| number + 1)
    }

    /// Compares a resource with its open entries: the changes that make it these uses from an
    /// instant on.
    pub(crate) fn settled(&self, resource: ResourceId, uses: &[Use], at: Instant) -> Vec<Change> {
        let none = Vec::new();
        let open = self.open.get(&resource).unwrap_or(&none);
        let mut changes = Vec::new();
        for number in open {
            let entry = &self.entries[number];
            if !uses.contains(&entry.what) {
                // One that was opened at this instant stays as an entry of no length: it
                // may have been kept already.
                changes.push((*number, Some(LedgerEntry { end: Some(at), ..entry.clone() })));
            }
        }
        let mut next = self.next_number();
        for what in uses {
            if !open.iter().any(|number| self.entries[number].what == *what) {
                let entry = LedgerEntry {
                    number: next,
                    thing: resource.0,
                    what: *what,
                    start: at,
                    end: None,
                    bytes: None,
                };
                changes.push((next, Some(entry)));
                next += 1;
            }
        }
        changes
    }

    /// The change by which a router's forwarded bytes are written down.
    pub(crate) fn counted(
        &self,
        router: &Resource,
        what: Use,
        forwarded: Forwarded,
        at: Instant,
    ) -> Change {
        let quarter = |at: Instant| (at.as_millis() - 1).div_euclid(QUARTER.0);
        let last = self.traffic.get(&router.id).map(|number| &self.entries[number]);
        if let Some(last) = last
            && last.end.is_some_and(|end| quarter(end) == quarter(at))
            && let Some((sent, received)) = last.bytes
        {
            let bytes = Some((sent + forwarded.sent, received + forwarded.received));
            return (last.number, Some(LedgerEntry { end: Some(at), bytes, ..last.clone() }));
        }
        let number = self.next_number();
        let entry = LedgerEntry {
            number,
            thing: router.id.0,
            what,
            start: at,
            end: Some(at),
            bytes: Some((forwarded.sent, forwarded.received)),
        };
        (number, Some(entry))
    }
}

#[cfg(test)]
mod tests {
    use cloudtally_model::{NetworkId, UsageTypeId};
    use cloudtally_oracle::{Window, ledger_bill};

    use super::*;

    fn at(ms: i64) -> Instant {
        Instant::from_millis(ms)
    }

    fn vm(offering: u64) -> Use {
        Use {
            usage_type: UsageTypeId::RUNNING_VM,
            account: 2.into(),
            zone: cloudtally_model::ZoneId::from_source(1),
            resource: 7.into(),
            nic: 0.into(),
            offering: Some(offering.into()),
            template: None,
            size: None,
            network: NetworkId(0),
        }
    }

    fn settle(ledger: &mut Ledger, uses: &[Use], ms: i64) {
        for (number, entry) in ledger.settled(ResourceId(7), uses, at(ms)) {
            ledger.put(number, entry);
        }
    }

    fn stretches(ledger: &Ledger) -> Vec<(u64, i64, Option<i64>)> {
        let stretch = |entry: &LedgerEntry| {
            let offering = entry.what.offering.map_or(0, |id| id.0);
            (offering, entry.start.as_millis(), entry.end.map(Instant::as_millis))
        };
        ledger.entries().map(stretch).collect()
    }

    #[test]
    fn a_use_whose_facts_change_ends_and_a_new_one_begins() {
        let mut ledger = Ledger::default();
        settle(&mut ledger, &[vm(1)], 1_000);
        settle(&mut ledger, &[vm(1)], 2_000);
        settle(&mut ledger, &[vm(2)], 3_000);
        settle(&mut ledger, &[], 4_000);
        assert_eq!(stretches(&ledger), [(1, 1_000, Some(3_000)), (2, 3_000, Some(4_000))]);
    }

    #[test]
    fn what_begins_and_ends_at_one_instant_is_no_use() {
        let mut ledger = Ledger::default();
        settle(&mut ledger, &[vm(1)], 1_000);
        settle(&mut ledger, &[vm(2)], 1_000);
        assert_eq!(stretches(&ledger), [(1, 1_000, Some(1_000)), (2, 1_000, None)]);
        let window = Window { start: at(0), end: at(1_500) };
        assert_eq!(ledger_bill(ledger.entries(), "UTC", window).unwrap().len(), 1);
    }

    #[test]
    fn the_ledger_knows_nothing_of_what_is_told_to_the_bill() {
        let file = include_str!("ledger.rs");
        for word in [["mete", "ring"], ["Usage", "Event"], ["isme", "tered"], [".usa", "ge("]] {
            let word = word.concat();
            assert!(!file.contains(&word), "{word}");
        }
    }

    #[test]
    fn undoing_is_putting_back() {
        let mut ledger = Ledger::default();
        settle(&mut ledger, &[vm(1)], 1_000);
        let changes = ledger.settled(ResourceId(7), &[vm(2)], at(2_000));
        let before: Vec<Change> = changes
            .into_iter()
            .map(|(number, entry)| (number, ledger.put(number, entry)))
            .collect();
        for (number, entry) in before.into_iter().rev() {
            ledger.put(number, entry);
        }
        assert_eq!(stretches(&ledger), [(1, 1_000, None)]);
        settle(&mut ledger, &[], 3_000);
        assert_eq!(stretches(&ledger), [(1, 1_000, Some(3_000))]);
    }
}
