//! The tree, built as the rows come by: in memory are one node under way a level and the
//! bytes of those that are done.

use std::cell::RefCell;

use cloudtally_model::{AccountId, SourceId, Sources, UsageTypeId};
use xxhash_rust::xxh3::xxh3_64;
use zstd::bulk::Compressor;

use super::{
    IndexPlace, Place, RunKey,
    node::{LEAF_RUNS, Run, put},
    run_key,
};

/// Compression of leaves, in which the types of one account look like those of the next.
const ZSTD_LEVEL: i32 = 1;
/// Size from which an inner node is done.
const INNER_BYTES: usize = 6 * 1024;

/// The account of a record, in its source, and the usage type.
pub(crate) type Key = (SourceId, AccountId, UsageTypeId);

/// A key index under way.
#[derive(Debug)]
pub(crate) struct KeyIndexBuilder {
    /// Names in the order of the file; a run's source is a position here.
    sources: Vec<String>,
    /// The source, by its rank, whose position is the last one.
    source: Option<SourceId>,
    /// The run under way.
    run: Option<Run>,
    /// The nodes under way, the leaf first.
    levels: Vec<Node>,
    /// Nodes that are done.
    bytes: Vec<u8>,
    rows: u64,
    /// Runs in a leaf.
    leaf_runs: usize,
    /// Size from which an inner node is done.
    inner_bytes: usize,
}

/// A key index as a file will hold it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EncodedIndex {
    /// The nodes and the head.
    pub(crate) bytes: Vec<u8>,
    /// Number of rows in the file.
    pub(crate) rows: u64,
    head: Place,
}

/// A node under way, and what its parent will say of it.
#[derive(Debug, Default)]
struct Node {
    body: Vec<u8>,
    entries: usize,
    first: RunKey,
    last: RunKey,
    /// End of the last child.
    end: u64,
    rows: u64,
    /// Usage types with their rows, in order.
    types: Vec<(u16, u64)>,
}

impl Node {
    fn put_key(&mut self, key: RunKey) {
        if self.entries == 0 {
            self.first = key;
        }
        put(&mut self.body, key - self.last);
        self.last = key;
        self.entries += 1;
    }

    fn put_run(&mut self, run: Run) {
        self.put_key(run.key);
        put(&mut self.body, run.rows);
        self.count(run.usage_type(), run.rows);
    }

    fn put_child(&mut self, place: Place, child: &Self) {
        self.put_key(child.first);
        put(&mut self.body, child.rows);
        put(&mut self.body, place.position - self.end);
        put(&mut self.body, place.length);
        self.body.extend_from_slice(&place.checksum.to_le_bytes());
        let (mut types, mut last) = (Vec::new(), 0);
        for (usage_type, rows) in &child.types {
            put(&mut types, usage_type - last);
            put(&mut types, *rows);
            last = *usage_type;
            self.count(*usage_type, *rows);
        }
        put(&mut self.body, types.len() as u64);
        self.body.append(&mut types);
        self.end = place.position + place.length;
    }

    fn count(&mut self, usage_type: u16, rows: u64) {
        self.rows += rows;
        match self.types.binary_search_by_key(&usage_type, |(known, _)| *known) {
            Ok(at) => self.types[at].1 += rows,
            Err(at) => self.types.insert(at, (usage_type, rows)),
        }
    }
}

impl Default for KeyIndexBuilder {
    fn default() -> Self {
        Self::of_sizes(LEAF_RUNS, INNER_BYTES)
    }
}

impl KeyIndexBuilder {
    /// An index with nodes of other sizes.
    pub(super) fn of_sizes(leaf_runs: usize, inner_bytes: usize) -> Self {
        Self {
            sources: Vec::new(),
            source: None,
            run: None,
            levels: vec![Node::default()],
            bytes: Vec::new(),
            rows: 0,
            leaf_runs,
            inner_bytes,
        }
    }

    /// Adds the next record of the file; false if it belongs before the last one.
    pub(crate) fn push(&mut self, (source, account, usage_type): Key, sources: &Sources) -> bool {
        if self.source != Some(source) {
            let name = sources.name(source).as_str();
            if self.sources.last().is_some_and(|last| last.as_str() > name) {
                return false;
            }
            if self.sources.last().is_none_or(|last| last != name) {
                self.sources.push(name.to_owned());
            }
            self.source = Some(source);
        }
        let position = u16::try_from(self.sources.len() - 1).expect("ranks of sources are 16 bits");
        let key = run_key(position, account.0, usage_type.0);
        match &mut self.run {
            Some(run) if run.key == key => run.rows += 1,
            Some(run) if run.key > key => return false,
            _ => {
                let run = self.run.replace(Run { key, rows: 1 });
                self.add(run);
            }
        }
        self.rows += 1;
        true
    }

    /// Number of rows so far.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    fn add(&mut self, run: Option<Run>) {
        let Some(run) = run else { return };
        self.levels[0].put_run(run);
        if self.levels[0].entries == self.leaf_runs {
            self.close(0);
        }
    }

    /// Ends the node under way of a level and gives it to its parent.
    fn close(&mut self, level: usize) {
        let node = std::mem::take(&mut self.levels[level]);
        let place = match level {
            0 => append(&mut self.bytes, &compressed(&node.body)),
            _ => append(&mut self.bytes, &node.body),
        };
        if self.levels.len() == level + 1 {
            self.levels.push(Node::default());
        }
        let parent = &mut self.levels[level + 1];
        parent.put_child(place, &node);
        if parent.entries > 1 && parent.body.len() >= self.inner_bytes {
            self.close(level + 1);
        }
    }

    /// Ends the index.
    pub(crate) fn finish(mut self) -> EncodedIndex {
        let run = self.run.take();
        self.add(run);
        let mut level = 0;
        while level + 1 < self.levels.len() {
            if self.levels[level].entries > 0 {
                self.close(level);
            }
            level += 1;
        }
        let mut head = Vec::new();
        put(&mut head, self.rows);
        put(&mut head, self.sources.len() as u64);
        for name in &self.sources {
            put(&mut head, name.len() as u64);
            head.extend_from_slice(name.as_bytes());
        }
        put(&mut head, level as u64);
        head.extend_from_slice(&self.levels[level].body);
        let head = append(&mut self.bytes, &head);
        EncodedIndex { bytes: self.bytes, rows: self.rows, head }
    }
}

impl EncodedIndex {
    /// Its place in a file in which the first node stands at `start`.
    pub(crate) fn place(&self, start: u64) -> IndexPlace {
        IndexPlace { start, head: self.head }
    }

    /// Returns true if a file says that it is just as long and has this head.
    pub(crate) fn is_at(&self, place: IndexPlace) -> bool {
        self.head == place.head
    }
}

fn compressed(leaf: &[u8]) -> Vec<u8> {
    thread_local! {
        static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    }
    COMPRESSOR.with_borrow_mut(|compressor| {
        let compressor = compressor.get_or_insert_with(|| {
            Compressor::new(ZSTD_LEVEL).expect("there is memory for a compressor")
        });
        compressor.compress(leaf).expect("compressing memory to memory cannot fail")
    })
}

fn append(bytes: &mut Vec<u8>, node: &[u8]) -> Place {
    let (position, length) = (bytes.len() as u64, node.len() as u64);
    bytes.extend_from_slice(node);
    Place { position, length, checksum: xxh3_64(node) }
}
