//! Ranges of IPv4 addresses as commands give them: a gateway with its netmask, and the
//! first and last address, which must fit together and not be somebody else's.

use cloudtally_model::ApiError;

use super::{
    given::{self, Subnet},
    ip,
};
use crate::{
    col,
    engine::{Call, Resource},
};

/// A range whose parts fit together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IpRange {
    pub(crate) gateway: String,
    pub(crate) netmask: String,
    pub(crate) first: u32,
    pub(crate) last: u32,
}

impl IpRange {
    /// Checks that the range lies in the gateway's network and leaves the gateway out.
    pub(crate) fn checked(
        call: &Call<'_, '_>,
        gateway: &str,
        netmask: &str,
        start: &str,
        end: Option<&str>,
    ) -> Result<Self, ApiError> {
        let address = |name: &str, text: &str| {
            given::ipv4(text).ok_or_else(|| {
                call.invalid(name, text, "expected an IPv4 address such as `10.1.1.1`")
            })
        };
        let gateway_at = address("gateway", gateway)?;
        let subnet = Subnet::of(gateway, netmask).ok_or_else(|| {
            call.invalid("netmask", netmask, "expected a netmask such as `255.255.255.0`")
        })?;
        let first = address("startip", start)?;
        let (end_name, end) = end.map_or(("startip", start), |end| ("endip", end));
        let last = address(end_name, end)?;
        if first > last {
            return Err(call.invalid(
                "startip",
                start,
                &format!("the first address must not lie behind the last, {end}"),
            ));
        }
        for (name, text, at) in [("startip", start, first), (end_name, end, last)] {
            if !subnet.contains(at) || !subnet.usable().contains(&at) {
                return Err(call.invalid(
                    name,
                    text,
                    &format!("expected an address in the network of the gateway {gateway} with the netmask {netmask}"),
                ));
            }
        }
        if (first..=last).contains(&gateway_at) {
            return Err(call.invalid(
                "gateway",
                gateway,
                &format!("the gateway must not lie in the range {start}-{end}"),
            ));
        }
        Ok(Self {
            gateway: ip::format(gateway_at),
            netmask: netmask.trim().to_owned(),
            first,
            last,
        })
    }

    /// Refuses a range that shares addresses with one of others.
    pub(crate) fn check_apart<'t>(
        &self,
        others: impl Iterator<Item = &'t Resource>,
    ) -> Result<(), ApiError> {
        for other in others {
            let Some((first, last)) = bounds(other) else { continue };
            if self.first <= last && first <= self.last {
                return Err(other.refused(
                    "startip",
                    format!(
                        "has {}-{}, which {}-{} overlaps; choose other addresses",
                        ip::format(first),
                        ip::format(last),
                        ip::format(self.first),
                        ip::format(self.last)
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Writes it into the columns of the same names.
    pub(crate) fn store(&self, resource: &mut Resource) {
        resource
            .set_text(col::GATEWAY, &self.gateway)
            .set_text(col::NETMASK, &self.netmask)
            .set_text(col::START_IP, &ip::format(self.first))
            .set_text(col::END_IP, &ip::format(self.last));
    }
}

/// The first and last address of a stored range; none if it is of IPv6 alone.
pub(crate) fn bounds(range: &Resource) -> Option<(u32, u32)> {
    let first = ip::parse(range.text(col::START_IP))?;
    Some((first, ip::parse(range.text(col::END_IP)).unwrap_or(first)))
}

/// Tells whether an address lies in a stored range.
pub(crate) fn holds(range: &Resource, address: &str) -> bool {
    match (bounds(range), ip::parse(address)) {
        (Some((first, last)), Some(address)) => (first..=last).contains(&address),
        _ => false,
    }
}

/// The first and last IPv6 address of a stored range, if it has any.
pub(crate) fn bounds_v6(range: &Resource) -> Option<(u128, u128)> {
    given::ipv6(range.text(col::START_IPV6)).zip(given::ipv6(range.text(col::END_IPV6)))
}

/// Tells whether an IPv6 address lies in a stored range.
pub(crate) fn holds_v6(range: &Resource, address: &str) -> bool {
    match (bounds_v6(range), given::ipv6(address)) {
        (Some((first, last)), Some(address)) => (first..=last).contains(&address),
        _ => false,
    }
}
