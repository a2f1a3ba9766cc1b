//! The bill against the ledger: what usage events and samples add up to by the usage
//! rules, against what the tenants really had.
//!
//! The fold of events here is a naive one of its own: it shares nothing with the
//! aggregation, and nothing with the ledger but the words of the key.

mod fold;
mod rare;

use std::collections::{BTreeMap, BTreeSet};

use cloudtally_model::{
    Instant, Millis, UsageEvent, UsageTypeId,
    port::{Journal, LedgerEntry, Use},
    usage_types,
};
use cloudtally_oracle::{Window, ledger_bill};
use cloudtally_platform::{
    TABLES, col,
    engine::{Start, faults},
    table::Kind,
    tenants::Tenants,
};

use crate::support::{Lab, START_MS};

pub(crate) use fold::{Bill, event_types};

const DAY_MS: i64 = 86_400_000;

/// Adds the ledger up, by its own bill of days.
fn ledgered(lab: &Lab, zone: &str) -> Bill {
    let window = Window { start: Instant::from_millis(START_MS), end: lab.now() };
    let lines = ledger_bill(lab.cloud.world().ledger().entries(), zone, window).unwrap();
    let count = lines.len();
    let quantity = |quantity: u64| i64::try_from(quantity).unwrap();
    let bill: Bill = lines
        .into_iter()
        .map(|line| ((line.day.to_string(), line.what), quantity(line.quantity)))
        .collect();
    assert_eq!(bill.len(), count, "each day and fold::key once");
    bill
}

/// All days together.
fn in_total(bill: &Bill) -> BTreeMap<Use, i64> {
    let mut total = BTreeMap::new();
    for ((_, what), quantity) in bill {
        *total.entry(*what).or_default() += quantity;
    }
    total
}

/// The bill of a lab's events so far is what its tenants had, day by day and in
/// total, and in other days the total is the same.
pub(crate) fn check(lab: &Lab, about: &str) -> Bill {
    // No life that was lived looks like damage to the next start.
    let kept = lab.memory.clone().load().unwrap();
    assert_eq!(faults(&TABLES, &kept), [""; 0], "{about}");
    let (told, anomalies) = fold::folded(&lab.memory.usage(), &lab.memory.samples(), lab.now());
    let had = ledgered(lab, "UTC");
    assert!(anomalies.is_empty(), "{about}: {anomalies:#?}");
    let differing: Vec<String> = told
        .keys()
        .chain(had.keys())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .filter(|what| told.get(what) != had.get(what))
        .map(|what| format!("{what:?}: told {:?}, had {:?}", told.get(what), had.get(what)))
        .collect();
    assert!(
        differing.is_empty(),
        "{about}: {} of {} differ\n{}",
        differing.len(),
        had.len(),
        differing.iter().take(12).cloned().collect::<Vec<_>>().join("\n")
    );
    for zone in ["America/New_York", "Asia/Kathmandu"] {
        assert_eq!(in_total(&ledgered(lab, zone)), in_total(&had), "{about}: in days of {zone}");
    }
    had
}

/// A lab in which tenants live.
struct Life {
    lab: Lab,
    tenants: Tenants,
    seed: u64,
    count: u32,
}

impl Life {
    fn new(seed: u64, count: u32) -> Self {
        let lab = Lab::new(Start::Ready);
        lab.ok("updateConfiguration", &[("name", "router.stats.interval"), ("value", "1800")]);
        let tenants = Tenants::new(seed, count, lab.now());
        Self { lab, tenants, seed, count }
    }

    /// Lets everybody live until a moment.
    fn live_until(&mut self, end_ms: i64) {
        let end = Instant::from_millis(end_ms);
        self.tenants.live(&self.lab.cloud, end).unwrap();
        self.lab.is_at(end);
    }

    /// The process ends and begins again.
    fn restart(self) -> Self {
        let Self { lab, seed, count, .. } = self;
        let lab = lab.restart();
        let tenants = Tenants::new(seed, count, lab.cloud.clock());
        Self { lab, tenants, seed, count }
    }

    /// No job has ended by a mistake of ours.
    fn check_jobs(&self) {
        let world = self.lab.cloud.world();
        for job in world.all(Kind::Job) {
            let text = job.text(col::ERROR_TEXT);
            assert!(
                !text.contains("broke off"),
                "seed {}: {}: {text}",
                self.seed,
                job.text(col::CMD)
            );
        }
    }
}

/// Days of each life.
const DAYS: i64 = 31;

#[test]
fn the_bill_of_a_month_is_what_the_tenants_had() {
    let mut types: BTreeSet<String> = BTreeSet::new();
    let mut refused: BTreeSet<(&str, u16)> = BTreeSet::new();
    let mut happened: BTreeSet<&str> = BTreeSet::new();
    for seed in 1..=10 {
        let mut life = Life::new(seed, 4);
        for day in 1..=DAYS {
            life.live_until(START_MS + day * DAY_MS);
            life.check_jobs();
        }
        let bill = check(&life.lab, &format!("seed {seed}"));
        let uses = in_total(&bill).len();
        assert!(uses > 1000, "seed {seed}: {uses}");
        types.extend(life.lab.usage_types());
        refused.extend(life.tenants.refusals().keys());
        let world = life.lab.cloud.world();
        for event in world.all(Kind::Event) {
            happened.extend(
                FAULTS
                    .iter()
                    .filter(|(event_type, text)| {
                        event.text(col::TYPE) == *event_type
                            && event.text(col::DESCRIPTION).contains(text)
                    })
                    .map(|(_, text)| *text),
            );
        }
    }
    let expected = event_types().map(str::to_owned).collect();
    assert_eq!(types, expected, "each event type occurs");
    assert_eq!(happened, FAULTS.iter().map(|(_, text)| *text).collect(), "each fault occurs");
    assert!(refused.contains(&("deployVirtualMachine", 535)), "by quota: {refused:?}");
    assert!(!refused.iter().any(|(_, status)| *status == 530), "mistakes of ours: {refused:?}");
}

/// Types of action events and parts of their texts that tell of faults.
const FAULTS: [(&str, &str); 6] = [
    ("VM.CREATE", "no host with room in the zone"),
    ("VM.CREATE", "StartCommand failed on"),
    ("VM.STOP", "StopCommand failed on"),
    ("HOST.RECONNECT", "PingCommand failed on"),
    ("VM.STOP", "was shut down by its guest"),
    ("VM.START", "is started on another host"),
];

#[test]
fn images_tell_how_large_their_disk_is() {
    let mut life = Life::new(12, 4);
    life.live_until(START_MS + 3 * DAY_MS);
    let events = life.lab.memory.usage();
    for kind in ["TEMPLATE.CREATE", "ISO.CREATE"] {
        let mut of_kind = events.iter().filter(|event| event.event_type == kind).peekable();
        assert!(of_kind.peek().is_some(), "{kind}");
        for event in of_kind {
            assert!(event.size > Some(0) && event.virtual_size == event.size, "{event:?}");
        }
    }
}

#[test]
fn dropping_or_shifting_any_event_is_noticed() {
    let mut life = Life::new(11, 4);
    life.live_until(START_MS + 2 * DAY_MS);
    let had = check(&life.lab, "before");
    let (events, samples, end) =
        (life.lab.memory.usage(), life.lab.memory.samples(), life.lab.now());
    assert!(events.len() > 300, "{}", events.len());
    let is_noticed = |events: &[UsageEvent]| {
        let (told, anomalies) = fold::folded(events, &samples, end);
        told != had || !anomalies.is_empty()
    };
    assert!(!is_noticed(&events));
    for (at, event) in events.iter().enumerate() {
        let is_said_twice = is_said_twice(&events, at);
        let mut others = events.clone();
        others.remove(at);
        assert_eq!(is_noticed(&others), !is_said_twice, "without {event:?}");
        for shift_ms in [-1, 1] {
            let mut others = events.clone();
            others[at].created = event.created + Millis(shift_ms);
            assert!(is_noticed(&others) || is_said_twice, "{shift_ms} ms: {event:?}");
        }
    }
}

/// Tells whether the rules make nothing of an event because others say the same at the
/// same instant: a NIC that is removed with its machine, a machine that is stopped to
/// be destroyed, what goes to another account (to open it there splits it), a resize to
/// the same size, a machine that is restored from another template while it runs
/// (stopped, made another, started).
fn is_said_twice(events: &[UsageEvent], at: usize) -> bool {
    let event = &events[at];
    let following = |event_type: &str| {
        let is_it = |other: &&UsageEvent| {
            other.created == event.created
                && other.resource == event.resource
                && other.event_type == event_type
        };
        events[at + 1..].iter().find(is_it).cloned()
    };
    let follows = |event_type: &str| following(event_type).is_some();
    let follows_elsewhere = |event_type: &str| {
        following(event_type).is_some_and(|other| other.account != event.account)
    };
    match event.event_type.as_str() {
        "NETWORK.OFFERING.REMOVE" => follows("VM.DESTROY"),
        "VOLUME.RESIZE" => {
            let before = events[..at].iter().rev().find(|other| {
                other.resource == event.resource && other.event_type.starts_with("VOLUME.")
            });
            before.is_some_and(|b| (b.offering, b.size) == (event.offering, event.size))
        }
        "VM.UPGRADE" => follows("VM.START"),
        "VM.DESTROY" => follows_elsewhere("VM.CREATE"),
        "VOLUME.DELETE" => follows_elsewhere("VOLUME.CREATE"),
        "VM.STOP" => follows("VM.DESTROY") || follows("VM.UPGRADE") && follows("VM.START"),
        _ => false,
    }
}

#[test]
fn a_life_with_five_restarts_is_the_same_life() {
    const LIFE_DAYS: i64 = 10;
    let history = |life: &Life| {
        let world = life.lab.cloud.world();
        let ledger: Vec<LedgerEntry> = world.ledger().entries().cloned().collect();
        (life.lab.memory.usage(), life.lab.memory.samples(), ledger)
    };
    let mut straight = Life::new(12, 4);
    straight.live_until(START_MS + LIFE_DAYS * DAY_MS);
    let mut broken = Life::new(12, 4);
    for part in 1..=5 {
        // Not on the hour, and some in the middle of slow jobs.
        broken.live_until(START_MS + part * (LIFE_DAYS * DAY_MS / 6) + part * 1_234_567);
        broken = broken.restart();
    }
    broken.live_until(START_MS + LIFE_DAYS * DAY_MS);
    let (straight, broken_history) = (history(&straight), history(&broken));
    assert_eq!(straight.0.len(), broken_history.0.len());
    for (one, other) in straight.0.iter().zip(&broken_history.0) {
        assert_eq!(one, other);
    }
    assert_eq!(straight.1, broken_history.1);
    assert_eq!(straight.2, broken_history.2);
    check(&broken.lab, "after five restarts");
}

/// A usage type that no kind is metered for would never be billed.
#[test]
fn every_usage_type_is_a_row_of_a_kind() {
    let metered: BTreeSet<u16> = TABLES
        .kinds()
        .flat_map(|spec| spec.meters.iter().map(|meter| meter.usage_type.0))
        // Bytes are counted, and told by samples.
        .chain([UsageTypeId::NETWORK_BYTES_SENT.0, UsageTypeId::NETWORK_BYTES_RECEIVED.0])
        .collect();
    let known: BTreeSet<u16> = usage_types().iter().map(|row| row.id.0).collect();
    assert_eq!(metered, known);
    assert!(TABLES.kinds().any(|spec| spec.forwards.is_some()), "nobody counts bytes");
}
