//! The bill against the ledger: what usage events and samples add up to by the usage
//! rules, against what the tenants really had.
//!
//! The fold of events here is a naive one of its own: it shares nothing with the
//! aggregation, and nothing with the ledger but the words of the key.

use std::collections::{BTreeMap, BTreeSet};

use cloudtally_model::{
    EventId, Instant, NetworkId, NetworkSample, NicId, UsageEvent, UsageTypeId, ZoneId,
    port::{LedgerEntry, Use},
};
use cloudtally_platform::{engine::Start, table::Kind, tenants::Tenants};

use crate::support::{Lab, START_MS, text};

const DAY_MS: i64 = 86_400_000;

/// What was used, and how much: milliseconds or bytes.
type Bill = BTreeMap<Use, i64>;

/// What an event does to a use.
#[derive(Clone, Copy, PartialEq)]
enum Does {
    Opens,
    Closes,
    /// Begins a new stretch if one is open.
    Splits,
}

/// What an event type does, by the table of usage rules 3.
fn effects(event_type: &str) -> Vec<(u16, Does)> {
    use Does::{Closes, Opens, Splits};
    match event_type {
        "VM.START" => vec![(1, Opens), (2, Splits)],
        "VM.STOP" => vec![(1, Closes)],
        "VM.CREATE" => vec![(2, Opens)],
        "VM.DESTROY" => vec![(1, Closes), (2, Closes), (13, Closes)],
        "VM.UPGRADE" | "VM.DYNAMIC.SCALE" => vec![(1, Splits), (2, Splits)],
        "NET.IPASSIGN" | "PORTABLE.IPASSIGN" => vec![(3, Opens)],
        "NET.IPRELEASE" | "PORTABLE.IPRELEASE" => vec![(3, Closes)],
        "VOLUME.CREATE" | "VOLUME.UPLOAD" => vec![(6, Opens)],
        "VOLUME.RESIZE" => vec![(6, Splits)],
        "VOLUME.DELETE" => vec![(6, Closes)],
        "TEMPLATE.CREATE" | "TEMPLATE.COPY" => vec![(7, Opens)],
        "TEMPLATE.DELETE" => vec![(7, Closes)],
        "ISO.CREATE" | "ISO.COPY" => vec![(8, Opens)],
        "ISO.DELETE" => vec![(8, Closes)],
        "SNAPSHOT.CREATE" => vec![(9, Opens)],
        "SNAPSHOT.DELETE" => vec![(9, Closes)],
        "LB.CREATE" => vec![(11, Opens)],
        "LB.DELETE" => vec![(11, Closes)],
        "NET.RULEADD" => vec![(12, Opens)],
        "NET.RULEDELETE" => vec![(12, Closes)],
        "NETWORK.OFFERING.ASSIGN" => vec![(13, Opens)],
        "NETWORK.OFFERING.REMOVE" => vec![(13, Closes)],
        "VPN.USER.ADD" => vec![(14, Opens)],
        "VPN.USER.REMOVE" => vec![(14, Closes)],
        other => panic!("usage rules 3 know no {other}"),
    }
}

/// All event types that commands make.
const EVENT_TYPES: [&str; 28] = [
    "VM.CREATE", "VM.START", "VM.STOP", "VM.DESTROY", "VM.UPGRADE", "VM.DYNAMIC.SCALE",
    "NET.IPASSIGN", "NET.IPRELEASE", "PORTABLE.IPASSIGN", "PORTABLE.IPRELEASE", "VOLUME.CREATE",
    "VOLUME.UPLOAD", "VOLUME.RESIZE", "VOLUME.DELETE", "TEMPLATE.CREATE", "TEMPLATE.COPY",
    "TEMPLATE.DELETE", "ISO.CREATE", "ISO.COPY", "ISO.DELETE", "SNAPSHOT.CREATE",
    "SNAPSHOT.DELETE", "LB.CREATE", "LB.DELETE", "NET.RULEADD", "NET.RULEDELETE",
    "NETWORK.OFFERING.ASSIGN", "NETWORK.OFFERING.REMOVE",
];
const VPN_EVENT_TYPES: [&str; 2] = ["VPN.USER.ADD", "VPN.USER.REMOVE"];

/// The key of a use that an event tells of.
fn key(usage_type: u16, event: &UsageEvent) -> Use {
    let is = |types: &[u16]| types.contains(&usage_type);
    let nic = event.resource_name.as_deref().and_then(|name| name.parse().ok());
    Use {
        usage_type: UsageTypeId(usage_type),
        account: event.account,
        zone: event.zone,
        resource: event.resource,
        nic: NicId(nic.filter(|_| usage_type == 13).unwrap_or(0)),
        offering: event.offering.filter(|_| is(&[1, 2, 6, 13])),
        template: event.template.filter(|_| is(&[1, 2])),
        size: event.size.filter(|_| is(&[6, 7, 8, 9])),
        network: NetworkId(0),
    }
}

/// Where stretches of a type are told apart: the resource, for images the zone, for
/// network offerings the NIC.
type Place = (u16, u64, u64);

fn place(key: &Use) -> Place {
    let more = match key.usage_type.0 {
        7 | 8 => key.zone.number().unwrap_or(0),
        13 => key.nic.0,
        _ => 0,
    };
    (key.usage_type.0, key.resource.0, more)
}

/// What events and samples add up to until `end`; anomalies are told as well.
fn folded(events: &[UsageEvent], samples: &[NetworkSample], end: Instant) -> (Bill, Vec<String>) {
    let mut sorted: Vec<&UsageEvent> = events.iter().collect();
    sorted.sort_by_key(|event| (event.created, event.id));
    let mut bill = Bill::new();
    let mut anomalies = Vec::new();
    let mut open: BTreeMap<Place, (Use, Instant)> = BTreeMap::new();
    let mut add = |what: Use, from: Instant, to: Instant| {
        let is_nothing = matches!(what.usage_type.0, 7 | 8) && what.size == Some(0);
        let length_ms = to.since(from).0;
        if length_ms > 0 {
            *bill.entry(what).or_default() += if is_nothing { 0 } else { length_ms };
        }
    };
    for event in sorted {
        let at = event.created;
        for (usage_type, does) in effects(&event.event_type) {
            let mut new = key(usage_type, event);
            let here = place(&new);
            let closes_all = usage_type == 13 && event.event_type == "VM.DESTROY";
            match does {
                Does::Closes if closes_all => {
                    let nics: Vec<Place> = open
                        .keys()
                        .filter(|place| place.0 == 13 && place.1 == new.resource.0)
                        .copied()
                        .collect();
                    for nic in nics {
                        let (what, from) = open.remove(&nic).unwrap();
                        add(what, from, at);
                    }
                }
                Does::Closes => match open.remove(&here) {
                    Some((what, from)) => add(what, from, at),
                    None if usage_type == 1 && event.event_type == "VM.DESTROY" => {}
                    None => anomalies.push(format!("{event:?} closes nothing of type {usage_type}")),
                },
                Does::Splits if !open.contains_key(&here) => {}
                Does::Opens | Does::Splits => match open.remove(&here) {
                    None => drop(open.insert(here, (new, at))),
                    Some((old, from)) => {
                        new.offering = new.offering.or(old.offering);
                        new.template = new.template.or(old.template);
                        new.size = new.size.or(old.size);
                        if does == Does::Splits {
                            (new.account, new.zone) = (old.account, old.zone);
                        }
                        if new == old {
                            if does == Does::Opens {
                                anomalies.push(format!("{event:?} opens what is open"));
                            }
                            open.insert(here, (old, from));
                        } else {
                            add(old, from, at);
                            open.insert(here, (new, at));
                        }
                    }
                },
            }
        }
    }
    for (what, from) in open.into_values() {
        add(what, from, end);
    }
    for (what, bytes) in traffic(samples) {
        bill.insert(what, bytes);
    }
    (bill, anomalies)
}

/// What samples add up to: usage rules 5.
fn traffic(samples: &[NetworkSample]) -> Bill {
    let mut last: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut bill = Bill::new();
    let growth = |old: u64, new: u64| i64::try_from(if new < old { new } else { new - old });
    for sample in samples {
        let series = &sample.series;
        let new = (sample.bytes_sent, sample.bytes_received);
        let Some(old) = last.insert(format!("{series:?}"), new) else { continue };
        for (usage_type, bytes) in [
            (UsageTypeId::NETWORK_BYTES_SENT, growth(old.0, new.0).unwrap()),
            (UsageTypeId::NETWORK_BYTES_RECEIVED, growth(old.1, new.1).unwrap()),
        ] {
            let what = Use {
                usage_type,
                account: series.account,
                zone: series.zone,
                resource: series.device.into(),
                nic: NicId(0),
                offering: None,
                template: None,
                size: None,
                network: series.network,
            };
            *bill.entry(what).or_default() += bytes;
        }
    }
    bill.retain(|_, bytes| *bytes != 0);
    bill
}

/// What the ledger adds up to, by its own bill of days.
fn ledgered(lab: &Lab, zone: &str, end: Instant) -> Bill {
    let world = lab.cloud.world();
    let mut bill = Bill::new();
    for line in world.ledger().bill(zone, Instant::from_millis(START_MS), end).unwrap() {
        *bill.entry(line.what).or_default() += i64::try_from(line.quantity).unwrap();
    }
    bill
}

/// Fails with what differs.
fn check_same(told: &Bill, had: &Bill, about: &str) {
    let differing: Vec<String> = told
        .keys()
        .chain(had.keys())
        .collect::<BTreeSet<&Use>>()
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
}

/// The bill of a lab's events so far is what its tenants had.
fn check(lab: &Lab, about: &str) -> Bill {
    let (told, anomalies) = folded(&lab.memory.usage(), &lab.memory.samples(), lab.now());
    let had = ledgered(lab, "America/New_York", lab.now());
    assert!(anomalies.is_empty(), "{about}: {anomalies:#?}");
    check_same(&told, &had, about);
    assert_eq!(ledgered(lab, "Asia/Kathmandu", lab.now()), had, "{about}: in other days");
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
        loop {
            let wakes = self.tenants.next_due();
            if wakes > end {
                break;
            }
            self.lab.go_to(wakes);
            self.tenants.act(&self.lab.cloud, wakes);
            self.lab.go_to(wakes);
        }
        self.lab.go_to(end);
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
            let text = job.text("errortext");
            assert!(!text.contains("broke off"), "seed {}: {}: {text}", self.seed, job.text("cmd"));
        }
    }
}

#[test]
fn the_bill_of_a_month_is_what_the_tenants_had() {
    let mut types: BTreeSet<String> = BTreeSet::new();
    let mut refused: BTreeSet<(&str, u16)> = BTreeSet::new();
    let seeds = std::env::var("SEEDS").map_or(10, |n| n.parse().unwrap());
    for seed in 1..=seeds {
        let mut life = Life::new(seed, 4);
        for day in 1..=DAYS {
            life.live_until(START_MS + day * DAY_MS);
            life.check_jobs();
        }
        let bill = check(&life.lab, &format!("seed {seed}"));
        assert!(bill.len() > 100, "seed {seed}: {}", bill.len());
        types.extend(life.lab.usage_types());
        refused.extend(life.tenants.refusals().keys());
        let all: u64 = life.tenants.refusals().values().sum();
        println!("seed {seed}: {} events, {} uses, {all} refusals", life.lab.usage_types().len(), bill.len());
    }
    let expected = EVENT_TYPES.iter().chain(&VPN_EVENT_TYPES).map(|t| (*t).to_owned()).collect();
    assert_eq!(types, expected, "each event type occurs");
    println!("{refused:?}");
    assert!(refused.contains(&("deployVirtualMachine", 535)), "by quota: {refused:?}");
    assert!(!refused.iter().any(|(_, status)| *status == 530), "mistakes of ours: {refused:?}");
}

/// Days of each life: a month is 31, and this is what a test run has time for.
const DAYS: i64 = 31;
