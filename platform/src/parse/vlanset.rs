//! Sets of VLANs, as parameters write them: `100-200,300,310-320`.

use std::fmt;

/// The largest VLAN, as CloudStack 4.2 takes it: 4095 is no VLAN on most wires.
pub(crate) const VLAN_MAX: u16 = 4095;

/// A set of VLANs: ranges that neither touch nor overlap, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct VlanSet(Vec<(u16, u16)>);

impl VlanSet {
    /// Reads ranges separated by commas, in any order; those that touch are merged.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| text.trim().parse().ok().filter(|vlan: &u16| *vlan <= VLAN_MAX);
        let mut ranges = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return None;
            }
            ranges.push((first, last));
        }
        Some(Self::merged(ranges))
    }

    /// The set that a physical network's column holds.
    ///
    /// # Panics
    /// If it holds none: we wrote it.
    pub(crate) fn stored(text: &str) -> Self {
        Self::parse(text).unwrap_or_else(|| panic!("no VLANs: {text}"))
    }

    fn merged(mut ranges: Vec<(u16, u16)>) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<(u16, u16)> = Vec::new();
        for (first, last) in ranges {
            match merged.last_mut() {
                Some((_, end)) if first <= *end + 1 => *end = last.max(*end),
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    /// Tells whether there is none in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The VLANs, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// Tells whether a VLAN is in it.
    pub(crate) fn contains(&self, vlan: u16) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&vlan))
    }

    /// Tells whether all VLANs of another set are in it.
    pub(crate) fn contains_all(&self, other: &Self) -> bool {
        other.iter().all(|vlan| self.contains(vlan))
    }

    /// A VLAN that is in both.
    pub(crate) fn common(&self, other: &Self) -> Option<u16> {
        other.iter().find(|vlan| self.contains(*vlan))
    }

    /// The set without those of another.
    pub(crate) fn without(&self, other: &Self) -> Self {
        let left = self.iter().filter(|vlan| !other.contains(*vlan));
        Self::merged(left.map(|vlan| (vlan, vlan)).collect())
    }
}

impl fmt::Display for VlanSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (first, last)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{first}-{last}")?;
        }
        Ok(())
    }
}

/// The VLAN that a text such as `50` or `vlan://50` names; none for `untagged` and
/// for what is no VLAN.
pub(crate) fn vlan_number(text: &str) -> Option<u16> {
    let text = text.trim();
    text.strip_prefix("vlan://").unwrap_or(text).parse().ok().filter(|vlan| *vlan <= VLAN_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> VlanSet {
        VlanSet::parse(text).unwrap()
    }

    #[test]
    fn ranges_are_read_and_merged() {
        assert_eq!(set("300-310, 100-200").to_string(), "100-200,300-310");
        assert_eq!(set("100-200,201-250,150-160").to_string(), "100-250");
        assert_eq!(set("7").to_string(), "7-7");
        assert_eq!(set("4000-4094,4095").to_string(), "4000-4095");
        assert!(set("").is_empty());
        for text in ["200-100", "1-4096", "a-b", "1-2-3", "-5", "1--2"] {
            assert_eq!(VlanSet::parse(text), None, "{text}");
        }
    }

    #[test]
    fn sets() {
        let all = set("100-200,300-310");
        assert!(all.contains(200) && !all.contains(201));
        assert!(all.contains_all(&set("150-160,300-300")) && !all.contains_all(&set("199-201")));
        assert_eq!(all.common(&set("190-400")), Some(190));
        assert_eq!(all.common(&set("201-299")), None);
        assert_eq!(all.without(&set("150-150,300-400")).to_string(), "100-149,151-200");
        assert_eq!(all.iter().count(), 101 + 11);
    }

    #[test]
    fn one_vlan() {
        assert_eq!(vlan_number("vlan://50"), Some(50));
        assert_eq!(vlan_number("50"), Some(50));
        assert_eq!(vlan_number("untagged"), None);
        assert_eq!(vlan_number("4095"), Some(4095));
        assert_eq!(vlan_number("4096"), None);
    }
}
