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
//! Late use of closed days moves those days: adjustments that are too large are left out of
//! a period that is published for the first time, and hold back one that is published.

use std::collections::{BTreeMap, BTreeSet};

use cloudtally_model::{Instant, Period, SourceId, SourceName, UsageTypeId};
use cloudtally_store::StoreError;

use super::{
    moves::{HeldPeriod, HeldUsage, Move, Mover, Moves, Place},
    state::Run,
};
use crate::sheet::Sums;

/// Movers that are told of a period.
const MOVERS_TOLD: usize = 20;

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
