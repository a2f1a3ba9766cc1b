//! What a right and a wrong password do to a user.
//!
//! Checking a password is slow on purpose, so it happens between two looks at the
//! cloud: [`candidate`] tells what to check against, and once that is done
//! [`succeeded`] or [`failed`] write down how it went.

use super::{
    caller::Caller,
    event,
    tx::Tx,
    world::{Thing, ThingId, World},
};

/// Wrong passwords after which a user is disabled; 0 never disables.
const ATTEMPTS: &str = "incorrect.login.attempts.allowed";

/// The user of a name, and the hash that the password must have; none where the
/// user has no password.
pub fn candidate<'w>(
    world: &'w World,
    domain: ThingId,
    username: &str,
) -> Option<(&'w Thing, Option<&'w str>)> {
    let user = world.user_named(domain, username)?;
    Some((user, Some(user.text("passwordhash")).filter(|hash| !hash.is_empty())))
}

/// The password was right: forgets wrong ones and tells of the login. None where
/// the user or its account is not enabled.
pub fn succeeded(tx: &mut Tx<'_>, user: ThingId) -> Option<Caller> {
    let caller = Caller::of_user(tx, user)?;
    tx.edit(user, |user| {
        user.set_int("failures", 0);
    });
    event::write_of(tx, user, "USER.LOGIN", "user has logged in".to_owned());
    Some(caller)
}

/// The password was wrong: counts it, and disables the user once there were too
/// many. Users that are part of the cloud are not disabled: nobody could enable
/// the root admin again.
pub fn failed(tx: &mut Tx<'_>, user: ThingId) {
    let Some(thing) = tx.any(user).filter(|user| user.removed.is_none()) else { return };
    let (state, is_default) = (thing.state, thing.flag("isdefault"));
    let failures = thing.int("failures") + 1;
    let most = tx.setting_number(ATTEMPTS);
    tx.edit(user, |user| {
        user.set_int("failures", failures);
    });
    if most > 0 && failures >= most && state == "enabled" && !is_default {
        tx.move_to(user, "disabled");
    }
}

/// The user has logged out.
pub fn ended(tx: &mut Tx<'_>, user: ThingId) {
    if tx.any(user).is_some() {
        event::write_of(tx, user, "USER.LOGOUT", "user has logged out".to_owned());
    }
}
