//! The use of each period a second time, by counting what is open.
//!
//! The fold follows one resource after another and makes segments, which are clipped at the
//! ends of periods and summed by key. This is another way to the same totals, and shares no
//! code with it: all moves of a window are put in order as one table, each says by how much
//! the number of open uses changes then, and the use of a period is that number added up
//! over its time. With `n` uses open at its start and changes `d` at instants `t`, a
//! period `[start, end)` has `n * (end - start) + sum(d * (end - t))`.
//!
//! Worked example: one machine runs at 00:00, another starts at 06:00, the first stops at
//! 18:00: `1 * 24 h + 1 * 18 h - 1 * 6 h = 36 h`.
//!
//! It is written in expressions of polars and not in SQL: the events are in memory as columns
//! already, an SQL engine beside polars would be one more to build and to trust, and an
//! order by resource and time with a look at the row before is what polars does on all cores.
//!
//! # Source
//! Usage rules 3 and 7.

use std::collections::BTreeMap;

use cloudtally_model::{Period, SourceId, UsageTypeId, row_number};
use polars::prelude::{
    DataFrame, DataType, Expr, FillNullStrategy, Int64Chunked, IntoLazy, JoinArgs, JoinType,
    LazyFrame, NULL, PolarsError, SortMultipleOptions, UnionArgs, col, concat, lit, when,
};

use super::moves::{Moves, NO_ZONE, kind, rank, usage_of};
use crate::AggregateError;

/// The use of one source and usage type in a period, and how the number of open uses moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recomputed {
    /// Milliseconds.
    pub(crate) used_ms: i64,
    /// Uses that began in it.
    pub(crate) opened: i64,
    /// Uses that ended in it.
    pub(crate) closed: i64,
    /// Uses that are open when it ends.
    pub(crate) open_at_end: i64,
}

/// A period a second time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RecomputedPeriod {
    /// By source and usage type.
    pub(crate) usage: BTreeMap<(SourceId, UsageTypeId), Recomputed>,
    /// Events of the period that nothing meters.
    pub(crate) unmetered: u64,
    /// Events of the period that something meters.
    pub(crate) metered: u64,
}

/// The changes of one usage type in one period.
#[derive(Clone, Copy, Debug, Default)]
struct Change {
    /// Sum of changes of what counts.
    sum: i64,
    /// Each change times the time that is left of the period.
    area_ms: i64,
    /// Uses that were open before the window.
    before: i64,
    opened: i64,
    closed: i64,
}

/// Recomputes the periods of a window, which lie side by side, from its moves.
pub(crate) fn recompute(
    mut moves: Moves,
    periods: &[Period],
) -> Result<Vec<RecomputedPeriod>, AggregateError> {
    let refused = |cause| AggregateError::Recompute(Box::new(cause));
    let mut recomputed = vec![RecomputedPeriod::default(); periods.len()];
    let index = |at: i64| periods.partition_point(|period| period.end.as_millis() <= at);
    let [unmetered, metered] = moves.take_events();
    for at in unmetered {
        recomputed[index(at)].unmetered += 1;
    }
    for at in metered {
        recomputed[index(at)].metered += 1;
    }
    for (usage, of_period) in moves.into_frame(periods).and_then(changes).map_err(refused)? {
        let (mut counted, mut open) = (0, 0);
        for (number, period) in periods.iter().enumerate() {
            let change = of_period.get(&row_number(number)).copied().unwrap_or_default();
            let Change { sum, area_ms, before, opened, closed } = change;
            // What was open before the window changes the sum in its first instant.
            let used_ms = counted * period.length().0 + area_ms;
            counted += sum;
            open += before + opened - closed;
            let of_type = Recomputed { used_ms, opened, closed, open_at_end: open };
            if of_type != Recomputed::default() {
                recomputed[number].usage.insert(usage, of_type);
            }
        }
    }
    Ok(recomputed)
}

type Changes = BTreeMap<(SourceId, UsageTypeId), BTreeMap<u32, Change>>;

/// The changes of each usage type by the number of their period.
fn changes(moves: DataFrame) -> Result<Changes, PolarsError> {
    let mut changes = Changes::new();
    if moves.height() == 0 {
        return Ok(changes);
    }
    let is_later = || col("rank").gt(lit(rank::BEFORE));
    let count = |what: Expr| what.cast(DataType::Int64).sum();
    let sums = with_steps(in_order(each_apart(moves)?))
        .group_by([col("usage"), col("period")])
        .agg([
            col("change").sum(),
            (col("change") * col("left")).sum().alias("area"),
            count(col("step").gt(lit(0)).and(is_later().not())).alias("before"),
            count(col("step").gt(lit(0)).and(is_later())).alias("opened"),
            count(col("step").lt(lit(0))).alias("closed"),
        ])
        .collect()?;
    let number = |name: &str| sums.column(name)?.i64();
    let (usage, period) = (sums.column("usage")?.u32()?, sums.column("period")?.u32()?);
    let (sum, area, before) = (number("change")?, number("area")?, number("before")?);
    let (opened, closed) = (number("opened")?, number("closed")?);
    for row in 0..sums.height() {
        let value = |column: &Int64Chunked| column.get(row).unwrap_or(0);
        let (Some(usage), Some(period)) = (usage.get(row), period.get(row)) else { continue };
        let change = Change {
            sum: value(sum),
            area_ms: value(area),
            before: value(before),
            opened: value(opened),
            closed: value(closed),
        };
        changes.entry(usage_of(usage)).or_default().insert(period, change);
    }
    Ok(changes)
}

/// Makes one end for each part of a resource of those that end several.
fn each_apart(moves: DataFrame) -> Result<LazyFrame, PolarsError> {
    let names: Vec<String> = moves.get_column_names().iter().map(|n| n.to_string()).collect();
    let is = |of: i32| col("kind").eq(lit(of));
    let ends_several = || is(kind::CLOSE_ZONE).or(is(kind::CLOSE_ALL));
    let moves = moves.lazy();
    let closes = moves.clone().filter(ends_several()).collect()?;
    if closes.height() == 0 {
        return Ok(moves);
    }
    let keys = [col("usage"), col("resource")];
    let parts = moves
        .clone()
        .filter(is(kind::OPEN))
        .group_by([col("usage"), col("resource"), col("part").alias("there")])
        .agg(Vec::<Expr>::new());
    let is_none = |name: &str| col(name).eq(lit(NO_ZONE));
    let hits = is(kind::CLOSE_ALL)
        .or(col("part").eq(col("there")))
        .or(is_none("part"))
        .or(is_none("there"));
    let closes = closes
        .lazy()
        .join(parts, keys.clone(), keys, JoinArgs::new(JoinType::Inner))
        .filter(hits)
        .with_columns([col("there").alias("part"), lit(kind::CLOSE).alias("kind")])
        .select(names.iter().map(|name| col(name.as_str())).collect::<Vec<_>>());
    concat([moves.filter(ends_several().not()), closes], UnionArgs::default())
}

/// Sorts moves by what is used and by time, and marks the first of each.
fn in_order(moves: LazyFrame) -> LazyFrame {
    let differs = |name: &str| col(name).neq(col(name).shift(lit(1)));
    let is_first = differs("usage").or(differs("resource")).or(differs("part"));
    moves
        .sort(["usage", "resource", "part", "at", "rank", "id"], SortMultipleOptions::default())
        .with_column(is_first.fill_null(lit(true)).alias("first"))
}

/// Adds by how much each move changes the number of open uses (`step`) and of those that
/// count (`change`).
fn with_steps(moves: LazyFrame) -> LazyFrame {
    let is = |of: i32| col("kind").eq(lit(of));
    let known = |expr: Expr| expr.fill_null_with_strategy(FillNullStrategy::Forward(None));
    // The first of a resource finds nothing in use, and must not see the one before it.
    let else_nothing = || when(col("first")).then(lit(0i64)).otherwise(lit(NULL));
    let owner = when(is(kind::OPEN).or(is(kind::SPLIT))).then(col("account")).otherwise(lit(NULL));
    let loses_owner = is(kind::REMOVED).and(col("account").eq(col("owner")));
    let is_open = when(is(kind::OPEN))
        .then(lit(1i64))
        .when(is(kind::CLOSE).or(loses_owner))
        .then(lit(0i64))
        .otherwise(else_nothing());
    let weight = when(is(kind::OPEN)).then(col("weight")).otherwise(else_nothing());
    let before = |name: &str| when(col("first")).then(lit(0i64)).otherwise(col(name).shift(lit(1)));
    moves
        .with_column(known(owner).alias("owner"))
        .with_columns([known(is_open).alias("open"), known(weight).alias("weight")])
        .with_column((col("open") * col("weight")).alias("counted"))
        .with_columns([
            (col("open") - before("open")).alias("step"),
            (col("counted") - before("counted")).alias("change"),
        ])
}
