use std::{cell::Cell, ops::Range};

use cloudtally_model::{AccountId, SourceId, SourceName, Sources, UsageTypeId};
use proptest::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::{build::EncodedIndex, *};

/// Nodes in memory, which counts those that are read.
struct Memory<'a> {
    bytes: &'a [u8],
    reads: Cell<usize>,
    longest: Cell<usize>,
}

impl<'a> Memory<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, reads: Cell::new(0), longest: Cell::new(0) }
    }
}

impl Nodes for Memory<'_> {
    type Error = Senseless;
    fn read(&self, place: Place) -> Result<Vec<u8>, Senseless> {
        self.reads.set(self.reads.get() + 1);
        let [position, length] =
            [place.position, place.length].map(|n| usize::try_from(n).unwrap());
        self.longest.set(self.longest.get().max(length));
        let bytes = self.bytes.get(position..).and_then(|from| from.get(..length));
        let bytes = bytes.filter(|bytes| xxh3_64(bytes) == place.checksum);
        bytes.map(<[u8]>::to_vec).ok_or(Senseless)
    }
}

fn sources() -> Sources {
    Sources::new(["a", "b", "c"].map(|name| SourceName::new(name).unwrap()).to_vec())
}

fn key(source: u16, account: u64, usage_type: u16) -> Key {
    (SourceId(source), AccountId(account), UsageTypeId(usage_type))
}

/// An index of these keys with nodes so small that there are many levels.
fn small(keys: &[(u16, u64, u16)]) -> EncodedIndex {
    let mut builder = KeyIndexBuilder::of_sizes(3, 60);
    for (source, account, usage_type) in keys {
        assert!(builder.push(key(*source, *account, *usage_type), &sources()), "they are in order");
    }
    builder.finish()
}

fn open(index: &EncodedIndex) -> KeyIndex {
    KeyIndex::open(index.place(0), &Memory::new(&index.bytes)).unwrap()
}

/// The rows whose keys are chosen, one by one.
fn naive(index: &KeyIndex, keys: &[(u16, u64, u16)], choice: &Choice) -> Vec<u64> {
    let name = |source: u16| sources().name(SourceId(source)).as_str().to_owned();
    let is_chosen = |(source, account, usage_type): &(u16, u64, u16)| {
        let position = index.position(&name(*source)).unwrap();
        let key = run_key(position, *account, *usage_type);
        choice.keys.iter().any(|range| range.contains(&key))
            && choice.usage_type.is_none_or(|wanted| wanted == *usage_type)
    };
    (0..).zip(keys).filter(|(_, key)| is_chosen(key)).map(|(row, _)| row).collect()
}

fn rows(ranges: &[Range<u64>]) -> Vec<u64> {
    ranges.iter().cloned().flatten().collect()
}

fn one(range: Range<RunKey>) -> Vec<Range<RunKey>> {
    std::iter::once(range).collect()
}

fn keys() -> impl Strategy<Value = Vec<(u16, u64, u16)>> {
    let account = prop_oneof![6 => 0..40u64, 1 => Just(u64::MAX), 1 => any::<u64>()];
    let usage_type = prop_oneof![6 => 1..5u16, 1 => Just(0), 1 => Just(u16::MAX)];
    proptest::collection::vec((0..3u16, account, usage_type), 0..300).prop_map(|mut keys| {
        keys.sort_unstable();
        keys
    })
}

/// Ranges of keys that begin or end at, before or behind those that are there.
fn choice(
    keys: &[(u16, u64, u16)],
    index: &KeyIndex,
    seeds: &[(u32, u8)],
    of: Option<u16>,
) -> Choice {
    let mut bounds: Vec<RunKey> = vec![0, END];
    for (at, step) in seeds {
        let Some(at) = usize::try_from(*at).unwrap().checked_rem(keys.len()) else { continue };
        let (source, account, usage_type) = keys[at];
        let name = sources().name(SourceId(source)).as_str().to_owned();
        let key = run_key(index.position(&name).unwrap(), account, usage_type);
        bounds.push((key + RunKey::from(*step)).saturating_sub(1).min(END));
    }
    bounds.sort_unstable();
    bounds.dedup();
    let first = usize::from(seeds.len() % 2 == 1).min(bounds.len() - 2);
    let pairs = bounds[first..].chunks_exact(2);
    Choice { keys: pairs.map(|pair| pair[0]..pair[1]).collect(), usage_type: of }
}

proptest! {
    /// Whatever is chosen is counted, and found from any place in pieces of any size, as
    /// if each row were looked at.
    #[test]
    fn an_index_finds_what_looking_at_each_row_finds(
        keys in keys(),
        seeds in proptest::collection::vec((any::<u32>(), 0..3u8), 0..6),
        usage_type in proptest::option::of(0..6u16),
        (offset, limit) in (0..320u64, 0..320u64),
        most in 1..20usize,
    ) {
        let encoded = small(&keys);
        let index = open(&encoded);
        prop_assert_eq!(index.rows(), keys.len() as u64);
        let nodes = Memory::new(&encoded.bytes);
        let choice = choice(&keys, &index, &seeds, usage_type);
        let expected = naive(&index, &keys, &choice);
        prop_assert_eq!(index.count(&choice, &nodes), Ok(expected.len() as u64));
        let end = (offset + limit).min(expected.len() as u64);
        let (mut next, mut found) = (offset, Vec::new());
        while next < end {
            let some = index.find(&choice, next..end, most, &nodes).unwrap();
            prop_assert!(some.ranges.len() <= most && some.through > next);
            prop_assert!(some.ranges.is_sorted_by(|a, b| a.end < b.start), "{:?}", some.ranges);
            next = some.through;
            found.extend(rows(&some.ranges));
        }
        let [from, to] = [offset.min(end), end].map(|n| usize::try_from(n).unwrap());
        prop_assert_eq!(found, &expected[from..to]);
    }
}

#[test]
fn what_belongs_before_is_refused() {
    let keys = [(0, 1, 1), (0, 1, 2), (2, 5, 2)];
    for (source, account, usage_type) in [(0, 9, 9), (1, 9, 9), (2, 4, 9), (2, 5, 1)] {
        let mut builder = KeyIndexBuilder::of_sizes(3, 60);
        for (source, account, usage_type) in keys {
            assert!(builder.push(key(source, account, usage_type), &sources()));
        }
        assert!(!builder.push(key(source, account, usage_type), &sources()));
        assert_eq!(builder.finish(), small(&keys), "nothing of it is left");
    }
}

#[test]
fn no_bit_of_the_stored_form_can_change_unseen() {
    let keys: Vec<_> = (0..80)
        .map(|i| (u16::from(i > 50) * 2, i / 3 * 1000, u16::try_from(i % 3).unwrap()))
        .collect();
    let encoded = small(&keys);
    let index = open(&encoded);
    assert!(index.level > 2, "{}", index.level);
    let choices = [
        Choice { keys: one(0..END), usage_type: Some(1) },
        Choice { keys: one(run_key(0, 3000, 0)..run_key(0, 3001, 0)), usage_type: None },
        Choice { keys: one(run_key(0, 3000, 0)..run_key(1, 20_000, 1)), usage_type: None },
    ];
    let ask = |bytes: &[u8], choice: &Choice| {
        let nodes = Memory::new(bytes);
        let index = KeyIndex::open(encoded.place(0), &nodes)?;
        index.find(choice, 0..u64::MAX, usize::MAX, &nodes)
    };
    for choice in &choices {
        let whole = ask(&encoded.bytes, choice).unwrap();
        assert_eq!(rows(&whole.ranges), naive(&index, &keys, choice));
        let mut refused = 0;
        for bit in 0..encoded.bytes.len() * 8 {
            let mut flipped = encoded.bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match ask(&flipped, choice) {
                Ok(found) => assert_eq!(found, whole, "bit {bit}"),
                Err(Senseless) => refused += 1,
            }
        }
        assert!(refused > 0);
    }
}

#[test]
fn the_note_reads_back_and_nothing_else_does() {
    let place = small(&[(0, 1, 1)]).place(77);
    assert_eq!(IndexPlace::from_note(&place.note()), Some(place));
    for note in ["", "1", "1 2 3 4", "2 77 0 9 00", "1 77 0 9 xyz", "1 77 0 9 00 1", "1 -7 0 9 00"]
    {
        assert_eq!(IndexPlace::from_note(note), None, "{note}");
    }
}

/// An index of as many accounts, of three types each.
fn large(accounts: u64) -> EncodedIndex {
    let (mut builder, sources) = (KeyIndexBuilder::default(), sources());
    for account in 0..accounts {
        for usage_type in [1, 4, 12] {
            // Type 12 is rare.
            let rows =
                if usage_type == 12 { u64::from(account % 1000 == 7) } else { 1 + account % 2 };
            for _ in 0..rows {
                assert!(builder.push(key(0, account, usage_type), &sources));
            }
        }
    }
    builder.finish()
}

/// Nodes that are read for a filter on one account, one type and both, whatever there is.
#[test]
fn a_lookup_reads_as_many_nodes_as_the_tree_has_levels() {
    for (accounts, levels) in [(30, 0), (3_000, 1), (300_000, 2)] {
        let encoded = large(accounts);
        let index = open(&encoded);
        assert_eq!(index.level, levels);
        assert!(index.size_bytes() < 16 * 1024, "{}", index.size_bytes());
        let levels = usize::try_from(levels).unwrap();
        let nodes = Memory::new(&encoded.bytes);
        let reads = |choice: &Choice, wanted: Range<u64>, most: usize| {
            nodes.reads.set(0);
            let found = index.find(choice, wanted, most, &nodes).unwrap();
            (nodes.reads.get(), found)
        };
        for account in [0, 1, accounts / 3, accounts - 1] {
            let of_it = run_key(0, account, 0)..run_key(0, account + 1, 0);
            let (read, found) =
                reads(&Choice { keys: vec![of_it], usage_type: None }, 0..u64::MAX, 4);
            let rows = 2 * (1 + account % 2) + u64::from(account % 1000 == 7);
            assert_eq!((found.ranges.len(), found.through), (1, rows), "{account}");
            // An account may begin in one leaf and end in the next.
            assert!(read <= 2 * levels, "{read} of {accounts}");
            let both = run_key(0, account, 4)..run_key(0, account, 5);
            let (read, found) =
                reads(&Choice { keys: vec![both], usage_type: None }, 0..u64::MAX, 4);
            assert_eq!(found.through, 1 + account % 2);
            assert!(read <= 2 * levels, "{read} of {accounts}");
        }
        for (usage_type, rows) in [(1, accounts * 3 / 2), (12, accounts.div_ceil(1000)), (9, 0)] {
            let choice = Choice { keys: one(0..END), usage_type: Some(usage_type) };
            let (read, found) = reads(&choice, u64::MAX..u64::MAX, 1);
            assert_eq!(found.through, rows, "rows of type {usage_type}");
            assert_eq!(read, 0, "counting a type takes the root alone");
            if rows > 0 {
                let (read, found) = reads(&choice, rows - 1..rows, 1);
                assert_eq!(found.ranges.len(), 1);
                assert!(read <= levels, "{read} of {accounts}");
            }
        }
        assert!(nodes.longest.get() <= 16 * 1024, "{}", nodes.longest.get());
    }
}
