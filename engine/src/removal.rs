//! Stops and removals of all that an account has when it is shut or removed, by the rows
//! of the kinds.

use super::{ids::ThingId, tx::Tx, world::World};
use crate::table::{GoesWith, Kind, KindSpec, WithOwner};

/// Stops everything of an account that can be stopped.
pub fn stop_all_of(tx: &mut Tx<'_>, account: ThingId) {
    let stopping = tx.tables().kinds().filter_map(|spec| Some((spec.kind, spec.stop?)));
    for (kind, stop) in stopping {
        let things: Vec<ThingId> = tx.owned_by(account, kind).map(|thing| thing.id).collect();
        for thing in things {
            stop(tx, thing);
        }
    }
}

/// Removes everything an account has but its users, each kind at its turn; the bill sees
/// the end of each.
pub fn remove_all_of(tx: &mut Tx<'_>, account: ThingId) {
    let mut turns: Vec<(&KindSpec, WithOwner)> =
        tx.tables().kinds().filter_map(|spec| Some((spec, spec.with_owner?))).collect();
    turns.sort_by_key(|(_, with_owner)| with_owner.turn);
    for (spec, WithOwner { by, remove, .. }) in turns {
        for thing in belonging(tx, account, spec, by) {
            remove(tx, thing);
        }
    }
}

/// Gives up everything that stands on a thing, by the rows of the kinds, each at its turn:
/// the rules of an address, those that lead to a machine.
pub fn remove_all_on(tx: &mut Tx<'_>, id: ThingId) {
    let kind = tx.thing(id).kind;
    let rows =
        tx.tables().kinds().flat_map(|spec| spec.goes_with.iter().map(move |row| (spec.kind, row)));
    let mut rows: Vec<(Kind, &GoesWith)> = rows.filter(|(_, row)| row.other == kind).collect();
    rows.sort_by_key(|(_, row)| row.turn);
    for (of, row) in rows {
        for thing in tx.ids_referring(id, of, row.by) {
            (row.remove)(tx, thing);
        }
    }
}

fn belonging(
    world: &World,
    account: ThingId,
    spec: &KindSpec,
    by: Option<super::Column<ThingId>>,
) -> Vec<ThingId> {
    match by {
        Some(column) => world.ids_referring(account, spec.kind, column),
        None => world.owned_by(account, spec.kind).map(|thing| thing.id).collect(),
    }
}
