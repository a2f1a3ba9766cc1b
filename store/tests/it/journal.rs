//! The cloud's state comes back as it was kept, and to nobody else meanwhile.

use std::{
    cell::RefCell,
    time::{Duration, Instant as Stopwatch},
};

use cloudtally_model::{
    Account, AccountId, AccountType, DomainId, EventId, Instant, NetworkId, NicId, Text,
    UsageTypeId, ZoneId,
    port::{ChangeSet, Journal, LedgerEntry, Row, Use, Value},
};
use cloudtally_store::{AdminKeys, LockWait, SqliteJournal, Store, StoreError};
use proptest::{prelude::*, test_runner::TestRunner};

use crate::support::{day, event, records, sample, source, writer};

pub(crate) fn journal(store: &Store) -> Result<SqliteJournal, StoreError> {
    // A process that another test starts holds our lock between its fork and its exec.
    let limit = Duration::from_secs(1);
    store.journal(LockWait { limit, on_wait: &mut || {} })
}

pub(crate) fn row(id: u64, values: Vec<(Text, Value)>) -> Row {
    Row {
        id,
        kind: "Volume".into(),
        uuid: u128::from(id) << 64 | 7,
        owner: Some(2),
        state: "Ready".into(),
        created: day(0).start,
        removed: None,
        values,
    }
}

fn folder() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("data")).unwrap();
    (dir, store)
}

fn value() -> impl Strategy<Value = Value> {
    let text = || any::<String>().prop_map(Text::from);
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        text().prop_map(Value::Text),
        any::<u64>().prop_map(Value::Ref),
        any::<i64>().prop_map(|ms| Value::Time(Instant::from_millis(ms))),
        prop::collection::vec((text(), text()), 0..4).prop_map(Value::Map),
    ];
    leaf.prop_recursive(6, 24, 4, |inner| prop::collection::vec(inner, 0..4).prop_map(Value::List))
}

fn any_row() -> impl Strategy<Value = Row> {
    let values = prop::collection::btree_map("\\PC{0,12}", value(), 0..6);
    let identity = (any::<u64>(), "\\PC{1,12}", any::<u128>(), any::<Option<u64>>());
    let life = ("\\PC{0,12}", any::<i64>(), any::<Option<i64>>());
    (identity, life, values).prop_map(
        |((id, kind, uuid, owner), (state, created, removed), values)| Row {
            id,
            kind: kind.into(),
            uuid,
            owner,
            state: state.into(),
            created: Instant::from_millis(created),
            removed: removed.map(Instant::from_millis),
            values: values.into_iter().map(|(name, value)| (name.into(), value)).collect(),
        },
    )
}

#[test]
fn things_of_every_form_come_back_as_they_were() {
    let (_dir, store) = folder();
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) };
    let journal = RefCell::new(journal(&store).unwrap());
    let law = |rows: Vec<Row>| {
        let erased = journal.borrow_mut().load().unwrap().rows.iter().map(|row| row.id).collect();
        let changes = ChangeSet { rows: rows.clone(), erased, ..ChangeSet::default() };
        journal.borrow_mut().commit(&changes).unwrap();
        let mut expected = rows;
        expected.sort_by_key(|row| row.id);
        prop_assert_eq!(journal.borrow_mut().load().unwrap().rows, expected);
        Ok(())
    };
    let rows = prop::collection::btree_map(any::<u64>(), any_row(), 0..6)
        .prop_map(|rows| rows.into_iter().map(|(id, row)| Row { id, ..row }).collect::<Vec<Row>>());
    TestRunner::new(config).run(&rows, law).unwrap();
}

#[test]
fn changes_settings_and_numbers_are_there_after_opening_again() {
    let (_dir, store) = folder();
    let mut first = journal(&store).unwrap();
    let changes = ChangeSet {
        rows: vec![row(1, vec![("name".into(), Value::Text("a".into()))]), row(2, Vec::new())],
        settings: vec![
            ("session.timeout".to_owned(), Some("60".to_owned())),
            ("expunge.delay".to_owned(), Some("5".to_owned())),
        ],
        numbers: vec![("next_id", 3), ("seed", -1)],
        ..ChangeSet::default()
    };
    first.commit(&changes).unwrap();
    let changes = ChangeSet {
        rows: vec![row(1, vec![("name".into(), Value::Text("b".into()))])],
        erased: vec![2],
        settings: vec![("expunge.delay".to_owned(), None)],
        numbers: vec![("next_id", 4)],
        ..ChangeSet::default()
    };
    first.commit(&changes).unwrap();
    drop(first);

    let mut again = journal(&Store::open_existing(store.dir()).unwrap()).unwrap();
    let kept = again.load().unwrap();
    assert_eq!(kept.rows, changes.rows);
    assert_eq!(kept.settings, [("session.timeout".to_owned(), "60".to_owned())]);
    assert_eq!(kept.numbers, [("next_id".to_owned(), 4), ("seed".to_owned(), -1)]);
    assert_eq!(store.setting("session.timeout").unwrap(), "60", "the same settings everywhere");
}

#[test]
fn the_ledger_is_as_it_was_left_after_opening_again() {
    let (_dir, store) = folder();
    let entry = |number: u64, end: Option<Instant>| LedgerEntry {
        number,
        thing: 1 << 63,
        what: Use {
            usage_type: UsageTypeId::VOLUME,
            account: 2.into(),
            zone: ZoneId::from_source(1),
            resource: u64::MAX.into(),
            nic: NicId(4),
            offering: Some(5.into()),
            template: Some(6.into()),
            size: Some(7),
            network: NetworkId(8),
        },
        start: day(0).start,
        end,
        bytes: None,
    };
    let nowhere = LedgerEntry {
        what: Use {
            zone: ZoneId::NONE,
            offering: None,
            template: None,
            size: None,
            ..entry(2, None).what
        },
        bytes: Some((9, u64::MAX >> 1)),
        ..entry(2, Some(day(0).end))
    };
    let keep = |ledger: Vec<LedgerEntry>| {
        let changes = ChangeSet { ledger, ..ChangeSet::default() };
        journal(&store).unwrap().commit(&changes).unwrap();
    };
    keep(vec![entry(1, None), nowhere.clone(), entry(3, None)]);
    // One ends, another has counted more.
    let more = LedgerEntry { bytes: Some((10, 11)), end: Some(day(1).end), ..nowhere };
    keep(vec![entry(1, Some(day(1).start)), more.clone()]);
    let kept = journal(&store).unwrap().load().unwrap();
    assert_eq!(kept.ledger, [entry(1, Some(day(1).start)), more, entry(3, None)]);
}

#[test]
fn what_is_told_comes_in_order_under_offsets_that_only_grow() {
    let (_dir, store) = folder();
    let mut journal = journal(&store).unwrap();
    let account = Account {
        id: AccountId(u64::MAX),
        name: "acme".into(),
        uuid: Some("u".into()),
        account_type: Some(AccountType::Project),
        domain: Some(DomainId(4)),
        domain_path: Some("/acme/".into()),
        state: None,
        created: Some(day(0).start),
        removed: Some(day(1).start),
    };
    for batch in 0..3u64 {
        let changes = ChangeSet {
            usage: (0..4).map(|i| event(batch * 4 + i, 1)).collect(),
            samples: vec![sample(batch, 3)],
            accounts: vec![account.clone()],
            ..ChangeSet::default()
        };
        journal.commit(&changes).unwrap();
    }
    let mut offset = 0;
    let mut ids = Vec::new();
    loop {
        let told = store.told_events(offset, 5).unwrap();
        let Some(last) = told.last() else { break };
        assert!(told.is_sorted_by_key(|told| told.offset) && told[0].offset > offset);
        offset = last.offset;
        assert!(told.iter().all(|told| told.item == event(told.item.id.0, 1)));
        ids.extend(told.iter().map(|told| told.item.id));
    }
    assert_eq!(ids, (0..12).map(EventId).collect::<Vec<_>>());
    let samples = store.told_samples(1, usize::MAX).unwrap();
    assert_eq!(
        samples.iter().map(|told| told.item.clone()).collect::<Vec<_>>(),
        [sample(1, 3), sample(2, 3)]
    );
    let accounts = store.told_accounts(0, 9).unwrap();
    assert!(
        accounts.len() == 3 && accounts.iter().all(|told| told.item == account),
        "{accounts:?}"
    );
}

#[test]
fn one_process_has_the_cloud_and_others_read_and_write_the_rest() {
    let (_dir, store) = folder();
    let mut first = journal(&store).unwrap();
    let refused = journal(&store).unwrap_err();
    assert!(matches!(refused, StoreError::Served { .. }), "{refused}");
    assert!(refused.to_string().contains("stop it first"), "{refused}");

    // Another connection in the middle of a transaction of its own, and the
    // folder's lock held elsewhere, keep nothing from being kept.
    let other = Store::open_existing(store.dir()).unwrap();
    let held = writer(&other);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..50 {
                held.set_setting("session.timeout", &(round + 1).to_string()).unwrap();
                assert!(other.settings().unwrap().len() > 10);
            }
        });
        for id in 1..=50 {
            let changes = ChangeSet { rows: vec![row(id, Vec::new())], ..ChangeSet::default() };
            first.commit(&changes).unwrap();
        }
    });
    let kept = first.load().unwrap();
    assert_eq!(kept.rows.len(), 50);
    assert_eq!(kept.settings, [("session.timeout".to_owned(), "50".to_owned())]);
    drop(first);
    journal(&store).unwrap();
}

fn user(id: u64, api_key: &str, secret_key: &str) -> ChangeSet {
    let text = |name: &str, value: &str| (name.into(), Value::Text(value.into()));
    let values = vec![text("apikey", api_key), text("usersecretkey", secret_key)];
    ChangeSet { rows: vec![Row { kind: "User".into(), ..row(id, values) }], ..ChangeSet::default() }
}

#[test]
fn new_keys_of_the_root_admin_are_those_of_the_folder() {
    let (_dir, store) = folder();
    let mut journal = journal(&store).unwrap();
    let keys = |api_key: &str, secret_key: &str| AdminKeys {
        api_key: api_key.to_owned(),
        secret_key: secret_key.to_owned(),
    };
    writer(&store).set_admin_keys(&keys("a", "b")).unwrap();
    journal.commit(&user(3, "x", "y")).unwrap();
    journal.commit(&user(2, "a", "b")).unwrap();
    assert_eq!(store.admin_keys().unwrap(), Some(keys("a", "b")), "who begins with them");
    journal.commit(&user(3, "z", "y")).unwrap();
    assert_eq!(store.admin_keys().unwrap(), Some(keys("a", "b")), "somebody else's");
    journal.commit(&user(2, "c", "d")).unwrap();
    assert_eq!(store.admin_keys().unwrap(), Some(keys("c", "d")));
    // Renewed by hand: those count, until the cloud has taken them up.
    writer(&store).set_admin_keys(&keys("e", "f")).unwrap();
    journal.commit(&user(2, "g", "h")).unwrap();
    assert_eq!(store.admin_keys().unwrap(), Some(keys("e", "f")));
}

#[test]
fn how_time_is_cut_stays_once_a_period_is_published() {
    let (_dir, store) = folder();
    let mut journal = journal(&store).unwrap();
    let set = |value: &str| ChangeSet {
        settings: vec![("usage.aggregation.timezone".to_owned(), Some(value.to_owned()))],
        rows: vec![row(1, Vec::new())],
        ..ChangeSet::default()
    };
    journal.commit(&set("Asia/Tokyo")).unwrap();
    let writer = writer(&store);
    writer.source(&source()).unwrap();
    let sources = store.snapshot().unwrap().sources;
    let draft = cloudtally_store::PeriodDraft {
        period: day(0),
        records: Some(&records(day(0), 1)),
        open: Some(&[]),
        counters: Some(&[]),
        anomalies: None,
        inputs: cloudtally_store::Inputs::default(),
    };
    writer.publish(vec![writer.stage(&draft, &sources).unwrap()]).unwrap();
    journal.commit(&set("Asia/Tokyo")).unwrap();
    let refused = journal.commit(&set("UTC")).unwrap_err();
    assert!(refused.to_string().contains("already published"), "{refused}");
    assert_eq!(store.setting("usage.aggregation.timezone").unwrap(), "Asia/Tokyo");
}

/// Not a benchmark: it only shows that nothing is quadratic.
#[test]
fn a_hundred_thousand_things_are_read_at_once() {
    let (_dir, store) = folder();
    let mut journal = journal(&store).unwrap();
    let values = |id: u64| {
        let text = |name: &str, value: String| (Text::from(name), Value::Text(value.into()));
        vec![
            text("name", format!("volume-{id}")),
            text("type", "DATADISK".to_owned()),
            ("size".into(), Value::Int(1 << 30)),
            ("zoneid".into(), Value::Ref(1)),
            ("attached".into(), Value::Time(day(0).start)),
            ("isextractable".into(), Value::Bool(false)),
        ]
    };
    let rows = (1..=100_000).map(|id| row(id, values(id))).collect();
    let began = Stopwatch::now();
    journal.commit(&ChangeSet { rows, ..ChangeSet::default() }).unwrap();
    let kept_ms = began.elapsed().as_millis();
    let began = Stopwatch::now();
    let kept = journal.load().unwrap();
    let read_ms = began.elapsed().as_millis();
    println!("100000 things: kept in {kept_ms} ms, read in {read_ms} ms");
    assert_eq!(kept.rows.len(), 100_000);
    assert_eq!(kept.rows[99_999], row(100_000, values(100_000)));
    assert!(read_ms < 10_000, "read in {read_ms} ms");
}
