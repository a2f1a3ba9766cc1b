//! Network samples: cumulative byte counters as a device reports them.

use std::fmt;

use crate::{AccountId, Instant, NetworkId, Text, ZoneId};

/// The kind of device that counted. The wire names are the cloud's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceType {
    /// A virtual router.
    DomainRouter,
    /// The traffic monitor of a shared network.
    DirectNetwork,
    /// A hardware firewall.
    ExternalFirewall,
    /// A hardware load balancer.
    ExternalLoadBalancer,
    /// Not said by the source.
    Unknown,
    /// Any other name a source may use.
    Other(Text),
}

impl DeviceType {
    /// Reads the source's name; empty is [`DeviceType::Unknown`].
    pub fn from_name(name: &str) -> Self {
        match name {
            "DomainRouter" => Self::DomainRouter,
            "DirectNetwork" => Self::DirectNetwork,
            "ExternalFirewall" => Self::ExternalFirewall,
            "ExternalLoadBalancer" => Self::ExternalLoadBalancer,
            "" => Self::Unknown,
            other => Self::Other(other.into()),
        }
    }

    /// The source's name; empty for [`DeviceType::Unknown`].
    pub fn as_name(&self) -> &str {
        match self {
            Self::DomainRouter => "DomainRouter",
            Self::DirectNetwork => "DirectNetwork",
            Self::ExternalFirewall => "ExternalFirewall",
            Self::ExternalLoadBalancer => "ExternalLoadBalancer",
            Self::Unknown => "",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for DeviceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_name())
    }
}

/// One counter that goes on from sample to sample, within a source.
///
/// # Source
/// Usage rules 1, "Network samples".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesKey {
    /// The account that pays for the traffic.
    pub account: AccountId,
    /// The zone of the device.
    pub zone: ZoneId,
    /// The kind of device.
    pub device_type: DeviceType,
    /// The router's or external device's id.
    pub device: u64,
    /// The guest network; 0 is none.
    pub network: NetworkId,
    /// The public address counted for, where the source tells them apart.
    pub address: Option<Text>,
}

/// The counters of one series at one instant, in bytes since the device started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkSample {
    /// The instant the device was read.
    pub sampled: Instant,
    /// The counter.
    pub series: SeriesKey,
    /// Bytes sent since the device started.
    pub bytes_sent: u64,
    /// Bytes received since the device started.
    pub bytes_received: u64,
    /// True if the device knows that it began to count from 0 since the last sample.
    pub restarted: bool,
}

impl NetworkSample {
    /// True if the reading says 0 in both directions and not that it restarted. Behind
    /// the first sample of a series that is a failed poll and no sample at all.
    ///
    /// # Source
    /// Usage rules 5.
    pub fn is_blank(&self) -> bool {
        Self::says_nothing((self.bytes_sent, self.bytes_received), self.restarted)
    }

    /// Like [`Self::is_blank`], of bytes sent and received.
    pub fn says_nothing((sent, received): (u64, u64), restarted: bool) -> bool {
        sent == 0 && received == 0 && !restarted
    }
}
