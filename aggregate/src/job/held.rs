//! Changes of published numbers that are larger than allowed: held back until somebody accepts
//! them.
//!
//! A mistake upstream, such as a dump that was converted wrongly or events of a test cloud,
//! shows as a published day that moves much. With `usage.publish.max.change` set, such a day
//! keeps the numbers that it has, the run says who would move most, and the day waits until
//! a run is told to accept it. For each source and usage type the differences of the records, without
//! their signs, are held against the published sum; a key that changes counts twice, as what
//! is gone and what is new.
//!
//! What became of closed days moves those days: adjustments that are too large are left out of
//! a period that is published for the first time, and hold back one that is published.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use chrono::NaiveDate;
use cloudtally_model::{
    AccountId, Instant, Period, SourceId, SourceName, Unit, UsageRecord, UsageTypeId, hours,
    settings, usage_type,
};
use cloudtally_store::{Store, StoreError};

use super::state::Run;
use crate::sheet::Sums;

/// Movers that are told of a period.
const MOVERS_TOLD: usize = 20;

/// The changes of published numbers that a run may publish.
pub(super) struct Allowance<'a> {
    /// Percent of the sum that is published; `None` allows everything.
    percent: Option<u64>,
    /// Days whose changes are accepted, however large.
    accepted: &'a [NaiveDate],
}

impl<'a> Allowance<'a> {
    /// Reads the limit from the settings.
    pub(super) fn of(store: &Store, accepted: &'a [NaiveDate]) -> Result<Self, StoreError> {
        let value = store.setting(settings::PUBLISH_MAX_CHANGE)?;
        // -1 is no limit.
        Ok(Self { percent: value.parse().ok(), accepted })
    }

    /// The limit that counts for a day.
    fn of_day(&self, day: NaiveDate) -> Option<u64> {
        self.percent.filter(|_| !self.accepted.contains(&day))
    }
}

/// The part of the use of a period that moves together: that of an account, by type.
type Place = (SourceId, UsageTypeId, AccountId);

/// Differences of the records of one place.
#[derive(Clone, Copy, Debug, Default)]
struct Move {
    up: u128,
    down: u128,
}

impl Move {
    fn both(self) -> u128 {
        self.up + self.down
    }

    fn add(&mut self, other: Self) {
        self.up += other.up;
        self.down += other.down;
    }
}

/// Differences of records, by the start of the period that was used.
#[derive(Debug, Default)]
pub(super) struct Moves(BTreeMap<Instant, BTreeMap<Place, Move>>);

impl Moves {
    /// The differences that adjustments make where there were none before.
    pub(super) fn of_adjustments(into: Period, adjustments: &[UsageRecord]) -> Self {
        let mut moves = Self::default();
        for adjustment in adjustments {
            moves.add(into, adjustment, adjustment.quantity.into());
        }
        moves
    }

    /// Adds that a record of a period, or an adjustment that stands in it, changes by so much.
    pub(super) fn add(&mut self, period: Period, record: &UsageRecord, difference: i128) {
        let used = record.corrects.unwrap_or(period.start);
        let place = (record.source, record.usage_type, record.account);
        let (up, down) = (difference.max(0), difference.min(0));
        let change = Move { up: up.unsigned_abs(), down: down.unsigned_abs() };
        self.0.entry(used).or_default().entry(place).or_default().add(change);
    }
}

/// A published period whose numbers would move more than allowed, and do not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldPeriod {
    /// The period.
    pub period: Period,
    /// The day that `--accept` takes.
    pub day: NaiveDate,
    /// The largest change allowed, in percent.
    pub allowed_percent: u64,
    /// The sums that would move too much.
    pub usages: Vec<HeldUsage>,
    /// The accounts that would move most, the first one most.
    pub movers: Vec<Mover>,
    /// The number of accounts and types that would move besides.
    pub more_movers: u64,
}

/// The sum of a usage type that would move too much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldUsage {
    /// The source.
    pub source: SourceName,
    /// The usage type.
    pub usage_type: UsageTypeId,
    /// The published sum, in the unit of the type.
    pub published: i128,
    /// The differences of its records, without their signs.
    pub moved: u128,
}

/// The use of an account that would move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mover {
    /// The source.
    pub source: SourceName,
    /// The account.
    pub account: AccountId,
    /// The usage type.
    pub usage_type: UsageTypeId,
    /// The sum of what its records gain, in the unit of the type.
    pub up: u128,
    /// The sum of what they lose.
    pub down: u128,
}

impl fmt::Display for HeldPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usages: Vec<String> = self.usages.iter().map(ToString::to_string).collect();
        write!(
            f,
            "{} is held back, as `{}` allows {} %: {}; look at the movers, and publish it with `cloudtally aggregate --accept {}`",
            self.period,
            settings::PUBLISH_MAX_CHANGE,
            self.allowed_percent,
            usages.join(", "),
            self.day
        )
    }
}

/// `usage type 1 of source `default` would move 12 Hrs of 24 Hrs`
impl fmt::Display for HeldUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moved = quantity(self.usage_type, self.moved.cast_signed());
        let published = quantity(self.usage_type, self.published);
        let Self { usage_type, source, .. } = self;
        write!(f, "usage type {usage_type} of source `{source}` would move {moved} of {published}")
    }
}

/// `account 2 of source `default`, usage type 1: +0 Hrs, -12 Hrs`
impl fmt::Display for Mover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, account, usage_type, up, down } = self;
        let [up, down] = [*up, *down].map(|sum| quantity(*usage_type, sum.cast_signed()));
        write!(f, "account {account} of source `{source}`, usage type {usage_type}: +{up}, -{down}")
    }
}

/// A sum of a usage type for people.
fn quantity(id: UsageTypeId, sum: i128) -> String {
    match usage_type(id).map(|row| row.unit) {
        Some(Unit::Milliseconds) => format!("{} Hrs", hours(sum)),
        _ => format!("{sum} bytes"),
    }
}

impl Run<'_> {
    /// Judges what a period would change; `sums` are those of its records as computed, without
    /// adjustments. Returns what would move too much.
    pub(super) fn held(
        &self,
        period: Period,
        moves: &Moves,
        sums: &Sums,
    ) -> Result<Vec<HeldPeriod>, StoreError> {
        let mut held = Vec::new();
        for (&used, moves) in &moves.0 {
            let day = self.calendar.date_of(used);
            let Some(percent) = self.allowance.of_day(day) else { continue };
            let mut by_usage: BTreeMap<(SourceId, UsageTypeId), Move> = BTreeMap::new();
            for ((source, usage_type, _), change) in moves {
                by_usage.entry((*source, *usage_type)).or_default().add(*change);
            }
            let published = if used == period.start {
                let before = |(usage, change): (&_, &Move)| {
                    let after = sums.records(usage);
                    (*usage, after - change.up.cast_signed() + change.down.cast_signed())
                };
                by_usage.iter().map(before).collect()
            } else {
                self.published_sums(used)?
            };
            let too_much = by_usage.into_iter().filter_map(|(usage, change)| {
                let (published, moved) =
                    (published.get(&usage).copied().unwrap_or(0), change.both());
                let allowed = published.unsigned_abs().saturating_mul(percent.into());
                (moved.saturating_mul(100) > allowed).then_some((usage, published, moved))
            });
            let usages: Vec<HeldUsage> = too_much
                .map(|((source, usage_type), published, moved)| HeldUsage {
                    source: self.sources().name(source).clone(),
                    usage_type,
                    published,
                    moved,
                })
                .collect();
            if usages.is_empty() {
                continue;
            }
            let (movers, more_movers) = self.movers(moves, &usages);
            let period = self.calendar.period_at(used);
            held.push(HeldPeriod {
                period,
                day,
                allowed_percent: percent,
                usages,
                movers,
                more_movers,
            });
        }
        Ok(held)
    }

    /// The accounts that move most of sums that move too much, and the number of the others.
    fn movers(&self, moves: &BTreeMap<Place, Move>, usages: &[HeldUsage]) -> (Vec<Mover>, u64) {
        let types: BTreeSet<(&SourceName, UsageTypeId)> =
            usages.iter().map(|usage| (&usage.source, usage.usage_type)).collect();
        let of_held = moves.iter().filter(|((source, usage_type, _), _)| {
            types.contains(&(self.sources().name(*source), *usage_type))
        });
        let mut movers: Vec<(&Place, &Move)> = of_held.collect();
        // Types have units of their own, so each one's movers stand together.
        movers.sort_by(|(a, of_a), (b, of_b)| {
            (a.0, a.1, of_b.both(), a.2).cmp(&(b.0, b.1, of_a.both(), b.2))
        });
        let more = movers.len().saturating_sub(MOVERS_TOLD) as u64;
        let told = movers.into_iter().take(MOVERS_TOLD);
        let told = told.map(|(&(source, usage_type, account), &Move { up, down })| Mover {
            source: self.sources().name(source).clone(),
            account,
            usage_type,
            up,
            down,
        });
        (told.collect(), more)
    }

    /// The sums that are served of a closed period, of its own use.
    fn published_sums(
        &self,
        start: Instant,
    ) -> Result<BTreeMap<(SourceId, UsageTypeId), i128>, StoreError> {
        let mut sums = BTreeMap::new();
        let Some(known) = self.published.get(&start) else { return Ok(sums) };
        for columns in self.store().record_columns(known, self.sources())? {
            let columns = columns?;
            for row in columns.rows().filter(|row| row.corrects.is_none()) {
                *sums.entry((row.source, row.usage_type)).or_default() += i128::from(row.quantity);
            }
        }
        Ok(sums)
    }
}
