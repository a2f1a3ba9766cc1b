//! The sizes of batches, and of what files ask for.

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use parquet::{arrow::ArrowWriter, file::properties::WriterProperties};

use super::{refused::check_fault, *};

#[test]
fn batches_are_bounded() {
    let rows = crate::BATCH_ROWS_MAX + 10;
    let row = ",VM.START,2026-01-31 23:59:59,2,1,9,\n";
    let csv: String = (0..rows).fold(HEADER.to_owned(), |csv, id| csv + &id.to_string() + row);
    let sizes = batch_sizes(csv.as_bytes(), 2);
    assert_eq!(sizes, [crate::BATCH_ROWS_MAX, crate::BATCH_ROWS_MAX, 20]);
}

#[test]
fn batches_of_long_rows_are_smaller() {
    let name = "n".repeat(50_000);
    let row = format!(",VM.START,2026-01-31 23:59:59,2,1,9,{name}\n");
    let csv = (0..2000).fold(HEADER.to_owned(), |csv, id| csv + &id.to_string() + &row);
    let sizes = batch_sizes(csv.as_bytes(), 1);
    assert_eq!(sizes, [1342, 658]);
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
    assert_eq!(batch_sizes(&bytes, 1), [1117, 1117, 766]);
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
