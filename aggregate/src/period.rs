//! The records of one period, made as they are asked for, in their order.
//!
//! Those of use are read off the window's segments: each run of one resource and type
//! is clipped, summed by key and, where several records come of it, sorted; all else is
//! in order already. Those of bytes come beside them.

use std::collections::BTreeSet;

use cloudtally_model::{Period, RecordRow, SourceId, UsageRecord};

use crate::{
    records::add_segment,
    segments::{RunKey, Segments},
};

/// The records of a period.
pub(crate) struct PeriodRecords<'a> {
    pub(crate) period: Period,
    pub(crate) segments: &'a Segments,
    /// Sources whose use is left out.
    pub(crate) left_out: BTreeSet<SourceId>,
    /// The records of bytes, sorted.
    pub(crate) bytes: Vec<UsageRecord>,
}

impl<'a> PeriodRecords<'a> {
    /// Calls `each` with all records, in order, until it fails.
    pub(crate) fn for_each<E>(
        &self,
        each: &mut dyn FnMut(&RecordRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut bytes = self.bytes.iter().map(UsageRecord::as_row).peekable();
        let mut flush = |rows: &mut Vec<RecordRow<'a>>| {
            if rows.len() > 1 {
                rows.sort_unstable();
            }
            for row in rows.drain(..) {
                while let Some(before) = bytes.next_if(|bytes| is_before(bytes, &row)) {
                    each(&before)?;
                }
                each(&row)?;
            }
            Ok(())
        };
        let (mut rows, mut run) = (Vec::new(), None);
        for segment in self.segments.inside(self.period) {
            if self.left_out.contains(&segment.source) {
                continue;
            }
            let key = RunKey::of(segment);
            if run != Some(key) {
                flush(&mut rows)?;
                run = Some(key);
            }
            add_segment(segment, self.period, &mut rows);
        }
        flush(&mut rows)?;
        bytes.try_for_each(|row| each(&row))
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        let mut count = 0;
        let counted = self.for_each(&mut |_| {
            count += 1;
            Ok::<(), std::convert::Infallible>(())
        });
        counted.map_or(0, |()| count)
    }

    /// Whether use is left out of it.
    pub(crate) fn leaves_out(&self) -> bool {
        !self.left_out.is_empty()
            && self.segments.inside(self.period).any(|s| self.left_out.contains(&s.source))
    }
}

/// Whether a record of bytes comes before one of use. Their types differ, so no more of
/// them decides.
fn is_before(bytes: &RecordRow<'_>, row: &RecordRow<'_>) -> bool {
    (bytes.source, bytes.account, bytes.usage_type) < (row.source, row.account, row.usage_type)
}
