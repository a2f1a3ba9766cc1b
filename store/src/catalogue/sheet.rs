//! Day sheets: the account of a published period, kept beside its records.

use std::path::PathBuf;

use cloudtally_model::{Instant, UsageTypeId};
use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::{db::Db, sql};
use crate::StoreError;

/// The sums that a period was published by, and the files that they were made from.
///
/// It is written in the transaction that publishes the period, one a generation: where that is
/// computed again to the same records, the latest stands. Years later `check` holds it against
/// the records, and the records against it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaySheet {
    /// The events of the period.
    pub events: SheetEvents,
    /// The use of each source and usage type, in this order.
    pub usage: Vec<SheetLine>,
    /// Files that were read: events, samples, and the segments that were open before.
    pub inputs: Vec<SheetFile>,
    /// Files that were written.
    pub outputs: Vec<SheetFile>,
}

/// The events of a period: `accepted = used + without_meter + anomalies`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetEvents {
    /// Events stamped inside the period.
    pub accepted: u64,
    /// Those that are metered and have nothing odd about them.
    pub used: u64,
    /// Those of types that nothing meters.
    pub without_meter: u64,
    /// Those that an anomaly names.
    pub anomalies: u64,
}

/// The use of one source and usage type in a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetLine {
    /// The source of the ids.
    pub source: String,
    /// The usage type.
    pub usage_type: u16,
    /// Milliseconds or bytes in the records.
    #[serde(with = "digits")]
    pub records: i128,
    /// The same in the clipped segments; of bytes, in the counters.
    #[serde(with = "digits")]
    pub segments: i128,
    /// The same by the count of what was open, which knows no segments; none for bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recomputed: Option<i64>,
    /// Uses that began; 0 for bytes.
    pub opened: i64,
    /// Uses that ended.
    pub closed: i64,
    /// Uses that were open at the end, by the segments.
    pub open_at_end: i64,
}

/// A file of the lake as it was then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetFile {
    /// Relative to the folder of state.
    pub path: PathBuf,
    /// In lower-case hexadecimal, as `sha256sum` prints it.
    pub sha256: String,
}

impl SheetLine {
    /// The usage type.
    pub fn usage_type(&self) -> UsageTypeId {
        UsageTypeId(self.usage_type)
    }

    /// Tells whether all sums of the line are the same.
    pub fn adds_up(&self) -> bool {
        self.records == self.segments
            && self.recomputed.is_none_or(|ms| i128::from(ms) == self.records)
    }
}

/// Whole numbers as texts: sums of bytes may not fit a number of JSON.
mod digits {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(number: &i128, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<i128, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(|_| D::Error::custom(format!("`{text}` is not a whole number")))
    }
}

/// Keeps the sheet of a generation.
pub(crate) fn put(
    db: &Db,
    start: Instant,
    generation: u32,
    sheet: &DaySheet,
) -> Result<(), StoreError> {
    let text = serde_json::to_string(sheet).expect("a sheet is texts and numbers");
    db.execute(sql::periods::PUT_SHEET, params![start.as_millis(), generation, text]).map(drop)
}

/// The sheet of a generation; none for those of earlier versions.
pub(crate) fn get(
    db: &Db,
    start: Instant,
    generation: u32,
) -> Result<Option<DaySheet>, StoreError> {
    let row: Option<(String, bool)> =
        db.row(sql::periods::SHEET, params![start.as_millis(), generation], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let Some((text, is_sound)) = row else { return Ok(None) };
    if !is_sound {
        return Err(db.damaged(format!("the day sheet of {start} is not what was written")));
    }
    let read = serde_json::from_str(&text);
    read.map(Some)
        .map_err(|cause| db.damaged(format!("the day sheet of {start} does not read: {cause}")))
}
