//! Seeded tenants: people with habits, who use the cloud through the same commands
//! as everybody.
//!
//! Each tenant wakes once an hour of the cloud's time, looks at what it has (lists),
//! and does what its habits say. It remembers nothing: what it has is in the cloud,
//! and what it decides is a function of the seed, the tenant, the hour and what it
//! sees. So tenants go on after a restart as if nothing had happened, and the same
//! seed gives the same history. Only a kill in the middle of a wake loses the rest of
//! that wake.
//!
//! Refusals are part of life: a limit that is reached, a host that is full, a state
//! that forbids a move. They are counted ([`Tenants::refusals`]) and lived with.
//!
//! Besides the tenants there is the operator, who makes what they need and brings
//! the faults: slow and failing hosts, hosts that die, guests that shut themselves
//! down.

mod batch; // many short machines, data disks, snapshots
mod chance; // seeded
mod developer; // forgets resources
mod hand; // how a tenant uses the cloud
mod operator; // offerings, limits, faults
mod reseller; // customers and projects
mod shop; // machines behind a load balancer, by day and night

use std::collections::BTreeMap;

use cloudtally_model::{Instant, Millis, port::JournalError};

use self::{chance::Chance, hand::Hand};
use crate::engine::Cloud;

/// The interval at which a tenant wakes.
const HOUR: Millis = Millis::HOUR;

/// Refusals by command and status.
pub type Refusals = BTreeMap<(&'static str, u16), u64>;

/// All tenants of a cloud, and its operator.
#[derive(Debug)]
pub struct Tenants {
    seed: u64,
    /// The instant at which each wakes next; the operator is the first.
    next: Vec<Instant>,
    refusals: Refusals,
}

/// The habit of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Habit {
    Operator,
    Shop,
    Batch,
    Developer,
    Reseller,
}

impl Habit {
    /// The habit of the nth tenant; the operator is number 0.
    fn of(number: usize) -> Self {
        const KINDS: [Habit; 4] = [Habit::Shop, Habit::Batch, Habit::Developer, Habit::Reseller];
        match number.checked_sub(1) {
            None => Self::Operator,
            Some(at) => KINDS[at % KINDS.len()],
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Shop => "shop",
            Self::Batch => "batch",
            Self::Developer => "developer",
            Self::Reseller => "reseller",
        }
    }
}

impl Tenants {
    /// So many tenants, who have lived until `after`: for a new cloud its start, for
    /// one that goes on its clock ([`Cloud::clock`]).
    pub fn new(seed: u64, count: u32, after: Instant) -> Self {
        let numbers = 0..=usize::try_from(count).unwrap_or(usize::MAX - 1);
        let next = numbers.map(|number| wakes_after(seed, number, after)).collect();
        Self { seed, next, refusals: Refusals::new() }
    }

    /// The instant at which somebody wakes next.
    pub fn next_due(&self) -> Instant {
        self.next.iter().copied().min().expect("there is always the operator")
    }

    /// Lets everybody act who is to wake by `now`, in order.
    pub fn act(&mut self, cloud: &Cloud, now: Instant) {
        while let Some((wakes, number)) =
            self.next.iter().copied().zip(0..).min().filter(|(wakes, _)| *wakes <= now)
        {
            self.wake(cloud, number, wakes);
            self.next[number] = wakes_after(self.seed, number, wakes);
        }
    }

    /// Lets a cloud and its tenants live until a moment: what is due and who wakes,
    /// in the order of time.
    ///
    /// # Errors
    /// If what happened could not be kept.
    pub fn live(&mut self, cloud: &Cloud, until: Instant) -> Result<(), JournalError> {
        while let Some(wakes) = Some(self.next_due()).filter(|wakes| *wakes <= until) {
            cloud.run_due(wakes)?;
            self.act(cloud, wakes);
        }
        cloud.run_due(until)?;
        cloud.keep_clock(until)
    }

    /// The refusals so far.
    pub fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    fn wake(&mut self, cloud: &Cloud, number: usize, now: Instant) {
        let habit = Habit::of(number);
        let mut chance = Chance::new(self.seed, number, now);
        let name = format!("{}-{number}", habit.word());
        let Some(caller) = hand::caller_of(cloud, habit, &name, now) else { return };
        let mut hand = Hand::new(cloud, now, caller, &mut self.refusals);
        match habit {
            Habit::Operator => operator::wake(&mut hand, &mut chance, self.next.len()),
            Habit::Shop => shop::wake(&mut hand, &mut chance),
            Habit::Batch => batch::wake(&mut hand, &mut chance),
            Habit::Developer => developer::wake(&mut hand, &mut chance),
            Habit::Reseller => reseller::wake(&mut hand, &mut chance, &name),
        }
    }
}

/// The instant at which a tenant wakes first after a moment: once in each hour, at a moment of it
/// that the seed says, to the millisecond.
fn wakes_after(seed: u64, number: usize, after: Instant) -> Instant {
    let mut hour = after.as_millis().div_euclid(HOUR.0);
    loop {
        let start = Instant::from_millis(hour * HOUR.0);
        let wakes = start + Millis(Chance::new(seed, number, start).below_ms(HOUR.0));
        if wakes > after {
            return wakes;
        }
        hour += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_wake_once_an_hour_whenever_they_are_asked() {
        let start = Instant::parse("2026-03-08 00:00:00").unwrap();
        let mut at = start;
        for hour in 0..50 {
            let next = wakes_after(7, 3, at);
            assert_eq!(next.since(start).0 / HOUR.0, hour);
            assert_eq!(wakes_after(7, 3, next + Millis(-1)), next);
            at = next;
        }
        assert_ne!(wakes_after(8, 3, start), wakes_after(7, 3, start));
        assert_ne!(wakes_after(7, 4, start), wakes_after(7, 3, start));
    }
}
