//! Objects of ordered fields, which answers show.

use super::{Kind, same};
use crate::{Column, ColumnKey, Node, ResourceId, View};

/// The type of a field on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireType {
    /// Text.
    Str,
    /// The uuid of something of a kind; kept as a reference.
    Id(Kind),
    /// A whole number of 32 bits.
    Int,
    /// A whole number of 64 bits.
    Long,
    /// True or false.
    Bool,
    /// A moment.
    Date,
    /// Texts.
    List,
    /// Objects.
    Objects(&'static str),
    /// Keys and values.
    Map,
}

impl WireType {
    /// The word `listApis` shows.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Str | Self::Id(_) => "string",
            Self::Int => "int",
            Self::Long => "long",
            Self::Bool => "boolean",
            Self::Date => "date",
            Self::List | Self::Objects(_) => "list",
            Self::Map => "map",
        }
    }
}

/// The source of a field's value.
#[derive(Clone, Copy)]
pub enum Source {
    /// An attribute of the resource, stored under the field's name.
    Stored,
    /// The uuid of the resource itself.
    Uuid,
    /// Its state.
    State,
    /// The instant it was made.
    Created,
    /// The instant it was removed.
    Removed,
    /// The name of the account that owns it, unless that is a project's.
    Account,
    /// The uuid of that account.
    AccountId,
    /// The uuid of the domain of its owner.
    DomainId,
    /// The name of the domain of its owner.
    Domain,
    /// The uuid of the project that owns it.
    ProjectId,
    /// The name of the project that owns it.
    Project,
    /// Its tags.
    Tags,
    /// The uuid of the job that works on it.
    JobId,
    /// The status of the job that works on it.
    JobStatus,
    /// An attribute of the resource that the reference `of` names.
    Join {
        /// The stored reference.
        of: Column<ResourceId>,
        /// The field of the resource referred to.
        field: &'static str,
    },
    /// The objects of a kind whose reference `by` is this resource.
    Children {
        /// Their kind.
        kind: Kind,
        /// Their reference to this resource.
        by: Column<ResourceId>,
    },
    /// Computed.
    By(fn(&View<'_>) -> Node),
}

/// The callers that are shown a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Whoever is shown the object.
    All,
    /// Root admins: where in the cloud something lies is nobody else's matter.
    RootAdmins,
}

/// One field.
#[derive(Clone, Copy)]
pub struct Field {
    /// As on the wire.
    pub name: &'static str,
    /// The key of the name, where it is stored under it.
    pub key: ColumnKey,
    /// Its type on the wire.
    pub ty: WireType,
    /// The source of its value.
    pub source: Source,
    /// The callers that are shown it.
    pub audience: Audience,
}

/// A field that is stored under its own name.
pub const fn f(name: &'static str, ty: WireType) -> Field {
    Field { name, key: ColumnKey::of(name), ty, source: Source::Stored, audience: Audience::All }
}

impl Field {
    /// Shows it to root admins alone.
    pub const fn for_root(mut self) -> Self {
        self.audience = Audience::RootAdmins;
        self
    }

    /// Takes the value from somewhere else.
    pub const fn from(mut self, source: Source) -> Self {
        self.source = source;
        self
    }

    /// Takes it from the resource that the reference `of` names.
    pub const fn join(self, of: Column<ResourceId>, field: &'static str) -> Self {
        self.from(Source::Join { of, field })
    }

    /// Shows the resources of `kind` that refer to this one by `by`.
    pub const fn children(self, kind: Kind, by: Column<ResourceId>) -> Self {
        self.from(Source::Children { kind, by })
    }

    /// Computes it.
    pub const fn by(self, compute: fn(&View<'_>) -> Node) -> Self {
        self.from(Source::By(compute))
    }
}

/// The fields that mean the same in every object.
pub mod fields {
    use super::{Field, Source, WireType::*, f};
    use crate::{col, table::Kind};

    /// The uuid of the resource.
    pub const ID: Field = f("id", Str).from(Source::Uuid);
    /// Its state.
    pub const STATE: Field = f("state", Str).from(Source::State);
    /// The instant it was made.
    pub const CREATED: Field = f("created", Date).from(Source::Created);
    /// The instant it was removed.
    pub const REMOVED: Field = f("removed", Date).from(Source::Removed);
    /// The owner's name.
    pub const ACCOUNT: Field = f("account", Str).from(Source::Account);
    /// The owner's uuid.
    pub const ACCOUNT_ID: Field = f("accountid", Str).from(Source::AccountId);
    /// The owner's domain.
    pub const DOMAIN_ID: Field = f("domainid", Str).from(Source::DomainId);
    /// Its name.
    pub const DOMAIN: Field = f("domain", Str).from(Source::Domain);
    /// The project that owns it.
    pub const PROJECT_ID: Field = f("projectid", Str).from(Source::ProjectId);
    /// Its name.
    pub const PROJECT: Field = f("project", Str).from(Source::Project);
    /// Tags.
    pub const TAGS: Field = f("tags", Objects("ResourceTag")).from(Source::Tags);
    /// The job that works on the resource.
    pub const JOB_ID: Field = f("jobid", Str).from(Source::JobId);
    /// The status of that job.
    pub const JOB_STATUS: Field = f("jobstatus", Int).from(Source::JobStatus);
    /// The zone the resource is in.
    pub const ZONE_ID: Field = f("zoneid", Id(Kind::Zone));
    /// Its name.
    pub const ZONE_NAME: Field = f("zonename", Str).join(col::ZONE_ID, "name");
}

/// An attribute that is stored and not shown.
#[derive(Clone, Copy, Debug)]
pub struct Hidden {
    /// Its name, apart from those of the object's fields.
    pub name: &'static str,
    /// The key of the name.
    pub key: ColumnKey,
    /// Its type.
    pub ty: WireType,
}

/// A stored attribute that no answer shows.
pub const fn hidden(name: &'static str, ty: WireType) -> Hidden {
    Hidden { name, key: ColumnKey::of(name), ty }
}

/// The fields that an answer shows of a resource.
#[derive(Clone, Copy)]
pub struct Object {
    /// The name in the reference pages.
    pub name: &'static str,
    /// Its fields in the order they are sent.
    pub fields: &'static [Field],
}

/// The fields of one object with more among them, behind the one named `after`: for objects
/// that show all that another does.
///
/// # Panics
/// If `N` is not their number or nothing is named so, which stops the build.
pub const fn extended<const N: usize>(object: &Object, after: &str, more: &[Field]) -> [Field; N] {
    let fields = object.fields;
    assert!(N == fields.len() + more.len(), "N is not the number of the fields");
    let first = match object.position(after) {
        Some(at) => at + 1,
        None => panic!("no field of the object has the name"),
    };
    let mut all = [fields[0]; N];
    let mut at = 0;
    while at < N {
        all[at] = if at < first {
            fields[at]
        } else if at < first + more.len() {
            more[at - first]
        } else {
            fields[at - more.len()]
        };
        at += 1;
    }
    all
}

impl Object {
    /// The position of a field.
    pub const fn position(&self, name: &str) -> Option<usize> {
        let mut at = 0;
        while at < self.fields.len() {
            if same(self.fields[at].name, name) {
                return Some(at);
            }
            at += 1;
        }
        None
    }
}
