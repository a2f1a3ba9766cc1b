//! Histories that make no sense: events of any type in any order, few resources so
//! that they collide, attributes that come and go, accounts that are removed.

use std::collections::BTreeMap;

use cloudtally_model::{AccountId, Instant, Millis, SourceId, Text, UsageEvent, ZoneId};
use proptest::{collection::vec, option, prelude::*, sample::select};

use crate::{
    naive::History,
    support::{World, at},
};

/// Names of the sources, in order.
pub(crate) const SOURCES: [&str; 2] = ["alpha", "beta"];

/// The weekend on which clocks in Paris go forward.
pub(crate) fn start() -> Instant {
    at("2026-03-28 00:00:00")
}

/// Later than all that happens.
pub(crate) fn end() -> Instant {
    at("2026-04-02 00:00:00")
}

const TYPES: &[(u32, &[&str])] = &[
    (
        12,
        &[
            "VM.CREATE",
            "VM.START",
            "VM.START",
            "VM.STOP",
            "VM.DESTROY",
            "VM.UPGRADE",
            "VM.DYNAMIC.SCALE",
        ],
    ),
    (
        3,
        &[
            "NETWORK.OFFERING.ASSIGN",
            "NETWORK.OFFERING.CREATE",
            "NETWORK.OFFERING.REMOVE",
            "NETWORK.OFFERING.DELETE",
        ],
    ),
    (3, &["VOLUME.CREATE", "VOLUME.UPLOAD", "VOLUME.RESIZE", "VOLUME.DELETE"]),
    (3, &["TEMPLATE.CREATE", "TEMPLATE.COPY", "TEMPLATE.DELETE"]),
    (2, &["ISO.CREATE", "ISO.COPY", "ISO.DELETE"]),
    (2, &["NET.IPASSIGN", "PORTABLE.IPASSIGN", "NET.IPRELEASE", "PORTABLE.IPRELEASE"]),
    (1, &["SNAPSHOT.CREATE", "SNAPSHOT.DELETE"]),
    (1, &["LB.CREATE", "LB.DELETE", "NET.RULEADD", "NET.RULEDELETE"]),
    (1, &["VPN.USER.ADD", "VPN.USER.REMOVE", "VM.REBOOT", "SG.ASSIGN"]),
];

fn event_type() -> impl Strategy<Value = &'static str> {
    let groups = TYPES.iter().map(|(weight, names)| (*weight, select(*names)));
    proptest::strategy::Union::new_weighted(groups.collect())
}

/// Mostly on the hour, so that boundaries and ties happen; often a little beside.
pub(crate) fn instant() -> impl Strategy<Value = Instant> {
    (0..=96i64, select(&[0i64, 0, 0, 0, 1, -1, 1_800_000, 77_777][..]))
        .prop_map(|(hour, beside)| start() + Millis(hour * Millis::HOUR.0 + beside.max(-hour)))
}

fn event() -> impl Strategy<Value = (usize, UsageEvent)> {
    let attributes = (
        option::weighted(0.6, 1..3u64),
        option::weighted(0.6, 5..7u64),
        option::weighted(0.6, 0..3u64),
        option::weighted(0.2, 8..9u64),
        option::weighted(0.5, 1..3u32),
        option::weighted(0.5, select(&["KVM", "XenServer"][..])),
    );
    let place = (1..4u64, -1..3i64, 1..4u64);
    ((0..SOURCES.len(), event_type(), instant()), place, attributes).prop_map(
        |((source, event_type, created), (account, zone, resource), attributes)| {
            let (offering, template, size, virtual_size, name, resource_type) = attributes;
            // What VM events never have.
            let of_vm = event_type.starts_with("VM.");
            let event = UsageEvent {
                id: 0.into(),
                event_type: event_type.into(),
                created,
                account: AccountId(account),
                zone: ZoneId::from_source(zone),
                resource: resource.into(),
                resource_name: name.map(|name| Text::from(name.to_string())),
                offering: offering.map(Into::into),
                template: template.map(Into::into),
                size: size.filter(|_| !of_vm),
                virtual_size: virtual_size.filter(|_| !of_vm),
                resource_type: resource_type.map(Text::new),
            };
            (source, event)
        },
    )
}

/// One history a source. Ids are not in order of time.
pub(crate) fn histories(most: usize) -> impl Strategy<Value = Vec<History>> {
    let removed = vec((0..SOURCES.len(), 1..4u64, instant()), 0..3);
    (vec(event(), 1..most), removed).prop_map(|(events, removed)| {
        let mut histories = vec![History::default(); SOURCES.len()];
        for (number, (source, mut event)) in (0u64..).zip(events) {
            event.id = (number * 37 % 1009 + 1).into();
            histories[source].events.push(event);
        }
        for (source, account, when) in removed {
            histories[source].removed.insert(AccountId(account), when);
        }
        histories
    })
}

/// Everything at once into a fresh folder.
pub(crate) fn ingested(zone: &str, minutes: &str, histories: &[History]) -> World {
    let world = World::new(zone, minutes);
    for (name, history) in SOURCES.iter().zip(histories) {
        world.writer.source(&crate::support::source(name)).unwrap();
        world.events(name, &history.events);
        remove(&world, name, &history.removed);
    }
    world
}

pub(crate) fn remove(world: &World, name: &str, removed: &BTreeMap<AccountId, Instant>) {
    for (account, when) in removed {
        world.account(name, account.0, Some(*when));
    }
}

/// The anomalies of a folder as the slow twin tells them.
pub(crate) fn oddities(world: &World) -> Vec<(SourceId, crate::naive::Odd)> {
    let rank = |name: &str| SOURCES.iter().position(|known| *known == name).unwrap();
    let all = world.writer.anomalies(usize::MAX).unwrap().into_iter();
    let mut all: Vec<_> = all
        .map(|odd| {
            let source = SourceId(u16::try_from(rank(odd.source.as_str())).unwrap());
            (source, (odd.at, odd.event, odd.usage_type.0, odd.resource.0))
        })
        .collect();
    all.sort();
    all
}
