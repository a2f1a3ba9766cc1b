//! Chores that the cloud does for itself by the clock: when each is due.
//!
//! Each chore is a resource of its own, made with the cloud, that is due when its next
//! turn comes. A new interval counts at once where it brings the next turn forward, and
//! from the turn after the next otherwise. The work itself is `operations/housekeeping.rs`.

use cloudtally_model::Instant;

use crate::{
    col,
    engine::{ResourceId, Tx},
    table::{Kind, Object},
};

pub(crate) const HOUSEKEEPING: Object = Object { name: "Housekeeping", fields: &[] };

/// One chore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chore {
    /// Looks whether capacity runs out.
    Capacity,
    /// Shuts down networks that nobody is on.
    Networks,
    /// Throws away old events.
    Events,
    /// Throws away old alerts.
    Alerts,
    /// Clears up after accounts.
    Accounts,
    /// Ends VPCs whose deletion was not finished.
    Vpcs,
}

impl Chore {
    /// All chores.
    pub(crate) const ALL: [Self; 6] =
        [Self::Capacity, Self::Networks, Self::Events, Self::Alerts, Self::Accounts, Self::Vpcs];

    /// The name it is stored under.
    const fn name(self) -> &'static str {
        match self {
            Self::Capacity => "capacity",
            Self::Networks => "networks",
            Self::Events => "events",
            Self::Alerts => "alerts",
            Self::Accounts => "accounts",
            Self::Vpcs => "vpcs",
        }
    }

    /// The setting that says how long its turns are apart, and the milliseconds of its unit.
    const fn interval(self) -> (&'static str, i64) {
        match self {
            Self::Capacity => ("capacity.check.period", 1),
            Self::Networks => ("network.gc.interval", 1000),
            Self::Events => ("event.purge.interval", 1000),
            Self::Alerts => ("alert.purge.interval", 1000),
            Self::Accounts => ("account.cleanup.interval", 1000),
            Self::Vpcs => ("vpc.cleanup.interval", 1000),
        }
    }

    /// The chore that a resource is kept for; none if this version does not know it.
    pub(crate) fn of(tx: &Tx<'_>, id: ResourceId) -> Option<Self> {
        let name = tx.resource(id).text(col::CHORE);
        Self::ALL.into_iter().find(|chore| chore.name() == name)
    }

    /// The moment of its next turn, if its last one is now.
    pub(crate) fn next(self, tx: &Tx<'_>) -> Instant {
        let (setting, unit_ms) = self.interval();
        tx.now + tx.setting_time(setting, unit_ms)
    }
}

/// Makes the chores that a cloud does not have yet: all of a new one, those that are
/// new of one that an older version made.
pub(crate) fn begin(tx: &mut Tx<'_>) {
    for chore in Chore::ALL {
        if tx.all(Kind::Housekeeping).any(|resource| resource.text(col::CHORE) == chore.name()) {
            continue;
        }
        let due = chore.next(tx);
        tx.insert(Kind::Housekeeping, |resource| {
            resource.set_text(col::CHORE, chore.name()).set_time(col::DUE, due);
        });
    }
}

/// Brings the next turn of each chore forward, where its interval is shorter now.
pub(crate) fn hasten(tx: &mut Tx<'_>) {
    for chore in Chore::ALL {
        let sooner = chore.next(tx);
        let resources =
            tx.all(Kind::Housekeeping).filter(|resource| resource.text(col::CHORE) == chore.name());
        let late =
            resources.filter(|resource| resource.time(col::DUE).is_none_or(|due| due > sooner));
        let late: Vec<ResourceId> = late.map(|resource| resource.id).collect();
        for id in late {
            tx.edit(id, |resource| {
                resource.set_time(col::DUE, sooner);
            });
        }
    }
}
