//! The rows against the catalogue of the 4.2.1 API.
//!
//! The catalogue is the oracle: what a row says of names, types, roles and shapes
//! must equal it. It is not part of the repository, so where it does not lie
//! beside the checkout (`../shared/reference`) these tests print a note and pass.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::fs;
use std::path::PathBuf;

use cloudtally_platform::{
    TABLES,
    table::{Command, Job, Object, Roles, Shape},
    words::of_param,
};
use serde_json::Value;

/// The length of a text parameter that the catalogue has without `max_length`.
const LENGTH_MAX: u64 = 255;

/// Event types that rows name and the guide's appendix does not.
const EVENTS_BEYOND_GUIDE: [&str; 3] =
    ["UCS.ASSOCIATEPROFILE", "PHYSICAL.VNSCONTROLLER.ADD", "PHYSICAL.VNSCONTROLLER.DELETE"];

/// Objects of ours that the catalogue does not know: those of sessions.
const OBJECTS_BEYOND_CATALOGUE: [&str; 5] =
    ["Clock", "Login", "Logout", "UsageSample", "UsageSegment"];

/// Fields that only the guide names: the object, and the field.
const FIELDS_OF_GUIDE: [(&str, &str); 2] =
    [("UsageRecord", "iselastic"), ("DomainRouter", "scope")];

/// Parameters of ours that the catalogue does not know: the command, and the parameter.
pub(crate) const PARAMS_BEYOND_CATALOGUE: [(&str, &str); 5] = [
    ("listUsageRecords", "asof"),
    ("listUsageRecords", "isrecursive"),
    ("listUsageTypes", "page"),
    ("listUsageTypes", "pagesize"),
    ("resetApiLimit", "accountid"),
];

/// Commands that the guide gives to more than the catalogue does.
const ROLES_OF_GUIDE: [(&str, Roles); 1] = [("listUsageRecords", Roles::ALL)];

#[test]
fn every_command_has_one_row() {
    let Some(catalogue) = catalogue() else { return };
    let mut rows = BTreeSet::new();
    for command in TABLES.commands() {
        assert!(rows.insert(command.name), "two rows for `{}`", command.name);
    }

    let missing: Vec<_> = catalogue.keys().filter(|name| !rows.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "commands without a row: {missing:?}");
    let unknown: Vec<_> = TABLES
        .commands()
        .filter(|command| command.is_extension == catalogue.contains_key(command.name))
        .map(|command| command.name)
        .collect();
    assert!(unknown.is_empty(), "neither of the catalogue nor an extension, or both: {unknown:?}");
}

#[test]
fn parameters_are_those_of_the_catalogue() {
    check(|command, entry| {
        let mut rows: Vec<_> = command
            .params_all()
            .filter(|param| !PARAMS_BEYOND_CATALOGUE.contains(&(command.name, param.name)))
            .map(|param| {
                let ty = param.ty.name();
                let length = (ty == "string").then(|| u64::from(param.length_max));
                (param.name.to_owned(), ty.to_owned(), param.required, length)
            })
            .collect();
        rows.sort();
        let mut wanted: Vec<_> = items(entry, "params")
            .iter()
            .map(|param| {
                let ty = text(param, "type");
                let length =
                    (ty == "string").then(|| param["max_length"].as_u64().unwrap_or(LENGTH_MAX));
                (text(param, "name"), ty, flag(param, "required"), length)
            })
            .collect();
        wanted.sort();
        differences(&rows, &wanted)
    });
}

#[test]
fn roles_are_those_of_the_catalogue() {
    check(|command, entry| {
        let roles: Vec<_> = items(entry, "roles").iter().filter_map(Value::as_str).collect();
        let wanted = match roles.as_slice() {
            [] => Roles::NOBODY,
            ["root"] => Roles::ROOT,
            ["root", "domain"] => Roles::ADMINS,
            ["root", "domain", "user"] => Roles::ALL,
            other => panic!("roles `{other:?}` have no name"),
        };
        let of_guide = ROLES_OF_GUIDE.iter().find(|(name, _)| *name == command.name);
        equal("roles", command.roles, of_guide.map_or(wanted, |(_, roles)| *roles))
    });
}

#[test]
fn jobs_are_those_of_the_catalogue() {
    check(|command, entry| {
        let wanted = match (flag(entry, "async"), flag(entry, "async_create")) {
            (false, _) => Job::Sync,
            (true, false) => Job::Plain,
            (true, true) => Job::Create,
        };
        equal("job", command.job, wanted)
    });
}

#[test]
fn answers_are_those_of_the_catalogue() {
    check(|command, entry| {
        let wanted_item = entry["response_object"].as_str();
        let wanted_object = entry["response_ref"].as_str().filter(|name| *name != "Success");
        let object = command.object_shown(&TABLES);
        let (kind, item) = match command.shape {
            Shape::List { item, .. } => ("list", Some(item)),
            Shape::Object { item, .. } => ("object", Some(item)),
            Shape::Success => ("success", None),
            // The filer's answers are objects without a name of their own.
            Shape::Bare(_) if wanted_item.is_none() && text(entry, "area") == "netapp" => {
                ("object", None)
            }
            Shape::Bare(_) if command.name == "queryAsyncJobResult" => ("job", None),
            Shape::Bare(_) => ("session", None),
        };
        // `volumedetail|nicdetail`: by the type of the resource.
        let item_fits = match (item, wanted_item) {
            (Some(item), Some(wanted)) => wanted.split('|').any(|wanted| wanted == item),
            (item, wanted) => item == wanted,
        };
        let object = object
            .map(|object| object.name)
            .filter(|name| !OBJECTS_BEYOND_CATALOGUE.contains(name));
        equal("kind of answer", kind, text(entry, "response_kind").as_str())
            .or_else(|| (!item_fits).then(|| format!("item {item:?}, not {wanted_item:?}")))
            .or_else(|| equal("object", object, wanted_object))
    });
}

#[test]
fn events_are_those_of_the_catalogue() {
    check(|command, entry| {
        // A row names the first of several: which one it is shows when the command runs.
        let wanted: Vec<_> = items(entry, "events").iter().filter_map(Value::as_str).collect();
        match command.event {
            Some(event) if wanted.contains(&event) => None,
            None if wanted.is_empty() => None,
            // The catalogue knows the events of synchronous commands in part.
            Some(_) if wanted.is_empty() && command.job == Job::Sync => None,
            event => Some(format!("event {event:?}, not one of {wanted:?}")),
        }
    });
}

#[test]
fn objects_have_the_fields_of_the_catalogue_in_order() {
    let Some(wanted) = read_json("api-objects.json") else { return };
    let wanted = wanted.as_object().expect("an object of objects");
    let names: BTreeSet<_> = TABLES.objects().map(|object| object.name).collect();
    let missing: Vec<_> = wanted.keys().filter(|name| !names.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "objects that are not there: {missing:?}");

    let mut wrong = Vec::new();
    for object in TABLES.objects() {
        let Some(entry) = wanted.get(object.name) else {
            assert!(OBJECTS_BEYOND_CATALOGUE.contains(&object.name), "unknown `{}`", object.name);
            continue;
        };
        let wanted_fields: Vec<_> = items(entry, "fields")
            .iter()
            .map(|field| (text(field, "name"), text(field, "type")))
            .collect();
        let fields = fields_of_server(object);
        if fields != wanted_fields {
            wrong.push(format!("{}: {fields:?}, not {wanted_fields:?}", object.name));
        }
    }
    assert!(wrong.is_empty(), "{} objects differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn fields_that_only_the_guide_names_are_there() {
    for (object_name, field) in FIELDS_OF_GUIDE {
        let object = TABLES.objects().find(|object| object.name == object_name);
        assert!(
            object.is_some_and(|object| object.position(field).is_some()),
            "`{object_name}` lacks `{field}`"
        );
    }
}

#[test]
fn event_types_are_those_of_the_guide() {
    let Some(list) = read("event-types.txt") else { return };
    let known: BTreeSet<_> = list.split_whitespace().chain(EVENTS_BEYOND_GUIDE).collect();
    let unknown: Vec<_> = TABLES
        .commands()
        .filter(|command| !command.is_extension)
        .filter_map(|command| Some((command.name, command.event?)))
        .filter(|(_, event)| !known.contains(event))
        .collect();
    assert!(unknown.is_empty(), "event types nobody knows: {unknown:?}");
}

#[test]
fn everything_is_described() {
    let mut silent = Vec::new();
    for command in TABLES.commands() {
        if command.doc.trim().is_empty() {
            silent.push(command.name.to_owned());
        }
        for param in command.params_all().filter(|param| of_param(command, param).trim().is_empty())
        {
            silent.push(format!("{} {}", command.name, param.name));
        }
    }
    assert!(silent.is_empty(), "without a description: {silent:#?}");
}

/// Runs `differs` on every row of the catalogue and fails with all it says.
fn check(differs: impl Fn(&Command, &Value) -> Option<String>) {
    let Some(catalogue) = catalogue() else { return };
    let mut compared = 0;
    let mut wrong = Vec::new();
    for command in TABLES.commands().filter(|command| !command.is_extension) {
        let entry = catalogue.get(command.name).expect("every_command_has_one_row");
        compared += 1;
        if let Some(difference) = differs(command, entry) {
            wrong.push(format!("{}: {difference}", command.name));
        }
    }
    assert_eq!(compared, catalogue.len(), "rows compared");
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// The commands of the catalogue by name, or none with a note.
pub(crate) fn catalogue() -> Option<BTreeMap<String, Value>> {
    let entries = read_json("api-catalog.json")?;
    let entries = entries.as_array().expect("a list of commands");
    Some(entries.iter().map(|entry| (text(entry, "name"), entry.clone())).collect())
}

fn read_json(name: &str) -> Option<Value> {
    let text = read(name)?;
    Some(serde_json::from_str(&text).expect("the catalogue is JSON"))
}

fn read(name: &str) -> Option<String> {
    let folder: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "..", "..", "shared", "reference"].iter().collect();
    if !folder.is_dir() {
        println!("not compared: the catalogue does not lie beside this checkout");
        return None;
    }
    Some(fs::read_to_string(folder.join(name)).expect("a file of the catalogue"))
}

/// The fields of an object without those that only the guide names.
fn fields_of_server(object: &Object) -> Vec<(String, String)> {
    object
        .fields
        .iter()
        .filter(|field| !FIELDS_OF_GUIDE.contains(&(object.name, field.name)))
        .map(|field| (field.name.to_owned(), field.ty.name().to_owned()))
        .collect()
}

pub(crate) fn items<'a>(entry: &'a Value, key: &str) -> &'a [Value] {
    entry[key].as_array().map_or(&[], Vec::as_slice)
}

pub(crate) fn text(entry: &Value, key: &str) -> String {
    entry[key].as_str().expect("a text in the catalogue").to_owned()
}

pub(crate) fn flag(entry: &Value, key: &str) -> bool {
    entry[key].as_bool().expect("true or false in the catalogue")
}

fn equal<T: PartialEq + Debug>(what: &str, is: T, wanted: T) -> Option<String> {
    (is != wanted).then(|| format!("{what} {is:?}, not {wanted:?}"))
}

fn differences<T: PartialEq + Debug>(is: &[T], wanted: &[T]) -> Option<String> {
    let extra: Vec<_> = is.iter().filter(|one| !wanted.contains(one)).collect();
    let missing: Vec<_> = wanted.iter().filter(|one| !is.contains(one)).collect();
    (is.len() != wanted.len() || !extra.is_empty() || !missing.is_empty())
        .then(|| format!("has {extra:?} too many, lacks {missing:?}"))
}
