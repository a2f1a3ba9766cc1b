//! The arguments of a command's functions.

use cloudtally_model::{ApiError, Instant};

use super::{
    caller::Caller,
    decode::{Args, invalid},
    event::Level,
    ids::ResourceId,
    node::{Answer, Node},
    resource::Resource,
    tx::Tx,
    world::World,
};
use crate::table::{Command, Kind};

/// A look: for commands that change nothing.
pub struct Query<'a> {
    /// The row of the command.
    pub command: &'static Command,
    /// The caller.
    pub caller: &'a Caller,
    /// With which parameters.
    pub args: &'a Args,
    /// The cloud.
    pub world: &'a World,
    /// Its present.
    pub now: Instant,
}

/// A change: for everything else.
pub struct Call<'a, 'w> {
    /// The row of the command.
    pub command: &'static Command,
    /// The caller.
    pub caller: Caller,
    /// With which parameters.
    pub args: Args,
    /// The resource the command works on, once it is known.
    pub entity: Option<ResourceId>,
    /// The number of times the job has waited: see [`Done::Wait`].
    pub step: u32,
    /// Said at the end of the action event's description.
    pub detail: String,
    /// The world, and the changes to it that are under way.
    pub tx: &'a mut Tx<'w>,
}

/// The outcome of a command's work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// It worked; the answer shows this resource.
    Resource(ResourceId),
    /// It worked; the answer shows these resources.
    Resources(Vec<ResourceId>),
    /// It worked.
    Success,
    /// It worked; the answer shows this.
    Node(Node),
    /// It worked; this is the answer.
    Answer(Answer),
    /// Comes back after so many milliseconds, with the step one higher.
    Wait(i64),
    /// Fails after so many milliseconds: what it was done with does not answer (534).
    FailLater(i64, String),
}

impl Done {
    /// Tells whether the work goes on later, one way or the other.
    pub fn is_under_way(&self) -> bool {
        matches!(self, Self::Wait(_) | Self::FailLater(..))
    }
}

/// Refuses what must not be done.
pub type Check = fn(&mut Call<'_, '_>) -> Result<(), ApiError>;
/// Makes or finds the resource that the command works on.
pub type Begin = fn(&mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError>;
/// Does the work.
pub type Act = fn(&mut Call<'_, '_>) -> Result<Done, ApiError>;
/// Clears up after work that failed and was undone.
pub type Fail = fn(&mut Call<'_, '_>, &ApiError);
/// Tells whether a resource is listed.
pub type Filter = fn(&Query<'_>, &Resource) -> bool;

impl Query<'_> {
    /// Says that the keyword, if there is one, stands in one of some texts.
    pub fn is_named_in(&self, texts: &[&str]) -> bool {
        let keyword = self.args.text_if_any("keyword").map(str::to_lowercase);
        keyword.is_none_or(|word| texts.iter().any(|text| text.to_lowercase().contains(&word)))
    }

    /// A parameter that cannot be what it should be.
    pub fn invalid(&self, name: &str, value: &str, expected: &str) -> ApiError {
        invalid(self.command, name, value, expected)
    }
}

impl Call<'_, '_> {
    /// A parameter that cannot be what it should be.
    pub fn invalid(&self, name: &str, value: &str, expected: &str) -> ApiError {
        invalid(self.command, name, value, expected)
    }

    /// The resource the command works on.
    ///
    /// # Panics
    /// If the command has none: a mistake in our code.
    pub fn entity(&self) -> &Resource {
        self.tx.resource(self.entity_id())
    }

    /// Its id.
    ///
    /// # Panics
    /// If the command has none: a mistake in our code.
    pub fn entity_id(&self) -> ResourceId {
        self.entity.unwrap_or_else(|| panic!("{} works on nothing", self.command.name))
    }

    /// Refuses a name that another resource of the kind has already.
    pub fn check_unique(&self, resource: &Resource) -> Result<(), ApiError> {
        super::verbs::check_unique(self, resource)
    }

    /// The account that a new resource is for: that of `projectid`, of `account` and
    /// `domainid`, or the caller's own.
    pub fn owner(&self) -> Result<ResourceId, ApiError> {
        super::scope::owner(self)
    }

    /// Writes an action event that belongs to no command, such as of a guest that
    /// stops itself.
    pub fn happened(
        &mut self,
        kind: &'static str,
        level: Level,
        about: Option<ResourceId>,
        text: String,
    ) {
        super::event::write_alone(self.tx, kind, level, about, text);
    }

    /// A live resource of a kind that must be there.
    pub fn must_get(&self, kind: Kind, id: ResourceId) -> Result<&Resource, ApiError> {
        self.tx
            .get(kind, id)
            .ok_or_else(|| ApiError::value(format!("the {} is gone meanwhile", kind.noun())))
    }
}
