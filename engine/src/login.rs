//! The effects of right and wrong passwords on a user.
//!
//! Checking a password is slow on purpose, so it happens between two looks at the
//! cloud: [`candidate`] tells what to check against, and once that is done
//! [`succeeded`] or [`failed`] write down how it went.
//!
//! Strangers must neither guess without end nor lock anybody out for good: after some
//! wrong passwords a user's logins are refused for a time that grows with each further
//! one. Keys go on, and so do single sign-on and sessions that are open. Users that are part of the cloud
//! are never refused, or nobody could let the root admin in again; there the front
//! holds up those who guess, by address.

use cloudtally_model::{Instant, Millis};

use super::{
    caller::Caller,
    col,
    event::{self, Level},
    ids::ResourceId,
    resource::Resource,
    tx::Tx,
    world::World,
};

/// Wrong passwords after which logins are refused; 0 never refuses.
const ATTEMPTS: &str = "incorrect.login.attempts.allowed";
/// The time for which logins are refused first; each further wrong password doubles it.
const REFUSED_FIRST: Millis = Millis::MINUTE;
/// The longest time for which they are refused.
const REFUSED_MAX: Millis = Millis::HOUR;
/// Times it is doubled at most.
const DOUBLED_MAX: i64 = 6;

/// The proof by which a user logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It has the password.
    Password,
    /// Somebody with the key of single sign-on says so.
    SingleSignOn,
}

/// The user of a name, and the hash that the password must have; none where the
/// user has no password.
pub fn candidate<'w>(
    world: &'w World,
    domain: ResourceId,
    username: &str,
) -> Option<(&'w Resource, Option<&'w str>)> {
    let user = world.user_named(domain, username)?;
    Some((user, Some(user.text(col::PASSWORD_HASH)).filter(|hash| !hash.is_empty())))
}

/// The proof was right: forgets wrong passwords and tells of the login. None where
/// the user or its account is not enabled, or where wrong passwords keep it out for now.
pub fn succeeded(tx: &mut Tx<'_>, user: ResourceId, proof: Proof) -> Option<Caller> {
    let caller = Caller::of_user(tx, user)?;
    if proof == Proof::Password {
        if is_refused(tx.resource(user), tx.now) {
            return None;
        }
        forgive(tx, user);
    }
    event::write_of(tx, user, "USER.LOGIN", Level::Info, "user has logged in".to_owned());
    Some(caller)
}

/// The password was wrong: counts it and tells of it, and refuses the user's logins for
/// a time once there were too many. One that comes in that time does not count, or
/// strangers could keep somebody out for ever.
pub fn failed(tx: &mut Tx<'_>, user: ResourceId) {
    let Some(resource) = tx.any(user).filter(|user| user.removed.is_none()) else { return };
    if is_refused(resource, tx.now) {
        return;
    }
    let (is_default, failures) = (resource.flag(col::IS_DEFAULT), resource.int(col::FAILURES) + 1);
    let most = tx.setting_number(ATTEMPTS);
    let is_too_many = most > 0 && failures >= most;
    let until = (is_too_many && !is_default).then(|| tx.now + refused_for(failures - most));
    tx.edit(user, |user| {
        user.set_int(col::FAILURES, failures).set_time(col::REFUSED_UNTIL, until);
    });
    // The cloud's own users are not refused: of ever more guesses ever fewer are told.
    if until.is_some() || !is_too_many || failures == most || failures.count_ones() == 1 {
        let consequence =
            until.map_or(String::new(), |until| format!("; its logins are refused until {until}"));
        let text = format!("wrong password, the {failures}. in a row{consequence}");
        event::write_of(tx, user, "USER.LOGIN", Level::Error, text);
    }
    if is_too_many {
        (tx.tables().hooks().logins_refused)(tx, user, failures);
    }
}

/// The time for which logins are refused after so many wrong passwords more than allowed.
fn refused_for(more: i64) -> Millis {
    let doubled = more.clamp(0, DOUBLED_MAX);
    Millis((REFUSED_FIRST.0 << doubled).min(REFUSED_MAX.0))
}

fn is_refused(user: &Resource, now: Instant) -> bool {
    user.time(col::REFUSED_UNTIL).is_some_and(|until| now < until)
}

/// Forgets wrong passwords: the user is let in again.
pub fn forgive(tx: &mut Tx<'_>, user: ResourceId) {
    tx.edit(user, |user| {
        user.set_int(col::FAILURES, 0).set_time(col::REFUSED_UNTIL, None);
    });
    (tx.tables().hooks().logins_accepted)(tx, user);
}

/// Ends all sessions of a user, open ones too.
pub fn end_sessions(tx: &mut Tx<'_>, user: ResourceId) {
    tx.edit(user, |user| {
        user.set_int(col::SESSIONS_ENDED, user.int(col::SESSIONS_ENDED) + 1);
    });
}

/// The number of times all sessions of a user were ended: those from before are over.
pub fn sessions_ended(world: &World, user: ResourceId) -> i64 {
    world.any(user).map_or(0, |user| user.int(col::SESSIONS_ENDED))
}

/// The user has logged out.
pub fn ended(tx: &mut Tx<'_>, user: ResourceId) {
    if tx.any(user).is_some() {
        let text = "user has logged out".to_owned();
        event::write_of(tx, user, "USER.LOGOUT", Level::Info, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_grows_to_an_hour() {
        let minutes: Vec<i64> =
            [0, 1, 2, 5, 6, 7, 1 << 40].map(|more| refused_for(more).0 / 60_000).to_vec();
        assert_eq!(minutes, [1, 2, 4, 32, 60, 60, 60]);
    }
}
