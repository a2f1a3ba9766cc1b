//! The API about itself. Guide 4.1.1.27.

use cloudtally_model::ApiError;

use crate::{
    engine::{Answer, Caller, Node, Query, Tables},
    meanings,
    table::{
        Command, Object, Param,
        ParamType::{self, *},
        Roles, Verb, WireType as W, f, own, p,
    },
    words,
};

/// The depth to which objects within objects are described.
const DEPTH_MAX: u32 = 2;

pub(crate) const API: Object = Object {
    name: "ApiDiscovery",
    fields: &[
        f("name", W::Str),
        f("description", W::Str),
        f("since", W::Str),
        f("isasync", W::Bool),
        f("related", W::Str),
        f("params", W::Objects("ApiParameter")),
        f("response", W::Objects("ApiResponse")),
        f("type", W::Str),
    ],
};

pub(crate) const API_PARAMETER: Object = Object {
    name: "ApiParameter",
    fields: &[
        f("name", W::Str),
        f("description", W::Str),
        f("type", W::Str),
        f("length", W::Int),
        f("required", W::Bool),
        f("since", W::Str),
        f("related", W::Str),
    ],
};

pub(crate) const API_RESPONSE: Object = Object {
    name: "ApiResponse",
    fields: &[
        f("name", W::Str),
        f("description", W::Str),
        f("type", W::Str),
        f("response", W::Objects("ApiResponse")),
    ],
};

/// The answer of a command that has nothing to show.
pub(crate) const SUCCESS: Object =
    Object { name: "Success", fields: &[f("success", W::Bool), f("displaytext", W::Str)] };

pub(crate) static COMMANDS: &[Command] = &[own("listApis")
    .doc("Lists the commands the caller may use, with their parameters and answers")
    .roles(Roles::ALL)
    .params(&[p("name", Str).doc("shows only the command with exactly this name")])
    .items("api", &API)
    .read(list_apis)];

/// Lists the commands that the caller's role may use; to root all that are declared.
fn list_apis(query: &Query<'_>) -> Result<Answer, ApiError> {
    let tables = query.world.tables();
    let known: Vec<&Command> = tables.commands().filter(|row| is_for(query.caller, row)).collect();
    let wanted = query.args.text("name");
    let shown: Vec<Node> = known
        .iter()
        .filter(|command| wanted.is_none_or(|name| command.name == name))
        .map(|command| api(tables, command, &known))
        .collect();
    match wanted {
        Some(name) if shown.is_empty() => {
            Err(query.invalid("name", name, "there is no command of this name for you"))
        }
        _ => Ok(Answer::List { count: shown.len(), item: "api", items: shown }),
    }
}

fn is_for(caller: &Caller, command: &Command) -> bool {
    caller.is_root() || command.roles.contains(caller.role)
}

fn api(tables: &'static Tables, command: &Command, known: &[&Command]) -> Node {
    let object = object_of(tables, command);
    let params =
        command.params_all().map(|param| api_parameter(tables, command, param, known)).collect();
    Node::Object(vec![
        ("name", Node::text(command.name)),
        ("description", Node::text(described(command))),
        ("isasync", Node::Bool(command.job != crate::table::Job::Sync)),
        ("related", Node::text(related(tables, Some(object), Some(command.name), known))),
        ("params", Node::List(params)),
        ("response", Node::List(fields(tables, object, 0))),
    ])
}

fn described(command: &Command) -> String {
    let more = match command.verb {
        // Its own words say so.
        Verb::Gone => "",
        Verb::Later => " (not supported yet)",
        _ if command.is_extension => " (an extension)",
        _ => "",
    };
    format!("{}{more}", command.doc)
}

fn api_parameter(
    tables: &'static Tables,
    command: &Command,
    param: &Param,
    known: &[&Command],
) -> Node {
    let kind = match param.ty {
        ParamType::Id(kind) | ParamType::BilledId(kind) | ParamType::IdList(kind) => Some(kind),
        _ => None,
    };
    let object = kind.and_then(|kind| tables.spec_if_any(kind)).map(|spec| spec.object);
    Node::Object(vec![
        ("name", Node::text(param.name)),
        ("description", Node::text(words::of_param(command, param))),
        ("type", Node::text(param.ty.name())),
        ("length", Node::Int(i64::from(param.length_max))),
        ("required", Node::Bool(param.required)),
        ("related", Node::text(related(tables, object, None, known))),
    ])
}

fn object_of(tables: &'static Tables, command: &Command) -> &'static Object {
    command.object_shown(tables).unwrap_or(&SUCCESS)
}

/// The commands that answer the same object, separated by commas.
fn related(
    tables: &'static Tables,
    object: Option<&'static Object>,
    besides: Option<&str>,
    known: &[&Command],
) -> String {
    let Some(object) = object.filter(|object| object.name != SUCCESS.name) else {
        return String::new();
    };
    let same = known.iter().filter(|other| Some(other.name) != besides);
    let same = same.filter(|other| object_of(tables, other).name == object.name);
    same.map(|other| other.name).collect::<Vec<_>>().join(",")
}

fn fields(tables: &'static Tables, object: &Object, depth: u32) -> Vec<Node> {
    let inner = |name: &str| {
        let object = tables.objects().find(|object| object.name == name);
        object
            .filter(|_| depth < DEPTH_MAX)
            .map_or(Node::Null, |o| Node::List(fields(tables, o, depth + 1)))
    };
    object
        .fields
        .iter()
        .map(|field| {
            let nested = if let W::Objects(name) = field.ty { inner(name) } else { Node::Null };
            Node::Object(vec![
                ("name", Node::text(field.name)),
                ("description", Node::text(meanings::of_field(object, field))),
                ("type", Node::text(field.ty.name())),
                ("response", nested),
            ])
        })
        .collect()
}
