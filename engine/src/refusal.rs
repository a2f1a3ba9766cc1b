//! The refusals of commands, in one style: lower case, the subject first (a resource by its
//! kind and name, or a parameter in backticks), then the reason and, after `;`, the remedy.
//! An error about a resource names it, and the parameter that named it.
//!
//! | form | text |
//! |---|---|
//! | [`Resource::refused`] | ``the zone Paris has no security groups; leave `securitygroupids` out`` |
//! | [`Resource::refused_as`] | the same text, with the error code of another constructor |
//! | [`Resource::must_be`] | `the router r-7 is Running and cannot be started; it must be Stopped` |
//! | [`taken`] | ``the account bob exists already; choose another `account` `` |
//! | [`parameter`] | ``the parameter's name, and the reason: `vlan` is no VLAN of the network`` |
//! | [`one_of`] | `` `hostid` or `clusterid` is needed; give one of them`` |
//! | [`exclusive`] | `` `projectid` and `account` exclude each other; give one of them`` |
//! | [`together`] | `` `gateway` and `netmask` go together; give all of them or none`` |
//! | [`reserved`] | ``naming the host by `hostid` is reserved to root admins`` |

use std::fmt;

use cloudtally_model::ApiError;

use super::{col, resource::Resource, state::State};
use crate::table::Kind;

impl Resource {
    /// The words for it in texts: its kind and its name, or its uuid where it has none.
    pub fn called(&self) -> String {
        let label = self.spec().label.unwrap_or(col::NAME);
        match self.text_if_any(label) {
            "" => format!("the {} {}", self.kind.noun(), self.uuid),
            name => format!("the {} {name}", self.kind.noun()),
        }
    }

    /// Refuses what a parameter asks of it: `the zone Paris {why}`.
    pub fn refused(&self, parameter: &'static str, why: impl fmt::Display) -> ApiError {
        self.refused_as(ApiError::value, parameter, why)
    }

    /// Refuses with the error code that `raise` gives, such as [`ApiError::in_use`]:
    /// `the zone Paris {why}`.
    pub fn refused_as(
        &self,
        raise: fn(String) -> ApiError,
        parameter: &'static str,
        why: impl fmt::Display,
    ) -> ApiError {
        raise(format!("{} {why}", self.called())).about(self.uuid.to_string(), parameter)
    }

    /// Refuses to have it `done` (started, removed, ...) in any but these states.
    ///
    /// # Errors
    /// `the router r-7 is Running and cannot be started; it must be Stopped`.
    pub fn must_be<S: State>(
        &self,
        states: &[S],
        done: &str,
        parameter: &'static str,
    ) -> Result<(), ApiError> {
        if self.is_any(states) {
            return Ok(());
        }
        let wanted: Vec<&str> = states.iter().map(|state| state.name()).collect();
        let why =
            format!("is {} and cannot be {done}; it must be {}", self.state(), wanted.join(" or "));
        Err(self.refused(parameter, why))
    }
}

/// Refuses a name that another has: ``the account bob exists already; choose another `account` ``.
///
/// The other is not named by its id: it may be none that the caller may see.
pub fn taken(kind: Kind, name: impl fmt::Display, parameter: &str) -> ApiError {
    let noun = kind.noun();
    ApiError::value(format!("the {noun} {name} exists already; choose another `{parameter}`"))
}

/// Refuses a parameter: `` `name` {why}``.
pub fn parameter(name: &str, why: impl fmt::Display) -> ApiError {
    ApiError::value(format!("`{name}` {why}"))
}

/// Refuses a call that has none of several parameters, or more than the one it needs:
/// `` `a`, `b` or `c` is needed; give one of them``.
pub fn one_of(parameters: &[&str]) -> ApiError {
    ApiError::value(format!("{} is needed; give one of them", listed(parameters, "or")))
}

/// Refuses parameters that contradict each other:
/// `` `a` and `b` exclude each other; give one of them``.
pub fn exclusive(parameters: &[&str]) -> ApiError {
    ApiError::value(format!("{} exclude each other; give one of them", listed(parameters, "and")))
}

/// Refuses a part of what says something only as a whole:
/// `` `a` and `b` go together; give all of them or none``.
pub fn together(parameters: &[&str]) -> ApiError {
    ApiError::value(format!("{} go together; give all of them or none", listed(parameters, "and")))
}

/// Refuses what others may do: `{what} is reserved to {whom}`, such as
/// ``naming the host by `hostid` is reserved to root admins``.
pub fn reserved(what: impl fmt::Display, whom: &str) -> ApiError {
    ApiError::permission(format!("{what} is reserved to {whom}"))
}

/// Parameters in backticks, with a word before the last.
fn listed(parameters: &[&str], word: &str) -> String {
    let quoted: Vec<String> = parameters.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} {word} {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_come_first_and_the_remedy_last() {
        assert_eq!(parameter("url", "is no URL; give one").text, "`url` is no URL; give one");
        let text = "`hostid` or `clusterid` is needed; give one of them";
        assert_eq!(one_of(&["hostid", "clusterid"]).text, text);
        assert_eq!(one_of(&["a", "b", "c"]).text, "`a`, `b` or `c` is needed; give one of them");
        let text = "`projectid` and `account` exclude each other; give one of them";
        assert_eq!(exclusive(&["projectid", "account"]).text, text);
        let text = "`gateway` and `netmask` go together; give all of them or none";
        assert_eq!(together(&["gateway", "netmask"]).text, text);
    }

    #[test]
    fn a_taken_name_is_told_without_the_other_s_id() {
        let error = taken(Kind::Account, "bob of ROOT", "account");
        assert_eq!(error.text, "the account bob of ROOT exists already; choose another `account`");
        assert_eq!((error.code.status(), error.uuids), (431, vec![]));
    }

    #[test]
    fn the_reserved_is_a_matter_of_permission() {
        let error = reserved("featuring images", "admins");
        assert_eq!(error.text, "featuring images is reserved to admins");
        assert_eq!(error.code.status(), 531);
    }
}
