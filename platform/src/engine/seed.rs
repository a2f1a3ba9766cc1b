//! What a new cloud has before anybody asks for anything.

use super::{
    cloud::Start,
    tx::Tx,
    world::{ThingId, World},
};
use crate::{
    areas,
    table::{Kind, Role},
};

/// The name of the account, and of its user, in whose name the cloud acts by itself.
const SYSTEM: &str = "system";
/// The name of the root admin's account and user.
pub const ADMIN: &str = "admin";

/// Makes ROOT, its accounts and what the tables need.
pub(super) fn begin(tx: &mut Tx<'_>, start: Start) {
    let root = tx.insert(Kind::Domain, |domain| {
        domain.set_text("name", "ROOT");
    });
    for name in [SYSTEM, ADMIN] {
        let account = areas::account::insert(tx, root, name, Role::RootAdmin.number());
        tx.edit(account, |account| {
            account.set_flag("isdefault", true);
        });
        tx.insert(Kind::User, |user| {
            user.owner = Some(account);
            user.set_text("username", name)
                .set_text("firstname", name)
                .set_text("lastname", "cloud")
                .set_flag("isdefault", true);
        });
        areas::account::bill(tx, account);
    }
    let admin = tx.thing(admin_user(tx)).owner.expect("users have accounts");
    areas::securitygroup::ensure_default(tx, admin);
    areas::housekeeping::begin(tx);
    areas::seed_infrastructure::always(tx);
    areas::seed_networks::offerings(tx);
    if start == Start::Ready {
        // What tenants need to begin with.
        areas::seed_infrastructure::ready(tx);
        areas::seed_networks::ready(tx);
        areas::seed_images::ready(tx);
    } else {
        areas::seed_images::empty(tx);
    }
}

/// The user in whose name the cloud acts by itself.
pub fn system_user(world: &World) -> ThingId {
    own_user(world, 0)
}

/// The root admin's user.
pub fn admin_user(world: &World) -> ThingId {
    own_user(world, 1)
}

/// The users that are part of the cloud, in the order they were made: names
/// change, and these cannot be removed.
fn own_user(world: &World, position: usize) -> ThingId {
    let mut own = world.all(Kind::User).filter(|user| user.flag("isdefault"));
    own.nth(position).expect("made with the cloud").id
}
