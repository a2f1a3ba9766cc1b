//! Action events: what the cloud was asked to do and what came of it.
//!
//! A job's chain is Scheduled, for create commands Created, Started, Completed;
//! the first is the start event and the others carry its uuid. What a call does
//! by itself is one Completed event.
//!
//! # Source
//! Guide chapter 6, appendix A.

use super::{col, ids::ResourceId, state::EventState, tx::Tx};
use crate::table::Kind;

/// The severity of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// It worked, or is on its way.
    Info,
    /// It did not work.
    Error,
}

impl Level {
    /// As `level` shows it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Error => "ERROR",
        }
    }
}

/// An event to write.
pub(super) struct ActionEvent<'a> {
    /// As in appendix A.
    pub(super) event_type: &'a str,
    pub(super) level: Level,
    pub(super) state: EventState,
    pub(super) description: String,
    /// The user who asked.
    pub(super) user: ResourceId,
    /// The account it concerns.
    pub(super) owner: ResourceId,
    /// The first event of the action.
    pub(super) start: Option<ResourceId>,
}

/// Writes an event and returns its id.
pub(super) fn write(tx: &mut Tx<'_>, event: ActionEvent<'_>) -> ResourceId {
    let username =
        tx.any(event.user).map(|user| user.text(col::USERNAME).to_owned()).unwrap_or_default();
    tx.insert(Kind::Event, |resource| {
        resource.owner = Some(event.owner);
        resource.set_state(event.state);
        resource
            .set_text(col::TYPE, event.event_type)
            .set_text(col::LEVEL, event.level.name())
            .set_text(col::USERNAME, &username)
            .set_text(col::DESCRIPTION, &event.description)
            .set_ref(col::PARENT_ID, event.start);
    })
}

/// Writes an event of something that happened by itself, in the name of the
/// account it concerns, else of the system.
pub fn write_alone(
    tx: &mut Tx<'_>,
    event_type: &str,
    level: Level,
    about: Option<ResourceId>,
    description: String,
) {
    let system = super::own_users::system_user(tx);
    let owner = about.and_then(|id| tx.resource(id).owner);
    let owner = owner.unwrap_or_else(|| tx.resource(system).owner.expect("users have accounts"));
    write(
        tx,
        ActionEvent {
            event_type,
            level,
            state: EventState::Completed,
            description,
            user: system,
            owner,
            start: None,
        },
    );
}

/// Writes an event of something that a user did or tried, all of it already.
pub(super) fn write_of(
    tx: &mut Tx<'_>,
    user: ResourceId,
    event_type: &str,
    level: Level,
    description: String,
) {
    let owner = tx.resource(user).owner.expect("users have accounts");
    let (state, start) = (EventState::Completed, None);
    write(tx, ActionEvent { event_type, level, state, description, user, owner, start });
}
