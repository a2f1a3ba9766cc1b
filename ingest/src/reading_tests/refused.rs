//! Inputs that are refused or cut off.

use cloudtally_model::{Account, NetworkSample};

use super::*;

pub(super) fn check_fault(bytes: &[u8], expected: &str) {
    let outcome = read::<UsageEvent>(bytes);
    assert_eq!(outcome.fault.as_deref(), Some(expected));
    assert_eq!(outcome.rows, []);
}

#[test]
fn missing_columns_are_named() {
    let required = "usage events need `id`, `type`, `created`, `account_id`, `zone_id`, \
                    `resource_id`";
    check_fault(
        b"id,type,account_id,zone_id,when\n1,a,2,3,4\n",
        &format!(
            "`IN` has no column `created`, `resource_id`; {required}; found `id`, `type`, \
             `account_id`, `zone_id`, `when`"
        ),
    );
    check_fault(
        b"id\ttype\n",
        &format!(
            "`IN` has no column `created`, `account_id`, `zone_id`, `resource_id`; {required}; \
             found `id`, `type`"
        ),
    );
    check_fault(
        b"{\"id\":1,\"type\":\"a\"}\n{\"created\":\"\",\"account_id\":1,\"zone_id\":1}\n",
        &format!(
            "`IN` has no column `resource_id`; {required}; found `id`, `type`, `created`, \
             `account_id`, `zone_id`"
        ),
    );
    let accounts = read::<NetworkSample>(b"id,account_name\n1,a\n");
    assert_eq!(
        accounts.fault.unwrap(),
        "`IN` has no column `sampled`, `account_id`, `zone_id`, `device_id`, `bytes_sent`, \
         `bytes_received`; network samples need `sampled`, `account_id`, `zone_id`, `device_id`, \
         `bytes_sent`, `bytes_received`; found `id`, `account_name`"
    );
    check_fault(b"id,ID\n", "`IN` has the column `id` twice; rename or drop one of them");
    check_fault(
        b"id,\"type\n",
        "the header row of `IN` is broken: a field opens a quote that is never closed (the last \
         line has no line break: the file may have been cut off)",
    );
}

#[test]
fn a_parquet_column_of_the_wrong_type_is_named() {
    use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    let number: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let text: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    let columns = [("id", &number), ("account_name", &text), ("created", &number)];
    let columns = columns.map(|(name, array)| (name, array.clone()));
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    assert_eq!(
        read::<Account>(&bytes).fault.unwrap(),
        "the column `created` of `IN` has the type Int64; expected a timestamp or text"
    );
    let fault = read::<UsageEvent>(&bytes).fault.unwrap();
    assert!(fault.starts_with("`IN` has no column `type`"), "{fault}");
}

#[test]
fn an_empty_input_is_no_success() {
    let empty = "`IN` is empty: expected a header row with `id`, `type`, `created`, \
                 `account_id`, `zone_id`, `resource_id` (or JSON Lines, Parquet or a dump)";
    check_fault(b"", empty);
    check_fault(b"\n\n", empty);
    check_fault(&gzip(b""), empty);
    // A header without rows is fine.
    assert_eq!(read::<UsageEvent>(HEADER.as_bytes()).fault, None);
}

#[test]
fn what_comes_before_a_cut_is_kept() {
    let events: Vec<UsageEvent> = (1..20_000).map(event).collect();
    for format in [Format::Csv, Format::JsonLines] {
        let plain = write(&events, format);
        for whole in [gzip(&plain), zstd(&plain)] {
            let cut = &whole[..whole.len() - 20];
            let outcome = read::<UsageEvent>(cut);
            let rows = outcome.rows.len();
            assert!(rows > 1000 && outcome.rows[..] == events[..rows], "{format:?}: {rows}");
            assert_eq!(outcome.bad, []);
            assert_eq!(
                outcome.fault.unwrap(),
                format!(
                    "`IN` is cut off in the middle of its compressed data, after row {rows}; the \
                     rows before it are kept: get the whole file and ingest it again, rows that \
                     are already here count as duplicates"
                )
            );
        }
    }
    // Cut within the first bytes.
    for cut in [&gzip(HEADER.as_bytes())[..12], &zstd(HEADER.as_bytes())[..8]] {
        let fault = read::<UsageEvent>(cut).fault.unwrap();
        assert!(fault.contains("is cut off in the middle"), "{fault}");
    }
    let parquet = write(&events, Format::Parquet);
    check_fault(
        &parquet[..parquet.len() / 2],
        "`IN` is cut off: it begins like a Parquet file but does not end like one, and without its \
         end none of its rows can be read; get the whole file and ingest it again",
    );
}

#[test]
fn flipped_bits_in_compressed_data_are_an_error() {
    let events: Vec<UsageEvent> = (1..20_000).map(event).collect();
    let mut bytes = gzip(&write(&events, Format::Csv));
    let end = bytes.len();
    bytes[end - 6] ^= 1;
    let outcome = read::<UsageEvent>(&bytes);
    let fault = outcome.fault.unwrap();
    assert!(fault.starts_with("cannot read `IN` after row 19999; the rows before"), "{fault}");
    assert_eq!(outcome.rows.len(), 19_999);
}

#[test]
fn a_cut_last_line_counts_only_if_it_parses() {
    let csv = format!("{HEADER}1,VM.START,2026-01-31 23:59:59,2,1,9,\n2,VM.START,2026-01-");
    let outcome = read::<UsageEvent>(csv.as_bytes());
    assert_eq!((ids(&outcome), outcome.fault), (vec![1], None));
    assert_eq!(
        outcome.bad[0].1,
        "the row has 3 fields but the header has 7 (the last line has no line break: the file may \
         have been cut off)"
    );
    let whole = format!("{HEADER}1,VM.START,2026-01-31 23:59:59,2,1,9,");
    assert_eq!(ids(&read(whole.as_bytes())), [1]);
    let json = "{\"id\":1,\"account_name\":\"a\"}\n{\"id\":2,\"acc";
    let outcome = read::<Account>(json.as_bytes());
    assert_eq!((outcome.rows.len(), outcome.bad.len()), (1, 1));
    assert!(outcome.bad[0].1.ends_with("the file may have been cut off)"), "{:?}", outcome.bad);
}

#[cfg(unix)]
#[test]
fn a_named_pipe_is_read_but_not_as_parquet() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let check = |bytes: Vec<u8>| {
        let outcome = thread::scope(|scope| {
            // The reader may stop early, which breaks the pipe for the writer.
            scope.spawn(|| std::fs::write(&pipe, &bytes).ok());
            read_once::<UsageEvent>(&pipe, Chunks::of_this_machine())
        });
        (outcome.rows.len(), outcome.fault)
    };
    let events: Vec<UsageEvent> = (1..100).map(event).collect();
    assert_eq!(check(zstd(&write(&events, Format::Csv))), (99, None));
    let (rows, fault) = check(write(&events, Format::Parquet));
    assert_eq!(rows, 0);
    assert_eq!(
        fault.unwrap(),
        "`IN` is a Parquet file in a pipe, which cannot be read; its directory is at its end: \
         write it to a file and name that"
    );
}
