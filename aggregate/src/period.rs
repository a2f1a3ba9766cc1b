//! The records of one period, made as they are asked for, in their order.
//!
//! Those of use are read off the window's segments: each run of one resource and type
//! is clipped, summed by key and, where several records come of it, sorted; all else is
//! in order already. Those of bytes come beside them.

use std::{collections::BTreeSet, convert::Infallible};

use cloudtally_model::{Period, RecordRow, Segment, SourceId, UsageRecord};

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
        let mut rows = Vec::new();
        self.for_each_run(&mut |run| {
            self.merge(run, &mut rows);
            for row in rows.drain(..) {
                while let Some(before) = bytes.next_if(|bytes| is_before(bytes, &row)) {
                    each(&before)?;
                }
                each(&row)?;
            }
            Ok(())
        })?;
        bytes.try_for_each(|row| each(&row))
    }

    /// Calls `each` with the segments of one resource and type, of all that have some in
    /// the period, in order.
    fn for_each_run<E>(
        &self,
        each: &mut dyn FnMut(&[&'a Segment]) -> Result<(), E>,
    ) -> Result<(), E> {
        let (mut run, mut key): (Vec<&Segment>, _) = (Vec::new(), None);
        for segment in self.segments.inside(self.period) {
            if self.left_out.contains(&segment.source) {
                continue;
            }
            let of_segment = Some(RunKey::of(segment));
            if key != of_segment {
                if !run.is_empty() {
                    each(&run)?;
                }
                run.clear();
                key = of_segment;
            }
            run.push(segment);
        }
        if run.is_empty() { Ok(()) } else { each(&run) }
    }

    /// Puts the records of a run into `rows`, in order.
    fn merge(&self, run: &[&'a Segment], rows: &mut Vec<RecordRow<'a>>) {
        run.iter().for_each(|segment| add_segment(segment, self.period, rows));
        if rows.len() > 1 {
            rows.sort_unstable();
        }
    }

    /// The number of rows.
    pub(crate) fn count(&self) -> u64 {
        let mut count = self.bytes.len() as u64;
        let mut rows = Vec::new();
        self.for_each_run(&mut |run| {
            // What is alone is a record; only several may be one.
            count += match run {
                [_] => 1,
                several => {
                    rows.clear();
                    self.merge(several, &mut rows);
                    rows.len() as u64
                }
            };
            Ok::<(), Infallible>(())
        })
        .map_or(0, |()| count)
    }

    /// Tells whether use is left out of it.
    pub(crate) fn leaves_out(&self) -> bool {
        !self.left_out.is_empty()
            && self.segments.inside(self.period).any(|s| self.left_out.contains(&s.source))
    }
}

/// Tells whether a record of bytes comes before one of use. Their types differ, so no more of
/// them decides.
fn is_before(bytes: &RecordRow<'_>, row: &RecordRow<'_>) -> bool {
    (bytes.source, bytes.account, bytes.usage_type) < (row.source, row.account, row.usage_type)
}
