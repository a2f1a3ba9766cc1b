//! Rows of our own cloud: taken once, in order, whatever happens.

use cloudtally_ingest::take_outbox;
use cloudtally_model::{
    Account, AccountId, DeviceType, EventId, Instant, NetworkSample, ResourceId, SeriesKey,
    SourceName, UsageEvent, ZoneId,
    port::{ChangeSet, Journal},
};
use cloudtally_store::{LockWait, Store, Writer};
use std::time::Duration;

fn wait(on_wait: &mut dyn FnMut()) -> LockWait<'_> {
    LockWait { limit: Duration::from_secs(20), on_wait }
}

fn writer(store: &Store) -> Writer {
    store.writer(wait(&mut || {})).unwrap()
}

fn event(id: u64, event_type: &str) -> UsageEvent {
    UsageEvent {
        id: EventId(id),
        event_type: event_type.into(),
        created: Instant::from_millis(1_767_571_200_000 + i64::try_from(id).unwrap() * 1000),
        account: AccountId(3),
        zone: ZoneId::from_source(1),
        resource: ResourceId(9),
        resource_name: None,
        offering: None,
        template: None,
        size: None,
        virtual_size: None,
        resource_type: None,
    }
}

fn account(name: &str) -> Account {
    Account {
        id: AccountId(3),
        name: name.into(),
        uuid: None,
        account_type: None,
        domain: None,
        domain_path: None,
        state: None,
        created: None,
        removed: None,
    }
}

#[test]
fn what_is_told_is_taken_once_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let mut journal = store.journal(wait(&mut || {})).unwrap();
    let tell = |journal: &mut dyn Journal, usage: Vec<UsageEvent>, accounts: Vec<Account>| {
        journal.commit(&ChangeSet { usage, accounts, ..ChangeSet::default() }).unwrap();
    };
    assert_eq!(take_outbox(&writer(&store), 1).unwrap().events.read, 0);
    tell(&mut journal, vec![event(1, "VM.CREATE"), event(2, "VM.START")], vec![account("a")]);
    tell(&mut journal, vec![event(3, "VM.STOP")], vec![account("b")]);
    let taken = take_outbox(&writer(&store), 1).unwrap();
    assert_eq!((taken.events.accepted, taken.accounts.read), (3, 2));
    assert_eq!(take_outbox(&writer(&store), 1).unwrap(), cloudtally_ingest::Taken::default());
    // Told again, as after a crash of the teller that forgot it had told: known.
    tell(&mut journal, vec![event(3, "VM.STOP"), event(4, "VM.DESTROY")], Vec::new());
    let taken = take_outbox(&writer(&store), 1).unwrap();
    assert_eq!((taken.events.accepted, taken.events.duplicate), (1, 1));
    // And something else under a known number is set aside, not lost.
    tell(&mut journal, vec![event(4, "VM.START")], Vec::new());
    let taken = take_outbox(&writer(&store), 1).unwrap();
    assert_eq!(taken.events.quarantined, 1);
    let rows = store.quarantined(None, 9).unwrap();
    assert!(rows[0].raw.starts_with("4,VM.START,"), "{rows:?}");
    let snapshot = store.snapshot().unwrap();
    let rows: u64 = snapshot.event_files.iter().map(|file| file.rows).sum();
    assert_eq!(rows, 4);
    let platform = SourceName::new(SourceName::PLATFORM).unwrap();
    assert!(snapshot.event_files.iter().all(|file| file.source == platform));
    let accounts = store.accounts().unwrap();
    assert_eq!(
        accounts.get(&platform, AccountId(3)).unwrap().name,
        "b",
        "the later one is the truth"
    );
}

#[test]
fn a_number_that_no_file_holds_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let mut journal = store.journal(wait(&mut || {})).unwrap();
    let huge = UsageEvent { size: Some(1 << 63), ..event(1, "VOLUME.CREATE") };
    let sample = |bytes_sent| NetworkSample {
        sampled: event(1, "").created,
        series: SeriesKey {
            account: AccountId(3),
            zone: ZoneId::from_source(1),
            device_type: DeviceType::DomainRouter,
            device: 7,
            network: 204.into(),
            address: None,
        },
        bytes_sent,
        bytes_received: 0,
        restarted: false,
    };
    let changes = ChangeSet {
        usage: vec![huge, event(2, "VM.START")],
        samples: vec![sample(u64::MAX), sample(i64::MAX as u64)],
        accounts: vec![Account { id: AccountId(u64::MAX), ..account("a") }],
        ..ChangeSet::default()
    };
    journal.commit(&changes).unwrap();
    let taken = take_outbox(&writer(&store), 1).unwrap();
    for (counts, accepted) in [(taken.events, 1), (taken.samples, 1), (taken.accounts, 0)] {
        assert_eq!((counts.accepted, counts.quarantined), (accepted, 1));
    }
    let mut reasons: Vec<String> =
        store.quarantined(None, 9).unwrap().into_iter().map(|row| row.reason).collect();
    reasons.sort_unstable();
    let allowed = "is not a whole number from 0 to 9223372036854775807";
    assert_eq!(
        reasons,
        [
            format!("column `bytes_sent`: `18446744073709551615` {allowed}"),
            format!("column `id`: `18446744073709551615` {allowed}"),
            format!("column `size`: `9223372036854775808` {allowed}"),
        ]
    );
    assert_eq!(take_outbox(&writer(&store), 1).unwrap(), cloudtally_ingest::Taken::default());
}
