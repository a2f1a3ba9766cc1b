//! Stretches of empty periods: one row however many periods there are.
//!
//! Publishing over a part of a stretch replaces that part; a period with files leaves
//! it. Rows that touch and know the same become one.

use cloudtally_model::{Instant, Period};
use rusqlite::params;

use crate::{
    EmptyStretch, Inputs, StoreError,
    catalogue::{db::Db, load, sql},
};

/// A note that all stretches which end behind an instant have seen their samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenSamples {
    /// The instant.
    pub from: Instant,
    /// The last file they have seen.
    pub seq: u64,
}

/// Publishes empty periods in a row, in place of what was known of them.
///
/// # Errors
/// `PeriodOverlap` if a period among them has files.
pub(super) fn put(db: &Db, empty: &EmptyStretch) -> Result<(), StoreError> {
    let Period { start, end } = empty.extent;
    let bounds = params![start.as_millis(), end.as_millis()];
    let with_files =
        db.row(sql::periods::OVERLAPPING_STRETCH, bounds, |row| load::period(row, 0))?;
    if let Some(published) = with_files {
        return Err(StoreError::PeriodOverlap { period: empty.extent, published });
    }
    take(db, empty.extent)?;
    // Neighbours that know the same are one with it.
    let (mut joined, inputs) = (empty.extent, empty.inputs);
    let neighbours = db.rows(
        sql::periods::STRETCHES_TOUCHING,
        params![
            start.as_millis(),
            end.as_millis(),
            inputs.events_seq.cast_signed(),
            inputs.samples_seq.map(u64::cast_signed),
            inputs.accounts_seq.cast_signed(),
        ],
        |row| load::period(row, 0),
    )?;
    for neighbour in neighbours {
        db.execute(sql::periods::DELETE_STRETCH, params![neighbour.start.as_millis()])?;
        joined =
            Period { start: joined.start.min(neighbour.start), end: joined.end.max(neighbour.end) };
    }
    insert(db, joined, inputs)
}

/// Takes a part out of the stretches it lies in; says whether all of it lay in one.
///
/// # Errors
/// `PeriodOverlap` if a stretch ends inside a part that is not of it alone.
pub(super) fn take(db: &Db, part: Period) -> Result<bool, StoreError> {
    let bounds = params![part.start.as_millis(), part.end.as_millis()];
    let overlapping = load::stretches(db, sql::periods::STRETCHES_OVERLAPPING, bounds)?;
    let mut is_inside = false;
    for EmptyStretch { extent, inputs } in overlapping {
        db.execute(sql::periods::DELETE_STRETCH, params![extent.start.as_millis()])?;
        if extent.start < part.start {
            insert(db, Period { start: extent.start, end: part.start }, inputs)?;
        }
        if part.end < extent.end {
            insert(db, Period { start: part.end, end: extent.end }, inputs)?;
        }
        is_inside |= extent.start <= part.start && part.end <= extent.end;
    }
    Ok(is_inside)
}

/// Notes up to which file stretches have seen their samples.
pub(super) fn see(db: &Db, seen: SeenSamples) -> Result<(), StoreError> {
    let params = params![seen.from.as_millis(), seen.seq.cast_signed()];
    db.execute(sql::periods::STRETCHES_SEE_SAMPLES, params).map(drop)
}

fn insert(db: &Db, extent: Period, inputs: Inputs) -> Result<(), StoreError> {
    db.execute(
        sql::periods::INSERT_STRETCH,
        params![
            extent.start.as_millis(),
            extent.end.as_millis(),
            inputs.events_seq.cast_signed(),
            inputs.samples_seq.map(u64::cast_signed),
            inputs.accounts_seq.cast_signed(),
        ],
    )
    .map(drop)
}
