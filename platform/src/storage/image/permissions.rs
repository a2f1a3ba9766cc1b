//! The accounts that an image is shared with.

use cloudtally_model::ApiError;

use super::check_rights;
use crate::{
    col,
    engine::{Answer, Call, Done, Node, Query},
};

/// Says who may use an image besides its owner.
pub(crate) fn update_permissions(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let owner = call.entity().owner.expect("images have an owner");
    check_rights(call, owner)?;
    let args = call.args.clone();
    // 1. Accounts are named in the domain of the owner; projects by id.
    let op = args.text("op").unwrap_or_default().to_lowercase();
    let mut accounts = Vec::new();
    for name in args.list("accounts") {
        let domain = call.tx.domain_of(owner);
        let account = call.tx.account_named(domain, name).ok_or_else(|| {
            call.invalid("accounts", name, "there is no such account in the owner's domain")
        })?;
        accounts.push(account.id);
    }
    for project in args.ids("projectids") {
        accounts.push(crate::engine::scope::project_account(call.tx, *project));
    }
    if !accounts.is_empty() && !matches!(op.as_str(), "add" | "remove") {
        return Err(call.invalid(
            "op",
            &op,
            "expected `add` or `remove` with accounts or projects",
        ));
    }
    // 2. Who has it now, and the flags.
    let mut shared = call.entity().ids_of(col::SHARED_WITH);
    match op.as_str() {
        "add" => {
            shared.extend(accounts);
            shared.sort_unstable();
            shared.dedup();
        }
        "remove" => shared.retain(|account| !accounts.contains(account)),
        "reset" => shared.clear(),
        "" => {}
        _ => return Err(call.invalid("op", &op, "expected `add`, `remove` or `reset`")),
    }
    call.tx.edit(id, |image| {
        if op == "reset" {
            image.set_flag(col::IS_PUBLIC, false).set_flag(col::IS_FEATURED, false);
        }
        for flag in [col::IS_PUBLIC, col::IS_FEATURED, col::IS_EXTRACTABLE] {
            if let Some(value) = args.flag(flag.name()) {
                image.set_flag(flag, value);
            }
        }
        image.set_refs(col::SHARED_WITH, shared);
    });
    Ok(Done::Success)
}

/// Shows who may use an image besides its owner.
pub(crate) fn permissions(query: &Query<'_>, item: &'static str) -> Result<Answer, ApiError> {
    let image = query.world.resource(query.args.id_required("id"));
    let owner = image.owner.expect("images have an owner");
    let (mut accounts, mut projects) = (Vec::new(), Vec::new());
    for id in image.ids_of(col::SHARED_WITH) {
        match query.world.project_of(id) {
            Some(project) => projects.push(Node::text(project.uuid.to_string())),
            None => accounts.push(Node::text(query.world.resource(id).text(col::NAME))),
        }
    }
    let domain = query.world.resource(query.world.domain_of(owner));
    let list = |items: Vec<Node>| if items.is_empty() { Node::Null } else { Node::List(items) };
    let mut fields = vec![
        ("id", Node::text(image.uuid.to_string())),
        ("ispublic", Node::Bool(image.flag(col::IS_PUBLIC))),
        ("domainid", Node::text(domain.uuid.to_string())),
        ("account", list(accounts)),
        ("projectids", list(projects)),
    ];
    fields.retain(|(_, node)| *node != Node::Null);
    Ok(Answer::Object { item, object: Node::Object(fields) })
}
