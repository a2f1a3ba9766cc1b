//! Inputs as operators hand them over.

use cloudtally_model::{Account, NetworkSample};

use super::*;

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
    use arrow_array::{ArrayRef, Decimal128Array, RecordBatch, StringArray, UInt64Array};
    let reason = "column `size`: `9223372036854775808` is not a whole number from 0 to \
                  9223372036854775807";
    let check = |bytes: &[u8]| {
        let outcome = read::<UsageEvent>(bytes);
        let sizes: Vec<_> = outcome.rows.iter().map(|event| event.size).collect();
        assert_eq!(sizes, [Some(i64::MAX as u64)]);
        assert_eq!(outcome.bad.len(), 1);
        // Of a dump that has lines, the reason begins with the line.
        assert!(outcome.bad[0].0 == 2 && outcome.bad[0].1.ends_with(reason), "{:?}", outcome.bad);
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
    let wide = Decimal128Array::from(vec![i128::from(i64::MAX), 1 << 63]);
    let sizes: [ArrayRef; 3] = [
        Arc::new(UInt64Array::from(vec![i64::MAX as u64, 1 << 63])),
        Arc::new(wide.with_precision_and_scale(20, 0).unwrap()),
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
