//! Events that CloudStack writes wrongly, mended as they come in.
//!
//! `PORTABLE.IPASSIGN` carries the id of the address where the account belongs, in every
//! version. Its account is that of the address in `user_ip_address`, else that of the next
//! `PORTABLE.IPRELEASE` of the address; such events are held until all inputs are read. An
//! upload may carry the id of its store where the zone belongs: if it is no zone of
//! `data_center`, it is the store's. Each mend is kept with the event.

use std::collections::{HashMap, HashSet};

use cloudtally_model::{AccountId, EventId, Instant, UsageEvent, ZoneId, row_index, row_numbers};

use crate::{
    batch::{Batch, Place},
    value::Reason,
};

/// Events that are held until all inputs are read; further ones are judged as they come.
const HELD_MAX: usize = 200_000;
/// Releases that are remembered.
const RELEASES_MAX: usize = 4_000_000;

/// The accounts of addresses.
pub(crate) type Addresses = HashMap<u64, u64>;

/// The zones of a cloud.
#[derive(Clone, Debug, Default)]
pub(crate) struct Zones {
    pub(crate) zones: HashSet<u64>,
    /// The zone of each store, none if it serves a region.
    pub(crate) stores: HashMap<u64, Option<u64>>,
}

/// A column that is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum MendedColumn {
    Account,
    Zone,
}

impl MendedColumn {
    const ALL: [Self; 2] = [Self::Account, Self::Zone];

    pub(crate) fn as_name(self) -> &'static str {
        match self {
            Self::Account => "account_id",
            Self::Zone => "zone_id",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.as_name() == name)
    }

    pub(crate) fn of(self, event: &UsageEvent) -> u64 {
        match self {
            Self::Account => event.account.0,
            Self::Zone => event.zone.number().unwrap_or(0),
        }
    }

    pub(crate) fn set(self, event: &mut UsageEvent, value: u64) {
        match self {
            Self::Account => event.account = AccountId(value),
            Self::Zone => event.zone = ZoneId::from_source(value.cast_signed()),
        }
    }
}

/// The mend of a column of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mend {
    /// The number of the row in its batch.
    pub(crate) row: u32,
    pub(crate) column: MendedColumn,
    /// The value that the cloud wrote.
    pub(crate) original: u64,
    pub(crate) reason: String,
}

/// A batch as it is judged.
pub(crate) struct Passed {
    pub(crate) batch: Batch<UsageEvent>,
    pub(crate) mends: Vec<Mend>,
    /// Rows that cannot be mended: they are set aside unless they are there already.
    pub(crate) doubtful: HashMap<u32, Reason>,
}

/// An event that is held.
#[derive(Debug)]
struct Held {
    event: UsageEvent,
    place: Place,
    text: String,
}

/// Mends the events of a run.
#[derive(Debug, Default)]
pub(crate) struct Border {
    pub(crate) zones: Option<Zones>,
    pub(crate) addresses: Addresses,
    /// The instant, the event and the account of each release of an address.
    releases: HashMap<u64, Vec<(Instant, EventId, u64)>>,
    releases_count: usize,
    held: Vec<Held>,
}

/// The kinds of events that are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Suspect {
    Assign,
    Release,
    Upload,
}

/// The kind of an event by its type.
fn suspect(event_type: &str) -> Option<Suspect> {
    match event_type {
        "PORTABLE.IPASSIGN" => Some(Suspect::Assign),
        "PORTABLE.IPRELEASE" => Some(Suspect::Release),
        "TEMPLATE.CREATE" | "ISO.CREATE" | "VOLUME.UPLOAD" => Some(Suspect::Upload),
        _ => None,
    }
}

/// The rows of a batch that are looked at.
fn suspects(batch: &Batch<UsageEvent>) -> Vec<(u32, Suspect)> {
    let types = &batch.rows.event_type;
    // Each type is asked once; most batches have none of these.
    let mut is_any = false;
    drop(types.map(&[], |name| is_any |= suspect(name).is_some()));
    if !is_any {
        return Vec::new();
    }
    let rows = row_numbers(batch.rows.height());
    let kinds: Vec<_> = types.map(&rows, suspect).collect();
    rows.into_iter().zip(kinds).filter_map(|(row, kind)| Some((row, kind.flatten()?))).collect()
}

impl Border {
    /// Mends what can be mended now, and holds back what must wait.
    pub(crate) fn pass(&mut self, mut batch: Batch<UsageEvent>) -> Passed {
        let suspects = suspects(&batch);
        let (mut mends, mut held) = (Vec::new(), Vec::new());
        let mut doubtful = HashMap::new();
        for (row, kind) in suspects {
            let at = row_index(row);
            let (account, resource) = (batch.rows.account[at], batch.rows.resource[at]);
            match kind {
                Suspect::Release => self.remember(&batch.rows.row(at)),
                Suspect::Upload => {
                    let zone = batch.rows.zone[at];
                    if let Some((right, reason)) = self.zone_of_upload(zone) {
                        batch.rows.zone[at] = right;
                        let column = MendedColumn::Zone;
                        mends.push(Mend { row, column, original: zone, reason });
                    }
                }
                Suspect::Assign if account != resource => {}
                Suspect::Assign if self.held.len() + held.len() >= HELD_MAX => {
                    doubtful.insert(row, unknown_owner(resource));
                }
                Suspect::Assign => held.push(at),
            }
        }
        if !held.is_empty() {
            for at in &held {
                let (event, place) = (batch.rows.row(*at), batch.places[*at]);
                self.held.push(Held { event, place, text: batch.raw(*at) });
            }
            // Rows get other numbers where some before them are taken out.
            let moved = |row: u32| {
                let before = held.partition_point(|at| *at < row_index(row));
                row - u32::try_from(before).expect("a batch has fewer rows")
            };
            mends.iter_mut().for_each(|mend| mend.row = moved(mend.row));
            doubtful = doubtful.into_iter().map(|(row, reason)| (moved(row), reason)).collect();
            batch = batch.without(&held);
        }
        Passed { batch, mends, doubtful }
    }

    /// Mends the events that were held, at the end of all inputs.
    pub(crate) fn release(&mut self) -> Passed {
        let held = std::mem::take(&mut self.held);
        let (mut mends, mut doubtful) = (Vec::new(), HashMap::new());
        let mut rows = Vec::with_capacity(held.len());
        for (row, Held { mut event, place, text }) in (0u32..).zip(held) {
            let original = event.account.0;
            match self.owner(&event) {
                Some((account, reason)) => {
                    event.account = AccountId(account);
                    if account != original {
                        mends.push(Mend { row, column: MendedColumn::Account, original, reason });
                    }
                }
                None => drop(doubtful.insert(row, unknown_owner(event.resource.0))),
            }
            rows.push((event, place, text));
        }
        Passed { batch: Batch::of(rows), mends, doubtful }
    }

    fn remember(&mut self, release: &UsageEvent) {
        if self.releases_count < RELEASES_MAX {
            self.releases_count += 1;
            let of_address = self.releases.entry(release.resource.0).or_default();
            of_address.push((release.created, release.id, release.account.0));
        }
    }

    /// The account that an address was assigned to, and where that stands.
    fn owner(&self, assigned: &UsageEvent) -> Option<(u64, String)> {
        let address = assigned.resource.0;
        if let Some(account) = self.addresses.get(&address) {
            let reason =
                "the cloud wrote the id of the address; its row in user_ip_address has the account";
            return Some((*account, reason.to_owned()));
        }
        let later = self.releases.get(&address)?.iter();
        let later = later.filter(|(at, id, _)| (*at, *id) > (assigned.created, assigned.id));
        let (_, release, account) = later.min()?;
        let reason = format!(
            "the cloud wrote the id of the address; its release, event {release}, has the account"
        );
        Some((*account, reason))
    }

    /// The right zone of an upload that names none of the cloud's, and where that stands.
    fn zone_of_upload(&self, zone: u64) -> Option<(u64, String)> {
        let Zones { zones, stores } = self.zones.as_ref()?;
        if zone == 0 || zones.is_empty() || zones.contains(&zone) {
            return None;
        }
        Some(match stores.get(&zone) {
            Some(Some(of_store)) => (
                *of_store,
                format!("the cloud wrote the id of an image store, which is in zone {of_store}"),
            ),
            Some(None) => {
                (0, "the cloud wrote the id of an image store, which is in no zone".to_owned())
            }
            None => (0, "the cloud has no such zone".to_owned()),
        })
    }
}

fn unknown_owner(address: u64) -> Reason {
    format!(
        "`account_id`: the cloud wrote the id of the address, `{address}`, and neither \
         `user_ip_address` nor a later PORTABLE.IPRELEASE says whose it is; ingest the file again \
         together with a dump of that table"
    )
}
