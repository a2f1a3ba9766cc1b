//! The records of one period, read off the segments of its window, in their order.
//!
//! Each run of one resource and type is clipped, summed by key and, where several records
//! come of it, sorted; all else is in order already. A record of use is then no more than
//! the segment that it is shown as and a quantity: its fields are asked for column by
//! column. Records of bytes come beside them. Everything is integer milliseconds or bytes.

use cloudtally_model::{
    AccountId, Instant, NetworkId, NicId, Period, ResourceId, Segment, SegmentColumns, SourceId,
    UsageRecord, UsageTypeId, ZoneId,
};
use cloudtally_store::RecordRows;

use crate::{
    records::{Rows, Shown},
    segments::{Inside, Segments, index, position},
};

/// Adds the use of segments to the records of each period.
///
/// `records[i]` belongs to `periods[i]`; they come in record order. Fields outside the key
/// end up as the last segment of the period has them.
///
/// Example: 12:00-18:00 and 23:00-open give 7 h on that day and 24 h on the next.
pub fn add_resource(segments: &[Segment], periods: &[Period], records: &mut [Vec<UsageRecord>]) {
    let segments = Segments::new(SegmentColumns::from_iter(segments));
    for (period, records) in periods.iter().zip(records) {
        let of_period = PeriodRecords::new(&segments, *period, &|_| false, Vec::new());
        records.extend(of_period.rows().map(|row| row.to_record()));
    }
}

/// Marks a row that is one of bytes.
const BYTES: u32 = 1 << 31;

/// The records of a period.
pub(crate) struct PeriodRecords<'a> {
    period: Period,
    segments: &'a Segments,
    /// The records of bytes, sorted.
    bytes: Vec<UsageRecord>,
    /// Of each record the row of its segment, or that of its bytes with [`BYTES`].
    rows: Vec<u32>,
    quantities: Vec<u64>,
    /// True if use was left out.
    leaves_out: bool,
}

/// The part of a record that decides where it belongs among those of bytes: their types
/// differ, so no more does.
type Place = (SourceId, AccountId, UsageTypeId);

impl<'a> PeriodRecords<'a> {
    /// Makes the records of use, but of the sources left out, and puts those of bytes
    /// (sorted) between them.
    pub(crate) fn new(
        segments: &'a Segments,
        period: Period,
        is_left_out: &dyn Fn(SourceId) -> bool,
        bytes: Vec<UsageRecord>,
    ) -> Self {
        let columns = segments.columns();
        let mut records = Self {
            period,
            segments,
            bytes,
            rows: Vec::new(),
            quantities: Vec::new(),
            leaves_out: false,
        };
        let mut next_bytes = 0;
        let mut run: Vec<(u32, u64)> = Vec::new();
        let mut number = None;
        for Inside { row, run: of, millis } in segments.inside(period) {
            if is_left_out(columns.source[row]) {
                records.leaves_out = true;
                continue;
            }
            if number != Some(of) {
                records.push_run(&mut run, &mut next_bytes);
                number = Some(of);
            }
            let is_nothing = segments.shown(row).is_nothing();
            records.add(&mut run, position(row), if is_nothing { 0 } else { millis });
        }
        records.push_run(&mut run, &mut next_bytes);
        while next_bytes < records.bytes.len() {
            records.push_bytes(&mut next_bytes);
        }
        records
    }

    /// Adds the use of a segment to the records of its run.
    fn add(&self, run: &mut Vec<(u32, u64)>, row: u32, millis: u64) {
        let shown = self.segments.shown(index(row));
        let same =
            |(known, _): &&mut (u32, u64)| shown.shares_record(self.segments.shown(index(*known)));
        match run.iter_mut().find(same) {
            Some(known) => *known = (row, known.1 + millis),
            None => run.push((row, millis)),
        }
    }

    /// Takes the records of a run, and those of bytes before them.
    fn push_run(&mut self, run: &mut Vec<(u32, u64)>, next_bytes: &mut usize) {
        let Some((first, _)) = run.first() else { return };
        let segment = self.segments.columns().row(index(*first));
        let place: Place = (segment.source(), segment.account(), segment.usage_type());
        while self.bytes.get(*next_bytes).is_some_and(|bytes| bytes_place(bytes) < place) {
            self.push_bytes(next_bytes);
        }
        let first = self.rows.len();
        for (row, quantity) in run.drain(..) {
            self.rows.push(row);
            self.quantities.push(quantity);
        }
        if self.rows.len() - first > 1 {
            let mut order: Vec<usize> = (first..self.rows.len()).collect();
            order.sort_unstable_by_key(|row| self.row(*row));
            let sorted: Vec<(u32, u64)> =
                order.into_iter().map(|row| (self.rows[row], self.quantities[row])).collect();
            for (at, (row, quantity)) in sorted.into_iter().enumerate() {
                (self.rows[first + at], self.quantities[first + at]) = (row, quantity);
            }
        }
    }

    fn push_bytes(&mut self, next_bytes: &mut usize) {
        self.rows.push(BYTES | position(*next_bytes));
        self.quantities.push(self.bytes[*next_bytes].quantity);
        *next_bytes += 1;
    }

    /// The number of rows.
    pub(crate) fn count(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Tells whether use is left out of it.
    pub(crate) fn leaves_out(&self) -> bool {
        self.leaves_out
    }

    #[inline]
    fn at(&self, row: usize) -> At<'_> {
        let row = self.rows[row];
        if row & BYTES == 0 {
            At::Use(self.segments.shown(index(row)))
        } else {
            At::Bytes(&self.bytes[index(row & !BYTES)])
        }
    }

    #[inline]
    fn of<T>(
        &self,
        row: usize,
        of_use: impl FnOnce(Shown<'_>) -> Option<T>,
        of_bytes: impl FnOnce(&UsageRecord) -> Option<T>,
    ) -> Option<T> {
        match self.at(row) {
            At::Use(shown) => of_use(shown),
            At::Bytes(bytes) => of_bytes(bytes),
        }
    }
}

fn bytes_place(bytes: &UsageRecord) -> Place {
    (bytes.source, bytes.account, bytes.usage_type)
}

/// The place where the fields of a record stand.
enum At<'a> {
    Use(Shown<'a>),
    Bytes(&'a UsageRecord),
}

macro_rules! from_either {
    ($($name:ident: $type:ty),* $(,)?) => { $(
        #[inline]
        fn $name(&self, row: usize) -> $type {
            match self.at(row) {
                At::Use(shown) => shown.segment().$name(),
                At::Bytes(bytes) => bytes.$name,
            }
        }
    )* };
}

impl RecordRows for PeriodRecords<'_> {
    from_either! {
        source: SourceId,
        account: AccountId,
        usage_type: UsageTypeId,
        resource: ResourceId,
        zone: ZoneId,
        nic: NicId,
    }

    fn height(&self) -> usize {
        self.rows.len()
    }
    #[inline]
    fn offering(&self, row: usize) -> Option<u64> {
        self.of(row, |shown| shown.offering(), |bytes| bytes.offering.map(|offering| offering.0))
    }
    #[inline]
    fn template(&self, row: usize) -> Option<u64> {
        self.of(row, |shown| shown.template(), |bytes| bytes.template.map(|template| template.0))
    }
    #[inline]
    fn size(&self, row: usize) -> Option<u64> {
        self.of(row, |shown| shown.size(), |bytes| bytes.size)
    }
    #[inline]
    fn network(&self, row: usize) -> NetworkId {
        match self.at(row) {
            At::Use(_) => NetworkId(0),
            At::Bytes(bytes) => bytes.network,
        }
    }
    #[inline]
    fn resource_type(&self, row: usize) -> Option<&str> {
        match self.at(row) {
            At::Use(shown) => shown.resource_type(),
            At::Bytes(bytes) => bytes.resource_type.as_deref(),
        }
    }
    #[inline]
    fn start(&self, row: usize) -> Instant {
        match self.at(row) {
            At::Use(_) => self.period.start,
            At::Bytes(bytes) => bytes.start,
        }
    }
    #[inline]
    fn virtual_size(&self, row: usize) -> Option<u64> {
        self.of(row, |shown| shown.virtual_size(), |bytes| bytes.virtual_size)
    }
    #[inline]
    fn name(&self, row: usize) -> Option<&str> {
        match self.at(row) {
            At::Use(shown) => shown.name(),
            At::Bytes(bytes) => bytes.name.as_deref(),
        }
    }
    #[inline]
    fn is_source_nat(&self, row: usize) -> Option<bool> {
        self.of(row, |shown| shown.is_source_nat(), |bytes| bytes.is_source_nat)
    }
    #[inline]
    fn is_elastic(&self, row: usize) -> Option<bool> {
        self.of(row, |shown| shown.is_elastic(), |bytes| bytes.is_elastic)
    }
    #[inline]
    fn is_default(&self, row: usize) -> Option<bool> {
        self.of(row, |shown| shown.is_default(), |bytes| bytes.is_default)
    }
    #[inline]
    fn quantity(&self, row: usize) -> u64 {
        self.quantities[row]
    }
}
