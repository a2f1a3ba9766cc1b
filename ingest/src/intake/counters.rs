//! Samples out of CloudStack's own counters.
//!
//! `op_user_stats_log` has each series as it was at the end of each period in which it had
//! traffic, and `user_statistics` which series that is and its counters now. Both never
//! fall: CloudStack adds up what its routers report. A value that is smaller than an
//! earlier one means that the database went back in time, so it is set aside and is no
//! counter that restarted.

use std::collections::HashMap;

use cloudtally_model::{
    Calendar, DeviceType, Instant, Millis, NetworkId, NetworkSample, SeriesKey, ZoneId,
};

use super::{helpers::HelperRow, shape::Helper, terms::Terms};
use crate::{
    table::Kind,
    value::{Reason, is_absent, to_instant, to_str},
};

/// Rows that are kept until their series are known: 40 bytes each.
const ROWS_MAX: usize = 8_000_000;
/// A freeze runs a few seconds behind the end of its period; it is of that end within this.
const FREEZE_LAG_MAX: Millis = Millis(5 * 60 * 1000);

/// Counters of a run that wait for its end.
#[derive(Debug, Default)]
pub(super) struct Counters {
    series: HashMap<u64, Series>,
    log: Vec<Frozen>,
}

#[derive(Debug)]
struct Series {
    key: SeriesKey,
    /// Bytes sent and received by now.
    now: (u64, u64),
}

/// A series at the end of a period.
#[derive(Clone, Copy, Debug)]
struct Frozen {
    series: u64,
    at: Instant,
    sent: u64,
    received: u64,
}

/// A sample or the reason why there is none, and the row it comes of.
pub(super) type Made = (Result<NetworkSample, Reason>, String);

impl Counters {
    pub(super) fn take(&mut self, helper: Helper, row: &HelperRow<'_>) -> Result<(), Reason> {
        if self.series.len() + self.log.len() >= ROWS_MAX {
            return Err(format!("more than {ROWS_MAX} rows of counters are not kept"));
        }
        match helper {
            Helper::Series => {
                let text = |column| match is_absent(Kind::Text, row.value(column)) {
                    true => Ok(None),
                    false => to_str(row.value(column)).map(|text| Some(text.into_owned())),
                };
                let kind = text(4)?.unwrap_or_default();
                let sum = |net: u64, current: u64| {
                    net.checked_add(current).ok_or("the counters do not fit 64 bits")
                };
                let key = SeriesKey {
                    account: row.unsigned(1)?.into(),
                    zone: ZoneId::from_source(i64::try_from(row.unsigned(2)?).unwrap_or(0)),
                    device: row.unsigned(3)?,
                    device_type: DeviceType::from_name(&kind),
                    network: NetworkId(row.unsigned_if_any(5)?.unwrap_or(0)),
                    address: text(6)?.map(Into::into),
                };
                let sent = sum(row.unsigned(7)?, row.unsigned(9)?)?;
                let received = sum(row.unsigned(8)?, row.unsigned(10)?)?;
                self.series.insert(row.unsigned(0)?, Series { key, now: (sent, received) });
            }
            Helper::SeriesLog => {
                let (series, at) = (row.unsigned(0)?, to_instant(row.value(1))?);
                let (sent, received) = (row.unsigned(2)?, row.unsigned(3)?);
                self.log.push(Frozen { series, at, sent, received });
            }
            _ => {}
        }
        Ok(())
    }

    /// The number of series, each of which has a counter now.
    pub(super) fn series_count(&self) -> usize {
        self.series.len()
    }

    /// Makes samples of everything that was taken: of the log at the ends of periods of
    /// the calendar, and of the counters now if it is told when that is. Series that were born
    /// behind an instant at which counters were read were 0 then.
    pub(super) fn make(self, terms: &Terms) -> Vec<Made> {
        let Self { series, mut log } = self;
        for frozen in &mut log {
            frozen.at = end_of_period(terms.calendar, frozen.at);
        }
        if let Some((highest, at)) = terms.born {
            let born = series.keys().filter(|id| **id > highest);
            log.extend(born.map(|id| Frozen { series: *id, at, sent: 0, received: 0 }));
        }
        if let Some(at) = terms.sampled {
            log.extend(series.iter().map(|(id, of)| {
                let (sent, received) = of.now;
                Frozen { series: *id, at, sent, received }
            }));
        }
        log.sort_by_key(|frozen| (frozen.series, frozen.at, frozen.sent, frozen.received));
        let mut highest: Option<Frozen> = None;
        let mut made = Vec::with_capacity(log.len());
        for frozen in log {
            let text = format!(
                "user_stats_id={}, at={}, sent={}, received={}",
                frozen.series, frozen.at, frozen.sent, frozen.received
            );
            let before = highest.filter(|highest| highest.series == frozen.series);
            let falls = before
                .filter(|before| frozen.sent < before.sent || frozen.received < before.received);
            let sample = match (series.get(&frozen.series), falls) {
                (None, _) => Err(format!(
                    "the series {} is in no row of `user_statistics`; dump that table along",
                    frozen.series
                )),
                (_, Some(before)) => Err(format!(
                    "the series {} falls from {} and {} bytes at {} to {} and {}: the database \
                     went back in time, so this is no restart of a counter",
                    frozen.series,
                    before.sent,
                    before.received,
                    before.at,
                    frozen.sent,
                    frozen.received
                )),
                (Some(of), None) => {
                    highest = Some(frozen);
                    Ok(NetworkSample {
                        sampled: frozen.at,
                        series: of.key.clone(),
                        bytes_sent: frozen.sent,
                        bytes_received: frozen.received,
                        restarted: false,
                    })
                }
            };
            made.push((sample, text));
        }
        made
    }
}

/// The end of the period that a freeze belongs to.
fn end_of_period(calendar: Calendar, at: Instant) -> Instant {
    let start = calendar.period_at(at).start;
    if at <= start + FREEZE_LAG_MAX { start } else { at }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{chunks::Chunks, plausible::Plausible};

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    fn terms(sampled: Option<Instant>, born: Option<(u64, Instant)>) -> Terms {
        Terms {
            wanted: None,
            columns: None,
            sampled,
            born,
            calendar: Calendar::utc_days(),
            plausible: Plausible::at(at("2026-02-01 00:00:00")),
            chunks: Chunks::of_this_machine(),
        }
    }

    #[test]
    fn a_series_that_is_born_between_two_readings_was_0_at_the_first() {
        let mut counters = Counters::default();
        for series in [7, 8] {
            let key = SeriesKey {
                account: 2u64.into(),
                zone: ZoneId::from_source(1),
                device_type: DeviceType::DomainRouter,
                device: series,
                network: NetworkId(204),
                address: None,
            };
            counters.series.insert(series, Series { key, now: (900, 90) });
        }
        let (before, now) = (at("2026-01-04 10:00:00"), at("2026-01-04 11:00:00"));
        let made = counters.make(&terms(Some(now), Some((7, before))));
        let samples: Vec<_> = made.into_iter().map(|(sample, _)| sample.unwrap()).collect();
        let shown = samples.iter().map(|it| (it.series.device, it.sampled, it.bytes_sent));
        assert_eq!(shown.collect::<Vec<_>>(), [(7, now, 900), (8, before, 0), (8, now, 900)]);
    }

    #[test]
    fn a_series_that_falls_is_set_aside_and_no_restart() {
        let key = SeriesKey {
            account: 2u64.into(),
            zone: ZoneId::from_source(1),
            device_type: DeviceType::DomainRouter,
            device: 4,
            network: NetworkId(204),
            address: None,
        };
        let mut counters = Counters::default();
        counters.series.insert(7, Series { key: key.clone(), now: (900, 90) });
        for (day, sent) in [("2026-01-02", 500), ("2026-01-03", 800), ("2026-01-04", 300)] {
            let frozen = at(&format!("{day} 00:00:03"));
            counters.log.push(Frozen { series: 7, at: frozen, sent, received: 80 });
        }
        counters.log.push(Frozen {
            series: 8,
            at: at("2026-01-02 00:00:03"),
            sent: 1,
            received: 1,
        });
        let terms = terms(Some(at("2026-01-04 10:00:00")), None);
        let made = counters.make(&terms);
        let shown: Vec<_> = made
            .iter()
            .map(|(sample, _)| match sample {
                Ok(sample) => format!("{} {}", sample.sampled, sample.bytes_sent),
                Err(reason) => reason.clone(),
            })
            .collect();
        assert_eq!(
            shown,
            [
                "2026-01-02T00:00:00Z 500",
                "2026-01-03T00:00:00Z 800",
                "the series 7 falls from 800 and 80 bytes at 2026-01-03T00:00:00Z to 300 and 80: \
                 the database went back in time, so this is no restart of a counter",
                "2026-01-04T10:00:00Z 900",
                "the series 8 is in no row of `user_statistics`; dump that table along",
            ]
        );
    }
}
