//! The verbs of most commands: make a resource of the parameters, change it, remove it.

use cloudtally_model::{ApiError, Text, port::Value};

use super::{
    call::{Call, Done},
    column::ColumnKey,
    decode::Arg,
    ids::ResourceId,
    limit, refusal,
    resource::Resource,
};
use crate::table::{Kind, Owner, Verb, WireType, Within};

/// Makes or finds the resource the command works on.
pub(super) fn begin(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    if let Some(begin) = call.command.begin {
        return begin(call);
    }
    match (call.command.verb, call.command.kind) {
        (Verb::Create, Some(kind)) => create(call, kind).map(Some),
        (Verb::Update | Verb::Delete | Verb::Own, Some(_)) => Ok(match call.args.if_any("id") {
            Some(Arg::Id(id)) => Some(*id),
            _ => None,
        }),
        _ => Ok(None),
    }
}

/// Does the work, where the command has no function of its own for it.
pub(super) fn act(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    if let Some(act) = call.command.act {
        return act(call);
    }
    match call.command.verb {
        Verb::Create => Ok(Done::Resource(call.entity_id())),
        Verb::Update => {
            let id = call.entity_id();
            let mut resource = call.entity().clone();
            assign(call, &mut resource);
            check_unique(call, &resource)?;
            call.tx.edit(id, |old| *old = resource);
            Ok(Done::Resource(id))
        }
        Verb::Delete => {
            delete(call, call.entity_id())?;
            Ok(Done::Success)
        }
        _ => panic!("{} has nothing to do", call.command.name),
    }
}

/// Makes a resource of a kind from the parameters of the same names.
pub fn create(call: &mut Call<'_, '_>, kind: Kind) -> Result<ResourceId, ApiError> {
    let owner = match call.tx.spec(kind).owner {
        Owner::Account => Some(call.owner()?),
        Owner::Cloud => None,
    };
    create_for(call, kind, owner)
}

/// Makes a resource of a kind for an owner: counts it, refuses a name that is taken.
pub fn create_for(
    call: &mut Call<'_, '_>,
    kind: Kind,
    owner: Option<ResourceId>,
) -> Result<ResourceId, ApiError> {
    if let (Some(limit), Some(owner)) = (call.tx.spec(kind).limit, owner) {
        limit::check(call.tx, owner, limit, 1)?;
    }
    let id = call.tx.insert(kind, |resource| resource.owner = owner);
    let mut resource = call.tx.resource(id).clone();
    assign(call, &mut resource);
    check_unique(call, &resource)?;
    call.tx.edit(id, |new| *new = resource);
    Ok(id)
}

/// Removes a resource that nothing uses, and what goes with it.
pub fn delete(call: &mut Call<'_, '_>, id: ResourceId) -> Result<(), ApiError> {
    if let Some(user) = call.tx.user_of(id) {
        let why = format!("is in use by {}; remove that first", user.called());
        return Err(call.tx.resource(id).refused_as(ApiError::in_use, "id", why));
    }
    call.tx.remove_with_dependants(id);
    Ok(())
}

/// Sets the columns that parameters of the same name are given for.
pub fn assign(call: &Call<'_, '_>, resource: &mut Resource) {
    let spec = resource.spec();
    let is_owner = |name: &str| {
        spec.owner == Owner::Account && matches!(name, "account" | "domainid" | "projectid")
    };
    for (name, arg) in call.args.iter() {
        let key = ColumnKey::of(name);
        let Some(position) = spec.position_of(key) else { continue };
        if name == "id" || is_owner(name) {
            continue;
        }
        if let Some(value) = value_of(arg, spec.column_at(position).1) {
            resource.set_value(key, Some(value));
        }
    }
}

fn value_of(arg: &Arg, ty: WireType) -> Option<Value> {
    Some(match arg {
        Arg::Text(text) if ty == WireType::Bool => Value::Bool(text.eq_ignore_ascii_case("true")),
        Arg::Text(text) => Value::Text(text.as_str().into()),
        Arg::Int(number) if ty == WireType::Str => Value::Text(number.to_string().into()),
        Arg::Int(number) => Value::Int(*number),
        Arg::Bool(flag) if ty == WireType::Str => Value::Text(flag.to_string().into()),
        Arg::Bool(flag) => Value::Bool(*flag),
        Arg::Id(id) => Value::Ref(id.0),
        Arg::All => return None,
        Arg::Ids(ids) => Value::List(ids.iter().map(|id| Value::Ref(id.0)).collect()),
        Arg::List(texts) if ty == WireType::Str => Value::Text(texts.join(",").into()),
        Arg::List(texts) => {
            Value::List(texts.iter().map(|text| Value::Text(text.as_str().into())).collect())
        }
        Arg::Date(first, _) => Value::Time(*first),
        Arg::Moment(at) => Value::Time(*at),
        Arg::Map(entries) => Value::Map(pairs(entries)),
    })
}

/// The pairs of a map parameter: `key` and `value` where it has these fields,
/// else the fields themselves.
fn pairs(entries: &[super::decode::Entry]) -> Vec<(Text, Text)> {
    let mut pairs: Vec<(Text, Text)> = Vec::new();
    for entry in entries {
        match (entry.get("key"), entry.get("value")) {
            (Some(key), Some(value)) => pairs.push((key.as_str().into(), value.as_str().into())),
            _ => pairs.extend(entry.iter().map(|(k, v)| (k.as_str().into(), v.as_str().into()))),
        }
    }
    pairs
}

/// Refuses a name that another resource of the kind has already.
pub(super) fn check_unique(call: &Call<'_, '_>, resource: &Resource) -> Result<(), ApiError> {
    for unique in resource.spec().unique {
        let name = resource.text(unique.column);
        if name.is_empty() {
            continue;
        }
        let taken = |other: &Resource| {
            other.id != resource.id && other.text(unique.column).eq_ignore_ascii_case(name)
        };
        let taken = match (unique.within, resource.owner) {
            (Within::Account, Some(owner)) => call.tx.owned_by(owner, resource.kind).any(taken),
            (Within::Domain, Some(owner)) => {
                let domain = call.tx.domain_of(owner);
                let same = |other: &&Resource| call.tx.domain_of_resource(other) == Some(domain);
                call.tx.all(resource.kind).filter(same).any(taken)
            }
            (Within::Column(column), _) => match resource.id_of(column) {
                Some(target) => call.tx.referring(target, resource.kind, column).any(taken),
                None => call.tx.all(resource.kind).filter(|t| t.id_of(column).is_none()).any(taken),
            },
            (Within::Cloud | Within::Account | Within::Domain, _) => {
                call.tx.all(resource.kind).any(taken)
            }
        };
        if taken {
            return Err(refusal::taken(resource.kind, name, unique.column.name()));
        }
    }
    Ok(())
}
