//! Parameters that many commands read alike: words of a fixed set, addresses, tags, URLs. One
//! place that reads them, so that all commands refuse the same resources in the same words.

use std::net::{Ipv4Addr, Ipv6Addr};

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Call, State},
    state::SwitchState,
};

/// The state of what may take something new.
pub(crate) const ENABLED: &str = "Enabled";
/// The state of what may not.
pub(crate) const DISABLED: &str = "Disabled";

/// A parameter that is one of some words, in any case.
pub(crate) fn word(
    call: &Call<'_, '_>,
    name: &str,
    words: &[&'static str],
) -> Result<Option<&'static str>, ApiError> {
    let Some(given) = call.args.text_if_any(name) else { return Ok(None) };
    let found = words.iter().copied().find(|word| word.eq_ignore_ascii_case(given));
    found
        .map(Some)
        .ok_or_else(|| call.invalid(name, given, &format!("expected {}", words.join(" or "))))
}

/// `allocationstate`, where given.
pub(crate) fn allocation_state(call: &Call<'_, '_>) -> Result<Option<&'static str>, ApiError> {
    word(call, "allocationstate", &[ENABLED, DISABLED])
}

/// Refuses parameters that are given and not IPv4 addresses.
pub(crate) fn check_addresses(call: &Call<'_, '_>, names: &[&str]) -> Result<(), ApiError> {
    for name in names {
        address(call, name)?;
    }
    Ok(())
}

/// A parameter that is an IPv4 address.
pub(crate) fn address(call: &Call<'_, '_>, name: &str) -> Result<Option<u32>, ApiError> {
    let Some(given) = call.args.text_if_any(name) else { return Ok(None) };
    match ipv4(given) {
        Some(address) => Ok(Some(address)),
        None => Err(call.invalid(name, given, "expected an IPv4 address such as `10.1.1.1`")),
    }
}

/// The number of an IPv4 address.
pub(crate) fn ipv4(text: &str) -> Option<u32> {
    text.trim().parse::<Ipv4Addr>().ok().map(u32::from)
}

/// The number of an IPv6 address.
pub(crate) fn ipv6(text: &str) -> Option<u128> {
    text.trim().parse::<Ipv6Addr>().ok().map(u128::from)
}

/// An IPv4 address as people write it.
pub(crate) fn dotted(address: u32) -> String {
    Ipv4Addr::from(address).to_string()
}

/// The addresses of a network: those that share their first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subnet {
    first: u32,
    mask: u32,
}

impl Subnet {
    /// The one of an address and a netmask such as `255.255.255.0`.
    pub(crate) fn of(address: &str, netmask: &str) -> Option<Self> {
        let (address, mask) = (ipv4(address)?, ipv4(netmask)?);
        (mask.leading_ones() + mask.trailing_zeros() == 32 && mask != 0)
            .then_some(Self { first: address & mask, mask })
    }

    /// The one of a range such as `10.1.1.0/24`.
    pub(crate) fn of_cidr(cidr: &str) -> Option<Self> {
        let (address, bits) = cidr.trim().split_once('/')?;
        let (address, bits): (u32, u32) = (ipv4(address)?, bits.parse().ok()?);
        let mask = match bits {
            1..=32 => u32::MAX << (32 - bits),
            _ => return None,
        };
        Some(Self { first: address & mask, mask })
    }

    /// Tells whether an address is in it.
    pub(crate) fn contains(self, address: u32) -> bool {
        address & self.mask == self.first
    }

    /// Tells whether they share an address.
    pub(crate) fn overlaps(self, other: Self) -> bool {
        let mask = self.mask & other.mask;
        self.first & mask == other.first & mask
    }

    /// The addresses that machines can have: all but the first and the last.
    pub(crate) fn usable(self) -> std::ops::Range<u32> {
        let last = self.first | !self.mask;
        self.first.saturating_add(1)..last
    }
}

/// The tags in a text or a list: words between commas.
pub(crate) fn tags(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|tag| !tag.is_empty())
}

/// Tells whether `have` has all the tags that `wanted` names.
pub(crate) fn has_all_tags(have: &str, wanted: &str) -> bool {
    tags(wanted).all(|tag| tags(have).any(|own| own.eq_ignore_ascii_case(tag)))
}

/// A URL in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    /// `nfs`, `http`, ...; in lower case.
    pub(crate) scheme: String,
    /// Name or address, without user and port.
    pub(crate) host: String,
    /// With its first `/`; empty if there is none.
    pub(crate) path: String,
}

impl Url {
    /// Takes a URL apart; none if it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once("://")?;
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let host = host.split_once(':').map_or(host, |(host, _)| host);
        let is_scheme = !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric());
        let is_clean = |text: &str| !text.contains(char::is_whitespace);
        (is_scheme && is_clean(rest)).then(|| Self {
            scheme: scheme.to_lowercase(),
            host: host.to_owned(),
            path: path.to_owned(),
        })
    }
}

/// A parameter that is a URL of one of some schemes.
pub(crate) fn url(call: &Call<'_, '_>, name: &str, schemes: &[&str]) -> Result<Url, ApiError> {
    let given = call.args.text_if_any(name).unwrap_or_default();
    let expected = || {
        let schemes: Vec<String> = schemes.iter().map(|s| format!("`{s}://host/path`")).collect();
        format!("expected a URL such as {}", schemes.join(" or "))
    };
    Url::parse(given)
        .filter(|url| schemes.contains(&url.scheme.as_str()))
        .ok_or_else(|| call.invalid(name, given, &expected()))
}

/// The state that the parameter `state` switches something to.
pub(crate) fn switch(call: &Call<'_, '_>) -> Result<Option<SwitchState>, ApiError> {
    let (on, off) = (SwitchState::Enabled, SwitchState::Disabled);
    Ok(word(call, "state", &[on.name(), off.name()])?.and_then(SwitchState::named))
}

/// Refuses a pod of another zone.
pub(crate) fn check_place(call: &Call<'_, '_>) -> Result<(), ApiError> {
    let (zone, pod) = (call.args.id_if_any("zoneid"), call.args.id_if_any("podid"));
    if let (Some(zone), Some(pod)) = (zone, pod)
        && call.tx.resource(pod).id_of(col::ZONE_ID) != Some(zone)
    {
        let (zone, pod) = (call.tx.resource(zone), call.tx.resource(pod));
        return Err(pod
            .refused(
                "podid",
                format!("is not in the zone {}; choose a pod of that zone", zone.text(col::NAME)),
            )
            .about(zone.uuid.to_string(), "zoneid"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets() {
        let pod = Subnet::of("172.16.15.1", "255.255.255.0").unwrap();
        assert!(pod.contains(ipv4("172.16.15.200").unwrap()));
        assert!(!pod.contains(ipv4("172.16.16.1").unwrap()));
        assert_eq!(Subnet::of_cidr("172.16.15.77/24"), Some(pod));
        assert!(pod.overlaps(Subnet::of_cidr("172.16.0.0/16").unwrap()));
        assert!(Subnet::of_cidr("172.16.0.0/16").unwrap().overlaps(pod));
        assert!(!pod.overlaps(Subnet::of_cidr("172.17.0.0/16").unwrap()));
        assert_eq!(pod.usable().len(), 254);
        for (address, mask) in [("172.16.15.1", "255.0.255.0"), ("1.1.1", "255.0.0.0")] {
            assert_eq!(Subnet::of(address, mask), None, "{address} {mask}");
        }
        for cidr in ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/0", "10.0.0/8"] {
            assert_eq!(Subnet::of_cidr(cidr), None, "{cidr}");
        }
    }

    #[test]
    fn urls() {
        let url = Url::parse("nfs://user@10.1.1.1:2049/export/primary").unwrap();
        assert_eq!((url.host.as_str(), url.path.as_str()), ("10.1.1.1", "/export/primary"));
        assert_eq!(Url::parse("http://sim").unwrap().path, "");
        for text in ["10.1.1.1/export", "://a/b", "nfs://a b/c"] {
            assert_eq!(Url::parse(text), None, "{text}");
        }
    }

    #[test]
    fn tags_are_words() {
        assert!(has_all_tags("fast, ssd", "SSD"));
        assert!(has_all_tags("", ""));
        assert!(!has_all_tags("fast", "fast,ssd"));
    }
}
