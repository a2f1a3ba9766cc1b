//! Stops and removals of all that an account has when it is shut or removed, by the rows
//! of the kinds.

use super::{ids::ResourceId, tx::Tx, world::World};
use crate::table::{GoesWith, Kind, KindSpec, WithOwner};

/// Stops everything of an account that can be stopped.
pub fn stop_all_of(tx: &mut Tx<'_>, account: ResourceId) {
    let stopping = tx.tables().kinds().filter_map(|spec| Some((spec.kind, spec.stop?)));
    for (kind, stop) in stopping {
        let resources: Vec<ResourceId> =
            tx.owned_by(account, kind).map(|resource| resource.id).collect();
        for resource in resources {
            stop(tx, resource);
        }
    }
}

/// Removes everything an account has but its users, each kind at its turn; the bill sees
/// the end of each.
pub fn remove_all_of(tx: &mut Tx<'_>, account: ResourceId) {
    let mut turns: Vec<(&KindSpec, WithOwner)> =
        tx.tables().kinds().filter_map(|spec| Some((spec, spec.with_owner?))).collect();
    turns.sort_by_key(|(_, with_owner)| with_owner.turn);
    for (spec, WithOwner { by, remove, .. }) in turns {
        for resource in belonging(tx, account, spec, by) {
            remove(tx, resource);
        }
    }
}

/// Gives up everything that stands on a resource, by the rows of the kinds, each at its turn:
/// the rules of an address, those that lead to a machine.
pub fn remove_all_on(tx: &mut Tx<'_>, id: ResourceId) {
    let kind = tx.resource(id).kind;
    let rows =
        tx.tables().kinds().flat_map(|spec| spec.goes_with.iter().map(move |row| (spec.kind, row)));
    let mut rows: Vec<(Kind, &GoesWith)> = rows.filter(|(_, row)| row.other == kind).collect();
    rows.sort_by_key(|(_, row)| row.turn);
    for (of, row) in rows {
        for resource in tx.ids_referring(id, of, row.by) {
            (row.remove)(tx, resource);
        }
    }
}

fn belonging(
    world: &World,
    account: ResourceId,
    spec: &KindSpec,
    by: Option<super::Column<ResourceId>>,
) -> Vec<ResourceId> {
    match by {
        Some(column) => world.ids_referring(account, spec.kind, column),
        None => world.owned_by(account, spec.kind).map(|resource| resource.id).collect(),
    }
}
