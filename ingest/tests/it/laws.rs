//! Laws that hold for any rows in any order over any files.

use cloudtally_ingest::write::Format;
use cloudtally_model::UsageEvent;
use cloudtally_store::Stream;
use proptest::prelude::*;

use crate::{Cloud, event};

fn format() -> impl Strategy<Value = Format> {
    prop_oneof![Just(Format::Csv), Just(Format::JsonLines), Just(Format::Parquet)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Rows with repeated ids, shuffled, split over files of any formats, some files
    /// given twice: the lake holds each event once, and the numbers add up.
    #[test]
    fn order_files_and_repetition_do_not_matter(
        ids in proptest::collection::vec(1u64..3000, 1..200),
        pieces in proptest::collection::vec(format(), 1..4),
        repeat in any::<bool>(),
    ) {
        let cloud = Cloud::new();
        let events: Vec<UsageEvent> = ids.iter().map(|id| event(*id)).collect();
        let length = events.len().div_ceil(pieces.len());
        let mut paths = Vec::new();
        for (at, (rows, format)) in events.chunks(length).zip(&pieces).enumerate() {
            paths.push(cloud.rows(&format!("{at}"), *format, rows));
        }
        let mut files: Vec<&std::path::Path> = paths.iter().map(|path| &**path).collect();
        if repeat {
            files.extend(files.clone());
        }
        let counts = cloud.ingest(Stream::Events, &files).counts;
        let again = cloud.ingest(Stream::Events, &files).counts;

        let mut expected = ids.clone();
        expected.sort_unstable();
        expected.dedup();
        let distinct = expected.len() as u64;
        let read = events.len() as u64 * if repeat { 2 } else { 1 };
        prop_assert_eq!(counts, crate::counts(read, distinct, read - distinct, 0));
        prop_assert_eq!(again, crate::counts(read, 0, read, 0));
        let stored: Vec<UsageEvent> = cloud.events().into_iter().map(|(_, event)| event).collect();
        let expected: Vec<UsageEvent> = expected.into_iter().map(event).collect();
        prop_assert_eq!(stored, expected);
    }

    /// Any bytes: no panic, and whatever is read is accounted for.
    #[test]
    fn random_bytes_add_up(
        head in prop_oneof![
            Just("id,account_name\n"), Just("{\"id\":1,\"account_name\":\"a\"}\n"), Just("")
        ],
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let cloud = Cloud::new();
        let file = cloud.file("random", [head.as_bytes(), &bytes].concat());
        let counts = match cloud.try_ingest(Stream::Accounts, &[&file]) {
            Ok(summary) => summary.counts,
            Err(error) => error.summary.counts,
        };
        prop_assert_eq!(counts.read, counts.accepted + counts.duplicate + counts.quarantined);
    }
}
