//! One row a command.

use cloudtally_model::ApiError;

use super::{Kind, Object, Param, Roles, group, same};
use crate::{Act, Answer, Begin, Check, Fail, Filter, Query, Resource, Tables, World};

/// The verb of a command, which chooses the part of the engine that runs it.
#[derive(Clone, Copy)]
pub enum Verb {
    /// Not built yet: answers that it is not supported yet.
    Later,
    /// Lists resources of the command's kind.
    List {
        /// Refuses some of them; for what the parameters' names do not say.
        filter: Option<Filter>,
        /// Parameters that `filter` looks at, not the engine.
        own: &'static [&'static str],
    },
    /// Makes a resource of the command's kind from the parameters.
    Create,
    /// Changes what the parameters name.
    Update,
    /// Removes the resource that `id` names.
    Delete,
    /// Looks and answers; changes nothing.
    Read(fn(&Query<'_>) -> Result<Answer, ApiError>),
    /// Does what its own functions do.
    Own,
    /// Answered by the server itself: sessions, usage records. The number says by which of
    /// its functions, so that it needs no names of commands.
    Front(u8),
    /// Declared for the reference; to the server it is unknown.
    Gone,
}

/// The place of the work: in the call, or in a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// The call itself.
    Sync,
    /// A job; the call answers its uuid.
    Plain,
    /// The call makes the resource and answers its uuid; a job does the rest.
    Create,
}

/// The object that an answer shows.
#[derive(Clone, Copy)]
pub enum Shown {
    /// This one.
    Object(&'static Object),
    /// The one of a kind, which the tables of the cloud say: so a command answers a VM
    /// without its area knowing that of VMs.
    OfKind(Kind),
}

/// The form of an answer.
#[derive(Clone, Copy)]
pub enum Shape {
    /// `count` and items.
    List {
        /// Name of an item.
        item: &'static str,
        /// The object that an item is.
        shown: Shown,
    },
    /// One object.
    Object {
        /// Its name.
        item: &'static str,
        /// The object.
        shown: Shown,
    },
    /// That it worked.
    Success,
    /// The fields stand in the outer element.
    Bare(Shown),
}

/// Words of a parameter `details`, and the fields that each asks for.
pub type Details = &'static [(&'static str, &'static [&'static str])];

/// One command.
#[derive(Clone, Copy)]
pub struct Command {
    /// As in `command=`; matched exactly.
    pub name: &'static str,
    /// Its purpose, in one line.
    pub doc: &'static str,
    /// The verb by which it is done.
    pub verb: Verb,
    /// The kind it works on.
    pub kind: Option<Kind>,
    /// The roles that may call it.
    pub roles: Roles,
    /// Parameters it shares with others.
    pub groups: &'static [&'static [Param]],
    /// Its own parameters.
    pub own: &'static [Param],
    /// The place of the work: in the call, or in a job.
    pub job: Job,
    /// The type of the action events it writes.
    pub event: Option<&'static str>,
    /// Chooses the type by the resource, where it is not always the same.
    pub event_by: Option<fn(&World, &Resource) -> &'static str>,
    /// The form of its answer.
    pub shape: Shape,
    /// The fields that each word of its parameter `details` asks for.
    pub details: Details,
    /// Not one of the 4.2.1 server's.
    pub is_extension: bool,
    /// Refuses what must not begin, before anything is changed.
    pub check: Option<Check>,
    /// Makes or finds the resource that the command works on.
    pub begin: Option<Begin>,
    /// Does the work, in the call or in its job.
    pub act: Option<Act>,
    /// Clears up after work that failed.
    pub fail: Option<Fail>,
}

const fn row(name: &'static str, verb: Verb, kind: Option<Kind>) -> Command {
    Command {
        name,
        doc: "",
        verb,
        kind,
        roles: Roles::ROOT,
        groups: &[],
        own: &[],
        job: Job::Sync,
        event: None,
        event_by: None,
        shape: Shape::Success,
        details: &[],
        is_extension: false,
        check: None,
        begin: None,
        act: None,
        fail: None,
    }
}

/// A command whose behaviour is not built yet.
pub const fn later(name: &'static str) -> Command {
    row(name, Verb::Later, None)
}

/// A command of the reference that the server does not know any more.
pub const fn gone(name: &'static str) -> Command {
    row(name, Verb::Gone, None)
}

/// A command that lists resources of a kind.
pub const fn list(name: &'static str, kind: Kind) -> Command {
    row(name, Verb::List { filter: None, own: &[] }, Some(kind))
}

/// A command that makes a resource of a kind.
pub const fn create(name: &'static str, kind: Kind) -> Command {
    row(name, Verb::Create, Some(kind))
}

/// A command that changes a resource of a kind.
pub const fn update(name: &'static str, kind: Kind) -> Command {
    row(name, Verb::Update, Some(kind))
}

/// A command that removes a resource of a kind.
pub const fn delete(name: &'static str, kind: Kind) -> Command {
    row(name, Verb::Delete, Some(kind))
}

/// A command that does what its own functions do.
pub const fn own(name: &'static str) -> Command {
    row(name, Verb::Own, None)
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Command {
    /// Its purpose, in one line.
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    /// The kind it works on.
    pub const fn kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// The roles that may call it.
    pub const fn roles(mut self, roles: Roles) -> Self {
        self.roles = roles;
        self
    }

    /// Parameters it shares with others.
    pub const fn groups(mut self, groups: &'static [&'static [Param]]) -> Self {
        self.groups = groups;
        self.no_parameter_twice();
        self
    }

    /// Its own parameters.
    pub const fn params(mut self, own: &'static [Param]) -> Self {
        self.own = own;
        self.no_parameter_twice();
        self
    }

    /// Answers `count` and items.
    pub const fn items(mut self, item: &'static str, object: &'static Object) -> Self {
        self.shape = Shape::List { item, shown: Shown::Object(object) };
        self
    }

    /// Answers `count` and items that are of a kind.
    pub const fn items_of(mut self, item: &'static str, kind: Kind) -> Self {
        self.shape = Shape::List { item, shown: Shown::OfKind(kind) };
        self
    }

    /// Answers one object.
    pub const fn object(mut self, item: &'static str, object: &'static Object) -> Self {
        self.shape = Shape::Object { item, shown: Shown::Object(object) };
        self
    }

    /// Answers one resource of a kind.
    pub const fn object_of(mut self, item: &'static str, kind: Kind) -> Self {
        self.shape = Shape::Object { item, shown: Shown::OfKind(kind) };
        self
    }

    /// Answers fields without a name around them.
    pub const fn bare(mut self, object: &'static Object) -> Self {
        self.shape = Shape::Bare(Shown::Object(object));
        self
    }

    /// Answers that it worked.
    pub const fn success(mut self) -> Self {
        self.shape = Shape::Success;
        self
    }

    /// Writes an action event of this type.
    pub const fn event(mut self, event: &'static str) -> Self {
        self.event = Some(event);
        self
    }

    /// Chooses the type of the action events by the resource the command works on.
    pub const fn event_by(mut self, by: fn(&World, &Resource) -> &'static str) -> Self {
        self.event_by = Some(by);
        self
    }

    /// A job does the work, under action events of this type.
    pub const fn job(mut self, event: &'static str) -> Self {
        self.job = Job::Plain;
        self.event(event)
    }

    /// The call makes the resource; a job does the rest.
    pub const fn create_job(mut self, event: &'static str) -> Self {
        self.job = Job::Create;
        self.event(event)
    }

    /// Shows of each item the fields that its parameter `details` asks for.
    pub const fn details(mut self, details: Details) -> Self {
        self.details = details;
        self
    }

    /// A command of ours that the 4.2.1 server does not have.
    pub const fn extension(mut self) -> Self {
        self.is_extension = true;
        self
    }

    /// Looks and answers by this function.
    pub const fn read(mut self, read: fn(&Query<'_>) -> Result<Answer, ApiError>) -> Self {
        self.verb = Verb::Read(read);
        self
    }

    /// Answered by the server itself, by the function of this number.
    pub const fn front(mut self, function: u8) -> Self {
        self.verb = Verb::Front(function);
        self
    }

    /// Lists only what passes; `own` are the parameters this looks at.
    pub const fn filter(mut self, filter: Filter, own: &'static [&'static str]) -> Self {
        self.verb = Verb::List { filter: Some(filter), own };
        self
    }

    /// Refuses what must not be done, before anything is.
    pub const fn check(mut self, check: Check) -> Self {
        self.check = Some(check);
        self
    }

    /// Makes or finds the resource the command works on, in the call itself.
    pub const fn begin(mut self, begin: Begin) -> Self {
        self.begin = Some(begin);
        self
    }

    /// Does the work; in the job if there is one.
    pub const fn act(mut self, act: Act) -> Self {
        self.act = Some(act);
        self
    }

    /// Clears up after a job that failed and was undone.
    pub const fn on_failure(mut self, fail: Fail) -> Self {
        self.fail = Some(fail);
        self
    }

    /// All parameters, its own first.
    pub fn params_all(&self) -> impl Iterator<Item = &'static Param> {
        self.own.iter().chain(self.groups.iter().flat_map(|group| group.iter()))
    }

    /// The row of a parameter.
    pub fn param(&self, name: &str) -> Option<&'static Param> {
        self.params_all().find(|param| param.name == name)
    }

    /// The object that its answer shows; none where it only tells that it worked.
    pub fn object_shown(&self, tables: &'static Tables) -> Option<&'static Object> {
        match self.shape {
            Shape::List { shown, .. } | Shape::Object { shown, .. } | Shape::Bare(shown) => {
                Some(match shown {
                    Shown::Object(object) => object,
                    Shown::OfKind(kind) => tables.spec(kind).object,
                })
            }
            Shape::Success => None,
        }
    }

    /// The outer element of its answers.
    pub fn outer(&self) -> String {
        format!("{}response", self.name.to_lowercase())
    }

    /// Tells whether it takes `page` and `pagesize`.
    pub fn is_paged(&self) -> bool {
        self.groups.iter().any(|group| std::ptr::eq(*group, group::PAGED))
            || self.param("pagesize").is_some()
    }

    /// Says that it lists resources: what is named and gone gives an empty list. The commands
    /// that find places for a resource need the resource itself.
    pub fn is_list(&self) -> bool {
        matches!(self.shape, Shape::List { .. }) && self.name.starts_with("list")
    }

    /// Tells whether its behaviour is built.
    pub fn is_built(&self) -> bool {
        !matches!(self.verb, Verb::Later | Verb::Gone)
    }

    /// Tells whether it is to be answered as a command that there never was.
    pub fn is_gone(&self) -> bool {
        matches!(self.verb, Verb::Gone)
    }

    /// Stops the build where a parameter stands twice.
    const fn no_parameter_twice(&self) {
        let mut at = 0;
        while at < self.own.len() {
            let mut other = at + 1;
            while other < self.own.len() {
                assert!(!same(self.own[at].name, self.own[other].name), "a parameter twice");
                other += 1;
            }
            let mut group = 0;
            while group < self.groups.len() {
                let mut other = 0;
                while other < self.groups[group].len() {
                    let name = self.groups[group][other].name;
                    assert!(!same(self.own[at].name, name), "a parameter of a group again");
                    other += 1;
                }
                group += 1;
            }
            at += 1;
        }
    }
}
