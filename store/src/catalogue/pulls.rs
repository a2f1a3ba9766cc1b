//! The marks to which the databases of clouds are pulled.

use cloudtally_model::{Instant, SourceName};
use rusqlite::params;

use super::{db::Db, load, sql};
use crate::StoreError;

/// Numbers that no row has yet and that one may still get: a transaction may be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// The first number.
    pub first: u64,
    /// The last number.
    pub last: u64,
    /// The instant from which they are missed.
    pub since: Instant,
}

/// A row as it was when it was pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowMark {
    /// The row's id.
    pub id: u64,
    /// The hash of its content.
    pub hash: u64,
}

/// The mark to which the database of a cloud is pulled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullMark {
    /// The number of the history; it grows when a database went back in time.
    pub epoch: u32,
    /// The id up to which every event is settled.
    pub floor: u64,
    /// The highest id that was pulled.
    pub seen: u64,
    /// The lowest id that was there.
    pub first: u64,
    /// The numbers that may still come, in order.
    pub holes: Vec<Hole>,
    /// The last rows, in order.
    pub fingerprint: Vec<RowMark>,
    /// The server as it names itself.
    pub server: String,
    /// The clock of the database at the snapshot.
    pub snapshot: Instant,
    /// The instant of the last counters, if any were pulled.
    pub sampled: Option<Instant>,
    /// The highest id of a series of counters by then.
    pub series: u64,
}

/// Keeps the mark of a source, in place of the one before.
pub(crate) fn put(db: &Db, source_id: i64, mark: &PullMark) -> Result<(), StoreError> {
    let holes = mark.holes.iter().flat_map(|hole| {
        [hole.first.cast_signed(), hole.last.cast_signed(), hole.since.as_millis()]
    });
    let rows = mark.fingerprint.iter().flat_map(|row| [row.id, row.hash].map(u64::cast_signed));
    db.execute(
        sql::ingest::SET_PULL_MARK,
        params![
            source_id,
            mark.epoch,
            mark.floor.cast_signed(),
            mark.seen.cast_signed(),
            mark.first.cast_signed(),
            bytes(holes),
            bytes(rows),
            mark.server,
            mark.snapshot.as_millis(),
            mark.sampled.map(Instant::as_millis),
            mark.series.cast_signed(),
        ],
    )
    .map(drop)
}

/// The mark of a source.
pub(crate) fn of(db: &Db, source: &SourceName) -> Result<Option<PullMark>, StoreError> {
    let row = db.row(sql::ingest::PULL_MARK, params![source.as_str()], |row| {
        let holes = numbers(&row.get::<_, Vec<u8>>(4)?);
        let holes = holes.chunks_exact(3).map(|hole| Hole {
            first: hole[0].cast_unsigned(),
            last: hole[1].cast_unsigned(),
            since: Instant::from_millis(hole[2]),
        });
        let rows = numbers(&row.get::<_, Vec<u8>>(5)?);
        let rows = rows.chunks_exact(2).map(|row| row.iter().map(|number| number.cast_unsigned()));
        let rows = rows.filter_map(|mut row| Some(RowMark { id: row.next()?, hash: row.next()? }));
        let mark = PullMark {
            epoch: row.get(0)?,
            floor: load::unsigned(row, 1)?,
            seen: load::unsigned(row, 2)?,
            first: load::unsigned(row, 3)?,
            holes: holes.collect(),
            fingerprint: rows.collect(),
            server: row.get(6)?,
            snapshot: load::at(row, 7)?,
            sampled: load::instant(row, 8)?,
            series: load::unsigned(row, 9)?,
        };
        Ok((mark, row.get::<_, bool>(10)?))
    })?;
    match row {
        None => Ok(None),
        Some((mark, true)) => Ok(Some(mark)),
        Some((_, false)) => {
            Err(db.damaged(format!("the mark of pulls of `{source}` is not what was written")))
        }
    }
}

fn bytes(numbers: impl Iterator<Item = i64>) -> Vec<u8> {
    numbers.flat_map(i64::to_le_bytes).collect()
}

fn numbers(bytes: &[u8]) -> Vec<i64> {
    let number = |bytes: &[u8]| bytes.try_into().map(i64::from_le_bytes).ok();
    bytes.chunks_exact(8).filter_map(number).collect()
}
