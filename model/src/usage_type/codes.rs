//! Event types by number, and what each does to which usage types.

use std::{collections::HashMap, sync::LazyLock};

use Effect::CloseAll;

use super::{Effect, Part, ResourceKind, TYPES, UsageType};

/// The number of an event type among those that are metered; small and dense.
/// Numbers may change between versions and are never written to disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventCode(pub u8);

/// One effect of one event type.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    /// The type whose segments it touches.
    pub usage_type: &'static UsageType,
    /// The effect on them.
    pub effect: Effect,
}

struct Index {
    names: Vec<&'static str>,
    codes: HashMap<&'static str, EventCode>,
    /// For each code and kind: the effects on the types of that kind.
    meters: Vec<Vec<(ResourceKind, Vec<Meter>)>>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index { names: Vec::new(), codes: HashMap::new(), meters: Vec::new() };
    for usage_type in TYPES {
        for &(name, effect) in usage_type.events {
            let code = *index.codes.entry(name).or_insert_with(|| {
                index.names.push(name);
                index.meters.push(Vec::new());
                EventCode(u8::try_from(index.names.len() - 1).expect("fewer than 256 event types"))
            });
            let by_kind = &mut index.meters[usize::from(code.0)];
            let meter = Meter { usage_type, effect };
            match by_kind.iter_mut().find(|(kind, _)| *kind == usage_type.kind) {
                Some((_, meters)) => meters.push(meter),
                None => by_kind.push((usage_type.kind, vec![meter])),
            }
        }
    }
    index
});

/// The code of an event type, `None` if nothing meters it.
pub fn event_code(name: &str) -> Option<EventCode> {
    INDEX.codes.get(name).copied()
}

/// True of events whose resource name is the number of a NIC, which tells stretches
/// apart; in all others it is only a label.
pub fn names_a_nic(event_type: &str) -> bool {
    let of_nics = TYPES.iter().filter(|row| row.part == Part::Nic);
    of_nics
        .flat_map(|row| row.events)
        .any(|(name, effect)| *name == event_type && !matches!(effect, CloseAll(_)))
}

/// The event type behind a code.
pub fn event_name(code: EventCode) -> &'static str {
    INDEX.names[usize::from(code.0)]
}

/// The kinds of things an event type matters to: two for `VM.DESTROY`.
pub fn kinds_of(code: EventCode) -> impl Iterator<Item = ResourceKind> {
    INDEX.meters[usize::from(code.0)].iter().map(|(kind, _)| *kind)
}

/// Returns the effects of an event on the segments of one kind of resource.
pub fn meters(code: EventCode, kind: ResourceKind) -> &'static [Meter] {
    INDEX.meters[usize::from(code.0)]
        .iter()
        .find(|(of, _)| *of == kind)
        .map_or(&[], |(_, meters)| meters)
}
