//! The differences of a run to what is published, summed up, and the days that they would
//! move too much.

use std::{collections::BTreeMap, fmt};

use chrono::NaiveDate;
use cloudtally_model::{
    AccountId, Instant, Period, SourceId, SourceName, Unit, UsageRecord, UsageTypeId, hours,
    settings, usage_type,
};
use cloudtally_store::{Store, StoreError};

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
    pub(super) fn of_day(&self, day: NaiveDate) -> Option<u64> {
        self.percent.filter(|_| !self.accepted.contains(&day))
    }
}

/// The part of the use of a period that moves together: that of an account, by type.
pub(super) type Place = (SourceId, UsageTypeId, AccountId);

/// Differences of the records of one place.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Move {
    pub(super) up: u128,
    pub(super) down: u128,
}

impl Move {
    /// Both, without their signs.
    pub(super) fn both(self) -> u128 {
        self.up + self.down
    }

    pub(super) fn add(&mut self, other: Self) {
        self.up += other.up;
        self.down += other.down;
    }
}

/// Differences of records, by the start of the period that was used.
#[derive(Debug, Default)]
pub(super) struct Moves(pub(super) BTreeMap<Instant, BTreeMap<Place, Move>>);

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
            "{} is held back, as `{}` allows {} %: {}; look at the movers, and accept {} if they are right",
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
