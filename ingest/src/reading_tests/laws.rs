//! Laws of all inputs.

use cloudtally_model::Account;
use proptest::prelude::*;

use super::*;

/// Text that means itself in every format: no blanks around it, not empty, not `NULL`
/// or `\N` in any case, since event types are read in capital letters.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{1,12}", "[a-z,\"\n\r ]{1,12}", "\\PC{1,12}", Just("x".repeat(300)),]
        .prop_map(|text| text.trim().to_owned())
        .prop_filter("absent", |text| !matches!(&*text.to_ascii_uppercase(), "" | "NULL" | "\\N"))
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
