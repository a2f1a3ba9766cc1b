//! The bill against the ledger: what usage events and samples add up to by the usage
//! rules, against what the tenants really had.
//!
//! The fold of events here is a naive one of its own: it shares nothing with the
//! aggregation, and nothing with the ledger but the words of the key.

use std::collections::{BTreeMap, BTreeSet};

use cloudtally_model::{
    Instant, Millis, NetworkId, NetworkSample, NicId, UsageEvent, UsageTypeId,
    port::{Journal, LedgerEntry, Use},
    usage_types, utc_day_name,
};
use cloudtally_oracle::{Window, ledger_bill};
use cloudtally_platform::{
    TABLES, col,
    engine::{Answer, Node, Start, faults},
    table::Kind,
    tenants::Tenants,
};

use crate::support::{Lab, START_MS, int, text, texts};

const DAY_MS: i64 = 86_400_000;

/// The use of each day: milliseconds or bytes.
pub(crate) type Bill = BTreeMap<(String, Use), i64>;

/// The effect of an event on a use.
#[derive(Clone, Copy, PartialEq)]
enum Does {
    Opens,
    Closes,
    /// Begins a new stretch if one is open.
    Splits,
}

use Does::{Closes, Opens, Splits};

/// The event types that commands make, and what each does by the table of usage rules 3.
const EFFECTS: [(&str, &[(u16, Does)]); 30] = [
    ("VM.CREATE", &[(2, Opens)]),
    ("VM.START", &[(1, Opens), (2, Splits)]),
    ("VM.STOP", &[(1, Closes)]),
    ("VM.DESTROY", &[(1, Closes), (2, Closes), (13, Closes)]),
    ("VM.UPGRADE", &[(1, Splits), (2, Splits)]),
    ("VM.DYNAMIC.SCALE", &[(1, Splits), (2, Splits)]),
    ("NET.IPASSIGN", &[(3, Opens)]),
    ("NET.IPRELEASE", &[(3, Closes)]),
    ("PORTABLE.IPASSIGN", &[(3, Opens)]),
    ("PORTABLE.IPRELEASE", &[(3, Closes)]),
    ("VOLUME.CREATE", &[(6, Opens)]),
    ("VOLUME.UPLOAD", &[(6, Opens)]),
    ("VOLUME.RESIZE", &[(6, Splits)]),
    ("VOLUME.DELETE", &[(6, Closes)]),
    ("TEMPLATE.CREATE", &[(7, Opens)]),
    ("TEMPLATE.COPY", &[(7, Opens)]),
    ("TEMPLATE.DELETE", &[(7, Closes)]),
    ("ISO.CREATE", &[(8, Opens)]),
    ("ISO.COPY", &[(8, Opens)]),
    ("ISO.DELETE", &[(8, Closes)]),
    ("SNAPSHOT.CREATE", &[(9, Opens)]),
    ("SNAPSHOT.DELETE", &[(9, Closes)]),
    ("LB.CREATE", &[(11, Opens)]),
    ("LB.DELETE", &[(11, Closes)]),
    ("NET.RULEADD", &[(12, Opens)]),
    ("NET.RULEDELETE", &[(12, Closes)]),
    ("NETWORK.OFFERING.ASSIGN", &[(13, Opens)]),
    ("NETWORK.OFFERING.REMOVE", &[(13, Closes)]),
    ("VPN.USER.ADD", &[(14, Opens)]),
    ("VPN.USER.REMOVE", &[(14, Closes)]),
];

/// All event types that commands make.
pub(crate) fn event_types() -> impl Iterator<Item = &'static str> {
    EFFECTS.iter().map(|(event_type, _)| *event_type)
}

/// Looks up what an event type does.
fn effects(event_type: &str) -> &'static [(u16, Does)] {
    let row = EFFECTS.iter().find(|(known, _)| *known == event_type);
    row.unwrap_or_else(|| panic!("usage rules 3 know no {event_type}")).1
}

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

/// The key by which stretches of a type are told apart: the resource, for images the zone, for
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

/// Adds events and samples up until `end`; anomalies are told as well.
fn folded(events: &[UsageEvent], samples: &[NetworkSample], end: Instant) -> (Bill, Vec<String>) {
    let mut sorted: Vec<&UsageEvent> = events.iter().collect();
    sorted.sort_by_key(|event| (event.created, event.id));
    let mut bill = Bill::new();
    let mut anomalies = Vec::new();
    let mut open: BTreeMap<Place, (Use, Instant)> = BTreeMap::new();
    let mut add = |what: Use, from: Instant, to: Instant| {
        let is_nothing = matches!(what.usage_type.0, 7 | 8) && what.size == Some(0);
        let mut from_ms = from.as_millis();
        while from_ms < to.as_millis() {
            let day = from_ms.div_euclid(DAY_MS);
            let to_ms = to.as_millis().min((day + 1) * DAY_MS);
            *bill.entry((utc_day_name(day), what)).or_default() +=
                if is_nothing { 0 } else { to_ms - from_ms };
            from_ms = to_ms;
        }
    };
    for event in sorted {
        let at = event.created;
        for &(usage_type, does) in effects(&event.event_type) {
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
                    None => {
                        anomalies.push(format!("{event:?} closes nothing of type {usage_type}"))
                    }
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
    bill.extend(traffic(samples));
    (bill, anomalies)
}

/// Adds samples up: usage rules 5.
fn traffic(samples: &[NetworkSample]) -> Bill {
    let mut last: BTreeMap<String, (Instant, (u64, u64))> = BTreeMap::new();
    let mut bill = Bill::new();
    let growth = |old: u64, new: u64| i64::try_from(if new < old { new } else { new - old });
    for sample in samples {
        let series = &sample.series;
        let new = (sample.bytes_sent, sample.bytes_received);
        let told = (sample.sampled, new);
        let Some((at, old)) = last.insert(format!("{series:?}"), told) else { continue };
        assert!(at < sample.sampled || old == new, "two counts at {at} of {series:?}");
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
            // On a midnight: of the day that ends there.
            let day = (sample.sampled.as_millis() - 1).div_euclid(DAY_MS);
            *bill.entry((utc_day_name(day), what)).or_default() += bytes;
        }
    }
    bill.retain(|_, bytes| *bytes != 0);
    bill
}

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
    assert_eq!(bill.len(), count, "each day and key once");
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
    let (told, anomalies) = folded(&lab.memory.usage(), &lab.memory.samples(), lab.now());
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
    ("VM.CREATE", "no host of the zone"),
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
        let (told, anomalies) = folded(events, &samples, end);
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

/// A tenant with what a deployment needs.
fn deployer() -> (Lab, Vec<(&'static str, String)>) {
    let lab = Lab::new(Start::Ready);
    lab.account("alice", "0", None);
    let zone = lab.zone("Advanced");
    let offering = text(&lab.one("listServiceOfferings", &[("name", "m1.small")]), "id");
    let template = lab.template(&zone);
    (lab, vec![("zoneid", zone), ("serviceofferingid", offering), ("templateid", template)])
}

fn run(lab: &Lab, name: &str, params: &[(&str, String)]) -> cloudtally_platform::engine::Node {
    let params: Vec<(&str, &str)> = params.iter().map(|(n, v)| (*n, v.as_str())).collect();
    lab.ok_as("alice", name, &params)
}

#[test]
fn a_machine_made_from_an_iso_stays_so_whatever_lies_in_its_drive() {
    let (lab, mut params) = deployer();
    let params_of_list = [("isofilter", "featured"), ("zoneid", params[0].1.as_str())];
    let iso = text(&lab.one("listIsos", &params_of_list), "id");
    let disk = text(&lab.one("listDiskOfferings", &[("name", "Small")]), "id");
    params[2].1.clone_from(&iso);
    params.extend([("diskofferingid", disk), ("hypervisor", "Simulator".to_owned())]);
    let vm = text(&run(&lab, "deployVirtualMachine", &params), "id");
    lab.pass(3_600);
    run(&lab, "detachIso", &[("virtualmachineid", vm.clone())]);
    run(&lab, "stopVirtualMachine", &[("id", vm.clone())]);
    lab.pass(3_600);
    run(&lab, "startVirtualMachine", &[("id", vm.clone())]);
    lab.pass(3_600);
    let made_from: BTreeSet<_> = check(&lab, "iso")
        .keys()
        .filter(|(_, what)| what.usage_type.0 < 3)
        .map(|(_, what)| what.template)
        .collect();
    assert_eq!(made_from, [Some(lab.id(&iso).0.into())].into());
}

#[test]
fn a_stopped_machine_restored_from_another_template_is_another_use() {
    let (lab, params) = deployer();
    let vm = text(&run(&lab, "deployVirtualMachine", &params), "id");
    let root = run(&lab, "listVolumes", &[("type", "ROOT".to_owned())]);
    let root = texts(&root, "id").remove(0);
    run(&lab, "stopVirtualMachine", &[("id", vm.clone())]);
    let os_type = texts(&lab.ok("listOsTypes", &[]), "id").remove(0);
    let own = run(
        &lab,
        "createTemplate",
        &[
            ("name", "own".to_owned()),
            ("displaytext", "own".to_owned()),
            ("ostypeid", os_type),
            ("volumeid", root),
        ],
    );
    lab.pass(3_600);
    let params = [("virtualmachineid", vm), ("templateid", text(&own, "id"))];
    run(&lab, "restoreVirtualMachine", &params);
    lab.pass(2 * 3_600);
    let bill = check(&lab, "restored");
    let allocated: Vec<i64> =
        bill.iter().filter(|((_, what), _)| what.usage_type.0 == 2).map(|(_, ms)| *ms).collect();
    assert_eq!(allocated, [3_600_000, 2 * 3_600_000]);
}

#[test]
fn what_is_not_kept_is_not_in_the_ledger_either() {
    let (lab, params) = deployer();
    let vm = text(&run(&lab, "deployVirtualMachine", &params), "id");
    let number_of_entries = lab.cloud.world().ledger().len();
    lab.pass(60);
    lab.memory.fail_next();
    let volume = [
        ("name", "data"),
        ("zoneid", params[0].1.as_str()),
        ("diskofferingid", &text(&lab.one("listDiskOfferings", &[("name", "Small")]), "id")),
    ];
    assert!(lab.call(lab.user("alice"), "createVolume", &volume).is_err());
    // One that is refused on the way changes nothing either.
    let refused = [("id", vm.as_str()), ("serviceofferingid", params[1].1.as_str())];
    assert!(lab.run(lab.user("alice"), "changeServiceForVirtualMachine", &refused).is_err());
    assert_eq!(lab.cloud.world().ledger().len(), number_of_entries);
    check(&lab, "after a failure");
    let made = lab.ok_as("alice", "createVolume", &volume);
    assert_eq!(int(&made, "size"), 5 << 30);
    lab.pass(60);
    check(&lab, "after success");
}

#[test]
fn time_never_goes_back_and_is_kept() {
    let lab = Lab::new(Start::Empty);
    let later = lab.now() + Millis::HOUR;
    lab.cloud.keep_clock(later).unwrap();
    lab.account("alice", "0", None);
    let world = lab.cloud.world();
    assert_eq!(world.all(Kind::Account).last().unwrap().created, later);
    drop(world);
    let lab = lab.restart();
    assert_eq!(lab.cloud.clock(), later);
    let changed = lab.cloud.change(lab.now(), move |tx| {
        assert_eq!(tx.now, later);
        Ok(Answer::Success)
    });
    assert_eq!(changed, Ok(Answer::Success));
}

/// Goes through what tenants seldom do with networks and addresses; lets an hour pass
/// after each step, so that a stretch that is told wrongly shows.
#[test]
fn rare_paths_of_networks_are_billed_as_they_were_had() {
    let (lab, deploy) = deployer();
    let zone = deploy[0].1.clone();
    let root = text(&lab.one("listDomains", &[("level", "0")]), "id");
    let with = |more: &[(&'static str, &str)]| {
        let mut params = deploy.clone();
        params.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        params
    };
    let own = |name: &str, params: &[(&str, &str)]| {
        let node = lab.ok_as("alice", name, params);
        lab.pass(3_600);
        node
    };
    let admin = |name: &str, params: &[(&str, &str)]| {
        let node = lab.ok(name, params);
        lab.pass(3_600);
        node
    };
    let offering = |name: &str| text(&lab.one("listNetworkOfferings", &[("name", name)]), "id");
    // 1. Networks: an isolated one, a shared one; a machine on both.
    let isolated = offering("DefaultIsolatedNetworkOfferingWithSourceNatService");
    let network = [("name", "n"), ("displaytext", "n"), ("zoneid", zone.as_str())];
    let mut first = network.to_vec();
    first.push(("networkofferingid", &isolated));
    let net = text(&own("createNetwork", &first), "id");
    let shared_offering = offering("DefaultSharedNetworkOffering");
    let mut second = network.to_vec();
    second.extend([
        ("networkofferingid", shared_offering.as_str()),
        ("vlan", "2500"),
        ("gateway", "10.77.0.1"),
        ("netmask", "255.255.255.0"),
        ("startip", "10.77.0.10"),
        ("endip", "10.77.0.20"),
    ]);
    let shared = text(&admin("createNetwork", &second), "id");
    let both = format!("{net},{shared}");
    let vm = text(&run(&lab, "deployVirtualMachine", &with(&[("networkids", &both)])), "id");
    check(&lab, "a machine on an isolated and a shared network");
    // 2. The default NIC switched, a stopped machine's too, and one taken away.
    let nic = |is_default: &str| {
        let Node::List(nics) = lab.ok("listNics", &[("virtualmachineid", &vm)]) else { panic!() };
        let wanted = Node::Bool(is_default == "true");
        let found = nics.iter().find(|nic| nic.field("isdefault") == Some(&wanted));
        text(found.unwrap(), "id")
    };
    let of_vm = |nic: &str| [("virtualmachineid", vm.clone()), ("nicid", nic.to_owned())];
    run(&lab, "updateDefaultNicForVirtualMachine", &of_vm(&nic("false")));
    lab.pass(3_600);
    own("stopVirtualMachine", &[("id", &vm)]);
    run(&lab, "updateDefaultNicForVirtualMachine", &of_vm(&nic("false")));
    lab.pass(3_600);
    run(&lab, "removeNicFromVirtualMachine", &of_vm(&nic("false")));
    own("startVirtualMachine", &[("id", &vm)]);
    own("addNicToVirtualMachine", &[("virtualmachineid", &vm), ("networkid", &shared)]);
    check(&lab, "NICs switched, removed and added");
    // 3. Addresses of a range that is kept for her, before and after she has some.
    let range = [
        ("zoneid", zone.as_str()),
        ("forvirtualnetwork", "true"),
        ("vlan", "51"),
        ("gateway", "198.18.0.1"),
        ("netmask", "255.255.255.0"),
        ("startip", "198.18.0.10"),
        ("endip", "198.18.0.12"),
    ];
    let range = text(&admin("createVlanIpRange", &range), "id");
    let keep = [("id", range.as_str()), ("account", "alice"), ("domainid", root.as_str())];
    admin("dedicatePublicIpRange", &keep);
    let address = |portable: &str| {
        text(&own("associateIpAddress", &[("networkid", &net), ("isportable", portable)]), "id")
    };
    let (ip, other) = (address("false"), address("false"));
    own("disassociateIpAddress", &[("id", &other)]);
    admin("releasePublicIpRange", &[("id", &range)]);
    admin("dedicatePublicIpRange", &keep);
    check(&lab, "a range kept, opened and kept again");
    // 4. Portable addresses, rules, static NAT with open ports, VPN users.
    let portable = address("true");
    let nat = [("ipaddressid", portable.as_str()), ("virtualmachineid", &vm), ("networkid", &net)];
    own("enableStaticNat", &nat);
    let ports = [("ipaddressid", portable.as_str()), ("protocol", "tcp"), ("startport", "22")];
    own("createIpForwardingRule", &ports);
    let forward = [
        ("ipaddressid", ip.as_str()),
        ("protocol", "tcp"),
        ("publicport", "80"),
        ("privateport", "80"),
        ("virtualmachineid", &vm),
    ];
    own("createPortForwardingRule", &forward);
    let balance = [
        ("publicipid", ip.as_str()),
        ("name", "lb"),
        ("algorithm", "source"),
        ("publicport", "443"),
        ("privateport", "443"),
    ];
    own("createLoadBalancerRule", &balance);
    own("createRemoteAccessVpn", &[("publicipid", &ip)]);
    own("addVpnUser", &[("username", "zoe"), ("password", "secret")]);
    own("deleteRemoteAccessVpn", &[("publicipid", &ip)]);
    check(&lab, "rules of all kinds");
    // 5. Another offering under a running machine; the router rebooted and replaced.
    let same = [
        ("name", "same"),
        ("displaytext", "same"),
        ("traffictype", "Guest"),
        ("guestiptype", "Isolated"),
        (
            "supportedservices",
            "Dhcp,Dns,UserData,SourceNat,StaticNat,PortForwarding,Firewall,Lb,Vpn,Gateway",
        ),
    ];
    let same = text(&admin("createNetworkOffering", &same), "id");
    admin("updateNetworkOffering", &[("id", &same), ("state", "Enabled")]);
    own("updateNetwork", &[("id", &net), ("networkofferingid", &same)]);
    let router =
        || text(&lab.one("listRouters", &[("networkid", &net), ("listall", "true")]), "id");
    admin("rebootRouter", &[("id", &router())]);
    admin("stopRouter", &[("id", &router())]);
    admin("startRouter", &[("id", &router())]);
    admin("destroyRouter", &[("id", &router())]);
    own("restartNetwork", &[("id", &net), ("cleanup", "false")]);
    own("restartNetwork", &[("id", &net)]);
    own("disassociateIpAddress", &[("id", &portable)]);
    let had = check(&lab, "offerings and routers");
    let types: BTreeSet<u16> = had.keys().map(|(_, what)| what.usage_type.0).collect();
    for usage_type in [1, 2, 3, 4, 5, 11, 12, 13, 14] {
        assert!(types.contains(&usage_type), "usage of type {usage_type}");
    }
    // 6. Everything at once with the account; nothing is used any more.
    let account = text(&lab.one("listAccounts", &[("name", "alice"), ("listall", "true")]), "id");
    admin("deleteAccount", &[("id", &account)]);
    let at_end = check(&lab, "the account is gone");
    lab.pass(86_400);
    assert_eq!(check(&lab, "a day later"), at_end, "nothing is billed after its account");
}

#[test]
fn a_router_goes_on_elsewhere_when_its_host_dies_and_counts_each_byte_once() {
    let (lab, deploy) = deployer();
    run(&lab, "deployVirtualMachine", &deploy);
    let router = || lab.one("listRouters", &[("listall", "true")]);
    let memory = |host: &str| int(&lab.one("listHosts", &[("id", host)]), "memoryallocated");
    let first = text(&router(), "hostid");
    let used = memory(&first);
    lab.pass(1_000);
    // It is stopped, and its place is free.
    let id = text(&router(), "id");
    lab.ok("stopRouter", &[("id", &id)]);
    assert_eq!(router().field("hostid"), None);
    assert_eq!(used - memory(&first), 128 << 20, "what its offering says");
    lab.pass(1_000);
    lab.ok("startRouter", &[("id", &id)]);
    lab.pass(1_000);
    lab.ok("rebootRouter", &[("id", &id)]);
    let before = text(&router(), "hostid");
    lab.pass(1_000);
    // Its host does not answer any more.
    let number = lab.id(&before).to_string();
    let rule = [("name", "PingCommand"), ("value", "enabled:false"), ("hostid", number.as_str())];
    lab.ok("configureSimulator", &rule);
    lab.run(lab.root(), "reconnectHost", &[("id", &before)]).unwrap_err();
    let after = router();
    assert_eq!((text(&after, "id"), text(&after, "state")), (id, "Running".to_owned()));
    assert_ne!(text(&after, "hostid"), before);
    lab.one("listAlerts", &[("type", "9")]);
    lab.one("listEvents", &[("type", "ROUTER.HA"), ("listall", "true")]);
    lab.pass(10_000);
    let had = check(&lab, "after the failure");
    let bytes = had.iter().filter(|((_, what), _)| what.usage_type.0 == 4).map(|(_, sent)| sent);
    assert!(bytes.sum::<i64>() > 0, "a machine that runs sends");
}

#[test]
fn a_pair_of_routers_counts_each_byte_once_whichever_leads() {
    let (lab, mut params) = deployer();
    let offering = [
        ("name", "pair"),
        ("displaytext", "p"),
        ("traffictype", "Guest"),
        ("guestiptype", "Isolated"),
        ("supportedservices", "Dhcp,Dns,UserData,SourceNat,Firewall"),
        ("servicecapabilitylist[0].service", "SourceNat"),
        ("servicecapabilitylist[0].capabilitytype", "RedundantRouter"),
        ("servicecapabilitylist[0].capabilityvalue", "true"),
    ];
    let offering = text(&lab.ok("createNetworkOffering", &offering), "id");
    lab.ok("updateNetworkOffering", &[("id", &offering), ("state", "Enabled")]);
    let network = [
        ("name", "pair".to_owned()),
        ("displaytext", "p".to_owned()),
        ("networkofferingid", offering),
        ("zoneid", params[0].1.clone()),
    ];
    let network = text(&run(&lab, "createNetwork", &network), "id");
    params.push(("networkids", network.clone()));
    run(&lab, "deployVirtualMachine", &params);
    lab.pass(1_000);
    let leader = |lab: &Lab| {
        let routers = lab.ok("listRouters", &[("networkid", &network), ("listall", "true")]);
        let Node::List(routers) = routers else { panic!() };
        assert_eq!(routers.len(), 2);
        let leads = |router: &&Node| text(router, "redundantstate") == "MASTER";
        text(routers.iter().find(leads).expect("one of them leads"), "id")
    };
    // Each takes over from the other, by a stop, a reboot and the end of one.
    let first = leader(&lab);
    lab.ok("stopRouter", &[("id", &first)]);
    lab.pass(1_000);
    assert_ne!(leader(&lab), first);
    lab.ok("startRouter", &[("id", &first)]);
    lab.pass(700);
    lab.ok("rebootRouter", &[("id", &leader(&lab))]);
    assert_eq!(leader(&lab), first);
    lab.pass(900);
    let had = check(&lab, "pair");
    let sent = |usage_type: u16| -> i64 {
        had.iter().filter(|((_, what), _)| what.usage_type.0 == usage_type).map(|(_, n)| n).sum()
    };
    // One machine sends 1000 bytes a second, through one router at a time; the last poll is
    // 1500 s after the second start of the first.
    let seconds = 1_000 + 1_000 + 1_500;
    assert_eq!(sent(4), seconds * 1_000);
    assert_eq!(sent(5), seconds * 1_500);
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
