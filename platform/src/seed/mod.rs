//! The seed: all that a new cloud has before anybody asks for anything.

pub(crate) mod images;
pub(crate) mod infrastructure;
pub(crate) mod networks;

use crate::{
    col,
    desk::chores,
    engine::{Start, Tx, own_users},
    identity::account,
    network::{acl, securitygroup},
    offering::vpcoffering,
    table::{Kind, Role},
};

/// The name of the account, and of its user, in whose name the cloud acts by itself.
const SYSTEM: &str = "system";
/// The name of the root admin's account and user.
pub(crate) const ADMIN: &str = "admin";

/// Makes ROOT, its accounts and what the tables need.
pub(crate) fn begin(tx: &mut Tx<'_>, start: Start) {
    let root = tx.insert(Kind::Domain, |domain| {
        domain.set_text(col::NAME, "ROOT");
    });
    for name in [SYSTEM, ADMIN] {
        let account = account::insert(tx, root, name, Role::RootAdmin.number());
        tx.edit(account, |account| {
            account.set_flag(col::IS_DEFAULT, true);
        });
        tx.insert(Kind::User, |user| {
            user.owner = Some(account);
            user.set_text(col::USERNAME, name)
                .set_text(col::FIRST_NAME, name)
                .set_text(col::LAST_NAME, "cloud")
                .set_flag(col::IS_DEFAULT, true);
        });
        account::bill(tx, account);
    }
    let admin = tx.resource(own_users::admin_user(tx)).owner.expect("users have accounts");
    securitygroup::ensure_default(tx, admin);
    chores::begin(tx);
    infrastructure::always(tx);
    networks::offerings(tx);
    if start == Start::Ready {
        // What tenants need to begin with.
        infrastructure::ready(tx);
        networks::ready(tx);
        images::ready(tx);
    } else {
        images::empty(tx);
    }
    vpcoffering::seed(tx);
    acl::seed(tx);
}
