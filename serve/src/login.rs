//! `login` and `logout`.
//!
//! # Source
//! Guide 5.4; fields and texts as the 4.2 server sends them.

use std::{sync::LazyLock, time::Instant as Stopwatch};

use chrono::{DateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;
use cloudtally_model::{ApiError, Instant};
use cloudtally_platform::{
    col,
    engine::{
        Answer as Tree, Fields, Node, ResourceId, World,
        login::{self, Proof},
        secret,
    },
    table::Kind,
};
use tracing::warn;

use crate::{
    answer::Answer, clock, front::Front, http_request::HttpRequest, open::entropy, params::Params,
    signature,
};

/// A hash to compare a password with if there is no user, so that the time an
/// answer takes does not tell which users there are.
static NOBODY: LazyLock<String> =
    LazyLock::new(|| secret::hash("nobody has this password", entropy).unwrap_or_default());

/// Logs in; a session that the caller has had ends then. Returns the answer and the id
/// of the new session.
pub(crate) fn log_in(
    front: &Front,
    request: &HttpRequest<'_>,
    now: Instant,
) -> Result<(Answer, String), ApiError> {
    let params = &request.params;
    // 1. Who: a user name in a domain.
    let given = |name: &str| params.given(name).ok_or_else(|| missing(name));
    let username = given("username")?;
    let proof = match (params.given("password"), params.given("signature")) {
        (None, Some(signature)) => Given::SingleSignOn { signature },
        _ => Given::Password(given("password")?),
    };
    let world = front.cloud.world();
    let domain = domain_of(&world, params)?;
    let candidate = domain.and_then(|domain| login::candidate(&world, domain, username));
    let user = candidate.map(|(user, _)| user.id);
    // Asked before the password is checked: who changes it meanwhile ends this session, too.
    let ended = user.map_or(0, |user| login::sessions_ended(&world, user));
    let hash = candidate.and_then(|(_, hash)| hash).unwrap_or(&NOBODY).to_owned();
    let is_somebody = candidate.is_some_and(|(_, hash)| hash.is_some());
    let is_signed = match proof {
        Given::SingleSignOn { signature } => is_signed_on(&world, params, signature),
        Given::Password(_) => false,
    };
    drop(world);
    // 2. The password, while others go on.
    let is_right = is_somebody
        & match proof {
            Given::Password(password) => secret::is_password(password, &hash),
            Given::SingleSignOn { .. } => is_signed,
        };
    let proof = match proof {
        Given::Password(_) => Proof::Password,
        Given::SingleSignOn { .. } => Proof::SingleSignOn,
    };
    let is_guess = proof == Proof::Password && !is_right;
    if is_guess {
        count_guess(front, request, username, user);
    }
    // 3. What follows from it.
    let refused = || {
        ApiError::login(format!(
            "Failed to authenticate user {username} in domain {}; please provide valid credentials",
            params.given("domainid").or_else(|| params.given("domain")).unwrap_or("/")
        ))
    };
    let user = user.ok_or_else(refused)?;
    let logged_in = front.cloud.change(now, move |tx| {
        if !is_right {
            if is_guess {
                login::failed(tx, user);
            }
            return Ok(Tree::Bare(Vec::new()));
        }
        Ok(login::succeeded(tx, user, proof).map_or(Tree::Bare(Vec::new()), |_| Tree::Success))
    })?;
    if logged_in != Tree::Success {
        return Err(refused());
    }
    let timeout = front.session_timeout();
    if let Some(before) = request.session {
        front.end_session(before, now)?;
    }
    let world = front.cloud.world();
    let session = front.sessions.open((user, ended), timeout, entropy)?;
    let fields = shown(&world, user, timeout.as_secs(), &session.key, now);
    Ok((Answer::Tree(Tree::Bare(fields)), session.id))
}

fn missing(name: &str) -> ApiError {
    ApiError::parameter(format!(
        "Unable to execute API command login due to missing parameter {name}"
    ))
}

/// The proof that the caller is the user.
#[derive(Clone, Copy)]
enum Given<'p> {
    Password(&'p str),
    /// A signature by the key of single sign-on.
    SingleSignOn {
        signature: &'p str,
    },
}

/// Returns true if the parameters are signed with the key of single sign-on, just now by
/// the machine's clock. Nobody signs on while the key is empty.
fn is_signed_on(world: &World, params: &Params, signature: &str) -> bool {
    let key = world.setting("security.singlesignon.key");
    let tolerance_ms = world.setting_number("security.singlesignon.tolerance.millis");
    let signed_ms = params.given("timestamp").and_then(|text| text.parse::<i64>().ok());
    let is_now = signed_ms.is_some_and(|signed_ms| {
        clock::wall_clock_ms().abs_diff(signed_ms) <= tolerance_ms.unsigned_abs()
    });
    !key.is_empty() && is_now && signature::verify(params, key, signature)
}

/// Counts a wrong password against its address, and tells the log of it.
fn count_guess(front: &Front, request: &HttpRequest<'_>, username: &str, user: Option<ResourceId>) {
    let address = request.address;
    front.guesses.count(address, Stopwatch::now());
    // A name that nobody has may be a password that was typed in the wrong place.
    match user {
        Some(_) => warn!(%address, "a wrong password for the user {username:?} from {address}"),
        None => warn!(%address, "a login of a user that does not exist from {address}"),
    }
}

/// Logs out whoever has the session, and shows by its key that it is not another page
/// that wants it.
pub(crate) fn log_out(
    front: &Front,
    request: &HttpRequest<'_>,
    now: Instant,
) -> Result<Answer, ApiError> {
    let (Some(id), Some(key)) = (request.session, request.params.given("sessionkey")) else {
        return Err(ApiError::unauthorised());
    };
    front.user_of_session(id, key).ok_or_else(ApiError::unauthorised)?;
    front.end_session(id, now)?;
    Ok(Answer::Tree(Tree::Bare(vec![("description", Node::text("success"))])))
}

/// The domain by uuid, else by path, else ROOT; none for a path that leads nowhere.
fn domain_of(world: &World, params: &Params) -> Result<Option<ResourceId>, ApiError> {
    let Some(id) = params.given("domainid") else {
        return Ok(world.domain_at(params.given("domain").unwrap_or_default()));
    };
    let domain = world.by_id(id, &[Kind::Domain]).filter(|domain| domain.removed.is_none());
    domain.map(|domain| Some(domain.id)).ok_or_else(ApiError::unauthorised)
}

/// Builds the answer of a login, all of it text.
fn shown(
    world: &World,
    user: ResourceId,
    timeout_seconds: u64,
    session_key: &str,
    now: Instant,
) -> Fields {
    let user = world.resource(user);
    let account = user.owner.map(|id| world.resource(id)).expect("users have accounts");
    let domain = world.resource(world.domain_of(account.id));
    let zone = user.text(col::TIMEZONE);
    let offset = zone_offset(zone, now);
    let mut fields = vec![
        ("timeout", Node::text(timeout_seconds.to_string())),
        ("userid", Node::text(user.shown_id())),
        ("username", Node::text(user.text(col::USERNAME))),
        ("firstname", Node::text(user.text(col::FIRST_NAME))),
        ("lastname", Node::text(user.text(col::LAST_NAME))),
        ("account", Node::text(account.text(col::NAME))),
        ("domainid", Node::text(domain.shown_id())),
        ("type", Node::text(account.int(col::ACCOUNT_TYPE).to_string())),
        ("registered", Node::text("false")),
    ];
    if let Some(offset) = offset {
        fields.extend([("timezone", Node::text(zone)), ("timezoneoffset", Node::text(offset))]);
    }
    fields.push(("sessionkey", Node::text(session_key)));
    fields
}

/// Hours east of UTC as a decimal, `-8.0` or `5.5`; none for a zone nobody knows.
fn zone_offset(zone: &str, now: Instant) -> Option<String> {
    let zone: Tz = zone.parse().ok()?;
    let utc: DateTime<Utc> = DateTime::from_timestamp_millis(now.as_millis())?;
    let seconds = zone.offset_from_utc_datetime(&utc.naive_utc()).fix().local_minus_utc();
    let sign = if seconds < 0 { "-" } else { "" };
    let minutes = seconds.unsigned_abs() / 60;
    let fraction = match minutes % 60 {
        15 => "25",
        30 => "5",
        45 => "75",
        _ => "0",
    };
    Some(format!("{sign}{}.{fraction}", minutes / 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_hours_with_a_fraction() {
        let now = Instant::parse("2026-01-15T00:00:00Z").unwrap();
        let shown = |zone| zone_offset(zone, now);
        assert_eq!(shown("America/Los_Angeles").as_deref(), Some("-8.0"));
        assert_eq!(shown("Asia/Kolkata").as_deref(), Some("5.5"));
        assert_eq!(shown("Asia/Kathmandu").as_deref(), Some("5.75"));
        assert_eq!(shown("UTC").as_deref(), Some("0.0"));
        assert_eq!((shown(""), shown("Nowhere/At_All")), (None, None));
    }
}
