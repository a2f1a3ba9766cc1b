//! Bad rows in sound inputs.

use cloudtally_model::Account;

use super::*;

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
    use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};
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
