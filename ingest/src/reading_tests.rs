//! Inputs of every kind, sound and broken, up to the batches that would go to
//! the lake. What the lake makes of them is tested in `tests/it`.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, mpsc::sync_channel},
    thread,
};

use arrow::{
    array::{ArrayRef, Int64Array, StringArray},
    record_batch::RecordBatch,
};
use cloudtally_model::{Account, AccountType, DeviceType, Instant, NetworkSample, UsageEvent};
use parquet::{arrow::ArrowWriter, file::properties::WriterProperties};
use proptest::prelude::*;

use crate::{
    Input,
    decode::Decode,
    plausible::Plausible,
    run::decode,
    table::Row,
    write::{Format, RowWriter},
};

/// The result of reading an input.
#[derive(Debug, PartialEq)]
struct Outcome<T> {
    rows: Vec<T>,
    /// Row number, reason, raw text.
    bad: Vec<(u64, String, String)>,
    /// The error with its causes, the input called `IN`.
    fault: Option<String>,
}

/// All of the years that the tests use.
fn plausible() -> Plausible {
    Plausible::at(at("2999-12-31 00:00:00"))
}

fn read_file<T: Decode>(path: &Path) -> Outcome<T> {
    let inputs = [Input::File(path.to_owned())];
    let mut outcome = Outcome { rows: Vec::new(), bad: Vec::new(), fault: None };
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(0);
        let decoder = scope.spawn(|| decode::<T>(&inputs, &Arc::default(), sender, plausible()));
        for batch in receiver {
            let bad = batch.bad.into_iter().map(|bad| (bad.place.row, bad.reason, bad.raw));
            outcome.bad.extend(bad);
            outcome.rows.extend(batch.rows);
        }
        let fault = decoder.join().unwrap().err();
        outcome.fault = fault.map(|fault| {
            let mut text = fault.to_string().replace(&path.display().to_string(), "IN");
            let mut error: &dyn std::error::Error = &fault;
            while let Some(cause) = error.source() {
                text.push_str(&format!(": {cause}"));
                error = cause;
            }
            text
        });
    });
    outcome
}

fn read<T: Decode>(bytes: &[u8]) -> Outcome<T> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    read_file(file.path())
}

fn write<T: Row>(rows: &[T], format: Format) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut writer = RowWriter::create(file.path(), format).unwrap();
    rows.iter().for_each(|row| writer.write(row).unwrap());
    writer.finish().unwrap();
    std::fs::read(file.path()).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn event(id: u64) -> UsageEvent {
    UsageEvent {
        id: id.into(),
        event_type: "VM.START".into(),
        created: at("2026-01-31 23:59:59"),
        account: 2u64.into(),
        zone: cloudtally_model::ZoneId::from_source(1),
        resource: 9u64.into(),
        resource_name: None,
        offering: None,
        template: None,
        size: None,
        virtual_size: None,
        resource_type: None,
    }
}

const HEADER: &str = "id,type,created,account_id,zone_id,resource_id,resource_name\n";

fn ids(outcome: &Outcome<UsageEvent>) -> Vec<u64> {
    outcome.rows.iter().map(|event| event.id.0).collect()
}

// ---- sound inputs ---------------------------------------------------------

#[test]
fn a_dump_as_mysql_writes_it() {
    let csv = "\u{feff}\"id\",\"type\",\"created\",\"account_id\",\"zone_id\",\"resource_id\",\
               \"resource_name\",\"offering_id\",\"template_id\",\"size\",\"resource_type\",\
               \"processed\",\"virtual_size\"\r\n\
               \"1\",\"VM.CREATE\",\"2026-01-31 23:59:59\",\"2\",\"1\",\"10\",\"web, \"\"1\"\"\",\
               \"12\",\"201\",NULL,\"KVM\",\"1\",\\N\r\n\
               \r\n\
               2,VPN.USER.ADD,2026-02-01T00:00:00.25+01:00,3,-1,11,\"two\nlines\",,,,,0,7\r\n";
    let outcome = read::<UsageEvent>(csv.as_bytes());
    assert_eq!((outcome.fault, outcome.bad), (None, vec![]));
    let [first, second] = &outcome.rows[..] else { panic!("{:?}", outcome.rows) };
    let expected = UsageEvent {
        event_type: "VM.CREATE".into(),
        resource: 10u64.into(),
        resource_name: Some("web, \"1\"".into()),
        offering: Some(12u64.into()),
        template: Some(201u64.into()),
        resource_type: Some("KVM".into()),
        ..event(1)
    };
    assert_eq!(*first, expected);
    assert_eq!(second.resource_name.as_deref(), Some("two\nlines"));
    assert_eq!(second.created, at("2026-01-31 23:00:00.250"));
    assert!(second.zone.is_none());
    assert_eq!(second.virtual_size, Some(7));
}

#[test]
fn json_lines_by_hand() {
    let json = "{\"ID\": \"1\", \"type\": \"VM.START\", \"created\": \"2026-01-31 23:59:59\", \
                \"account_id\": 2.0, \"zone_id\": 1, \"resource_id\": 9, \"size\": null, \
                \"other\": {\"a\": [1, {}]}, \"resource_name\": \"NULL\"}\r\n\
                \n\
                {\"resource_id\":9,\"zone_id\":1,\"account_id\":2,\"resource_name\":77,\
                \"created\":\"2026-01-31\\u002023:59:59\",\"type\":\"VM.START\",\"id\":2}";
    let outcome = read::<UsageEvent>(json.as_bytes());
    let second = UsageEvent { resource_name: Some("77".into()), ..event(2) };
    assert_eq!(outcome, Outcome { rows: vec![event(1), second], bad: vec![], fault: None });
}

#[test]
fn samples_and_accounts_by_hand() {
    let samples = "sampled,account_id,zone_id,device_id,device_type,network_id,bytes_sent,\
                   bytes_received,address\n\
                   2026-01-01 00:05:00,2,1,4,DomainRouter,204,10,20,\n\
                   2026-01-01 00:05:00,2,1,5,,,9223372036854775807,0,10.1.1.1\n";
    let outcome = read::<NetworkSample>(samples.as_bytes());
    assert_eq!((outcome.fault, outcome.bad), (None, vec![]));
    assert_eq!(outcome.rows[0].series.device_type, DeviceType::DomainRouter);
    assert_eq!(outcome.rows[0].series.network.0, 204);
    assert_eq!(outcome.rows[1].series.device_type, DeviceType::Unknown);
    assert_eq!(outcome.rows[1].series.network.0, 0);
    assert_eq!(outcome.rows[1].series.address.as_deref(), Some("10.1.1.1"));
    assert_eq!(outcome.rows[1].bytes_sent, i64::MAX as u64);

    let accounts = "account_name,id,type,removed\nadmin,2,1,\nacme,3,5,2026-01-02 00:00:00\n";
    let outcome = read::<Account>(accounts.as_bytes());
    assert_eq!((outcome.fault, outcome.bad), (None, vec![]));
    assert_eq!(outcome.rows[0].account_type, Some(AccountType::RootAdmin));
    assert_eq!(outcome.rows[1].account_type, Some(AccountType::Project));
    assert_eq!(outcome.rows[1].removed, Some(at("2026-01-02 00:00:00")));
}

#[test]
fn every_format_in_every_compression() {
    let events: Vec<UsageEvent> = (1..500).map(event).collect();
    for format in Format::ALL {
        let plain = write(&events, format);
        assert_eq!(read::<UsageEvent>(&plain).rows, events, "{format:?}");
        if format == Format::Parquet {
            continue;
        }
        let (head, tail) = plain.split_at(plain.len() / 2);
        let members = [gzip(head), gzip(tail)].concat();
        let frames = [zstd(head), zstd(tail)].concat();
        let skippable = [&b"\x50\x2a\x4d\x18\x02\x00\x00\x00ab"[..], &zstd(&plain)].concat();
        for bytes in [gzip(&plain), zstd(&plain), members, frames, skippable] {
            let outcome = read::<UsageEvent>(&bytes);
            assert_eq!((outcome.rows, outcome.fault), (events.clone(), None), "{format:?}");
        }
    }
}

#[test]
fn parquet_of_other_tools() {
    let fixtures = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures"));
    let expected = vec![
        UsageEvent {
            event_type: "VM.CREATE".into(),
            resource: 10u64.into(),
            resource_name: Some("web, 1".into()),
            offering: Some(12u64.into()),
            template: Some(201u64.into()),
            resource_type: Some("KVM".into()),
            ..event(1)
        },
        UsageEvent {
            event_type: "VOLUME.CREATE".into(),
            created: at("2026-02-01 00:00:00.250"),
            resource: 11u64.into(),
            resource_name: Some("ROOT-10".into()),
            size: Some(21_474_836_480),
            ..event(2)
        },
        UsageEvent {
            event_type: "VPN.USER.ADD".into(),
            created: at("2026-02-01 12:00:00"),
            account: 3u64.into(),
            zone: cloudtally_model::ZoneId::NONE,
            resource: 12u64.into(),
            ..event(3)
        },
    ];
    for name in ["pandas", "pandas-typed", "arrow", "spark", "duckdb", "duckdb-text"] {
        let outcome = read_file::<UsageEvent>(&fixtures.join(format!("{name}.parquet")));
        let sound = Outcome { rows: expected.clone(), bad: vec![], fault: None };
        assert_eq!(outcome, sound, "{name}");
    }
    let outcome = read_file::<Account>(&fixtures.join("duckdb-accounts.parquet"));
    let [account] = &outcome.rows[..] else { panic!("{outcome:?}") };
    assert_eq!(account.uuid.as_deref(), Some("0b6a1c1e-51d5-4a0c-8d0e-0123456789ab"));
    assert_eq!(account.created, Some(at("2026-01-01 00:00:00")));
}

// ---- bad rows ---------------------------------------------------------------

fn check_bad(row: &str, reason: &str) {
    let good = "VM.START,2026-01-31 23:59:59,2,1,9,\n";
    let csv = format!("{HEADER}1,{good}{row}\n3,{good}");
    let outcome = read::<UsageEvent>(csv.as_bytes());
    assert_eq!(outcome.bad, [(2, reason.to_owned(), row.to_owned())], "{row}");
    assert_eq!((outcome.fault, outcome.rows), (None, vec![event(1), event(3)]), "{row}");
}

#[test]
fn bad_csv_rows_are_set_aside_with_the_reason() {
    check_bad("2", "the row has 1 field but the header has 7");
    check_bad(
        "2,VM.START,2026-01-31 23:59:59,2,1,9,a,b",
        "the row has 8 fields but the header has 7",
    );
    check_bad(
        "x,VM.START,2026-01-31 23:59:59,2,1,9,",
        "column `id`: `x` is not a whole number from 0 to 9223372036854775807",
    );
    check_bad(
        "2,VM.START,2026-01-31 23:59:59,-2,1,9,",
        "column `account_id`: `-2` is not a whole number from 0 to 9223372036854775807",
    );
    check_bad(
        "2,VM.START,2026-01-31 23:59:59,2,1.5,9,",
        "column `zone_id`: `1.5` is not a whole number from -9223372036854775808 to \
         9223372036854775807",
    );
    check_bad(
        "2,VM.START,0000-00-00 00:00:00,2,1,9,",
        "column `created`: `0000-00-00 00:00:00` is not an instant: there is no such date or time \
         of day",
    );
    check_bad(
        "2,VM.START,31.01.2026,2,1,9,",
        "column `created`: `31.01.2026` is not an instant; write `2026-01-31 23:59:59` (UTC) or \
         `2026-01-31T23:59:59+01:00`",
    );
    check_bad(
        "2,NULL,2026-01-31 23:59:59,2,1,9,",
        "column `type` has no value, but every row needs one",
    );
    check_bad(
        "2,VM.START,2026-01-31 23:59:59,2,1,9,\"a\"b",
        "a quoted field goes on after its closing quote; double the quotes inside a field",
    );
}

#[test]
fn invalid_utf8_is_a_bad_row() {
    let mut csv = HEADER.as_bytes().to_vec();
    csv.extend_from_slice(b"1,VM.START,2026-01-31 23:59:59,2,1,9,\xff\n");
    csv.extend_from_slice(b"2,VM.START,2026-01-31 23:59:59,2,1,9,\n");
    let outcome = read::<UsageEvent>(&csv);
    let reason = "column `resource_name`: `\u{fffd}` is not valid UTF-8";
    assert_eq!(outcome.bad[0].1, reason);
    assert_eq!(outcome.bad[0].2, "1,VM.START,2026-01-31 23:59:59,2,1,9,\u{fffd}");
    assert_eq!(outcome.rows, [event(2)]);
}

#[test]
fn an_unclosed_quote_costs_one_line() {
    let good = "VM.START,2026-01-31 23:59:59,2,1,9,";
    let broken = "2,VM.START,2026-01-31 23:59:59,2,1,9,\"five inch";
    for rest in ["", "4,VM.START,2026-01-31 23:59:59,2,1,9,\"quoted\"\n"] {
        let csv = format!("{HEADER}1,{good}\n{broken}\n3,{good}\n{rest}");
        let outcome = read::<UsageEvent>(csv.as_bytes());
        assert_eq!(outcome.bad.len(), 1, "{outcome:?}");
        assert_eq!((outcome.bad[0].0, &*outcome.bad[0].2), (2, broken));
        let expected: &[u64] = if rest.is_empty() { &[1, 3] } else { &[1, 3, 4] };
        assert_eq!(ids(&outcome), expected);
    }
    // So many lines that the quote cannot be closed within a row's bound.
    let many: String = (3..40_000).map(|id| format!("{id},{good}\n")).collect();
    let outcome = read::<UsageEvent>(format!("{HEADER}1,{good}\n{broken}\n{many}").as_bytes());
    assert_eq!((outcome.bad.len(), outcome.rows.len()), (1, 39_998));
    assert_eq!(outcome.bad[0].1, "the row is longer than 1048576 bytes; a quote may be missing");
}

#[test]
fn raw_text_is_bounded() {
    let long = "x".repeat(10_000);
    let csv = format!("{HEADER}1,VM.START,no,2,1,9,{long}\n");
    let (_, reason, raw) = read::<UsageEvent>(csv.as_bytes()).bad.remove(0);
    assert!(reason.starts_with("column `created`: `no` is not an instant"), "{reason}");
    assert!(raw.len() <= 4096 && raw.starts_with("1,VM.START") && raw.ends_with("xx ..."));

    // One line beyond all bounds, without an end.
    let json = format!("{{\"id\":1}}\n{}\n{{}}", "y".repeat(3_000_000));
    let outcome =
        read::<Account>(format!("{{\"account_name\":\"a\",\"id\":1}}\n{json}").as_bytes());
    let reasons: Vec<&str> = outcome.bad.iter().map(|(_, reason, _)| &**reason).collect();
    assert_eq!(reasons[1], "the line is longer than 1048576 bytes");
    assert_eq!((outcome.rows.len(), outcome.bad.len()), (1, 3));
}

#[test]
fn bad_json_lines_are_set_aside_with_the_reason() {
    let good = "\"type\":\"VM.START\",\"created\":\"2026-01-31 23:59:59\",\"account_id\":2,\
                \"zone_id\":1,\"resource_id\":9}";
    for (line, reason) in [
        ("{\"id\":2", "the line is no JSON object: EOF while parsing an object at column 7"),
        (
            "[1]",
            "the line is no JSON object: invalid type: sequence, expected an object in braces at column 0",
        ),
        ("{} {}", "the line is no JSON object: trailing characters at column 4"),
        ("{}", "column `id` has no value, but every row needs one"),
        (
            "{\"id\":true}",
            "column `id`: `true` is not a whole number from 0 to 9223372036854775807",
        ),
        ("{\"id\":-1}", "column `id`: `-1` is not a whole number from 0 to 9223372036854775807"),
        ("{\"id\":1,\"ID\":1}", "column `id` occurs twice"),
        ("{\"id\":1,\"type\":[]}", "column `type`: a list is not text"),
        (
            "{\"id\":1,\"type\":\"a\",\"created\":1769903999}",
            "column `created`: `1769903999` is not an instant; write `2026-01-31 23:59:59` (UTC)",
        ),
    ] {
        let json = format!("{{\"id\":1,{good}\n{line}\n{{\"id\":3,{good}\n");
        let outcome = read::<UsageEvent>(json.as_bytes());
        assert_eq!(outcome.bad, [(2, reason.to_owned(), line.to_owned())]);
        assert_eq!((outcome.fault, outcome.rows), (None, vec![event(1), event(3)]), "{line}");
    }
}

#[test]
fn bad_parquet_rows_are_set_aside_with_their_values() {
    use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
    let ids: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), Some(1.5), None]));
    let names: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c"]));
    let batch = RecordBatch::try_from_iter([("id", ids), ("account_name", names)]).unwrap();
    let mut bytes = Vec::new();
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let outcome = read::<Account>(&bytes);
    assert_eq!(outcome.rows.len(), 1);
    assert_eq!(
        outcome.bad,
        [
            (
                2,
                "column `id`: `1.5` is not a whole number from 0 to 9223372036854775807".into(),
                "id=`1.5`, account_name=`b`".into()
            ),
            (
                3,
                "column `id` has no value, but every row needs one".into(),
                "account_name=`c`".into()
            ),
        ]
    );
}

// ---- inputs that are refused or cut off ------------------------------------

fn check_fault(bytes: &[u8], expected: &str) {
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
    use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
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
                 `account_id`, `zone_id`, `resource_id` (or JSON Lines or Parquet)";
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
            read_file::<UsageEvent>(&pipe)
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

#[test]
fn batches_are_bounded() {
    let rows = crate::BATCH_ROWS_MAX + 10;
    let row = ",VM.START,2026-01-31 23:59:59,2,1,9,\n";
    let csv: String = (0..rows).fold(HEADER.to_owned(), |csv, id| csv + &id.to_string() + row);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(csv.as_bytes()).unwrap();
    let inputs = [Input::File(file.path().to_owned()), Input::File(file.path().to_owned())];
    let sizes: Vec<usize> = thread::scope(|scope| {
        let (sender, receiver) = sync_channel(0);
        scope.spawn(|| decode::<UsageEvent>(&inputs, &Arc::default(), sender, plausible()));
        receiver.into_iter().map(|batch| batch.rows.len()).collect()
    });
    assert_eq!(sizes, [crate::BATCH_ROWS_MAX, crate::BATCH_ROWS_MAX, 20]);
}

#[test]
fn batches_of_long_rows_are_smaller() {
    let name = "n".repeat(50_000);
    let row = format!(",VM.START,2026-01-31 23:59:59,2,1,9,{name}\n");
    let csv = (0..2000).fold(HEADER.to_owned(), |csv, id| csv + &id.to_string() + &row);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(csv.as_bytes()).unwrap();
    let inputs = [Input::File(file.path().to_owned())];
    let sizes: Vec<usize> = thread::scope(|scope| {
        let (sender, receiver) = sync_channel(0);
        scope.spawn(|| decode::<UsageEvent>(&inputs, &Arc::default(), sender, plausible()));
        receiver.into_iter().map(|batch| batch.rows.len()).collect()
    });
    assert_eq!(sizes, [1342, 658]);
}

// ---- what operators hand over ---------------------------------------------

#[test]
fn the_output_of_mysql_batch_is_read_as_it_is() {
    let tsv = b"id\ttype\tcreated\taccount_id\tzone_id\tresource_id\tresource_name\tsize\n\
                1\tVM.START\t2026-01-31 23:59:59\t2\t1\t9\tsay \"hi\", twice\tNULL\n\
                2\tVM.START\t2026-01-31 23:59:59\t2\t1\t9\tcarriage\rreturn\t7\n\
                3\tVM.START\t2026-01-31 23:59:59\t2\t1\t9\ttab\\tline\\nback\\\\slash\tNULL\n\
                \n\
                4\tVM.START\t2026-01-31 23:59:59\t2\t1\t9\n\
                5\tVM.START\t2026-01-31 23:59:59\t2\t1\t9\t\"open\tNULL";
    let outcome = read::<UsageEvent>(tsv);
    assert_eq!(ids(&outcome), [1, 2, 3, 5]);
    let names: Vec<&str> =
        outcome.rows.iter().filter_map(|event| event.resource_name.as_deref()).collect();
    let expected = ["say \"hi\", twice", "carriage\rreturn", "tab\tline\nback\\slash", "\"open"];
    assert_eq!(names, expected);
    assert_eq!(outcome.rows[1].size, Some(7));
    let [(4, reason, raw)] = &outcome.bad[..] else { panic!("{:?}", outcome.bad) };
    assert_eq!(reason, "line 6: the row has 6 fields but the header has 8");
    assert!(raw.starts_with("4\tVM.START"), "{raw}");
    assert_eq!(outcome.fault, None);
}

#[test]
fn tabs_with_line_ends_of_windows() {
    let tsv = b"id\ttype\tcreated\taccount_id\tzone_id\tresource_id\r\n\
                1\tVM.START\t2026-01-31 23:59:59\t2\t1\t9\r\n";
    assert_eq!(read::<UsageEvent>(tsv).rows, [event(1)]);
}

#[test]
fn event_types_have_no_case_and_no_blanks_around() {
    let csv = format!("{HEADER}1, vm.Start ,2026-01-31 23:59:59,2,1,9,\n");
    assert_eq!(read::<UsageEvent>(csv.as_bytes()).rows, [event(1)]);
}

#[test]
fn numbers_beyond_63_bits_are_set_aside() {
    let samples = "sampled,account_id,zone_id,device_id,bytes_sent,bytes_received\n\
                   2026-01-01 00:05:00,2,1,4,18446744073709551615,0\n\
                   2026-01-01 00:10:00,2,1,4,9223372036854775807,0\n";
    let outcome = read::<NetworkSample>(samples.as_bytes());
    assert_eq!(outcome.rows.len(), 1);
    assert_eq!(
        outcome.bad[0].1,
        "column `bytes_sent`: `18446744073709551615` is not a whole number from 0 to \
         9223372036854775807"
    );
}

#[test]
fn numbers_beyond_63_bits_are_set_aside_in_every_format() {
    use arrow::array::{ArrayRef, Decimal128Array, RecordBatch, StringArray, UInt64Array};
    let reason = "column `size`: `9223372036854775808` is not a whole number from 0 to \
                  9223372036854775807";
    let check = |bytes: &[u8]| {
        let outcome = read::<UsageEvent>(bytes);
        let sizes: Vec<_> = outcome.rows.iter().map(|event| event.size).collect();
        assert_eq!(sizes, [Some(i64::MAX as u64)]);
        assert_eq!(outcome.bad.len(), 1);
        assert_eq!((outcome.bad[0].0, outcome.bad[0].1.as_str()), (2, reason));
    };
    let columns = ["id", "type", "created", "account_id", "zone_id", "resource_id", "size"];
    let row = |id: &str, size: &str| {
        [id, "VOLUME.CREATE", "2026-01-31 23:59:59", "2", "1", "9", size].map(str::to_owned)
    };
    let rows = [row("1", "9223372036854775807"), row("2", "9223372036854775808")];
    let lines = |separator: &str| {
        let lines = rows.iter().map(|row| row.join(separator));
        let all: Vec<String> = std::iter::once(columns.join(separator)).chain(lines).collect();
        format!("{}\n", all.join("\n"))
    };
    check(lines(",").as_bytes());
    check(lines("\t").as_bytes());
    let json = rows.iter().map(|row| {
        let fields = columns.iter().zip(row).map(|(name, value)| match value.parse::<u64>() {
            Ok(number) => format!("\"{name}\":{number}"),
            Err(_) => format!("\"{name}\":\"{value}\""),
        });
        format!("{{{}}}\n", fields.collect::<Vec<_>>().join(","))
    });
    check(json.collect::<String>().as_bytes());
    // As Parquet: unsigned, as a decimal, which is how others write unsigned, and as text.
    let sizes: [ArrayRef; 3] = [
        Arc::new(UInt64Array::from(vec![i64::MAX as u64, 1 << 63])),
        Arc::new(Decimal128Array::from(vec![i128::from(i64::MAX), 1 << 63])),
        Arc::new(StringArray::from(vec!["9223372036854775807", "9223372036854775808"])),
    ];
    for size in sizes {
        let texts = columns.iter().enumerate().take(columns.len() - 1).map(|(at, name)| {
            let values: Vec<&str> = rows.iter().map(|row| row[at].as_str()).collect();
            (*name, Arc::new(StringArray::from(values)) as ArrayRef)
        });
        let all: Vec<_> = texts.chain([("size", size)]).collect();
        let batch = RecordBatch::try_from_iter(all).unwrap();
        let mut bytes = Vec::new();
        let mut writer =
            parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        check(&bytes);
    }
}

#[test]
fn a_counter_that_says_it_restarted_says_so_in_every_format() {
    let csv = "sampled,account_id,zone_id,device_id,bytes_sent,bytes_received,restarted\n\
               2026-01-01 00:05:00,2,1,4,0,0,true\n\
               2026-01-01 00:10:00,2,1,4,7,0,\n\
               2026-01-01 00:15:00,2,1,4,9,0,0\n\
               2026-01-01 00:20:00,2,1,4,9,0,perhaps\n";
    let outcome = read::<NetworkSample>(csv.as_bytes());
    let said: Vec<bool> = outcome.rows.iter().map(|sample| sample.restarted).collect();
    assert_eq!(said, [true, false, false]);
    assert_eq!(outcome.bad[0].1, "column `restarted`: `perhaps` is neither `true` nor `false`");
    for format in Format::ALL {
        let again = read::<NetworkSample>(&write(&outcome.rows, format));
        assert_eq!(
            (&again.rows, again.bad, again.fault),
            (&outcome.rows, vec![], None),
            "{format:?}"
        );
    }
}

#[test]
fn instants_that_nobody_can_mean_are_set_aside() {
    let row = |id: u64, created: &str| format!("{id},VM.START,{created},2,1,9,\n");
    let csv = [
        HEADER.to_owned(),
        row(1, "1970-01-01 00:00:00"),
        row(2, "2026-01-31 23:59:59"),
        row(3, "3062-01-31 23:59:59"),
    ]
    .concat();
    let outcome = read::<UsageEvent>(csv.as_bytes());
    assert_eq!(outcome.rows.iter().map(|event| event.id.0).collect::<Vec<_>>(), [2]);
    let rows: Vec<u64> = outcome.bad.iter().map(|(row, ..)| *row).collect();
    assert_eq!(rows, [1, 3]);
}

#[test]
fn gaps_of_other_tools_are_no_values() {
    let accounts = "id,account_name,type,created,removed,state\n\
                    3,NA,NaN,0000-00-00 00:00:00,0000-00-00 00:00:00,enabled\n\
                    4,null,na, NULL,null,NULL\n";
    let outcome = read::<Account>(accounts.as_bytes());
    assert_eq!((outcome.bad, outcome.fault), (vec![], None));
    let [first, second] = &outcome.rows[..] else { panic!("{:?}", outcome.rows) };
    assert_eq!((&*first.name, &*second.name), ("NA", "null"));
    for account in &outcome.rows {
        assert_eq!((account.account_type, account.created, account.removed), (None, None, None));
    }
    assert_eq!((first.state.as_deref(), &second.state), (Some("enabled"), &None));
}

#[test]
fn an_account_removed_before_it_was_created_is_set_aside() {
    let accounts = "id,account_name,created,removed\n\
                    3,acme,2026-02-01 00:00:00,2026-01-01 00:00:00\n\
                    4,fine,2026-01-01 00:00:00,2026-01-01 00:00:00\n";
    let outcome = read::<Account>(accounts.as_bytes());
    assert_eq!(outcome.rows.len(), 1);
    assert_eq!(
        outcome.bad[0].1,
        "column `removed`: `2026-01-01T00:00:00Z` lies before `created`, `2026-02-01T00:00:00Z`; \
         correct one of them, or leave both empty"
    );
}

/// A Parquet file of one column of texts beside the required ones.
fn parquet_of_names(names: &[&str], properties: WriterProperties) -> Vec<u8> {
    let numbers = |from: i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values((0..names.len()).map(|_| from)))
    };
    let texts = |text: &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values((0..names.len()).map(|_| text)))
    };
    let ids: ArrayRef =
        Arc::new(Int64Array::from_iter_values(1..=i64::try_from(names.len()).unwrap()));
    let batch = RecordBatch::try_from_iter([
        ("id", ids),
        ("type", texts("VM.START")),
        ("created", texts("2026-01-31 23:59:59")),
        ("account_id", numbers(2)),
        ("zone_id", numbers(1)),
        ("resource_id", numbers(9)),
        ("resource_name", Arc::new(StringArray::from(names.to_vec())) as ArrayRef),
    ])
    .unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn one_long_text_named_by_every_row_takes_its_own_size_in_memory() {
    // 8000 rows of 100 000 bytes are 800 MB once they are apart.
    let long = "x".repeat(100_000);
    let bytes = parquet_of_names(&vec![&*long; 8000], WriterProperties::builder().build());
    assert!(bytes.len() < 300_000, "{}", bytes.len());
    let outcome = read::<UsageEvent>(&bytes);
    assert_eq!((outcome.rows.len(), outcome.bad.len(), outcome.fault), (0, 8000, None));
    assert!(outcome.bad.iter().all(|(_, reason, raw)| {
        reason.ends_with("...` is longer than 65536 bytes") && raw.len() <= 4096
    }));

    // Texts that may be as long as that fill batches by their bytes.
    let name = "y".repeat(60_000);
    let bytes = parquet_of_names(&vec![&*name; 3000], WriterProperties::builder().build());
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    let inputs = [Input::File(file.path().to_owned())];
    let sizes: Vec<usize> = thread::scope(|scope| {
        let (sender, receiver) = sync_channel(0);
        scope.spawn(|| decode::<UsageEvent>(&inputs, &Arc::default(), sender, plausible()));
        receiver.into_iter().map(|batch| batch.rows.len()).collect()
    });
    assert_eq!(sizes, [1117, 1117, 766]);
}

#[test]
fn a_codec_that_is_not_read_is_named() {
    // The number of the codec in the directory of an uncompressed file, made brotli's.
    let bytes =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/brotli.parquet"))
            .unwrap();
    check_fault(
        &bytes,
        "the column `id` of `IN` is compressed with BROTLI, which is not read; write the file \
         with zstd, snappy, gzip or lz4",
    );
}

// ---- laws -------------------------------------------------------------------

/// Text that means itself in every format: no blanks around it, not empty, not `NULL`
/// or `\N`.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{1,12}", "[a-z,\"\n\r ]{1,12}", "\\PC{1,12}", Just("x".repeat(300)),]
        .prop_map(|text| text.trim().to_owned())
        .prop_filter("absent", |text| !matches!(&**text, "" | "NULL" | "\\N"))
}

/// A number that every reader of the lake holds.
fn number() -> impl Strategy<Value = u64> {
    0..=i64::MAX as u64
}

prop_compose! {
    fn any_event()(
        (id, account, resource) in (number(), number(), number()),
        zone in any::<i64>(),
        millis in 946_684_800_000..32_503_593_600_000i64,
        event_type in text(),
        resource_name in proptest::option::of(text()),
        resource_type in proptest::option::of(text()),
        numbers in prop::array::uniform4(proptest::option::of(number())),
    ) -> UsageEvent {
        UsageEvent {
            id: id.into(),
            event_type: event_type.to_ascii_uppercase().into(),
            created: Instant::from_millis(millis),
            account: account.into(),
            zone: cloudtally_model::ZoneId::from_source(zone),
            resource: resource.into(),
            resource_name: resource_name.map(Into::into),
            offering: numbers[0].map(Into::into),
            template: numbers[1].map(Into::into),
            size: numbers[2],
            virtual_size: numbers[3],
            resource_type: resource_type.map(Into::into),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_same_rows_mean_the_same_in_every_format(
        events in proptest::collection::vec(any_event(), 0..20)
    ) {
        for format in Format::ALL {
            let bytes = write(&events, format);
            if events.is_empty() && format == Format::JsonLines {
                continue; // An empty file, which has no columns.
            }
            let sound = Outcome { rows: events.clone(), bad: vec![], fault: None };
            prop_assert_eq!(read::<UsageEvent>(&bytes), sound, "{:?}", format);
            if format != Format::Parquet {
                let outcome = read::<UsageEvent>(&zstd(&bytes));
                prop_assert_eq!(&outcome.rows, &events);
            }
        }
    }

    #[test]
    fn our_rows_without_broken_quotes_are_the_csv_crates_rows(
        rows in proptest::collection::vec("[a,\"\n]{0,20}", 1..8)
    ) {
        // Any text after a header of two columns; compare where quotes are sound.
        let body = rows.join("\n");
        let csv = format!("id,account_name\n{body}\n");
        let mut theirs = csv::ReaderBuilder::new().flexible(true).from_reader(csv.as_bytes());
        let records: Vec<csv::StringRecord> = theirs.records().map(Result::unwrap).collect();
        let outcome = read::<Account>(csv.as_bytes());
        let has_broken = outcome.bad.iter().any(|(_, reason, _)| reason.contains("quote"));
        if !has_broken {
            prop_assert_eq!(outcome.rows.len() + outcome.bad.len(), records.len());
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        read::<UsageEvent>(&bytes);
        for magic in [&b"\x1f\x8b\x08\x00"[..], b"\x28\xb5\x2f\xfd", b"PAR1", b"{", HEADER.as_bytes()] {
            read::<UsageEvent>(&[magic, &bytes].concat());
        }
    }

    #[test]
    fn damaged_files_never_panic(
        format in prop_oneof![
            Just(Format::Csv), Just(Format::JsonLines), Just(Format::Parquet), Just(Format::Parquet)
        ],
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        compress in any::<bool>(),
    ) {
        let events: Vec<UsageEvent> = (1..50).map(event).collect();
        let mut bytes = write(&events, format);
        if compress && format != Format::Parquet {
            bytes = gzip(&bytes);
        }
        for (index, value) in damage {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        read::<UsageEvent>(&bytes);
    }
}
