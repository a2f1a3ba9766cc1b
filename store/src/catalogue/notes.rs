//! Notes on events that people added, and on those that were mended as they came in.

use cloudtally_model::{EventId, SourceName};
use rusqlite::params;

use super::{db::Db, load, sql};
use crate::StoreError;

/// The word of who answers for an event that the cloud did not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorrectionNote {
    /// The event.
    pub event: EventId,
    /// The person who answers for it.
    pub author: String,
    /// The reason for it.
    pub reason: String,
    /// Wall time at which it was taken, milliseconds since 1970.
    pub entered_ms: i64,
}

/// Keeps a note with its event.
pub(crate) fn put(db: &Db, source_id: i64, note: &CorrectionNote) -> Result<(), StoreError> {
    let CorrectionNote { event, author, reason, entered_ms } = note;
    db.execute(
        sql::ingest::NOTE_CORRECTION,
        params![source_id, event.0.cast_signed(), author, reason, entered_ms],
    )
    .map(drop)
}

/// The notes on events of a source, in the order of their ids.
pub(crate) fn of(db: &Db, source: &SourceName) -> Result<Vec<CorrectionNote>, StoreError> {
    let rows = db.rows(sql::ingest::CORRECTION_NOTES, params![source.as_str()], |row| {
        let event = EventId(load::unsigned(row, 0)?);
        let (author, reason) = (row.get(1)?, row.get(2)?);
        Ok((CorrectionNote { event, author, reason, entered_ms: row.get(3)? }, row.get(4)?))
    })?;
    let sound = |(note, is_sound): (CorrectionNote, bool)| match is_sound {
        true => Ok(note),
        false => {
            Err(db.damaged(format!("the note on event {} is not what was written", note.event)))
        }
    };
    rows.into_iter().map(sound).collect()
}

/// A column of an event that the cloud wrote wrongly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MendedEvent {
    /// The event.
    pub event: EventId,
    /// The name of the column.
    pub column: String,
    /// The value that the cloud wrote.
    pub original: u64,
    /// The place where the right value stands.
    pub reason: String,
    /// Wall time at which it was taken, milliseconds since 1970.
    pub entered_ms: i64,
}

/// Keeps a mend with its event.
pub(crate) fn put_mend(db: &Db, source_id: i64, mend: &MendedEvent) -> Result<(), StoreError> {
    let MendedEvent { event, column, original, reason, entered_ms } = mend;
    let (event, original) = (event.0.cast_signed(), original.cast_signed());
    let params = params![source_id, event, column, original, reason, entered_ms];
    db.execute(sql::ingest::NOTE_MEND, params).map(drop)
}

/// The mends of events of a source, in the order of their ids and columns.
pub(crate) fn mends_of(db: &Db, source: &SourceName) -> Result<Vec<MendedEvent>, StoreError> {
    let rows = db.rows(sql::ingest::MENDS, params![source.as_str()], |row| {
        let event = EventId(load::unsigned(row, 0)?);
        let (column, original) = (row.get(1)?, load::unsigned(row, 2)?);
        let (reason, entered_ms) = (row.get(3)?, row.get(4)?);
        Ok((MendedEvent { event, column, original, reason, entered_ms }, row.get(5)?))
    })?;
    let sound = |(mend, is_sound): (MendedEvent, bool)| match is_sound {
        true => Ok(mend),
        false => {
            Err(db.damaged(format!("the mend of event {} is not what was written", mend.event)))
        }
    };
    rows.into_iter().map(sound).collect()
}
