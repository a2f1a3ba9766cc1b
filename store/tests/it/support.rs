//! Small worlds to test with, and one way of asking a folder for all it holds.

use std::{collections::BTreeMap, path::Path, time::Duration};

use cloudtally_model::port::Journal;
use cloudtally_model::{
    AccountId, Attributes, DeviceType, EventId, Instant, Millis, NetworkSample, NicId, OfferingId,
    Period, ResourceId, Segment, SeriesKey, SourceId, SourceName, TemplateId, UsageEvent,
    UsageRecord, UsageTypeId, ZoneId,
};
use cloudtally_store::{
    BilledCounter, IngestRun, LockWait, RecordFilter, RecordWindow, ServedRecord, Store,
    StoreError, Stream, Writer,
};

pub(crate) const ALL: RecordWindow =
    RecordWindow { from: Instant::EPOCH, to: Instant::END_OF_TIME };

pub(crate) fn source() -> SourceName {
    SourceName::new("default").unwrap()
}

pub(crate) fn writer(store: &Store) -> Writer {
    try_writer(store).unwrap()
}

pub(crate) fn try_writer(store: &Store) -> Result<Writer, StoreError> {
    store.writer(LockWait { limit: Duration::from_secs(20), on_wait: &mut || {} })
}

pub(crate) fn run(stream: Stream) -> IngestRun {
    IngestRun {
        id: None,
        started_ms: 1,
        source: source(),
        stream,
        inputs: "test".to_owned(),
        read: 0,
        accepted: 0,
        duplicate: 0,
        quarantined: 0,
        finished: true,
        taken: None,
    }
}

/// Day `day` of 2026, beginning at 1 January.
pub(crate) fn day(day: i64) -> Period {
    let start = Instant::parse("2026-01-01 00:00:00").unwrap() + Millis(day * Millis::DAY.0);
    Period { start, end: start + Millis::DAY }
}

/// Event `id`, `minute` minutes into 2026.
pub(crate) fn event(id: u64, minute: i64) -> UsageEvent {
    UsageEvent {
        id: EventId(id),
        event_type: if id.is_multiple_of(2) { "VM.START" } else { "VM.STOP" }.into(),
        created: day(0).start + Millis(minute * Millis::MINUTE.0),
        account: AccountId(2 + id % 3),
        zone: ZoneId::from_source(i64::try_from(id % 3).unwrap() - 1),
        resource: ResourceId(id / 2),
        resource_name: (!id.is_multiple_of(5)).then(|| format!("i-2-{id}-VM").into()),
        offering: Some(OfferingId(1)),
        template: id.is_multiple_of(2).then_some(TemplateId(5)),
        size: None,
        virtual_size: id.is_multiple_of(7).then_some(1 << 33),
        resource_type: Some("XenServer".into()),
    }
}

pub(crate) fn sample(device: u64, minute: i64) -> NetworkSample {
    NetworkSample {
        sampled: day(0).start + Millis(minute * Millis::MINUTE.0),
        series: SeriesKey {
            account: AccountId(2),
            zone: ZoneId::from_source(1),
            device_type: DeviceType::DomainRouter,
            device,
            network: 204.into(),
            address: (device == 3).then(|| "192.0.2.7".into()),
        },
        bytes_sent: minute.unsigned_abs() * 1000,
        bytes_received: minute.unsigned_abs() * 10,
        restarted: device == 3,
    }
}

/// A record of running VM `resource` of an account.
pub(crate) fn record(account: u64, usage_type: u16, resource: u64, period: Period) -> UsageRecord {
    UsageRecord {
        source: SourceId(0),
        account: AccountId(account),
        usage_type: UsageTypeId(usage_type),
        resource: ResourceId(resource),
        zone: ZoneId::from_source(1),
        nic: NicId(if usage_type == 13 { 7 } else { 0 }),
        offering: Some(OfferingId(1)),
        template: None,
        size: (usage_type == 6).then_some(i64::MAX as u64),
        network: 0.into(),
        resource_type: Some("XenServer".into()),
        start: period.start,
        corrects: None,
        virtual_size: None,
        name: (!resource.is_multiple_of(2)).then(|| format!("i-{account}-{resource}-VM").into()),
        is_source_nat: (usage_type == 3).then_some(true),
        is_elastic: (usage_type == 3).then_some(false),
        is_default: None,
        quantity: 86_400_000 - resource.cast_signed(),
    }
}

/// `count` records over three accounts and four types, sorted.
pub(crate) fn records(period: Period, count: u64) -> Vec<UsageRecord> {
    let types = [1, 3, 6, 13];
    let of = |i: u64| {
        let kind = types[usize::try_from(i % 4).unwrap()];
        record(2 + i % 3, kind, i, period)
    };
    let mut records: Vec<_> = (0..count).map(of).collect();
    records.sort();
    records
}

pub(crate) fn segment(resource: u64, start: Instant) -> Segment {
    Segment {
        source: SourceId(0),
        usage_type: UsageTypeId::RUNNING_VM,
        resource: ResourceId(resource),
        nic: NicId(0),
        start,
        end: None,
        account: AccountId(2),
        attributes: Attributes {
            zone: ZoneId::from_source(1),
            name: Some("i-2-4-VM".into()),
            ..Attributes::default()
        },
        opened_by: EventId(resource),
        closed_by: None,
    }
}

pub(crate) fn counter(device: u64, period: Period) -> BilledCounter {
    BilledCounter {
        source: SourceId(0),
        series: sample(device, 0).series,
        last_sampled: period.end,
        last_sent: 900,
        last_received: i64::MAX as u64,
        sent: 5,
        received: 1 << 62,
        own_sent: 4,
        own_received: 3,
        folded_from: (device == 2).then_some(period.start),
    }
}

/// All records of the folder, in order.
pub(crate) fn all_records(store: &Store) -> Vec<ServedRecord> {
    let set = store.records(ALL, &RecordFilter::default()).unwrap();
    let mut served = Vec::new();
    set.for_each(&mut |record| {
        served.push(record);
        Ok(())
    })
    .unwrap();
    assert_eq!(set.count(), served.len() as u64);
    served
}

/// All events of the folder by id.
pub(crate) fn all_events(store: &Store) -> BTreeMap<u64, UsageEvent> {
    let mut events = BTreeMap::new();
    for file in store.snapshot().unwrap().event_files {
        let mut last = None;
        let mut rows = 0;
        let each = &mut |event: UsageEvent| {
            let place = (event.created, event.id);
            assert!(last < Some(place), "a file is sorted by (created, id)");
            assert_eq!(event.created.utc_day(), file.utc_day);
            last = Some(place);
            rows += 1;
            assert!(events.insert(event.id.0, event).is_none(), "no event is there twice");
        };
        store.read_events(&file, Instant::EPOCH, Instant::END_OF_TIME, each).unwrap();
        assert_eq!(rows, file.rows);
    }
    events
}

/// All samples of the folder, in order.
pub(crate) fn all_samples(store: &Store) -> Vec<NetworkSample> {
    let before_all = Instant::EPOCH - Millis(1);
    let mut samples = Vec::new();
    for file in store.snapshot().unwrap().sample_files {
        let each = &mut |sample| samples.push(sample);
        store.read_samples(&file, before_all, Instant::END_OF_TIME, each).unwrap();
    }
    samples.sort_by(|a, b| (a.sampled, &a.series).cmp(&(b.sampled, &b.series)));
    samples
}

/// Everything a folder says, but for how it is spread over files and how often
/// something was tried.
pub(crate) fn logical_content(dir: &Path) -> String {
    use std::fmt::Write;
    let store = Store::open_existing(dir).unwrap();
    let snapshot = store.snapshot().unwrap();
    let mut text = String::new();
    for (_, event) in all_events(&store) {
        writeln!(text, "{event:?}").unwrap();
    }
    for sample in all_samples(&store) {
        writeln!(text, "{sample:?}").unwrap();
    }
    for (source, account) in store.accounts().unwrap().iter() {
        writeln!(text, "{source} {account:?}").unwrap();
    }
    writeln!(text, "{:?}", snapshot.account_removals).unwrap();
    for period in &snapshot.periods {
        let open = store.read_open(period, &snapshot.sources).ok();
        let counters = store.read_counters(period, &snapshot.sources).unwrap();
        let (which, generation) = (period.period, period.generation);
        writeln!(
            text,
            "{which} {generation} {:?} {open:?} {counters:?}",
            period.inputs.samples_seq
        )
        .unwrap();
    }
    for record in all_records(&store) {
        writeln!(text, "{record:?}").unwrap();
    }
    writeln!(text, "{:?}", store.anomalies(usize::MAX).unwrap()).unwrap();
    let mut aside: Vec<_> = store.quarantined(None, usize::MAX).unwrap();
    aside.sort_by_key(|row| (row.input.clone(), row.row));
    writeln!(text, "{aside:?}").unwrap();
    let mut journal = crate::journal::journal(&store).unwrap();
    writeln!(text, "{:?}", journal.load().unwrap().rows).unwrap();
    writeln!(text, "{:?}", store.told_events(0, usize::MAX).unwrap()).unwrap();
    text
}

/// Nothing is wrong with a folder.
pub(crate) fn assert_clean(dir: &Path) {
    let store = Store::open_existing(dir).unwrap();
    drop(writer(&store));
    let findings = store.verify(&mut |done, total| assert!(done <= total)).unwrap();
    assert_eq!(findings, [], "of {}", dir.display());
}
