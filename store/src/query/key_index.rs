//! The key index of a record file: where each (source, account, usage type)
//! begins. With it a count is a sum of ranges and a page is a seek.

use std::{io::Write, ops::Range};

use cloudtally_model::{AccountId, SourceName, Sources, UsageTypeId};

use super::filter::RecordFilter;
use crate::lake::records::Key;

/// Compression of the stored form; small blobs, so speed is no concern.
const ZSTD_LEVEL: i32 = 3;

/// Sorted runs of equal keys of one record file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyIndex {
    /// Names in the order of the file; a run's source is a position here.
    sources: Vec<String>,
    runs: Vec<Run>,
    rows: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    source: u16,
    usage_type: u16,
    account: u64,
    /// Row number of the first record.
    first: u64,
}

impl KeyIndex {
    /// Adds the next record of the file; false if it belongs before the last one.
    pub(crate) fn push(&mut self, (source, account, usage_type): Key, sources: &Sources) -> bool {
        let (usage_type, account) = (usage_type.0, account.0);
        let name = sources.name(source).as_str();
        let key = (name, account, usage_type);
        match self.runs.last() {
            Some(last) => {
                let last_name = self.sources[usize::from(last.source)].as_str();
                let last = (last_name, last.account, last.usage_type);
                if last == key {
                    self.rows += 1;
                    return true;
                }
                if last > key {
                    return false;
                }
                if last_name != name {
                    self.sources.push(name.to_owned());
                }
            }
            None => self.sources.push(name.to_owned()),
        }
        let source = u16::try_from(self.sources.len() - 1).expect("ranks of sources are 16 bits");
        self.runs.push(Run { source, usage_type, account, first: self.rows });
        self.rows += 1;
        true
    }

    /// Number of rows in the file.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Memory it takes, in bytes, roughly.
    pub(crate) fn size_bytes(&self) -> usize {
        size_of::<Self>() + self.runs.len() * size_of::<Run>() + self.sources.len() * 88
    }

    /// The rows a filter selects, in order, ranges that touch joined.
    pub(crate) fn select(&self, filter: &RecordFilter) -> Vec<Range<u64>> {
        let mut ranges = Ranges(Vec::new());
        let only = match &filter.source {
            None => None,
            Some(name) => match self.position(name) {
                None => return Vec::new(),
                only => only,
            },
        };
        let is_of = |source: u16| only.is_none_or(|only| only == source);
        match (&filter.accounts, filter.usage_type) {
            (None, None) if only.is_none() => ranges.push(0..self.rows),
            (None, usage_type) => {
                let is_wanted = |run: &Run| {
                    is_of(run.source) && usage_type.is_none_or(|wanted| wanted.0 == run.usage_type)
                };
                for (at, run) in self.runs.iter().enumerate() {
                    if is_wanted(run) {
                        ranges.push(run.first..self.first_of(at + 1));
                    }
                }
            }
            (Some(accounts), usage_type) => {
                for (source, account) in self.in_file_order(accounts) {
                    if !is_of(source) {
                        continue;
                    }
                    let (from, to) = self.runs_of(source, account, usage_type);
                    if from < to {
                        ranges.push(self.first_of(from)..self.first_of(to));
                    }
                }
            }
        }
        ranges.0
    }

    fn first_of(&self, run: usize) -> u64 {
        self.runs.get(run).map_or(self.rows, |run| run.first)
    }

    /// First and end of the runs of an account, of one type or all.
    fn runs_of(
        &self,
        source: u16,
        account: AccountId,
        usage_type: Option<UsageTypeId>,
    ) -> (usize, usize) {
        let (least, most) = usage_type.map_or((0, u16::MAX), |t| (t.0, t.0));
        let key = |run: &Run| (run.source, run.account, run.usage_type);
        let from = self.runs.partition_point(|run| key(run) < (source, account.0, least));
        let to = self.runs.partition_point(|run| key(run) <= (source, account.0, most));
        (from, to)
    }

    /// The number that the file's runs have for a source.
    fn position(&self, name: &SourceName) -> Option<u16> {
        let at = self.sources.iter().position(|known| known == name.as_str())?;
        u16::try_from(at).ok()
    }

    fn in_file_order(&self, accounts: &[(SourceName, AccountId)]) -> Vec<(u16, AccountId)> {
        let mut wanted: Vec<_> =
            accounts.iter().filter_map(|(name, id)| Some((self.position(name)?, *id))).collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    /// The form stored in the catalogue: variable-length numbers, compressed.
    pub(crate) fn to_blob(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.runs.len() * 5 + 64);
        put(&mut bytes, self.sources.len() as u64);
        for name in &self.sources {
            put(&mut bytes, name.len() as u64);
            bytes.extend_from_slice(name.as_bytes());
        }
        put(&mut bytes, self.runs.len() as u64);
        let mut last = Run { source: 0, usage_type: 0, account: 0, first: 0 };
        for (at, run) in self.runs.iter().enumerate() {
            // Within a source accounts only grow.
            let base = if run.source == last.source { last.account } else { 0 };
            put(&mut bytes, u64::from(run.source));
            put(&mut bytes, run.account.wrapping_sub(base));
            put(&mut bytes, u64::from(run.usage_type));
            put(&mut bytes, self.first_of(at + 1) - run.first);
            last = *run;
        }
        let compress = || {
            let mut encoder = zstd::Encoder::new(Vec::new(), ZSTD_LEVEL)?;
            // Reading it back fails if a bit of it is another one by then.
            encoder.include_checksum(true)?;
            encoder.write_all(&bytes)?;
            encoder.finish()
        };
        compress().expect("compressing memory to memory cannot fail")
    }

    /// Reads the stored form; `None` if it makes no sense.
    pub(crate) fn from_blob(blob: &[u8]) -> Option<Self> {
        let bytes = zstd::decode_all(blob).ok()?;
        let mut rest = &bytes[..];
        let mut sources = Vec::new();
        for _ in 0..take(&mut rest)? {
            let length = usize::try_from(take(&mut rest)?).ok()?;
            let name = rest.split_off(..length)?;
            sources.push(String::from_utf8(name.to_vec()).ok()?);
        }
        let count = usize::try_from(take(&mut rest)?).ok()?;
        let mut index = Self { sources, runs: Vec::with_capacity(count.min(bytes.len())), rows: 0 };
        let mut last: Option<Run> = None;
        for _ in 0..count {
            let source = u16::try_from(take(&mut rest)?).ok()?;
            let base = last.filter(|last| last.source == source).map_or(0, |last| last.account);
            let account = base.wrapping_add(take(&mut rest)?);
            let usage_type = u16::try_from(take(&mut rest)?).ok()?;
            let run = Run { source, usage_type, account, first: index.rows };
            let key = |run: &Run| (run.source, run.account, run.usage_type);
            let length = take(&mut rest)?;
            let is_in_order = last.is_none_or(|last| key(&last) < key(&run));
            if !is_in_order || length == 0 || usize::from(source) >= index.sources.len() {
                return None;
            }
            index.rows = index.rows.checked_add(length)?;
            index.runs.push(run);
            last = Some(run);
        }
        rest.is_empty().then_some(index)
    }
}

/// Ranges in order, joined where they touch.
struct Ranges(Vec<Range<u64>>);

impl Ranges {
    fn push(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        match self.0.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.0.push(range),
        }
    }
}

/// Seven bits a byte, the lowest first; the top bit says that more follow.
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(low_bits(number) | 0x80);
        number >>= 7;
    }
    bytes.push(low_bits(number));
}

fn low_bits(number: u64) -> u8 {
    u8::try_from(number & 0x7f).expect("7 bits fit")
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = *rest.split_off_first()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use cloudtally_model::{SourceId, UsageRecord};

    use super::*;

    fn record(source: u16, account: u64, usage_type: u16, resource: u64) -> UsageRecord {
        UsageRecord {
            source: SourceId(source),
            account: AccountId(account),
            usage_type: UsageTypeId(usage_type),
            resource: resource.into(),
            ..crate::query::tests_support::record()
        }
    }

    fn key(record: &UsageRecord) -> Key {
        (record.source, record.account, record.usage_type)
    }

    fn sources() -> Sources {
        Sources::new(["a", "b", "c"].map(|name| SourceName::new(name).unwrap()).to_vec())
    }

    fn index() -> KeyIndex {
        let keys = [(0, 1, 1), (0, 1, 1), (0, 1, 2), (0, u64::MAX, 2), (2, 1, 1), (2, 5, 2)];
        let records: Vec<_> =
            (0..).zip(keys).map(|(i, (s, account, t))| record(s, account, t, i)).collect();
        let mut index = KeyIndex::default();
        for record in &records {
            assert!(index.push(key(record), &sources()), "they are in order");
        }
        index
    }

    #[test]
    fn what_belongs_before_is_refused() {
        for (source, account, usage_type) in [(0, 9, 9), (2, 4, 9), (2, 5, 1)] {
            let mut index = index();
            let before = key(&record(source, account, usage_type, 7));
            assert!(!index.push(before, &sources()), "{before:?}");
            assert_eq!(index, self::index());
        }
    }

    fn check(accounts: Option<&[(&str, u64)]>, usage_type: Option<u16>, expected: &[(u64, u64)]) {
        check_of(None, accounts, usage_type, expected);
    }

    fn check_of(
        source: Option<&str>,
        accounts: Option<&[(&str, u64)]>,
        usage_type: Option<u16>,
        expected: &[(u64, u64)],
    ) {
        let account = |(name, id): &(&str, u64)| (SourceName::new(name).unwrap(), AccountId(*id));
        let filter = RecordFilter {
            source: source.map(|name| SourceName::new(name).unwrap()),
            accounts: accounts.map(|list| list.iter().map(account).collect()),
            usage_type: usage_type.map(UsageTypeId),
        };
        let selected = index().select(&filter);
        let bounds: Vec<_> = selected.iter().map(|range| (range.start, range.end)).collect();
        assert_eq!(bounds, expected, "{filter:?}");
    }

    #[test]
    fn filters_select_ranges() {
        check(None, None, &[(0, 6)]);
        check(None, Some(2), &[(2, 4), (5, 6)]);
        check(None, Some(9), &[]);
        check(Some(&[]), None, &[]);
        check(Some(&[("a", 1)]), None, &[(0, 3)]);
        check(Some(&[("a", 1)]), Some(1), &[(0, 2)]);
        check(Some(&[("c", 1), ("a", u64::MAX), ("c", 1)]), None, &[(3, 5)]);
        check(Some(&[("b", 1), ("zzz", 1)]), None, &[]);
        check_of(Some("a"), None, None, &[(0, 4)]);
        check_of(Some("c"), None, Some(2), &[(5, 6)]);
        check_of(Some("b"), None, None, &[]);
        check_of(Some("c"), Some(&[("a", 1), ("c", 1)]), None, &[(4, 5)]);
    }

    #[test]
    fn the_stored_form_reads_back() {
        assert_eq!(KeyIndex::from_blob(&index().to_blob()), Some(index()));
        let empty = KeyIndex::default();
        assert_eq!(KeyIndex::from_blob(&empty.to_blob()), Some(empty));
        assert_eq!(KeyIndex::from_blob(b"no zstd"), None);
        let blob = index().to_blob();
        for bit in 0..blob.len() * 8 {
            let mut flipped = blob.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let read = KeyIndex::from_blob(&flipped);
            assert!(read.is_none_or(|read| read == index()), "bit {bit} is another index");
        }
        let cut = zstd::encode_all(&[1, 1][..], 1).unwrap();
        assert_eq!(KeyIndex::from_blob(&cut), None);
    }
}
