//! The numbers of an ingest, while it runs and at its end.

use std::collections::BTreeMap;

use cloudtally_store::{QuarantinedRow, Stream};

/// The progress of an ingest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read of the inputs, compressed as they are.
    pub bytes_read: u64,
    /// Bytes of all inputs; `None` when one of them is no file.
    pub bytes_total: Option<u64>,
    /// Rows stored, known or set aside.
    pub rows: u64,
}

/// Numbers of rows: `read = accepted + duplicate + quarantined`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows that were read.
    pub read: u64,
    /// Rows that were stored.
    pub accepted: u64,
    /// Rows that were there already.
    pub duplicate: u64,
    /// Rows that were set aside.
    pub quarantined: u64,
}

/// The result of an ingest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IngestSummary {
    /// Rows of all inputs together.
    pub counts: Counts,
    /// Accepted events of types that nothing meters, by type.
    pub without_meter: BTreeMap<String, u64>,
    /// Rows of each stream that had some.
    pub streams: Vec<(Stream, Counts)>,
    /// Duplicates that came under another name; the first name stays.
    pub renamed: u64,
    /// Accepted events that the cloud wrote wrongly and that were mended.
    pub mended: u64,
    /// Remarks on the inputs.
    pub notes: Vec<String>,
    /// The first few rows that were set aside.
    pub first_quarantined: Vec<QuarantinedRow>,
    /// Rows of each input, in the order of the request.
    pub inputs: Vec<InputSummary>,
}

/// The result of an ingest for one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputSummary {
    /// The file as it was named, or `-`.
    pub name: String,
    /// Its rows.
    pub counts: Counts,
}

impl Counts {
    pub(crate) fn count_accepted(&mut self) {
        self.read += 1;
        self.accepted += 1;
    }

    pub(crate) fn count_duplicate(&mut self) {
        self.read += 1;
        self.duplicate += 1;
    }

    pub(crate) fn count_quarantined(&mut self) {
        self.read += 1;
        self.quarantined += 1;
    }
}

impl std::ops::Add for Counts {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            read: self.read + other.read,
            accepted: self.accepted + other.accepted,
            duplicate: self.duplicate + other.duplicate,
            quarantined: self.quarantined + other.quarantined,
        }
    }
}

impl std::iter::Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, counts| sum + counts)
    }
}
