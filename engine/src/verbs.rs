//! What most commands do: make a thing of the parameters, change it, remove it.

use cloudtally_model::{ApiError, Text, port::Value};

use super::{
    call::{Call, Done},
    col,
    column::ColumnKey,
    decode::Arg,
    ids::ThingId,
    limit,
    thing::Thing,
};
use crate::table::{Kind, Owner, Verb, WireType, Within};

/// Makes or finds the thing the command works on.
pub(super) fn begin(call: &mut Call<'_, '_>) -> Result<Option<ThingId>, ApiError> {
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
        Verb::Create => Ok(Done::Thing(call.entity_id())),
        Verb::Update => {
            let id = call.entity_id();
            let mut thing = call.entity().clone();
            assign(call, &mut thing);
            check_unique(call, &thing)?;
            call.tx.edit(id, |old| *old = thing);
            Ok(Done::Thing(id))
        }
        Verb::Delete => {
            delete(call, call.entity_id())?;
            Ok(Done::Success)
        }
        _ => panic!("{} has nothing to do", call.command.name),
    }
}

/// Makes a thing of a kind from the parameters of the same names.
pub fn create(call: &mut Call<'_, '_>, kind: Kind) -> Result<ThingId, ApiError> {
    let owner = match call.tx.spec(kind).owner {
        Owner::Account => Some(call.owner()?),
        Owner::Cloud => None,
    };
    create_for(call, kind, owner)
}

/// Makes a thing of a kind for an owner: counts it, refuses a name that is taken.
pub fn create_for(
    call: &mut Call<'_, '_>,
    kind: Kind,
    owner: Option<ThingId>,
) -> Result<ThingId, ApiError> {
    if let (Some(limit), Some(owner)) = (call.tx.spec(kind).limit, owner) {
        limit::check(call.tx, owner, limit, 1)?;
    }
    let id = call.tx.insert(kind, |thing| thing.owner = owner);
    let mut thing = call.tx.thing(id).clone();
    assign(call, &mut thing);
    check_unique(call, &thing)?;
    call.tx.edit(id, |new| *new = thing);
    Ok(id)
}

/// Removes a thing that nothing uses, and what goes with it.
pub fn delete(call: &mut Call<'_, '_>, id: ThingId) -> Result<(), ApiError> {
    if let Some(user) = call.tx.user_of(id) {
        let (thing, name) = (call.tx.thing(id), user.text_if_any(col::NAME));
        let text = format!(
            "the {} {} is in use by the {} {name}; remove that first",
            thing.kind.noun(),
            thing.text_if_any(col::NAME),
            user.kind.noun(),
        );
        return Err(ApiError::in_use(text).about(thing.uuid.to_string(), "id"));
    }
    call.tx.remove_with_dependants(id);
    Ok(())
}

/// Sets the columns that parameters of the same name are given for.
pub fn assign(call: &Call<'_, '_>, thing: &mut Thing) {
    let spec = thing.spec();
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
            thing.set_value(key, Some(value));
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

/// Refuses a name that another thing of the kind has already.
pub(super) fn check_unique(call: &Call<'_, '_>, thing: &Thing) -> Result<(), ApiError> {
    for unique in thing.spec().unique {
        let name = thing.text(unique.column);
        if name.is_empty() {
            continue;
        }
        let taken = |other: &Thing| {
            other.id != thing.id && other.text(unique.column).eq_ignore_ascii_case(name)
        };
        let taken = match (unique.within, thing.owner) {
            (Within::Account, Some(owner)) => call.tx.owned_by(owner, thing.kind).any(taken),
            (Within::Domain, Some(owner)) => {
                let domain = call.tx.domain_of(owner);
                let same = |other: &&Thing| call.tx.domain_of_thing(other) == Some(domain);
                call.tx.all(thing.kind).filter(same).any(taken)
            }
            (Within::Column(column), _) => match thing.id_of(column) {
                Some(target) => call.tx.referring(target, thing.kind, column).any(taken),
                None => call.tx.all(thing.kind).filter(|t| t.id_of(column).is_none()).any(taken),
            },
            (Within::Cloud | Within::Account | Within::Domain, _) => {
                call.tx.all(thing.kind).any(taken)
            }
        };
        if taken {
            return Err(ApiError::value(format!(
                "there is a {} named {name} already; choose another `{}`",
                thing.kind.noun(),
                unique.column.name()
            )));
        }
    }
    Ok(())
}
