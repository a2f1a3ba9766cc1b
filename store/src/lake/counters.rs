//! Files of billed counters: what of each series' bytes is on the bill already.

use std::sync::{Arc, LazyLock};

use arrow_array::{RecordBatch, StringArray, TimestampMillisecondArray};
use cloudtally_model::{Instant, SeriesKey, SourceId, Sources};

use super::{
    arrays::optional,
    kind::{Access, Coding::*, Kind, Need::*, Type},
    numbers::numbers,
    read::{Batches, Columns, LakeReader, instant, value},
    samples::{SeriesColumns, network_number},
    verified::NamedFile,
};
use crate::StoreError;

/// The last reading of one series and the part of it that is billed, at the end of a period.
///
/// A period's file has a row for every series known by its end, so that the
/// next period needs no older sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BilledCounter {
    /// The source of the series.
    pub source: SourceId,
    /// The series.
    pub series: SeriesKey,
    /// Instant of its latest sample up to the end of the period.
    pub last_sampled: Instant,
    /// The sample's counter of bytes sent.
    pub last_sent: u64,
    /// The sample's counter of bytes received.
    pub last_received: u64,
    /// Bytes sent by this period's own samples that are billed, in whatever record.
    pub sent: u64,
    /// Bytes received likewise.
    pub received: u64,
    /// Bytes sent that stand in this period's own ordinary record.
    pub own_sent: u64,
    /// Bytes received likewise.
    pub own_received: u64,
    /// Start of the folded record that covers this period, if one does.
    pub folded_from: Option<Instant>,
}

static KIND: LazyLock<Kind> = LazyLock::new(|| {
    Kind::new(
        "billed counters",
        Access::RowGroups,
        &[
            ("source", Type::Word, Always, Repeating),
            ("account_id", Type::I64, Always, Repeating),
            ("zone_id", Type::I64, Optional, Repeating),
            ("device_type", Type::Word, Always, Repeating),
            ("device_id", Type::I64, Always, Growing),
            ("network_id", Type::I64, Optional, Repeating),
            ("address", Type::Name, Optional, Repeating),
            ("last_sampled", Type::Instant, Always, Repeating),
            ("last_sent", Type::I64, Always, Plain),
            ("last_received", Type::I64, Always, Plain),
            ("sent", Type::I64, Always, Plain),
            ("received", Type::I64, Always, Plain),
            ("own_sent", Type::I64, Always, Plain),
            ("own_received", Type::I64, Always, Plain),
            ("folded_from", Type::Instant, Optional, Repeating),
        ],
    )
});

/// Encodes counters as they come.
pub(crate) fn encode(counters: &[BilledCounter], sources: &Sources) -> Result<Vec<u8>, StoreError> {
    KIND.encode(counters, |rows| {
        let numbers = |of: fn(&BilledCounter) -> u64| numbers(rows.iter().map(of));
        let optional =
            |of: fn(&BilledCounter) -> Option<u64>| optional(rows.len(), |row| of(&rows[row]));
        let source_names = rows.iter().map(|c| sources.name(c.source).as_str());
        let device_types = rows.iter().map(|c| c.series.device_type.as_name());
        let addresses = rows.iter().map(|c| c.series.address.as_deref());
        let folded = rows.iter().map(|c| c.folded_from.map(Instant::as_millis));
        let folded = folded.collect::<TimestampMillisecondArray>().with_timezone("UTC");
        let last = rows.iter().map(|c| c.last_sampled.as_millis());
        let last = TimestampMillisecondArray::from_iter_values(last).with_timezone("UTC");
        RecordBatch::try_new(
            KIND.write_schema(),
            vec![
                Arc::new(StringArray::from_iter_values(source_names)),
                Arc::new(numbers(|c| c.series.account.0)),
                Arc::new(optional(|c| c.series.zone.number())),
                Arc::new(StringArray::from_iter_values(device_types)),
                Arc::new(numbers(|c| c.series.device)),
                Arc::new(optional(|c| network_number(c.series.network))),
                Arc::new(addresses.collect::<StringArray>()),
                Arc::new(last),
                Arc::new(numbers(|c| c.last_sent)),
                Arc::new(numbers(|c| c.last_received)),
                Arc::new(numbers(|c| c.sent)),
                Arc::new(numbers(|c| c.received)),
                Arc::new(numbers(|c| c.own_sent)),
                Arc::new(numbers(|c| c.own_received)),
                Arc::new(folded),
            ],
        )
    })
}

/// All counters of a file, in order.
pub(crate) fn read(
    file: &NamedFile<'_>,
    sources: &Sources,
) -> Result<Vec<BilledCounter>, StoreError> {
    let (builder, path) = LakeReader::open(file, &KIND, None)?.builder(&[]);
    let mut counters = Vec::new();
    for batch in Batches::build(builder, path)? {
        let batch = batch?;
        let columns = Columns(&batch);
        let (source, series) = (columns.sources(sources)?, SeriesColumns::of(columns));
        let (last_sent, last_received) = (columns.u64("last_sent"), columns.u64("last_received"));
        let (sent, received) = (columns.u64("sent"), columns.u64("received"));
        let (own_sent, own_received) = (columns.u64("own_sent"), columns.u64("own_received"));
        let (last, folded) = (columns.instants("last_sampled"), columns.instants("folded_from"));
        counters.extend((0..batch.num_rows()).map(|row| BilledCounter {
            source: source.get(row),
            series: series.row(row).to_key(),
            last_sampled: instant(last, row),
            last_sent: last_sent.value(row),
            last_received: last_received.value(row),
            sent: sent.value(row),
            received: received.value(row),
            own_sent: own_sent.value(row),
            own_received: own_received.value(row),
            folded_from: value(folded, row).map(Instant::from_millis),
        }));
    }
    Ok(counters)
}
