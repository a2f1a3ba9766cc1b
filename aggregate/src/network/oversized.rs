//! Series whose bytes do not fit a record: counters that cannot be right.
//!
//! A driver that has no value may print 2^64 - 1, and a sum of such readings fits
//! nothing. The series waits, unbilled and with its state untouched; it is named with
//! its device and the two readings, and everybody else is billed.

use std::fmt;

use cloudtally_model::{DeviceType, Instant, SeriesKey, SourceId, SourceName, Sources};

use super::{NetworkBill, NetworkBiller, Refused, rows, series::Series};
use crate::AggregateError;

/// A series that waits because its bytes do not fit a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OversizedSeries {
    /// The source of the series.
    pub source: SourceName,
    /// The series.
    pub series: SeriesKey,
    /// The earlier of the two readings with the most bytes between them.
    pub from: Instant,
    /// The later one.
    pub to: Instant,
}

/// `DomainRouter 9 (account 2, network 204) of source `default`: ...`
impl fmt::Display for OversizedSeries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: its bytes from {} to {} do not fit a record (at most 2^63 - 1), so its traffic waits; `cloudtally drop-samples --source {} --device {} --at INSTANT` takes the wrong one of the two out",
            Named(&self.source, &self.series),
            self.from,
            self.to,
            self.source,
            self.series.device
        )
    }
}

/// A series as it is told of.
pub(super) struct Named<'a>(pub(super) &'a SourceName, pub(super) &'a SeriesKey);

/// `DomainRouter 9 (account 2, network 204) of source `default``
impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SeriesKey { account, device_type, device, network, address, .. } = self.1;
        let name = match device_type {
            DeviceType::Unknown => "device",
            known => known.as_name(),
        };
        write!(f, "{name} {device} (account {account}, network {network}")?;
        if let Some(address) = address {
            write!(f, ", address {address}")?;
        }
        write!(f, ") of source `{}`", self.0)
    }
}

impl Series {
    pub(super) fn is_in(&self, refused: &Refused) -> bool {
        !refused.is_empty() && refused.contains(&(self.source, self.key.clone()))
    }
}

impl NetworkBill {
    /// Series that share a row which does not fit a record.
    pub(super) fn overfull(&self) -> impl Iterator<Item = (SourceId, SeriesKey)> + '_ {
        let numbers = rows::overfull(&self.series, &self.slots);
        numbers.into_iter().map(|number| {
            let series = &self.series[number];
            (series.source, series.key.clone())
        })
    }

    /// The series that wait because their bytes do not fit a record.
    pub(crate) fn oversized(&self, sources: &Sources) -> Vec<OversizedSeries> {
        let named = |number: &usize| {
            let series = &self.series[*number];
            let (from, to) = series.largest_step();
            let (source, series) = (sources.name(series.source).clone(), series.key.clone());
            OversizedSeries { source, series, from, to }
        };
        self.oversized.iter().map(named).collect()
    }
}

impl NetworkBiller<'_> {
    /// The series that wait by now because their bytes do not fit a record.
    pub(crate) fn oversized(&self) -> Result<Vec<OversizedSeries>, AggregateError> {
        match self.snapshot.published_end() {
            Some(end) if self.is_unsettled() => {
                let last = self.calendar.period_ending_at_or_after(end);
                Ok(self.scheduled(&[last])?.oversized(&self.snapshot.sources))
            }
            _ => Ok(Vec::new()),
        }
    }
}
