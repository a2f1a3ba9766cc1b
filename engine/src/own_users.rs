//! The users that are part of every cloud: the system's own, and the root admin's.

use super::{col, ids::ResourceId, world::World};
use crate::table::Kind;

/// The user in whose name the cloud acts by itself.
pub fn system_user(world: &World) -> ResourceId {
    own_user(world, 0)
}

/// The root admin's user.
pub fn admin_user(world: &World) -> ResourceId {
    own_user(world, 1)
}

/// The users that are part of the cloud, in the order they were made: names
/// change, and these cannot be removed.
fn own_user(world: &World, position: usize) -> ResourceId {
    let mut own = world.all(Kind::User).filter(|user| user.flag(col::IS_DEFAULT));
    own.nth(position).expect("made with the cloud").id
}
