//! The records of one period, read off the segments of its window, in their order.
//!
//! Each run of one resource and type is clipped, summed by key and, where several records
//! come of it, sorted; all else is in order already. A record of use is then no more than
//! the segment that it is shown as and a quantity: its fields are asked for column by
//! column. Records of bytes come beside them. Everything is integer milliseconds or bytes.

use cloudtally_model::{
    AccountId, Instant, NetworkId, NicId, Period, ResourceId, Segment, SegmentColumns, SourceId,
    UsageRecord, UsageTypeId, ZoneId, row_index, row_number,
};
use cloudtally_store::RecordRows;

use crate::{
    records::{Rows, Shown},
    segments::{Inside, Segments},
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

/// Marks a row that is one of bytes, or an adjustment.
const BYTES: u32 = 1 << 31;

/// The records of a period.
pub(crate) struct PeriodRecords<'a> {
    period: Period,
    segments: &'a Segments,
    /// The records that no segment of the period makes: those of bytes, sorted, and then
    /// adjustments.
    bytes: Vec<UsageRecord>,
    /// Of each record the row of its segment, or that of its bytes with [`BYTES`].
    rows: Vec<u32>,
    quantities: Vec<i64>,
    /// True if use was left out.
    leaves_out: bool,
    has_adjustments: bool,
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
            has_adjustments: false,
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
            records.add(&mut run, row_number(row), if is_nothing { 0 } else { millis });
        }
        records.push_run(&mut run, &mut next_bytes);
        while next_bytes < records.bytes.len() {
            records.push_bytes(&mut next_bytes);
        }
        records
    }

    /// The same with adjustments (sorted) among them.
    pub(crate) fn with_adjustments(mut self, adjustments: Vec<UsageRecord>) -> Self {
        if adjustments.is_empty() {
            return self;
        }
        self.has_adjustments = true;
        for adjustment in adjustments {
            self.rows.push(BYTES | row_number(self.bytes.len()));
            self.quantities.push(adjustment.quantity);
            self.bytes.push(adjustment);
        }
        // Two sorted runs, of which the second is short.
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        order.sort_by(|a, b| self.row(*a).cmp(&self.row(*b)));
        self.rows = order.iter().map(|at| self.rows[*at]).collect();
        self.quantities = order.iter().map(|at| self.quantities[*at]).collect();
        self
    }

    /// Adds the use of a segment to the records of its run.
    fn add(&self, run: &mut Vec<(u32, u64)>, row: u32, millis: u64) {
        let shown = self.segments.shown(row_index(row));
        let same = |(known, _): &&mut (u32, u64)| {
            shown.shares_record(self.segments.shown(row_index(*known)))
        };
        match run.iter_mut().find(same) {
            Some(known) => *known = (row, known.1 + millis),
            None => run.push((row, millis)),
        }
    }

    /// Takes the records of a run, and those of bytes before them.
    fn push_run(&mut self, run: &mut Vec<(u32, u64)>, next_bytes: &mut usize) {
        let Some((first, _)) = run.first() else { return };
        let segment = self.segments.columns().row(row_index(*first));
        let place: Place = (segment.source(), segment.account(), segment.usage_type());
        while self.bytes.get(*next_bytes).is_some_and(|bytes| bytes_place(bytes) < place) {
            self.push_bytes(next_bytes);
        }
        let first = self.rows.len();
        for (row, millis) in run.drain(..) {
            self.rows.push(row);
            self.quantities.push(i64::try_from(millis).expect("a period has fewer milliseconds"));
        }
        if self.rows.len() - first > 1 {
            let mut order: Vec<usize> = (first..self.rows.len()).collect();
            order.sort_unstable_by_key(|row| self.row(*row));
            let sorted: Vec<(u32, i64)> =
                order.into_iter().map(|row| (self.rows[row], self.quantities[row])).collect();
            for (at, (row, quantity)) in sorted.into_iter().enumerate() {
                (self.rows[first + at], self.quantities[first + at]) = (row, quantity);
            }
        }
    }

    fn push_bytes(&mut self, next_bytes: &mut usize) {
        self.rows.push(BYTES | row_number(*next_bytes));
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
            At::Use(self.segments.shown(row_index(row)))
        } else {
            At::Bytes(row_index(row & !BYTES))
        }
    }
}

fn bytes_place(bytes: &UsageRecord) -> Place {
    (bytes.source, bytes.account, bytes.usage_type)
}

/// The place where the fields of a record stand.
enum At<'a> {
    Use(Shown<'a>),
    /// A row of those of bytes.
    Bytes(usize),
}

macro_rules! from_either {
    ($($name:ident: $type:ty),* $(,)?) => { $(
        #[inline]
        fn $name(&self, row: usize) -> $type {
            match self.at(row) {
                At::Use(shown) => shown.$name(),
                At::Bytes(at) => self.bytes[..].$name(at),
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
        offering: Option<u64>,
        template: Option<u64>,
        size: Option<u64>,
        network: NetworkId,
        resource_type: Option<&str>,
        virtual_size: Option<u64>,
        name: Option<&str>,
        is_source_nat: Option<bool>,
        is_elastic: Option<bool>,
        is_default: Option<bool>,
    }

    fn height(&self) -> usize {
        self.rows.len()
    }

    fn has_adjustments(&self) -> bool {
        self.has_adjustments
    }

    #[inline]
    fn start(&self, row: usize) -> Instant {
        match self.at(row) {
            At::Use(_) => self.period.start,
            At::Bytes(at) => self.bytes[..].start(at),
        }
    }

    #[inline]
    fn corrects(&self, row: usize) -> Option<Instant> {
        match self.at(row) {
            At::Use(_) => None,
            At::Bytes(at) => self.bytes[..].corrects(at),
        }
    }

    #[inline]
    fn quantity(&self, row: usize) -> i64 {
        self.quantities[row]
    }
}
