//! Counters that never fall, held against what is stored of their series.
//!
//! CloudStack adds up what its routers report, so its sums only grow. One that is smaller
//! than a stored earlier one comes of a database that went back in time. Taken as a counter
//! that restarted, it would bill the whole sum again.

use std::collections::HashMap;

use cloudtally_model::{Instant, Millis, NetworkSample, SeriesKey, SourceName, row_index};
use cloudtally_store::{SampleTable, StoreError, Writer};

use crate::value::Reason;

/// Days before a counter in which stored ones are looked for.
const LOOKED_BACK: Millis = Millis(400 * Millis::DAY.0);

/// A stored sample: its instant and its bytes sent and received.
type Stored = (Instant, u64, u64);

/// A row in the order of time: its instant, its number, and the latest stored sample between
/// the row before it and itself.
type Dated = (Instant, u32, Option<Stored>);

/// The rows of a table that are smaller than the stored sample of their series before them.
pub(crate) fn falls(
    writer: &Writer,
    source: &SourceName,
    samples: &SampleTable,
) -> Result<HashMap<u32, Reason>, StoreError> {
    let rows: Vec<NetworkSample> = (0..samples.height()).map(|row| samples.row(row)).collect();
    let instants = || rows.iter().map(|sample| sample.sampled);
    let (Some(first), Some(last)) = (instants().min(), instants().max()) else {
        return Ok(HashMap::new());
    };
    let mut series: HashMap<&SeriesKey, Vec<Dated>> = HashMap::new();
    for (row, sample) in (0u32..).zip(&rows) {
        series.entry(&sample.series).or_default().push((sample.sampled, row, None));
    }
    series.values_mut().for_each(|of_series| of_series.sort_unstable());
    let from = first - LOOKED_BACK;
    for file in writer.snapshot()?.sample_files {
        let is_within = from < file.last_sampled && file.first_sampled <= last;
        if file.source != *source || !is_within {
            continue;
        }
        writer.read_samples(&file, from, last, &mut |sample| {
            let Some(of_series) = series.get_mut(&sample.series) else { return };
            let behind = of_series.partition_point(|(at, ..)| *at <= sample.sampled);
            if let Some((.., latest)) = of_series.get_mut(behind)
                && latest.is_none_or(|(at, ..)| at < sample.sampled)
            {
                *latest = Some((sample.sampled, sample.bytes_sent, sample.bytes_received));
            }
        })?;
    }
    let mut falling = HashMap::new();
    for of_series in series.values() {
        let mut before: Option<Stored> = None;
        for (_, row, stored) in of_series {
            before = stored.or(before);
            let sample = &rows[row_index(*row)];
            let Some((at, sent, received)) = before else { continue };
            if sample.bytes_sent < sent || sample.bytes_received < received {
                let reason = format!(
                    "the counter falls from {sent} and {received} bytes at {at} to {} and {}: \
                     the database went back in time, so this is no restart of a counter",
                    sample.bytes_sent, sample.bytes_received
                );
                falling.insert(*row, reason);
            }
        }
    }
    Ok(falling)
}
