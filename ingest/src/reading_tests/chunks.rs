//! Chunks that are decoded side by side against rows that are read one at a time.
//!
//! [`read`] compares the two for every input of these tests; here are inputs that are
//! made to be cut in bad places, and the lake that comes of them.

use std::collections::BTreeMap;

use cloudtally_model::{NetworkSample, SourceName};
use cloudtally_store::{LockWait, Store, Stream};
use proptest::prelude::*;

use super::*;
use crate::{IngestRequest, IngestSummary, Reading, run::ingest_by};

/// A CSV file of events that is as nasty as one can be: bad rows, duplicates, conflicts,
/// quotes around line breaks, open quotes, other line ends, huge fields.
fn nasty_csv(rows: u64) -> Vec<u8> {
    let mut csv =
        b"\xef\xbb\xbfid,type,created,account_id,zone_id,resource_id,resource_name\r\n".to_vec();
    for row in 0..rows {
        let id = row / 3 * 2 + row % 3;
        let second = row % 60;
        let start = format!("{id},VM.START,2026-01-{:02} 10:00:{second:02},2,1,9,", 31 - row % 5);
        csv.extend_from_slice(start.as_bytes());
        match row % 41 {
            0 => csv.extend_from_slice(b"\"two\nlines, \"\"quoted\"\"\"\n"),
            1 => csv.extend_from_slice(b"\"open\n"),
            2 => csv.extend_from_slice(b"\"closed\" too early\n"),
            3 => csv.extend_from_slice(b"one, too many\r\n"),
            4 => csv.extend_from_slice(b"\xff\n"),
            5 => csv.extend_from_slice(b"a 5\" disk\n\n\n\r\n"),
            6 => csv.extend_from_slice(b"\r"),
            7 if row % 1000 < 41 => csv.extend_from_slice(&[&[b'n'; 70_000][..], b"\n"].concat()),
            8 if row % 2000 < 41 => {
                csv.extend_from_slice(&[&[b'l'; 1_100_000][..], b"\n"].concat())
            }
            9 => csv.extend_from_slice(b"\"a\r\nb\"\r\n"),
            10..20 => csv.extend_from_slice(b"\r\n"),
            _ => csv.extend_from_slice(b"\n"),
        }
    }
    csv
}

/// Samples in JSON Lines and tab-separated text, with as much wrong with them.
fn nasty_lines(rows: u64) -> (Vec<u8>, Vec<u8>) {
    let mut json = Vec::new();
    let mut tsv =
        b"sampled\taccount_id\tzone_id\tdevice_id\tdevice_type\tbytes_sent\tbytes_received\r\n"
            .to_vec();
    for row in 0..rows {
        let (minute, device) = (row / 50 % 60, row % 23);
        let sent = if row % 17 == 0 { row } else { minute };
        let at = format!("2026-01-{:02} 10:{minute:02}:00", 1 + row / 800);
        json.extend_from_slice(match row % 31 {
            3 => b"[]\n".to_vec(),
            4 => b"\r\n \n".to_vec(),
            5 if row < 300 => [&b"{\"sampled\": \""[..], &[b'x'; 1_100_000], b"\"}\n"].concat(),
            _ => format!(
                "{{\"sampled\":\"{at}\",\"account_id\":{},\"zone_id\":-1,\"device_id\":{device},\
                 \"bytes_sent\":{sent},\"bytes_received\":0}}\n",
                row % 2
            )
            .into_bytes(),
        }.as_slice());
        tsv.extend_from_slice(
            match row % 29 {
                0 => b"too\tfew\r\n".to_vec(),
                1 => b"\r\n\r\n".to_vec(),
                2 => {
                    format!("{at}\t2\t1\t{device}\tRouter\\t{}\t{sent}\t0\n", row % 3).into_bytes()
                }
                _ => format!("{at}\t2\t1\t{device}\tVpcRouter\t{sent}\t0\r\n").into_bytes(),
            }
            .as_slice(),
        );
    }
    (json, tsv)
}

/// All files of a lake by their names, what was set aside, and the summary.
type Lake = (BTreeMap<String, Vec<u8>>, Vec<String>, IngestSummary);

fn lake_of(stream: Stream, path: &Path, chunks: Chunks) -> Lake {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let wait = LockWait { limit: std::time::Duration::ZERO, on_wait: &mut || {} };
    let writer = store.writer(wait).unwrap();
    let request = IngestRequest {
        stream,
        source: SourceName::new("default").unwrap(),
        // Twice, so that all of it is known the second time.
        inputs: vec![Input::File(path.to_owned()), Input::File(path.to_owned())],
        started_ms: 0,
        now: at("2026-02-01 00:00:00"),
    };
    let mut summary =
        ingest_by(&writer, &request, &Reading::default(), chunks, &mut |_| {}).unwrap();
    summary.inputs.iter_mut().for_each(|input| input.name.clear());
    let snapshot = store.snapshot().unwrap();
    let events = snapshot.event_files.iter().map(|file| &file.path);
    let paths = events.chain(snapshot.sample_files.iter().map(|file| &file.path));
    let files = paths
        .map(|path| (path.display().to_string(), std::fs::read(dir.path().join(path)).unwrap()));
    let aside = store.quarantined(None, 100_000).unwrap();
    let aside = aside.iter().map(|row| format!("{} {} {}", row.row, row.reason, row.raw)).collect();
    (files.collect(), aside, summary)
}

fn check_lake(stream: Stream, content: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    let naive = lake_of(stream, file.path(), Chunks::NONE);
    let counts = naive.2.counts;
    assert!(
        counts.accepted > 100 && counts.duplicate > 100 && counts.quarantined > 100,
        "{counts:?}"
    );
    for (bytes, count) in [(50_000, 3), (512 * 1024, 8)] {
        let chunked = lake_of(stream, file.path(), Chunks { bytes, count });
        assert_eq!(chunked.2, naive.2, "{count} chunks of {bytes} bytes");
        assert!(chunked == naive, "{count} chunks of {bytes} bytes make another lake");
    }
}

#[test]
fn chunks_of_csv_make_the_lake_that_single_rows_make() {
    check_lake(Stream::Events, &nasty_csv(12_000));
}

#[test]
fn chunks_of_lines_make_the_lake_that_single_lines_make() {
    let (json, tsv) = nasty_lines(2_000);
    check_lake(Stream::Samples, &json);
    check_lake(Stream::Samples, &tsv);
}

#[test]
fn columns_of_parquet_make_the_lake_that_single_rows_make() {
    let (json, _) = nasty_lines(2_000);
    let samples: Vec<NetworkSample> = read(&json).rows;
    let bytes = write(&samples, Format::Parquet);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    let lake = |chunks| lake_of(Stream::Samples, file.path(), chunks);
    let naive = lake(Chunks::NONE);
    let counts = naive.2.counts;
    assert!(
        counts.accepted > 100 && counts.duplicate > 100 && counts.quarantined > 10,
        "{counts:?}"
    );
    assert!(lake(Chunks::of_this_machine()) == naive);
}

#[test]
fn a_file_of_windows_is_read_by_chunks() {
    // A row ends with the first character of its line break, so a cut lies between two.
    for line_end in ["\n", "\r\n"] {
        let rows = 1000;
        let body: String = (0..rows)
            .map(|id| format!("{id},VM.START,2026-01-31 23:59:59,2,1,9,\"a,b\"{line_end}"))
            .collect();
        let csv = format!("{}{body}", HEADER.replace('\n', line_end));
        let outcome = read::<UsageEvent>(csv.as_bytes());
        assert_eq!((outcome.rows.len(), outcome.bad, outcome.fault), (rows, vec![], None));
    }
}

#[test]
fn a_line_of_just_too_many_bytes_is_too_long_wherever_it_stands() {
    // Reads of an input end anywhere, so nothing may depend on what a window holds.
    let good = "{\"id\":1,\"account_name\":\"a\"}\n";
    let line = |bytes: usize| {
        let rest = bytes - "{\"id\":2,\"account_name\":\"\"}".len();
        format!("{{\"id\":2,\"account_name\":\"{}\"}}", "x".repeat(rest))
    };
    for before in [0, 100, 9000, 20_000] {
        for (bytes, expected) in [
            (1024 * 1024, "column `account_name`: "),
            (1024 * 1024 + 1, "the line is longer than 1048576 bytes"),
        ] {
            let json = format!("{good}{}{}\n{good}", good.repeat(before), line(bytes));
            let outcome = read::<cloudtally_model::Account>(json.as_bytes());
            assert_eq!((outcome.rows.len(), outcome.bad.len()), (before + 2, 1));
            assert!(outcome.bad[0].1.starts_with(expected), "{}", outcome.bad[0].1);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn rows_of_any_bytes_are_the_same_by_chunks(
        rows in proptest::collection::vec("[a1,\"\n\r]{0,30}", 1..40)
    ) {
        let csv = format!("id,account_name\n{}", rows.join("\n"));
        read::<cloudtally_model::Account>(csv.as_bytes());
    }
}
