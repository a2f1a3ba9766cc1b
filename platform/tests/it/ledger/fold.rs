//! The naive fold of usage events and samples.

use std::collections::BTreeMap;

use Does::{Closes, Opens, Splits};
use cloudtally_model::{
    Instant, NetworkId, NetworkSample, NicId, UsageEvent, UsageTypeId, port::Use, utc_day_name,
};

use super::DAY_MS;

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
pub(super) fn key(usage_type: u16, event: &UsageEvent) -> Use {
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
pub(super) fn folded(
    events: &[UsageEvent],
    samples: &[NetworkSample],
    end: Instant,
) -> (Bill, Vec<String>) {
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
