//! Samples: identity is series and instant.

use cloudtally_ingest::write::Format;
use cloudtally_model::NetworkSample;
use cloudtally_store::Stream;

use crate::{Cloud, counts, sample};

#[test]
fn the_same_again_is_a_duplicate_other_values_are_set_aside() {
    let cloud = Cloud::new();
    // Three days, two devices.
    let samples: Vec<NetworkSample> =
        (0..600).flat_map(|n| [sample(n * 7, 4, 1000), sample(n * 7, 5, 1000)]).collect();
    let first = cloud.rows("a.parquet", Format::Parquet, &samples);
    assert_eq!(cloud.ingest(Stream::Samples, &[&first]).counts, counts(1200, 1200, 0, 0));
    let again = cloud.rows("b.csv", Format::Csv, &samples);
    assert_eq!(cloud.ingest(Stream::Samples, &[&again]).counts, counts(1200, 0, 1200, 0));

    let more = [
        sample(0, 4, 1001),       // other values than stored
        sample(1, 4, 5),          // new
        sample(1, 4, 5),          // the same again
        sample(1, 4, 6),          // other values than two rows before
        sample(1, 6, 5),          // another series
        sample(599 * 7, 5, 1000), // stored
    ];
    let third = cloud.rows("c.jsonl", Format::JsonLines, &more);
    let summary = cloud.ingest(Stream::Samples, &[&third]);
    assert_eq!(summary.counts, counts(6, 2, 2, 2));
    let found: Vec<(u64, String)> =
        cloud.quarantined().into_iter().map(|(_, row, reason, _)| (row, reason)).collect();
    assert_eq!(
        found,
        [
            (
                1,
                "a sample of this series at 2026-01-31T22:53:20Z is already there with another \
                 `bytes_sent`: `1000` was stored, `1001` comes now"
                    .to_owned()
            ),
            (
                4,
                "a sample of this series at 2026-01-31T22:54:20Z is already there with another \
                 `bytes_sent`: `5` was stored, `6` comes now"
                    .to_owned()
            ),
        ]
    );

    let mut expected = samples;
    expected.extend([sample(1, 4, 5), sample(1, 6, 5)]);
    expected.sort_by(|a, b| (a.sampled, &a.series).cmp(&(b.sampled, &b.series)));
    assert_eq!(cloud.samples(), expected);
}
