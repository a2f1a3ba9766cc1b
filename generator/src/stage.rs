//! State shared by all parts of the simulated cloud while it is being made.

use crate::{accounts::Accounts, moments::Moments, options::Options, rows::Rows};

pub(crate) const GIB: u64 = 1 << 30;

/// The zones of the cloud.
pub(crate) const ZONES: [u32; 3] = [1, 2, 3];

pub(crate) const SERVICE_OFFERINGS: [u32; 6] = [1, 2, 3, 4, 5, 6];
pub(crate) const DISK_OFFERINGS: [u32; 4] = [21, 22, 23, 24];
pub(crate) const NETWORK_OFFERINGS: [u32; 4] = [31, 32, 33, 34];
/// Templates everybody may use; the cloud's own, so nothing meters them.
pub(crate) const PUBLIC_TEMPLATES: [u32; 5] = [101, 102, 103, 104, 105];
/// The first id of an image that somebody pays for.
const FIRST_IMAGE: u32 = 200;

/// Counters of ids, one for each of the cloud's tables.
#[derive(Debug)]
pub(crate) struct Ids {
    pub(crate) vm: Counter,
    pub(crate) nic: Counter,
    pub(crate) volume: Counter,
    pub(crate) snapshot: Counter,
    pub(crate) vm_snapshot: Counter,
    /// Templates and ISOs share a table.
    pub(crate) image: Counter,
    pub(crate) address: Counter,
    /// Load balancer and port forwarding rules share a table.
    pub(crate) rule: Counter,
    pub(crate) vpn_user: Counter,
    /// Routers and external devices.
    pub(crate) device: Counter,
    pub(crate) network: Counter,
}

/// Hands out numbers.
#[derive(Debug)]
pub(crate) struct Counter(u32);

impl Counter {
    pub(crate) fn next(&mut self) -> u32 {
        self.0 += 1;
        self.0
    }
}

/// The cloud in the making.
pub(crate) struct Stage<'a> {
    pub(crate) options: &'a Options,
    pub(crate) accounts: &'a Accounts,
    pub(crate) moments: Moments,
    pub(crate) rows: Rows,
    pub(crate) ids: Ids,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(options: &'a Options, accounts: &'a Accounts, moments: Moments) -> Self {
        let ids = Ids {
            vm: Counter(0),
            nic: Counter(0),
            volume: Counter(0),
            snapshot: Counter(0),
            vm_snapshot: Counter(0),
            image: Counter(FIRST_IMAGE - 1),
            address: Counter(0),
            rule: Counter(0),
            vpn_user: Counter(0),
            device: Counter(5_000),
            network: Counter(200),
        };
        Self { options, accounts, moments, rows: Rows::default(), ids }
    }
}

/// A zone as the stream writes it.
pub(crate) fn zone_number(zone: u32) -> i16 {
    i16::try_from(zone).expect("the cloud has few zones")
}
