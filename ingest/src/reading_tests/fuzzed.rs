//! Inputs that nobody wrote, from the corpora in `tests/corpus`: nothing ends a reader, it reads the same
//! however it is cut into chunks, and rows that it accepts survive a trip through every format.

use std::fmt::Debug;

use cloudtally_fuzz::{Target, kind_of};
use cloudtally_model::{Account, CorrectiveEvent, NetworkSample, UsageEvent};

use super::*;

const CORPORA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");

/// Names of columns and values that inputs are made of.
const WORDS: &[&str] = &[
    "id",
    "type",
    "created",
    "account_id",
    "zone_id",
    "resource_id",
    "resource_name",
    "offering_id",
    "template_id",
    "size",
    "virtual_size",
    "resource_type",
    "processed",
    "sampled",
    "device_id",
    "device_type",
    "network_id",
    "bytes_sent",
    "bytes_received",
    "address",
    "restarted",
    "account_name",
    "removed",
    "author",
    "reason",
    "VM.START",
    "VM.STOP",
    "DomainRouter",
    "2026-01-31 23:59:59",
    "NaN",
    "NA",
];

/// The parts of an outcome that tell one way through a reader from another.
type Saw = (usize, Vec<String>, Option<String>);

/// Reads an input in all ways, and holds the rows that were accepted against themselves.
fn attempt<T: Decode + Row + Debug + PartialEq>(input: &[u8]) -> Saw {
    let outcome = read::<T>(input);
    for format in Format::ALL {
        if outcome.rows.is_empty() {
            break;
        }
        let again = read::<T>(&write(&outcome.rows, format));
        let same = again.fault.is_none() && again.bad.is_empty() && again.rows == outcome.rows;
        assert!(same, "through {format:?}: {again:?}\nnot {outcome:?}");
    }
    let mut kinds: Vec<String> = outcome.bad.iter().map(|(_, reason, _)| kind_of(reason)).collect();
    kinds.sort();
    kinds.dedup();
    (outcome.rows.len().min(4), kinds, outcome.fault.as_deref().map(kind_of))
}

/// Reads an input as the stream whose rows its first columns name, or as events.
fn attempt_any(input: &[u8]) -> Saw {
    let head = String::from_utf8_lossy(&input[..input.len().min(400)]).into_owned();
    if head.contains("sampled") {
        attempt::<NetworkSample>(input)
    } else if head.contains("account_name") {
        attempt::<Account>(input)
    } else if head.contains("author") {
        // Ids are moved to a range of their own, so that they do not come back the same.
        let outcome = read::<CorrectiveEvent>(input);
        (outcome.rows.len().min(4), Vec::new(), outcome.fault.as_deref().map(kind_of))
    } else {
        attempt::<UsageEvent>(input)
    }
}

#[test]
fn csv() {
    let target = Target { name: "csv", corpora: CORPORA, rounds: 1500, words: WORDS };
    target.run(attempt_any);
}

#[test]
fn json_lines() {
    let target = Target { name: "jsonl", corpora: CORPORA, rounds: 1500, words: WORDS };
    target.run(attempt_any);
}

#[test]
fn parquet() {
    let target = Target { name: "parquet", corpora: CORPORA, rounds: 1200, words: &["PAR1"] };
    target.run(|input| match input.len() % 3 {
        0 => attempt::<NetworkSample>(input),
        _ => attempt::<UsageEvent>(input),
    });
}
