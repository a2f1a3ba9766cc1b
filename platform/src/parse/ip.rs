//! IPv4 addresses and ranges, as the parameters of the API write them.

use std::net::Ipv4Addr;

/// Largest network whose addresses are counted through: a /16.
const ADDRESSES_MAX: u32 = 1 << 16;

/// Reads an address.
pub(crate) fn parse(text: &str) -> Option<u32> {
    text.parse::<Ipv4Addr>().ok().map(u32::from)
}

/// Writes an address.
pub(crate) fn format(address: u32) -> String {
    Ipv4Addr::from(address).to_string()
}

/// The addresses from the first to the last, both included; none if they are no
/// addresses or in the wrong order.
pub(crate) fn range(first: &str, last: &str) -> impl Iterator<Item = u32> + use<> {
    let bounds = parse(first).zip(parse(if last.is_empty() { first } else { last }));
    let (first, last) = bounds.unwrap_or((1, 0));
    let most = first.saturating_add(ADDRESSES_MAX);
    first..=last.min(most)
}

/// Reads a CIDR as (network, bits of the prefix).
pub(crate) fn parse_cidr(text: &str) -> Option<(u32, u32)> {
    let (address, bits) = text.split_once('/')?;
    let (address, bits): (u32, u32) = (parse(address)?, bits.parse().ok()?);
    (bits <= 32).then(|| (address & mask(bits), bits))
}

fn mask(bits: u32) -> u32 {
    u32::MAX.checked_shl(32 - bits).unwrap_or(0)
}

/// The bits of a netmask, if it is one.
pub(crate) fn netmask_bits(text: &str) -> Option<u32> {
    let mask_value = parse(text)?;
    let bits = mask_value.leading_ones();
    (mask_value == mask(bits)).then_some(bits)
}

/// The CIDR of a gateway's network.
pub(crate) fn cidr(gateway: &str, netmask: &str) -> Option<String> {
    let (gateway, bits) = (parse(gateway)?, netmask_bits(netmask)?);
    Some(format!("{}/{bits}", format(gateway & mask(bits))))
}

/// The first address and the netmask of a CIDR.
pub(crate) fn gateway_and_netmask(cidr: &str) -> Option<(String, String)> {
    let (network, bits) = parse_cidr(cidr)?;
    Some((format(network.checked_add(1)?), format(mask(bits))))
}

/// The first and last address of a CIDR.
pub(crate) fn bounds(cidr: &str) -> Option<(u32, u32)> {
    let (network, bits) = parse_cidr(cidr)?;
    Some((network, network | !mask(bits)))
}

/// The ranges that RFC 1918 leaves to private networks.
const PRIVATE: [&str; 3] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

/// Tells whether a range, by its first and last address, lies in one that is left to private
/// networks.
pub(crate) fn is_private(range: (u32, u32)) -> bool {
    PRIVATE.iter().filter_map(|block| bounds(block)).any(|block| is_within(range, block))
}

/// Tells whether all addresses of a range, by the first and the last, are of another.
pub(crate) fn is_within(range: (u32, u32), other: (u32, u32)) -> bool {
    other.0 <= range.0 && range.1 <= other.1
}

/// Tells whether two ranges, by their first and last addresses, have an address in common.
pub(crate) fn overlap(one: (u32, u32), other: (u32, u32)) -> bool {
    one.0 <= other.1 && other.0 <= one.1
}

/// The CIDR from its first to its last address.
pub(crate) fn cidr_of(first: u32, last: u32) -> String {
    format!("{}/{}", format(first), (first ^ last).leading_zeros())
}

/// Tells whether an address of a CIDR is one that hosts can have: neither the first nor the last.
pub(crate) fn is_host(address: &str, cidr: &str) -> bool {
    match (parse(address), parse_cidr(cidr)) {
        (Some(address), Some((network, bits))) => {
            (network.saturating_add(1)..network | !mask(bits)).contains(&address)
        }
        _ => false,
    }
}

/// The addresses of a CIDR that hosts can have: neither the first nor the last.
pub(crate) fn hosts(cidr: &str) -> impl Iterator<Item = u32> + use<> {
    let (network, bits) = parse_cidr(cidr).unwrap_or((0, 32));
    let last = network | !mask(bits);
    let most = network.saturating_add(ADDRESSES_MAX);
    network.saturating_add(1)..last.min(most)
}

/// A locally administered MAC address from a number.
pub(crate) fn mac(number: u64) -> String {
    let [.., a, b, c, d, e] = number.to_be_bytes();
    format!("02:{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_networks() {
        let addresses: Vec<String> = range("10.0.0.254", "10.0.1.1").map(format).collect();
        assert_eq!(addresses, ["10.0.0.254", "10.0.0.255", "10.0.1.0", "10.0.1.1"]);
        assert_eq!(range("10.0.0.2", "10.0.0.1").count(), 0);
        assert_eq!(range("x", "10.0.0.1").count(), 0);
        assert_eq!(range("10.0.0.2", "").count(), 1);
        assert_eq!(cidr("10.1.1.1", "255.255.255.0").as_deref(), Some("10.1.1.0/24"));
        assert_eq!(cidr("10.1.1.1", "255.0.255.0"), None);
        let expected = ("10.1.1.1".to_owned(), "255.255.255.0".to_owned());
        assert_eq!(gateway_and_netmask("10.1.1.0/24"), Some(expected));
        assert_eq!(hosts("10.1.1.0/30").map(format).collect::<Vec<_>>(), ["10.1.1.1", "10.1.1.2"]);
        assert_eq!(parse_cidr("10.1.1.0/33"), None);
        for cidr in ["10.0.0.0/8", "10.1.2.3/32", "172.31.0.0/16", "192.168.0.0/16"] {
            assert!(is_private(bounds(cidr).unwrap()), "{cidr}");
        }
        for cidr in ["10.0.0.0/7", "172.32.0.0/16", "192.168.0.0/15", "0.0.0.0/0", "11.0.0.0/8"] {
            assert!(!is_private(bounds(cidr).unwrap()), "{cidr}");
        }
        let (wide, narrow) = (bounds("10.1.0.0/16").unwrap(), bounds("10.1.9.0/24").unwrap());
        assert!(is_within(narrow, wide) && !is_within(wide, narrow) && overlap(wide, narrow));
        assert!(!overlap(narrow, bounds("10.1.10.0/24").unwrap()));
        for cidr in ["10.1.1.0/24", "10.1.1.64/26", "10.1.1.1/32", "0.0.0.0/0"] {
            let (first, last) = bounds(cidr).unwrap();
            assert_eq!(cidr_of(first, last), cidr);
        }
        let can_have = |address: &str| is_host(address, "10.1.1.0/24");
        assert!(can_have("10.1.1.1") && can_have("10.1.1.254"));
        for address in ["10.1.1.0", "10.1.1.255", "10.1.2.1", "10.1.1.999", ""] {
            assert!(!can_have(address), "{address}");
        }
        assert!(!is_host("10.1.1.1", "10.1.1.1/32"));
        assert_eq!(mac(0x1_02_03), "02:00:00:01:02:03");
    }
}
