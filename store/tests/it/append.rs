//! Events, samples and accounts come back as they went in.

use std::collections::BTreeMap;

use cloudtally_model::{
    Account, AccountId, AccountType, DeviceType, EventId, Instant, Millis, NetworkSample,
    OfferingId, ResourceId, SeriesKey, TemplateId, Text, UsageEvent, ZoneId,
};
use cloudtally_store::{KnownEvents, QuarantinedRow, SampleTable, Store, StoreError, Stream};
use proptest::{collection, option, prelude::*};

use crate::support::{
    all_events, all_samples, assert_clean, day, event, run, sample, source, writer,
};

fn text() -> impl Strategy<Value = Text> {
    "[ -~äß☁]{0,30}".prop_map(Text::from)
}

/// Numbers at both ends of their range.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..20u64, Just(i64::MAX as u64), 0..=i64::MAX as u64]
}

prop_compose! {
    fn any_event()(
        id in number(),
        event_type in "[A-Z.]{1,30}",
        created_ms in 0..3 * Millis::DAY.0,
        (account, zone, resource) in (number(), -1..=i64::MAX, number()),
        (resource_name, resource_type) in (option::of(text()), option::of(text())),
        (offering, template) in (option::of(number()), option::of(number())),
        (size, virtual_size) in (option::of(number()), option::of(number())),
    ) -> UsageEvent {
        UsageEvent {
            id: EventId(id),
            event_type: event_type.into(),
            created: day(0).start + Millis(created_ms),
            account: AccountId(account),
            zone: ZoneId::from_source(zone),
            resource: ResourceId(resource),
            resource_name,
            offering: offering.map(OfferingId),
            template: template.map(TemplateId),
            size,
            virtual_size,
            resource_type,
        }
    }
}

prop_compose! {
    fn any_sample()(
        minute in 0..4320i64,
        (account, zone, device, network) in (number(), -1..=3i64, number(), number()),
        device_type in prop_oneof![Just(""), Just("DomainRouter"), Just("Odd one")],
        address in option::of(text()),
        (bytes_sent, bytes_received, restarted) in (number(), number(), any::<bool>()),
    ) -> NetworkSample {
        NetworkSample {
            sampled: day(0).start + Millis(minute * Millis::MINUTE.0),
            series: SeriesKey {
                account: AccountId(account),
                zone: ZoneId::from_source(zone),
                device_type: DeviceType::from_name(device_type),
                device,
                network: network.into(),
                address,
            },
            bytes_sent,
            bytes_received,
            restarted,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn random_batches_come_back_exactly(
        batches in collection::vec(collection::vec(any_event(), 0..40), 1..4),
        asked in collection::vec(number(), 0..10),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let writer = writer(&store);
        let mut known = writer.known_events(&source()).unwrap();
        let mut expected = BTreeMap::new();
        for batch in batches {
            let new = |event: &UsageEvent| !expected.contains_key(&event.id.0);
            let mut news: BTreeMap<u64, UsageEvent> = BTreeMap::new();
            for event in batch.into_iter().filter(new) {
                assert!(known.among(&store, &[event.id.0]).unwrap().is_empty());
                news.insert(event.id.0, event);
            }
            expected.extend(news.clone());
            let events = news.into_values().collect();
            writer.append_events(&mut known, events, &[], &mut run(Stream::Events)).unwrap();
        }
        assert_eq!(all_events(&store), expected);
        // Known ids, as they stand in memory and as they were stored.
        let reloaded = writer.known_events(&source()).unwrap();
        let mut asked: Vec<u64> = asked.iter().chain(expected.keys()).copied().collect();
        asked.sort_unstable();
        asked.dedup();
        let mut there = asked.clone();
        there.retain(|id| expected.contains_key(id));
        assert_eq!(known.among(&store, &asked).unwrap(), there);
        assert_eq!(reloaded.among(&store, &asked).unwrap(), there);
        let ids: Vec<EventId> = expected.keys().step_by(3).map(|id| EventId(*id)).collect();
        let contents = known.contents(&store, &ids).unwrap();
        assert_eq!(contents.len(), ids.len());
        assert!(ids.iter().all(|id| contents[id] == expected[&id.0]));
        drop(writer);
        assert_clean(dir.path());
    }

    #[test]
    fn random_samples_come_back_exactly(samples in collection::vec(any_sample(), 0..60)) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let writer = writer(&store);
        let mut expected = BTreeMap::new();
        for sample in samples {
            expected.entry((sample.sampled, sample.series.clone())).or_insert(sample);
        }
        let samples: Vec<_> = expected.into_values().collect();
        let mut run = run(Stream::Samples);
        writer.append_samples(&source(), samples.clone(), &[], &mut run).unwrap();
        assert_eq!(all_samples(&store), samples);
        // Every one of them is found by its instant and series, and no other.
        let others = samples.iter().map(|sample| {
            let bytes_sent = sample.bytes_sent ^ 1;
            let series = SeriesKey { device: sample.series.device ^ 1, ..sample.series.clone() };
            let is_there = samples.iter().any(|s| s.series == series && s.sampled == sample.sampled);
            (!is_there).then_some(NetworkSample { series, bytes_sent, ..sample.clone() })
        });
        let others: Vec<NetworkSample> = others.flatten().collect();
        let asked: SampleTable = samples.iter().chain(&others).collect();
        let mut rows: Vec<u32> = (0..u32::try_from(asked.height()).unwrap()).collect();
        asked.order().sort(&mut rows);
        let found = writer.stored_counters(&source(), &asked, &rows).unwrap();
        let found: Vec<_> = found
            .into_iter()
            .map(|(place, bytes)| {
                let sample = asked.row(usize::try_from(rows[place]).unwrap());
                assert_eq!(bytes, (sample.bytes_sent, sample.bytes_received));
                sample
            })
            .collect();
        assert_eq!(found, samples);
    }
}

#[test]
fn bounds_of_events_are_half_open_and_of_samples_open_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let writer = writer(&store);
    let mut known = writer.known_events(&source()).unwrap();
    // More than a row group, so that some are skipped.
    let events: Vec<_> =
        (0..70_000).map(|id| event(id, i64::try_from(id / 100).unwrap())).collect();
    writer.append_events(&mut known, events, &[], &mut run(Stream::Events)).unwrap();
    let samples = (0..700).map(|minute| sample(1, minute)).collect();
    writer.append_samples(&source(), samples, &[], &mut run(Stream::Samples)).unwrap();
    let snapshot = store.snapshot().unwrap();
    let minute = |minute: i64| day(0).start + Millis(minute * Millis::MINUTE.0);

    let mut ids = Vec::new();
    let each = &mut |event: UsageEvent| ids.push(event.id.0);
    store.read_events(&snapshot.event_files[0], minute(690), minute(692), each).unwrap();
    assert_eq!(ids, (69_000..69_200).collect::<Vec<_>>());

    let mut sampled = Vec::new();
    let each = &mut |sample: NetworkSample| sampled.push(sample.sampled);
    store.read_samples(&snapshot.sample_files[0], minute(5), minute(7), each).unwrap();
    assert_eq!(sampled, [minute(6), minute(7)]);

    let mut none = |_| panic!("nothing lies there");
    store.read_events(&snapshot.event_files[0], minute(5), minute(5), &mut none).unwrap();
    store
        .read_events(&snapshot.event_files[0], minute(900), Instant::END_OF_TIME, &mut none)
        .unwrap();
    assert_eq!(snapshot.earliest(), Some(minute(0)));
    assert_eq!((snapshot.events_seq(), snapshot.samples_seq()), (1, 1));
}

#[test]
fn an_event_is_never_stored_twice() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let writer = writer(&store);
    let mut known = writer.known_events(&source()).unwrap();
    let mut stale = writer.known_events(&source()).unwrap();
    let append = |known: &mut KnownEvents, events| {
        writer.append_events(known, events, &[], &mut run(Stream::Events))
    };
    let refused = |known: &mut KnownEvents, events| {
        let error = append(known, events).unwrap_err();
        assert!(matches!(error, StoreError::EventTwice { .. }), "{error}");
    };
    append(&mut known, vec![event(1, 1), event(2, 2)]).unwrap();
    refused(&mut known, vec![event(2, 2)]);
    refused(&mut stale, vec![event(1, 1)]);
    refused(&mut stale, vec![event(5, 5), event(5, 6)]);
    append(&mut stale, vec![event(3, 3)]).unwrap();
    assert_eq!(all_events(&store).len(), 3);
    let twice = vec![sample(1, 1), sample(1, 1)];
    let error = writer.append_samples(&source(), twice, &[], &mut run(Stream::Samples));
    assert!(matches!(error, Err(StoreError::SampleTwice { .. })));
    drop(writer);
    assert_clean(dir.path());
}

#[test]
fn runs_and_rows_set_aside_are_kept_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let writer = writer(&store);
    let mut known = writer.known_events(&source()).unwrap();
    let aside = |row: u64| QuarantinedRow {
        source: source(),
        stream: Stream::Events,
        input: "events.csv".to_owned(),
        row,
        reason: "no such date".to_owned(),
        raw: format!("{row},VM.START,2026-02-30"),
    };
    let mut run = run(Stream::Events);
    run.finished = false;
    for rows in [vec![aside(1), aside(2)], vec![aside(2), aside(3)], vec![]] {
        run.read += rows.len() as u64;
        run.quarantined += rows.len() as u64;
        writer.append_events(&mut known, Vec::new(), &rows, &mut run).unwrap();
    }
    run.finished = true;
    writer.append_events(&mut known, Vec::new(), &[], &mut run).unwrap();
    assert_eq!(store.quarantine_count().unwrap(), 3);
    assert_eq!(store.quarantined(None, 2).unwrap(), [aside(3), aside(2)]);
    assert_eq!(store.ingest_runs(10).unwrap(), [run]);
    assert_eq!(store.snapshot().unwrap().event_files, []);
}

#[test]
fn accounts_are_inserted_updated_and_their_removals_logged() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let writer = writer(&store);
    let account = |id: u64, name: &str| Account {
        id: AccountId(id),
        name: name.into(),
        uuid: Some("a-b".into()),
        account_type: Some(AccountType::Other(9)),
        domain: Some(1.into()),
        domain_path: None,
        state: Some("enabled".into()),
        created: Some(day(0).start),
        removed: None,
    };
    let upsert = |accounts: &[Account]| {
        writer.upsert_accounts(&source(), accounts, &[], &mut run(Stream::Accounts)).unwrap()
    };
    assert!(store.accounts().unwrap().iter().next().is_none());
    assert_eq!(upsert(&[account(u64::MAX, "max"), account(2, "alice")]), 0);
    assert_eq!(upsert(&[account(2, "alice"), account(3, "carol")]), 1);
    assert_eq!(store.snapshot().unwrap().accounts_seq, 0, "nobody was removed");
    let gone = Account { removed: Some(day(1).start), ..account(2, "alice") };
    assert_eq!(upsert(&[gone.clone(), gone.clone()]), 1);
    assert_eq!(upsert(&[account(2, "alice b.")]), 0);

    let accounts = store.accounts().unwrap();
    let names: Vec<_> = accounts.iter().map(|(_, a)| (a.id.0, a.name.as_str())).collect();
    assert_eq!(names, [(2, "alice b."), (3, "carol"), (u64::MAX, "max")]);
    assert_eq!(accounts.get(&source(), AccountId(3)), Some(&account(3, "carol")));
    let removals = store.snapshot().unwrap().account_removals;
    let changes: Vec<_> = removals.iter().map(|r| (r.seq, r.before, r.after)).collect();
    let removed = Some(day(1).start);
    assert_eq!(changes, [(1, None, removed), (2, removed, None)]);
}

#[test]
fn many_small_files_become_one_with_the_same_rows() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let writer = writer(&store);
    let mut known = writer.known_events(&source()).unwrap();
    for batch in 0..20u64 {
        // Interleaved in time, so that merging has to sort.
        let events = (0..10).map(|i| event(batch * 10 + i, i64::try_from(i * 20 + batch).unwrap()));
        writer.append_events(&mut known, events.collect(), &[], &mut run(Stream::Events)).unwrap();
        let minute = i64::try_from(batch).unwrap();
        let samples = vec![sample(2, minute), sample(1, minute)];
        writer.append_samples(&source(), samples, &[], &mut run(Stream::Samples)).unwrap();
    }
    let before = store.snapshot().unwrap();
    let (events, samples) = (all_events(&store), all_samples(&store));
    writer.compact().unwrap();
    let after = store.snapshot().unwrap();
    assert_eq!((before.event_files.len(), after.event_files.len()), (20, 1));
    assert_eq!((before.sample_files.len(), after.sample_files.len()), (20, 1));
    assert_eq!((after.events_seq(), after.samples_seq()), (20, 20));
    assert_eq!(all_events(&store), events);
    assert_eq!(all_samples(&store), samples);
    // A reader with the older view finds its files, and ids are found in the new one.
    store
        .read_events(&before.event_files[0], Instant::EPOCH, Instant::END_OF_TIME, &mut |_| {})
        .unwrap();
    let contents = known.contents(&store, &[EventId(7), EventId(199)]).unwrap();
    assert_eq!(contents[&EventId(199)], events[&199]);
    writer.compact().unwrap();
    assert_eq!(store.snapshot().unwrap().event_files, after.event_files, "nothing left to do");
    drop(writer);
    assert_clean(dir.path());
}
