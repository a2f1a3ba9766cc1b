//! Closing days, and what becomes of closed periods afterwards.
//!
//! The catalogue decides that a closed period keeps its records: whoever publishes one, its
//! new records are never served (`publish`).

use cloudtally_model::{Instant, Period};
use rusqlite::params;

use super::Writer;
use crate::{
    Closing, LakeFile, PublishedPeriod, Store, StoreError,
    catalogue::{checksums, db::Db, load, sql},
};

impl Store {
    /// Every closing, the last one last.
    pub fn closings(&self) -> Result<Vec<Closing>, StoreError> {
        self.db()?.read(|db| {
            checksums::refuse_untrusted(db, checksums::OF_CLOSINGS)?;
            load::closings(db)
        })
    }

    /// The file of any generation of a published period's records.
    ///
    /// # Errors
    /// `DatabaseDamaged` if the catalogue names none.
    pub fn generation(
        &self,
        known: &PublishedPeriod,
        generation: u32,
    ) -> Result<LakeFile, StoreError> {
        if generation == known.generation {
            return Ok(known.records.clone());
        }
        let db = self.db()?;
        db.read(|db| {
            checksums::refuse_untrusted(db, checksums::OF_RECORDS)?;
            let file = load::record_files(db)?.remove(&(known.period.start, generation));
            let what = || format!("the period {} has no generation {generation}", known.period);
            file.ok_or_else(|| db.damaged(what()))
        })
    }
}

impl Writer {
    /// Closes the periods that end by an instant, for good.
    ///
    /// # Errors
    /// `ClosedAlready` unless it is later than that of every closing before.
    pub fn close(&self, closing: &Closing) -> Result<(), StoreError> {
        self.db()?.write(|db| {
            if let Some(last) = load::closings(db)?.last()
                && last.through >= closing.through
            {
                return Err(StoreError::ClosedAlready { through: last.through });
            }
            let Closing { through, closed_ms, by, reason } = closing;
            db.execute(sql::closings::CLOSE, params![through.as_millis(), closed_ms, by, reason])
                .map(drop)
        })
    }
}

/// Notes the generation that a closed period is restated as, if there is a new one.
pub(super) fn restate(db: &Db, period: Period, generation: Option<u32>) -> Result<(), StoreError> {
    let Some(generation) = generation else { return Ok(()) };
    db.execute(sql::closings::RESTATE, params![period.start.as_millis(), generation]).map(drop)
}

/// The generation that a closed period is restated as, if it is.
pub(super) fn restated(db: &Db, period: Period) -> Result<Option<u32>, StoreError> {
    let start = params![period.start.as_millis()];
    db.row(sql::closings::RESTATED_AS, start, |row| row.get(0))
}

/// Notes for which closed periods a generation of a period carries adjustments, in place of
/// what was noted of it before.
pub(super) fn carry(
    db: &Db,
    (period, generation): (Period, u32),
    closed: &[Instant],
) -> Result<(), StoreError> {
    let start = period.start.as_millis();
    db.execute(sql::closings::CLEAR_ADJUSTMENTS, params![start, generation])?;
    if closed.is_empty() {
        return Ok(());
    }
    let snapshot = load::snapshot(db)?;
    for known in snapshot.periods.iter().filter(|known| closed.contains(&known.period.start)) {
        let (from, to) = (snapshot.settled_generation(known), known.restated_generation());
        let row = params![start, generation, known.period.start.as_millis(), from, to];
        db.execute(sql::closings::PUT_ADJUSTMENT, row)?;
    }
    Ok(())
}
