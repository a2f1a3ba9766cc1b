//! What the cloud does for itself by the clock: it looks whether capacity runs out,
//! shuts down networks that nobody is on, clears up after accounts, and throws away old events
//! and alerts.
//!
//! Each chore is a thing of its own, made with the cloud, that is due when its next
//! turn comes. A new interval counts at once where it brings the next turn forward, and
//! from the turn after the next otherwise.

use cloudtally_model::{Instant, Millis};

use crate::{
    col,
    desk::alert::{self, AlertType, Place},
    engine::{ThingId, Tx},
    identity::account,
    network::guest,
    site::capacity::{self, Ratio},
    table::{Kind, KindSpec, Object, WireType as W, hidden},
};

const HOUSEKEEPING: Object = Object { name: "Housekeeping", fields: &[] };

pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Housekeeping, &HOUSEKEEPING)
    .hidden(&[hidden("chore", W::Str), hidden("due", W::Date)])
    .on_due(take_turn);

/// One chore.
struct Chore {
    /// The name it is stored under.
    name: &'static str,
    /// The setting that says how long its turns are apart, and the unit of that.
    interval: (&'static str, i64),
    /// Does it.
    run: fn(&mut Tx<'_>),
}

const CHORES: [Chore; 5] = [
    Chore { name: "capacity", interval: ("capacity.check.period", 1), run: look_at_capacity },
    Chore { name: "networks", interval: ("network.gc.interval", 1000), run: guest::shut_down_idle },
    Chore { name: "events", interval: ("event.purge.interval", 1000), run: purge_events },
    Chore { name: "alerts", interval: ("alert.purge.interval", 1000), run: purge_alerts },
    Chore {
        name: "accounts",
        interval: ("account.cleanup.interval", 1000),
        run: account::clean_up,
    },
];

/// Makes the chores that a cloud does not have yet: all of a new one, those that are
/// new of one that an older version made.
pub(crate) fn begin(tx: &mut Tx<'_>) {
    for chore in &CHORES {
        if tx.all(Kind::Housekeeping).any(|thing| thing.text(col::CHORE) == chore.name) {
            continue;
        }
        let due = next(tx, chore);
        tx.insert(Kind::Housekeeping, |thing| {
            thing.set_text(col::CHORE, chore.name).set_time(col::DUE, due);
        });
    }
}

fn next(tx: &Tx<'_>, chore: &Chore) -> Instant {
    let (setting, unit_ms) = chore.interval;
    tx.now + tx.setting_time(setting, unit_ms)
}

/// Brings the next turn of each chore forward, where its interval is shorter now.
pub(crate) fn hasten(tx: &mut Tx<'_>) {
    for chore in &CHORES {
        let sooner = next(tx, chore);
        let things =
            tx.all(Kind::Housekeeping).filter(|thing| thing.text(col::CHORE) == chore.name);
        let late = things.filter(|thing| thing.time(col::DUE).is_none_or(|due| due > sooner));
        let late: Vec<ThingId> = late.map(|thing| thing.id).collect();
        for id in late {
            tx.edit(id, |thing| {
                thing.set_time(col::DUE, sooner);
            });
        }
    }
}

fn take_turn(tx: &mut Tx<'_>, id: ThingId) {
    let chore = CHORES.iter().find(|chore| chore.name == tx.thing(id).text(col::CHORE));
    if let Some(chore) = chore {
        (chore.run)(tx);
    }
    begin(tx);
    let due = chore.map(|chore| next(tx, chore));
    tx.edit(id, |thing| {
        thing.set_time(col::DUE, due);
    });
}

/// What is looked at: the type of listCapacity, the kind of place, the setting with the
/// share above which it is told, and as what.
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
        let places: Vec<ThingId> = tx.all(kind).map(|place| place.id).collect();
        for id in places {
            let place = tx.thing(id);
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

fn purge_events(tx: &mut Tx<'_>) {
    purge(tx, Kind::Event, "event.purge.delay");
}

fn purge_alerts(tx: &mut Tx<'_>) {
    purge(tx, Kind::Alert, "alert.purge.delay");
}

/// Throws away what is older than a number of days; what is archived stays, and 0
/// days keep everything.
fn purge(tx: &mut Tx<'_>, kind: Kind, setting: &str) {
    const DAY_MS: i64 = 86_400_000;
    let delay = tx.setting_time(setting, DAY_MS);
    if delay == Millis(0) {
        return;
    }
    let before = tx.now - delay;
    // The oldest come first.
    let old: Vec<ThingId> = tx
        .all(kind)
        .take_while(|thing| thing.created < before)
        .filter(|thing| !thing.flag(col::ARCHIVED))
        .map(|thing| thing.id)
        .collect();
    for id in old {
        tx.erase(id);
    }
}
