//! Damage in what is kept: the cloud does not open, and the error names the row.

use cloudtally_model::{
    Instant, NetworkId, NicId, UsageTypeId, ZoneId,
    port::{ChangeSet, Journal, JournalError, Kept, LedgerEntry, Row, Use, Value},
};
use cloudtally_platform::{
    TABLES,
    engine::{Cloud, CloudOptions, Start, faults},
    table::Kind,
};

use crate::support::{Lab, START_MS, entropy};

/// A journal that has kept just this.
struct Fixed(Kept);

impl Journal for Fixed {
    fn load(&mut self) -> Result<Kept, JournalError> {
        Ok(self.0.clone())
    }

    fn commit(&mut self, _: &ChangeSet) -> Result<(), JournalError> {
        Ok(())
    }
}

fn open(kept: Kept) -> Result<Cloud, JournalError> {
    let options = CloudOptions { seed: 1, start: Start::Ready, is_simulated: true, entropy };
    Cloud::open(&TABLES, Box::new(Fixed(kept)), options, Instant::EPOCH)
}

fn first(kept: &mut Kept, kind: Kind) -> &mut Row {
    kept.rows.iter_mut().find(|row| row.kind == kind.name()).unwrap()
}

fn set(row: &mut Row, name: &str, value: Option<Value>) {
    row.values.retain(|(column, _)| column != name);
    row.values.extend(value.map(|value| (name.into(), value)));
}

/// A use of the first resource that lasts.
fn entry() -> LedgerEntry {
    let what = Use {
        usage_type: UsageTypeId::VOLUME,
        account: 2.into(),
        zone: ZoneId::NONE,
        resource: 1.into(),
        nic: NicId(0),
        offering: None,
        template: None,
        size: None,
        network: NetworkId(0),
    };
    let start = Instant::from_millis(START_MS);
    LedgerEntry { number: 1, thing: 1, what, start, end: None, bytes: None }
}

fn number(kept: &mut Kept, name: &str, value: i64) {
    kept.numbers.iter_mut().find(|(kept, _)| kept == name).unwrap().1 = value;
}

/// A damage to a cloud, and words of the error that follows.
type Damage = (fn(&mut Kept), &'static str);

const DAMAGES: &[Damage] = &[
    (|kept| number(kept, "next_id", 3), "its id was never given; the next is 3"),
    (|kept| number(kept, "next_id", -3), "the number `next_id` of the cloud is -3"),
    (|kept| number(kept, "next_event", 0), "the number `next_event` of the cloud is 0"),
    (|kept| number(kept, "clock_ms", i64::MAX), "the number `clock_ms` of the cloud is"),
    (|kept| number(kept, "simulated", 2), "it can be 0 to 1"),
    (
        |kept| kept.numbers.retain(|(name, _)| name != "next_id"),
        "the number `next_id` of the cloud is missing",
    ),
    (|kept| kept.numbers.push(("seed".to_owned(), 1)), "`seed` of the cloud is kept twice"),
    (|kept| kept.rows.clear(), "no thing of the cloud is kept, and ids up to"),
    (
        |kept| kept.settings.push(("expunge.delay".to_owned(), "8x".to_owned())),
        "the setting `expunge.delay` cannot be `8x`",
    ),
    (|kept| kept.rows[4].id = 0, "the thing 0 of the cloud"),
    (
        |kept| {
            kept.rows[4].id = kept.rows[3].id;
        },
        "its id is kept twice",
    ),
    (|kept| kept.rows[4].uuid = kept.rows[3].uuid, "as the thing 4 has"),
    (|kept| first(kept, Kind::Host).kind = "Hosu".into(), "(`Hosu`) cannot be right: nothing is"),
    (|kept| first(kept, Kind::Host).state = "Upp".into(), "its state `Upp` is none of its kind"),
    (
        |kept| first(kept, Kind::Zone).created = Instant::from_millis(i64::MIN),
        "it was made or removed -9223372036854775808 ms after 1970",
    ),
    (|kept| first(kept, Kind::User).owner = Some(1), "which is no account"),
    (|kept| first(kept, Kind::User).owner = None, "it has no account"),
    (
        |kept| set(first(kept, Kind::Host), "zoneid", Some(Value::Ref(1 << 40))),
        "it refers to the thing 1099511627776, and this id was never given",
    ),
    (|kept| set(first(kept, Kind::Account), "domainid", None), "it is in no domain"),
    (|kept| set(first(kept, Kind::Account), "domainid", Some(Value::Ref(4))), "it is in no domain"),
    (
        |kept| set(first(kept, Kind::Account), "project", Some(Value::Ref(1))),
        "it is there for a project that there is not",
    ),
    (
        |kept| {
            let domain = first(kept, Kind::Domain);
            let id = domain.id;
            set(domain, "parentdomainid", Some(Value::Ref(id)));
        },
        "the domains above it do not end at ROOT",
    ),
    (
        |kept| first(kept, Kind::Domain).removed = Some(Instant::EPOCH),
        "the domain ROOT of the cloud is missing",
    ),
    (
        |kept| set(first(kept, Kind::User), "isdefault", Some(Value::Bool(false))),
        "of the cloud's own users, the system's and the root admin's, 1 are kept",
    ),
    (
        |kept| {
            let entry = kept.ledger[0].clone();
            kept.ledger.push(entry);
        },
        "of the ledger cannot be right: it is kept twice",
    ),
    (|kept| kept.ledger[0].number = u64::MAX, "no entry gets this number"),
    (|kept| kept.ledger[0].thing = 1 << 40, "it is of the thing 1099511627776, and this id"),
    (|kept| kept.ledger[0].end = Some(Instant::EPOCH), "0 ms after 1970, which cannot be"),
    (
        |kept| kept.ledger[0].start = Instant::from_millis(i64::MAX),
        "it lasts from 9223372036854775807 ms",
    ),
];

#[test]
fn every_kind_of_damage_is_an_error_that_names_the_row() {
    let lab = Lab::new(Start::Ready);
    let mut kept = lab.memory.clone().load().unwrap();
    kept.ledger.push(entry());
    assert_eq!(faults(&TABLES, &kept), [""; 0]);
    assert!(open(kept.clone()).is_ok());
    for (damage, words) in DAMAGES {
        let mut damaged = kept.clone();
        damage(&mut damaged);
        let told = faults(&TABLES, &damaged);
        assert!(told.iter().any(|text| text.contains(words)), "{words}: {told:?}");
        let error = open(damaged).err().expect(words).to_string();
        assert!(error.contains("restore the whole data folder from a backup"), "{error}");
        let count = told.len();
        assert!(count > 5 || told.iter().all(|text| error.contains(text)), "{error}");
    }
}

#[test]
fn no_changed_bit_of_an_id_ends_in_a_panic() {
    let lab = Lab::new(Start::Ready);
    let kept = lab.memory.clone().load().unwrap();
    for (at, bit) in (0..kept.rows.len()).zip((0..64).cycle()) {
        let mut damaged = kept.clone();
        damaged.rows[at].id ^= 1 << bit;
        // What refers to it may be there all the same; the cloud opens or tells why not.
        drop(open(damaged));
        let mut damaged = kept.clone();
        for (_, value) in &mut damaged.rows[at].values {
            if let Value::Ref(id) = value {
                *id ^= 1 << (bit % 8);
            }
        }
        // A cloud of before there was a ledger looks at everything when it is opened.
        damaged.ledger.clear();
        drop(open(damaged));
    }
}
