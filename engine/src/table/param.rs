//! Parameters of commands.

use super::Kind;

/// The largest text a parameter takes unless its row says otherwise, in characters.
const LENGTH_MAX: u32 = 255;

/// The type of a parameter's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamType {
    /// Text.
    Str,
    /// Text that is never shown or logged.
    Secret,
    /// A user's password: hashed before anything else sees it.
    Password,
    /// The name of a domain of networks, as DNS has them.
    NetworkDomain,
    /// A whole number of 32 bits.
    Int,
    /// A whole number of 16 bits.
    Short,
    /// A whole number of 64 bits.
    Long,
    /// `true` in any case; anything else is false.
    Bool,
    /// A day, or a day and a time.
    Date,
    /// A day, or a day and a time, in the time zone of usage, which the server knows.
    UsageDate,
    /// A moment: ISO 8601 with an offset.
    Moment,
    /// The uuid of something of a kind.
    Id(Kind),
    /// The uuid of something of a kind, or its number inside the cloud, which is all
    /// that the catalogue knows.
    IdOrNumber(Kind),
    /// The id of something of a kind in a bill: of this cloud, there or gone, or of one whose
    /// usage was imported. The command finds it.
    BilledId(Kind),
    /// The uuid of something of one of several kinds.
    IdOf(&'static [Kind]),
    /// The uuid of something of any kind.
    AnyId,
    /// The whole number that is the id of a region.
    Region,
    /// Texts, separated by commas.
    List,
    /// Uuids of resources of a kind, separated by commas.
    IdList(Kind),
    /// `name[0].field=value`.
    Map(MapForm),
}

/// The fields that a map parameter may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapForm {
    /// The names of the fields are the keys.
    Free,
    /// These fields.
    Fields(&'static [&'static str]),
}

impl ParamType {
    /// The word `listApis` shows.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Str | Self::Secret | Self::Password | Self::NetworkDomain => "string",
            Self::Int | Self::Region => "integer",
            Self::Short => "short",
            Self::Long | Self::IdOrNumber(_) => "long",
            Self::Bool => "boolean",
            Self::Date | Self::UsageDate => "date",
            Self::Moment => "tzdate",
            Self::Id(_) | Self::BilledId(_) | Self::IdOf(_) | Self::AnyId => "uuid",
            Self::List | Self::IdList(_) => "list",
            Self::Map(_) => "map",
        }
    }
}

/// One parameter.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Lower case, as on the wire.
    pub name: &'static str,
    /// The type of its value.
    pub ty: ParamType,
    /// True if the call is refused without it.
    pub required: bool,
    /// Longest text taken, in characters.
    pub length_max: u32,
    /// True if resources of others that they let everybody use may be named too.
    pub is_usable: bool,
    /// True if `-1` stands for all resources of the kind.
    pub takes_all: bool,
    /// Set where a list by a removed resource tells what is left of it, in place of nothing.
    pub tells_of_removed: bool,
    /// Its own words on what it means, where the common ones of its name do not say it.
    pub doc: Option<&'static str>,
}

/// A parameter that may be left out.
pub const fn p(name: &'static str, ty: ParamType) -> Param {
    Param {
        name,
        ty,
        required: false,
        length_max: LENGTH_MAX,
        is_usable: false,
        takes_all: false,
        tells_of_removed: false,
        doc: None,
    }
}

impl Param {
    /// The call is refused without it.
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Takes texts up to this many characters.
    pub const fn length_max(mut self, characters: u32) -> Self {
        self.length_max = characters;
        self
    }

    /// May name resources of others that they let everybody use: public templates,
    /// shared networks.
    pub const fn usable(mut self) -> Self {
        self.is_usable = true;
        self
    }

    /// Takes `-1` for all of them: every zone, any project.
    pub const fn or_all(mut self) -> Self {
        self.takes_all = true;
        self
    }

    /// Lets a list by something that is removed tell what is left of it, in place of nothing.
    pub const fn or_removed(mut self) -> Self {
        self.tells_of_removed = true;
        self
    }

    /// Its own description, where the common one of its name does not say it.
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = Some(doc);
        self
    }
}

/// Parameters that many commands share.
pub mod group {
    use super::{MapForm, Param, ParamType::*, p};
    use crate::table::Kind;

    /// Pages and the substring filter of list commands.
    pub const PAGED: &[Param] = &[p("keyword", Str), p("page", Int), p("pagesize", Int)];
    /// The owners whose resources a list shows.
    pub const SCOPED: &[Param] = &[
        p("account", Str),
        p("domainid", Id(Kind::Domain)),
        p("isrecursive", Bool),
        p("listall", Bool),
    ];
    /// The project to which a new resource belongs.
    pub const PROJECT: &[Param] = &[p("projectid", Id(Kind::Project))];
    /// The project whose resources are listed; `-1` for those of all projects.
    pub const IN_PROJECT: &[Param] = &[p("projectid", Id(Kind::Project)).or_all()];
    /// The owner of a new resource.
    pub const OWNER: &[Param] = &[p("account", Str), p("domainid", Id(Kind::Domain))];
    /// Lists only what has these tags.
    pub const TAGGED: &[Param] = &[p("tags", Map(MapForm::Fields(&["key", "value"])))];
}
