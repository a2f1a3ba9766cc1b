//! Instants that a row may have: one typing error must not open fifty years of
//! periods, or bill tomorrow.
//!
//! # Source
//! Usage rules 1.

use cloudtally_model::{Instant, Millis};

use crate::value::Reason;

/// 2000-01-01T00:00:00Z: no cloud is older.
const EARLIEST: Instant = Instant::from_millis(946_684_800_000);
/// Hours that a source's clock may be ahead of ours.
const AHEAD_HOURS_MAX: i64 = 48;

/// The instants that rows of one ingest may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plausible {
    now: Instant,
}

impl Plausible {
    /// Rows are judged by the clock, never by each other.
    pub(crate) fn at(now: Instant) -> Self {
        Self { now }
    }

    /// True of an instant that can be believed.
    pub(crate) fn believes(self, at: Instant) -> bool {
        EARLIEST <= at && at <= self.latest()
    }

    fn latest(self) -> Instant {
        self.now + Millis(AHEAD_HOURS_MAX * Millis::HOUR.0)
    }

    /// Refuses an instant that cannot be believed, of a row's column that has one.
    pub(crate) fn check(self, billed_at: Option<(&str, Instant)>) -> Result<(), Reason> {
        let Some((column, at)) = billed_at else { return Ok(()) };
        if at < EARLIEST {
            return Err(format!(
                "column `{column}`: `{at}` lies before `{EARLIEST}`; correct the year"
            ));
        }
        if at > self.latest() {
            return Err(format!(
                "column `{column}`: `{at}` lies more than {AHEAD_HOURS_MAX} hours after the clock, \
                 `{}`; correct the date, or say `--now` if the rows are of a simulated future",
                self.now
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn created(at: &str) -> Option<(&'static str, Instant)> {
        Some(("created", Instant::parse(at).unwrap()))
    }

    #[test]
    fn instants_from_2000_to_two_days_after_the_clock_are_believed() {
        let plausible = Plausible::at(Instant::parse("2026-01-31 12:00:00").unwrap());
        for (at, expected) in [
            ("1970-01-01 00:00:00", false),
            ("1999-12-31 23:59:59.999", false),
            ("2000-01-01 00:00:00", true),
            ("2026-02-02 12:00:00", true),
            ("2026-02-02 12:00:00.001", false),
            ("9999-12-31 23:59:59", false),
        ] {
            assert_eq!(plausible.check(created(at)).is_ok(), expected, "{at}");
            assert_eq!(plausible.believes(Instant::parse(at).unwrap()), expected, "{at}");
        }
    }

    #[test]
    fn reasons_name_the_column_the_instant_and_the_remedy() {
        let plausible = Plausible::at(Instant::parse("2026-01-31 12:00:00").unwrap());
        let reason = |at| plausible.check(created(at)).unwrap_err();
        assert_eq!(
            reason("1970-01-01 00:00:00"),
            "column `created`: `1970-01-01T00:00:00Z` lies before `2000-01-01T00:00:00Z`; \
             correct the year"
        );
        assert_eq!(
            reason("2062-01-05 00:00:00"),
            "column `created`: `2062-01-05T00:00:00Z` lies more than 48 hours after the clock, \
             `2026-01-31T12:00:00Z`; correct the date, or say `--now` if the rows are of a \
             simulated future"
        );
    }
}
