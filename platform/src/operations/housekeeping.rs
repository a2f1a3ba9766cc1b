//! Housekeeping of the cloud by the clock: it looks whether capacity runs out,
//! shuts down networks that nobody is on, clears up after accounts, ends VPCs whose deletion was
//! not finished, and throws away old events and alerts.
//!
//! `desk/chores.rs` says when each chore is due.

use cloudtally_model::Millis;

use crate::{
    col,
    desk::{
        alert::{self, AlertType, Place},
        chores::{self, Chore, HOUSEKEEPING},
    },
    engine::{ResourceId, Tx},
    identity::account,
    network::{acl, guest, vpc},
    offering::vpcoffering,
    site::capacity::{self, Ratio},
    table::{Kind, KindSpec, WireType as W, hidden},
};

pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Housekeeping, &HOUSEKEEPING)
    .hidden(&[hidden("chore", W::Str), hidden("due", W::Date)])
    .on_due(take_turn);

fn take_turn(tx: &mut Tx<'_>, id: ResourceId) {
    let chore = Chore::of(tx, id);
    match chore {
        Some(Chore::Capacity) => look_at_capacity(tx),
        Some(Chore::Networks) => guest::shut_down_idle(tx),
        Some(Chore::Events) => {
            purge(tx, Kind::Event, false, "event.purge.delay");
            purge(tx, Kind::Event, true, "event.archive.purge.delay");
        }
        Some(Chore::Alerts) => purge(tx, Kind::Alert, false, "alert.purge.delay"),
        Some(Chore::Accounts) => account::clean_up(tx),
        Some(Chore::Vpcs) => vpc::clean_up(tx),
        None => {}
    }
    bring_up_to_date(tx);
    let due = chore.map(|chore| chore.next(tx));
    tx.edit(id, |resource| {
        resource.set_time(col::DUE, due);
    });
}

/// Makes what every cloud has, in one that an older version made.
fn bring_up_to_date(tx: &mut Tx<'_>) {
    chores::begin(tx);
    vpcoffering::seed(tx);
    acl::seed(tx);
}

/// The capacities that are looked at: the type of listCapacity, the kind of place, the setting
/// with the share above which it is told, and as what.
const THRESHOLDS: [(i64, Kind, &str, AlertType, &str); 10] = [
    (
        0,
        Kind::Cluster,
        "cluster.memory.allocated.capacity.notificationthreshold",
        alert::MEMORY,
        "memory",
    ),
    (1, Kind::Cluster, "cluster.cpu.allocated.capacity.notificationthreshold", alert::CPU, "CPU"),
    (
        2,
        Kind::Cluster,
        "cluster.storage.capacity.notificationthreshold",
        alert::STORAGE,
        "filled primary storage",
    ),
    (
        3,
        Kind::Cluster,
        "cluster.storage.allocated.capacity.notificationthreshold",
        alert::STORAGE_ALLOCATED,
        "allocated primary storage",
    ),
    (
        9,
        Kind::Cluster,
        "cluster.localStorage.capacity.notificationthreshold",
        alert::LOCAL_STORAGE,
        "allocated local storage",
    ),
    (
        5,
        Kind::Pod,
        "pod.privateip.capacity.notificationthreshold",
        alert::PRIVATE_IP,
        "private addresses",
    ),
    (
        4,
        Kind::Zone,
        "zone.virtualnetwork.publicip.capacity.notificationthreshold",
        alert::PUBLIC_IP,
        "public addresses",
    ),
    (
        6,
        Kind::Zone,
        "zone.secstorage.capacity.notificationthreshold",
        alert::SECONDARY_STORAGE,
        "secondary storage",
    ),
    (7, Kind::Zone, "zone.vlan.capacity.notificationthreshold", alert::VLAN, "VLANs"),
    (
        8,
        Kind::Zone,
        "zone.directnetwork.publicip.capacity.notificationthreshold",
        alert::DIRECT_IP,
        "addresses of shared networks",
    ),
];

/// Raises an alert for each capacity above its threshold, and resolves it for each
/// that is not.
fn look_at_capacity(tx: &mut Tx<'_>) {
    for (number, kind, setting, alert_type, noun) in THRESHOLDS {
        let places: Vec<ResourceId> = tx.all(kind).map(|place| place.id).collect();
        for id in places {
            let place = tx.resource(id);
            let Some(amount) = capacity::amount_of(tx, place, number) else { continue };
            let threshold = Ratio::parse(tx.scoped_setting(id, setting));
            let is_low = threshold.is_some_and(|most| amount.used > most.of(amount.total));
            let at = Place::of(tx, id);
            if !is_low || amount.total == 0 {
                alert::resolve(tx, alert_type, Some(id), at);
                continue;
            }
            let text = format!(
                "{noun} of the {} {} run low: {} % of {} are used",
                kind.noun(),
                place.text(col::NAME),
                amount.percent(),
                amount.total
            );
            alert::raise(tx, alert_type, Some(id), at, &text);
        }
    }
}

/// Throws away what is older than a number of days, of what is archived or of the rest; 0
/// days keep everything.
fn purge(tx: &mut Tx<'_>, kind: Kind, is_archived: bool, setting: &str) {
    const DAY_MS: i64 = 86_400_000;
    let delay = tx.setting_time(setting, DAY_MS);
    if delay == Millis(0) {
        return;
    }
    let before = tx.now - delay;
    // The oldest come first.
    let old: Vec<ResourceId> = tx
        .all(kind)
        .take_while(|resource| resource.created < before)
        .filter(|resource| resource.flag(col::ARCHIVED) == is_archived)
        .map(|resource| resource.id)
        .collect();
    for id in old {
        tx.erase(id);
    }
}
