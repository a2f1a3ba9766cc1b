//! Parameters: from texts to values, by the rows of the command.
//!
//! Names come in lower case and each once. What the command does not know is
//! ignored; an empty value is no value. A uuid becomes an id only if the resource is
//! of the right kind and the caller may touch it: something of somebody else and
//! something that is not there are told in the same words.

use std::collections::BTreeMap;

use cloudtally_model::{ApiError, Calendar, Instant, Millis};

use super::{caller::Caller, ids::ResourceId, resource::Resource, world::World};
use crate::table::{Command, Kind, MapForm, Param, ParamType};

/// The resources that a uuid may name.
#[derive(Clone, Copy, Debug)]
pub enum Reach<'a> {
    /// Those that are there and that the caller may touch: for what somebody asks.
    Caller(&'a Caller),
    /// Resources that were removed, too: a list by the id of something removed is empty, which
    /// is how clients learn that it is gone. Kinds that leave nothing behind are not there.
    Looking(&'a Caller),
    /// Also what is gone or somebody else's by now: for work that is under way, and
    /// for clearing up after it.
    UnderWay,
}

impl Reach<'_> {
    fn covers(self, world: &World, param: &Param, resource: &Resource) -> bool {
        match self {
            Self::Caller(_) if resource.removed.is_some() => false,
            Self::Looking(_) if resource.removed.is_some() && resource.spec().leaves_nothing => {
                false
            }
            Self::Caller(caller) | Self::Looking(caller) if param.is_usable => {
                world.may_use(caller, resource)
            }
            Self::Caller(caller) | Self::Looking(caller) => world.may_touch(caller, resource),
            Self::UnderWay => true,
        }
    }
}

/// The text that Python clients send for an id that they leave out.
const NOTHING: &str = "None";

/// Parameters as they came: names in lower case, values decoded.
pub type RawParams = Vec<(String, String)>;

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    /// Text, also that of moments' and lists' items.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A flag.
    Bool(bool),
    /// A resource.
    Id(ResourceId),
    /// `-1` in place of a uuid: all of them.
    All,
    /// Several resources.
    Ids(Vec<ResourceId>),
    /// Several texts.
    List(Vec<String>),
    /// From the first to the last moment of a day or a second.
    Date(Instant, Instant),
    /// A moment.
    Moment(Instant),
    /// Entries in order of their index.
    Map(Vec<Entry>),
}

/// One entry of a map parameter: fields and values.
pub type Entry = BTreeMap<String, String>;

/// The decoded parameters of a call.
#[derive(Clone, Debug)]
pub struct Args {
    command: &'static Command,
    values: Vec<(&'static str, Arg)>,
    emptied: Vec<&'static str>,
}

impl Args {
    /// Decodes the parameters of a command.
    pub fn decode(
        command: &'static Command,
        raw: &[(String, String)],
        world: &World,
        reach: Reach<'_>,
    ) -> Result<Self, ApiError> {
        let mut values = Vec::new();
        let mut emptied = Vec::new();
        for param in command.params_all() {
            match decode_param(command, param, raw, world, reach)? {
                Some(value) => values.push((param.name, value)),
                None if raw.iter().any(|(name, value)| name == param.name && value != NOTHING) => {
                    emptied.push(param.name);
                }
                None => {}
            }
        }
        // What is given wrongly is told before what is not given at all.
        let is_missing = |param: &&Param| {
            param.required && !values.iter().any(|(given, _)| *given == param.name)
        };
        match command.params_all().find(is_missing) {
            Some(param) => Err(missing(command, param.name)),
            None => Ok(Self { command, values, emptied }),
        }
    }

    /// A value.
    ///
    /// # Panics
    /// If the command has no such parameter: a mistake in our code.
    pub fn get(&self, name: &str) -> Option<&Arg> {
        let found = self.values.iter().find(|(given, _)| *given == name).map(|(_, arg)| arg);
        if found.is_none() {
            assert!(
                self.command.param(name).is_some(),
                "{} has no parameter {name}",
                self.command.name
            );
        }
        found
    }

    /// A value, where the command has such a parameter at all.
    pub fn if_any(&self, name: &str) -> Option<&Arg> {
        self.values.iter().find(|(given, _)| *given == name).map(|(_, arg)| arg)
    }

    /// Tells whether it is given.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Tells whether it is given, but without a value: as good as not given, except where
    /// that clears something.
    pub fn is_emptied(&self, name: &str) -> bool {
        self.emptied.contains(&name)
    }

    /// A text.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Arg::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A text that must be given.
    ///
    /// # Panics
    /// If the row does not require it: a mistake in our code.
    pub fn text_required(&self, name: &str) -> &str {
        self.text(name).unwrap_or_else(|| panic!("{} does not require {name}", self.command.name))
    }

    /// A whole number.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Some(Arg::Int(number)) => Some(*number),
            _ => None,
        }
    }

    /// A text, where the command has such a parameter at all.
    pub fn text_if_any(&self, name: &str) -> Option<&str> {
        match self.if_any(name) {
            Some(Arg::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A resource, where the command has such a parameter at all.
    pub fn id_if_any(&self, name: &str) -> Option<ResourceId> {
        match self.if_any(name) {
            Some(Arg::Id(id)) => Some(*id),
            _ => None,
        }
    }

    /// A flag, where the command has such a parameter at all.
    pub fn flag_if_any(&self, name: &str) -> Option<bool> {
        match self.if_any(name) {
            Some(Arg::Bool(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// A flag, if given.
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            Some(Arg::Bool(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// Tells whether a flag is given and true.
    pub fn is_true(&self, name: &str) -> bool {
        self.flag(name) == Some(true)
    }

    /// A resource.
    pub fn id(&self, name: &str) -> Option<ResourceId> {
        match self.get(name) {
            Some(Arg::Id(id)) => Some(*id),
            _ => None,
        }
    }

    /// A resource that must be given.
    ///
    /// # Panics
    /// If the row does not require it: a mistake in our code.
    pub fn id_required(&self, name: &str) -> ResourceId {
        self.id(name).unwrap_or_else(|| panic!("{} does not require {name}", self.command.name))
    }

    /// Several resources; none if not given.
    pub fn ids(&self, name: &str) -> &[ResourceId] {
        match self.get(name) {
            Some(Arg::Ids(ids)) => ids,
            _ => &[],
        }
    }

    /// Several texts; none if not given.
    pub fn list(&self, name: &str) -> &[String] {
        match self.get(name) {
            Some(Arg::List(texts)) => texts,
            _ => &[],
        }
    }

    /// The entries of a map; none if not given.
    pub fn map(&self, name: &str) -> &[Entry] {
        match self.get(name) {
            Some(Arg::Map(entries)) => entries,
            _ => &[],
        }
    }

    /// The fields of all entries of a map as one.
    pub fn merged_map(&self, name: &str) -> Entry {
        self.map(name).iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect()
    }

    /// A moment.
    pub fn moment(&self, name: &str) -> Option<Instant> {
        match self.get(name) {
            Some(Arg::Moment(at)) => Some(*at),
            _ => None,
        }
    }

    /// The first and last moment of a date.
    pub fn date(&self, name: &str) -> Option<(Instant, Instant)> {
        match self.get(name) {
            Some(Arg::Date(first, last)) => Some((*first, *last)),
            _ => None,
        }
    }

    /// All values given.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Arg)> {
        self.values.iter().map(|(name, arg)| (*name, arg))
    }
}

/// Makes the error of a parameter that cannot be what it should be.
pub fn invalid(command: &Command, name: &str, value: &str, expected: &str) -> ApiError {
    ApiError::parameter(format!(
        "Unable to execute API command {} due to invalid value. Invalid parameter {name} value={value}: {expected}",
        command.name.to_lowercase()
    ))
}

/// Makes the error of a parameter that names what is not there, or is not the caller's. Clients
/// find out by the first words that a resource is gone, so these never change.
pub fn unknown(name: &str, value: &str, noun: &str) -> ApiError {
    unknown_because(name, value, &format!("there is no {noun} with this id, or it is not yours"))
}

/// Makes the same error with other words on what is not there.
pub fn unknown_because(name: &str, value: &str, why: &str) -> ApiError {
    ApiError::parameter(format!(
        "Invalid parameter {name} value={value} due to incorrect long value format, \
         or entity does not exist: {why}"
    ))
}

/// A parameter that must be given.
pub(crate) fn missing(command: &Command, name: &str) -> ApiError {
    ApiError::parameter(format!(
        "Unable to execute API command {} due to missing parameter {name}",
        command.name.to_lowercase()
    ))
}

/// Decodes a parameter; none if it is not given, or empty.
fn decode_param(
    command: &'static Command,
    param: &Param,
    raw: &[(String, String)],
    world: &World,
    reach: Reach<'_>,
) -> Result<Option<Arg>, ApiError> {
    if let ParamType::Map(form) = param.ty {
        return map(command, param, form, raw);
    }
    let given = raw.iter().find(|(name, value)| name == param.name && !value.is_empty());
    let Some((_, value)) = given else { return Ok(None) };
    // `id` itself is asked for nowhere by chance: it is told as unknown.
    let is_other_id =
        matches!(param.ty, ParamType::Id(_) | ParamType::IdOf(_)) && param.name != "id";
    if is_other_id && !param.required && value == NOTHING {
        return Ok(None);
    }
    decode_one(command, param, value, world, reach)
}

/// Decodes a value that is not empty; none for a number that is blank.
fn decode_one(
    command: &'static Command,
    param: &Param,
    value: &str,
    world: &World,
    reach: Reach<'_>,
) -> Result<Option<Arg>, ApiError> {
    // Secrets are not repeated in messages.
    let is_secret = matches!(param.ty, ParamType::Secret | ParamType::Password);
    let shown = if is_secret { "***" } else { value };
    let wrong = |expected: &str| invalid(command, param.name, shown, expected);
    let most = usize::try_from(param.length_max).unwrap_or(usize::MAX);
    let is_text = matches!(
        param.ty,
        ParamType::Str | ParamType::Secret | ParamType::Password | ParamType::NetworkDomain
    );
    if is_text && value.chars().count() > most {
        return Err(wrong(&format!("expected at most {most} characters")));
    }
    let number = |least: i64, most: i64| -> Result<Option<Arg>, ApiError> {
        let value = value.trim();
        if value.is_empty() {
            return Ok(None);
        }
        let number: Option<i64> = value.parse().ok();
        let number = number.filter(|number| (least..=most).contains(number));
        number
            .map(|number| Some(Arg::Int(number)))
            .ok_or_else(|| wrong(&format!("expected a whole number from {least} to {most}")))
    };
    Ok(Some(match param.ty {
        ParamType::Str
        | ParamType::Secret
        | ParamType::Password
        | ParamType::UsageDate
        | ParamType::BilledId(_) => Arg::Text(value.to_owned()),
        ParamType::NetworkDomain if is_network_domain(value) => Arg::Text(value.to_owned()),
        ParamType::NetworkDomain => {
            return Err(wrong(
                "expected a domain name of at most 190 characters: labels of 1 to 63 letters, \
                 digits and hyphens, with no hyphen at an end",
            ));
        }
        ParamType::Int => return number(i32::MIN.into(), i32::MAX.into()),
        ParamType::Short => return number(i16::MIN.into(), i16::MAX.into()),
        ParamType::Long => return number(i64::MIN, i64::MAX),
        ParamType::Region => return number(1, i32::MAX.into()),
        ParamType::Bool => Arg::Bool(value.trim().eq_ignore_ascii_case("true")),
        ParamType::Date => {
            let (first, last) = Calendar::utc_days().query_bound(value).ok_or_else(|| {
                wrong("expected yyyy-MM-dd, \"yyyy-MM-dd HH:mm:ss\" or ISO 8601 with an offset")
            })?;
            // To the end of the second.
            Arg::Date(first, last + Millis(999))
        }
        ParamType::Moment => Arg::Moment(
            Instant::parse(value).map_err(|_| wrong("expected ISO 8601 with an offset"))?,
        ),
        ParamType::Id(_) if param.takes_all && value == "-1" => Arg::All,
        ParamType::Id(kind) => Arg::Id(find(param, value, &[kind], world, reach)?),
        ParamType::IdOrNumber(kind) => match value.parse().map(ResourceId) {
            Ok(id) if world.get(kind, id).is_some() => Arg::Id(id),
            Ok(_) => {
                let why = format!("there is no {} with this number", kind.noun());
                return Err(unknown_because(param.name, value, &why));
            }
            Err(_) => Arg::Id(find(param, value, &[kind], world, reach)?),
        },
        ParamType::IdOf(kinds) => Arg::Id(find(param, value, kinds, world, reach)?),
        ParamType::AnyId => Arg::Id(find(param, value, &[], world, reach)?),
        ParamType::List => Arg::List(items(value).map(str::to_owned).collect()),
        ParamType::IdList(kind) => Arg::Ids(
            items(value)
                .map(|item| find(param, item, &[kind], world, reach))
                .collect::<Result<_, _>>()?,
        ),
        ParamType::Map(_) => unreachable!("maps are decoded as a whole"),
    }))
}

/// Says that a text can be the domain that a network's machines have their names in.
fn is_network_domain(value: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    value.len() <= 190 && value.split('.').all(is_label)
}

fn items(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// The resource a uuid names; no kinds means any.
fn find(
    param: &Param,
    value: &str,
    kinds: &[Kind],
    world: &World,
    reach: Reach<'_>,
) -> Result<ResourceId, ApiError> {
    let is_it = |resource: &&Resource| {
        (kinds.is_empty() || kinds.contains(&resource.kind)) && reach.covers(world, param, resource)
    };
    let found = world.by_id(value.trim(), kinds).filter(is_it);
    found.map(|resource| resource.id).ok_or_else(|| {
        unknown(param.name, value, kinds.first().map_or("thing", |kind| kind.noun()))
    })
}

/// Decodes `name[0].field=value`.
fn map(
    command: &Command,
    param: &Param,
    form: MapForm,
    raw: &[(String, String)],
) -> Result<Option<Arg>, ApiError> {
    let mut entries: BTreeMap<u32, Entry> = BTreeMap::new();
    for (name, value) in raw {
        let Some(rest) = name.strip_prefix(param.name) else { continue };
        if !rest.starts_with('[') {
            continue;
        }
        let malformed = || {
            ApiError::malformed(format!(
                "Unable to decipher the parameter {name}; map parameters are written {}[0].{}=value",
                param.name,
                match form {
                    MapForm::Fields(fields) => fields.first().copied().unwrap_or("name"),
                    MapForm::Free => "name",
                }
            ))
        };
        let (index, field) = rest[1..].split_once("].").ok_or_else(malformed)?;
        let index: u32 = index.parse().map_err(|_| malformed())?;
        if field.is_empty() || field.contains(['[', ']']) {
            return Err(malformed());
        }
        if let MapForm::Fields(fields) = form
            && !fields.contains(&field)
        {
            let expected = format!("the fields of {} are {}", param.name, fields.join(", "));
            return Err(invalid(command, name, value, &expected));
        }
        entries.entry(index).or_default().insert(field.to_owned(), value.clone());
    }
    let entries: Vec<Entry> = entries.into_values().collect();
    Ok((!entries.is_empty()).then_some(Arg::Map(entries)))
}
