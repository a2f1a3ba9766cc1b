//! The filter of a set, as the key indexes of its files are asked.

use std::ops::Range;

use cloudtally_model::{AccountId, SourceName};

use super::filter::RecordFilter;
use crate::lake::key_index::{Choice, END, KeyIndex, RunKey, run_key};

/// A filter whose accounts are in the order of files.
#[derive(Clone, Debug, Default)]
pub(super) struct Sorted {
    source: Option<SourceName>,
    accounts: Option<Vec<(SourceName, Vec<AccountId>)>>,
    usage_type: Option<u16>,
}

impl Sorted {
    pub(super) fn new(filter: &RecordFilter) -> Self {
        let by_source = |accounts: &Vec<(SourceName, AccountId)>| {
            let mut accounts: Vec<_> = accounts.iter().collect();
            accounts.sort_unstable();
            accounts.dedup();
            let of_one = accounts.chunk_by(|a, b| a.0 == b.0);
            of_one.map(|of| (of[0].0.clone(), of.iter().map(|(_, id)| *id).collect())).collect()
        };
        Self {
            source: filter.source.clone(),
            accounts: filter.accounts.as_ref().map(by_source),
            usage_type: filter.usage_type.map(|id| id.0),
        }
    }

    /// Returns true if every record is of it.
    pub(super) fn is_everything(&self) -> bool {
        self.source.is_none() && self.accounts.is_none() && self.usage_type.is_none()
    }

    /// The runs of a file that it chooses.
    pub(super) fn choice(&self, index: &KeyIndex) -> Choice {
        let is_wanted = |name| self.source.as_ref().is_none_or(|only| only == name);
        let position = |name: &SourceName| index.position(name.as_str());
        let Some(accounts) = &self.accounts else {
            let of_source = |name| position(name).map(|at| run_key(at, 0, 0)..source_end(at));
            let keys = match &self.source {
                None => std::iter::once(0..END).collect(),
                Some(name) => of_source(name).into_iter().collect(),
            };
            return Choice { keys, usage_type: self.usage_type };
        };
        let (least, most) = self.usage_type.map_or((0, u16::MAX), |only| (only, only));
        let of_sources = accounts.iter().filter(|(name, _)| is_wanted(name));
        let of_sources = of_sources.filter_map(|(name, ids)| Some((position(name)?, ids)));
        let keys = of_sources.flat_map(|(source, ids)| {
            ids.iter().map(move |id| run_key(source, id.0, least)..run_key(source, id.0, most) + 1)
        });
        Choice { keys: joined(keys), usage_type: None }
    }
}

fn source_end(position: u16) -> RunKey {
    run_key(position, u64::MAX, u16::MAX) + 1
}

fn joined(keys: impl Iterator<Item = Range<RunKey>>) -> Vec<Range<RunKey>> {
    let mut all: Vec<Range<RunKey>> = Vec::new();
    for keys in keys {
        match all.last_mut() {
            Some(last) if last.end == keys.start => last.end = keys.end,
            _ => all.push(keys),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use cloudtally_model::{SourceId, Sources, UsageTypeId};

    use super::*;
    use crate::lake::key_index::{IndexPlace, KeyIndexBuilder, NodeFile};

    fn check(
        source: Option<&str>,
        accounts: Option<&[(&str, u64)]>,
        usage_type: Option<u16>,
        expected: &[(u64, u64)],
    ) {
        let sources = ["a", "b", "c"].map(|name| SourceName::new(name).unwrap());
        let sources = Sources::new(sources.to_vec());
        let mut builder = KeyIndexBuilder::default();
        let keys = [(0, 1, 1), (0, 1, 1), (0, 1, 2), (0, u64::MAX, 2), (2, 1, 1), (2, 5, 2)];
        for (source, account, usage_type) in keys {
            let key = (SourceId(source), AccountId(account), UsageTypeId(usage_type));
            assert!(builder.push(key, &sources), "they are in order");
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        let encoded = builder.finish();
        std::fs::write(file.path(), [b"PAR1", &*encoded.bytes].concat()).unwrap();
        let place: IndexPlace = encoded.place(4);
        let nodes = NodeFile::open(file.path(), place).unwrap();
        let index = KeyIndex::open(place, &nodes).unwrap();
        let account = |(name, id): &(&str, u64)| (SourceName::new(name).unwrap(), AccountId(*id));
        let filter = RecordFilter {
            source: source.map(|name| SourceName::new(name).unwrap()),
            accounts: accounts.map(|list| list.iter().map(account).collect()),
            usage_type: usage_type.map(UsageTypeId),
        };
        let choice = Sorted::new(&filter).choice(&index);
        let found = index.find(&choice, 0..u64::MAX, usize::MAX, &nodes).unwrap();
        let bounds: Vec<_> = found.ranges.iter().map(|range| (range.start, range.end)).collect();
        assert_eq!(bounds, expected, "{filter:?}");
        let count: u64 = expected.iter().map(|(start, end)| end - start).sum();
        assert_eq!(index.count(&choice, &nodes).unwrap(), count, "{filter:?}");
    }

    #[test]
    fn filters_select_ranges() {
        check(None, None, None, &[(0, 6)]);
        check(None, None, Some(2), &[(2, 4), (5, 6)]);
        check(None, None, Some(9), &[]);
        check(None, Some(&[]), None, &[]);
        check(None, Some(&[("a", 1)]), None, &[(0, 3)]);
        check(None, Some(&[("a", 1)]), Some(1), &[(0, 2)]);
        check(None, Some(&[("c", 1), ("a", u64::MAX), ("c", 1)]), None, &[(3, 5)]);
        check(None, Some(&[("b", 1), ("zzz", 1)]), None, &[]);
        check(Some("a"), None, None, &[(0, 4)]);
        check(Some("c"), None, Some(2), &[(5, 6)]);
        check(Some("b"), None, None, &[]);
        check(Some("c"), Some(&[("a", 1), ("c", 1)]), None, &[(4, 5)]);
    }
}
