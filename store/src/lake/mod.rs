//! The Parquet side: one module a kind of file, and what they share.
//!
//! Files are written once and never changed. Their bytes depend on their rows
//! alone: no clock, host or version is in them, so equal rows make equal files
//! and equal checksums.

pub(crate) mod arrays; // arrays filled column by column
pub(crate) mod blocks; // checksums of what is read
pub(crate) mod corrections; // what replacing a generation changed
pub(crate) mod counters; // what was billed of samples
pub(crate) mod encode; // columns side by side
pub(crate) mod events; // accepted usage events
pub(crate) mod file; // temporary name, sync, rename, checksum
pub(crate) mod key_index; // where each account and type begins in a file of records
pub(crate) mod kind; // columns and their encodings as a table
pub(crate) mod links; // one more name for a file
pub(crate) mod numbers; // unsigned in memory, signed in files
pub(crate) mod read; // opening, skipping row groups, columns of a batch
pub(crate) mod record_rows; // records as the encoder asks for them
pub(crate) mod record_scan; // some columns of them, for sums
pub(crate) mod records; // usage records
pub(crate) mod samples; // accepted network samples
pub(crate) mod segments; // what is open at the end of a period
pub(crate) mod verified; // files against their checksums

pub use corrections::{Correction, CorrectionCause, CorrectionEncoder, EncodedCorrections};
pub use counters::BilledCounter;
pub use events::EventColumns;
pub use record_rows::RecordRows;
pub use record_scan::{RecordField, RecordScan};
pub use records::{RecordColumns, RecordEncoder, RecordReader};
pub use samples::{SampleColumns, SeriesRow};
pub use segments::OpenThing;

use cloudtally_model::{Instant, Millis, Period, utc_day_name};

/// Folder of accepted events.
pub(crate) const EVENTS: &str = "events";
/// Folder of accepted samples.
pub(crate) const SAMPLES: &str = "samples";
/// Folder of open segments and billed counters.
pub(crate) const OPEN: &str = "open";
/// Folder of usage records, every generation.
pub(crate) const GENERATIONS: &str = "generations";
/// Folder of what replacing a generation changed.
pub(crate) const CORRECTIONS: &str = "corrections";
/// Folders of the files that the catalogue names.
pub(crate) const FOLDERS: [&str; 5] = [EVENTS, SAMPLES, OPEN, GENERATIONS, CORRECTIONS];
/// Folder of links to the current generation of each period: the bill for any reader.
pub(crate) const RECORDS: &str = "records";

/// The folder of a period: its start in UTC, `20260131T000000Z`.
pub(crate) fn period_name(period: Period) -> String {
    let date = utc_day_name(period.start.utc_day()).replace('-', "");
    let of_day_ms = period.start.since(Instant::from_millis(0)).0.rem_euclid(Millis::DAY.0);
    let seconds = of_day_ms / Millis::SECOND.0;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match of_day_ms % Millis::SECOND.0 {
        0 => format!("{date}T{hour:02}{minute:02}{second:02}Z"),
        ms => format!("{date}T{hour:02}{minute:02}{second:02}.{ms:03}Z"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_named_by_their_start() {
        let at = |text| Instant::parse(text).unwrap();
        let period = Period { start: at("2026-01-31 07:30:00"), end: at("2026-02-01 00:00:00") };
        assert_eq!(period_name(period), "20260131T073000Z");
    }
}
