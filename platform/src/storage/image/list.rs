//! Lists of images with their copies, and the filters of them.

use cloudtally_model::{ApiError, Text};

use super::TEMPLATE;
use crate::{
    col,
    engine::{Answer, Call, Column, Done, Node, Query, Resource, ResourceId, Scope, View, refusal},
    site::imagecopy::copies,
    state::CopyState,
    table::Kind,
};

/// An image as lists show it: once for each of its copies that is wanted.
pub(super) fn shown_copies(view: &View<'_>, wanted: &dyn Fn(&Resource) -> bool) -> Vec<Node> {
    copies(view.world, view.resource.id)
        .filter(|copy| wanted(copy))
        .map(|c| shown(view, c))
        .collect()
}

/// The progress of a copy in the words of CloudStack 4.2, which differ between templates and
/// ISOs: clients wait for them.
pub(super) fn status(view: &View<'_>, copy: &Resource) -> String {
    let word = match (copy.state_as(), view.resource.kind) {
        (Some(CopyState::Ready), Kind::Iso) => "Successfully Installed",
        (Some(CopyState::Ready), _) => "Download Complete",
        (Some(CopyState::Failed), _) => "Download failed",
        _ => {
            let (since, due) = (copy.time(col::SINCE), copy.time(col::DUE));
            let percent = since.zip(due).map_or(0, |(since, due)| {
                let whole = (due.as_millis() - since.as_millis()).max(1);
                ((view.now.as_millis() - since.as_millis()) * 100 / whole).clamp(0, 99)
            });
            return format!("{percent}% Downloaded");
        }
    };
    word.to_owned()
}

/// One copy of an image as an object.
pub(super) fn shown(view: &View<'_>, copy: &Resource) -> Node {
    let zone = copy.id_of(col::ZONE_ID).map(|id| view.world.resource(id));
    let mut fields = Vec::new();
    for field in TEMPLATE.fields {
        let node = match field.name {
            "isready" => Node::Bool(copy.is(CopyState::Ready)),
            "status" => Node::text(status(view, copy)),
            "zoneid" => Node::text_if(zone.map(|zone| zone.uuid.to_string())),
            "zonename" => Node::text_if(zone.map(|zone| zone.text(col::NAME))),
            _ => view.field(field),
        };
        if node != Node::Null {
            fields.push((field.name, node));
        }
    }
    Node::Object(fields)
}

/// The image with its first copy, as commands about one image answer it.
pub(crate) fn answer(call: &Call<'_, '_>, id: ResourceId, item: &'static str) -> Done {
    let view = View::new(call.tx, &call.caller, call.tx.resource(id), call.tx.now);
    let object = match copies(call.tx, id).next() {
        Some(copy) => shown(&view, copy),
        None => view.object(&TEMPLATE),
    };
    Done::Answer(Answer::Object { item, object })
}

/// Lists images by the filter of the command. One that is named by `id` is shown whatever the
/// filter and whoever owns it: decoding has refused it where the caller may not use it.
pub(crate) fn list(
    query: &Query<'_>,
    kind: Kind,
    filter: &str,
    item: &'static str,
) -> Result<Answer, ApiError> {
    let (world, caller) = (query.world, query.caller);
    let is_admin = caller.role != crate::table::Role::User;
    if !FILTERS.contains(&filter) {
        let name = if kind == Kind::Iso { "isofilter" } else { "templatefilter" };
        return Err(query.invalid(
            name,
            filter,
            &format!("expected one of {}", FILTERS.join(", ")),
        ));
    }
    let wanted_id = query.args.id("id");
    if filter == "all" && !is_admin && wanted_id.is_none() {
        return Err(refusal::reserved("listing the images of all", "admins"));
    }
    // 1. Whose images these are: those of the owners named, else the caller's own.
    let scope = Scope::of(world, caller, query.args)?;
    let names_owner = ["account", "domainid", "projectid"].iter().any(|name| query.args.has(name));
    let scope = if names_owner { scope } else { Scope::Account(caller.account) };
    let is_in = |account: ResourceId| scope.covers(world, caller, account);
    let wanted_zone = query.args.id("zoneid");
    let wanted_ready = query.args.flag_if_any("isready");
    let shows_removed = query.args.is_true("showremoved");
    let text = |name: &str| query.args.text_if_any(name).map(str::to_lowercase);
    let (name, hypervisor) = (text("name"), text("hypervisor"));
    // 2. Which of them pass.
    let passes = |image: &Resource| {
        let is_own = image.owner.is_some_and(is_in);
        let is_shared = image.ids_of(col::SHARED_WITH).into_iter().any(is_in);
        let is_public = image.flag(col::IS_PUBLIC);
        // Of all projects only what they have; what is public is listed without them.
        let is_of_scope = scope != Scope::Projects || is_own || is_shared;
        let by_filter = match filter {
            _ if wanted_id.is_some() => wanted_id == Some(image.id),
            "featured" => is_public && image.flag(col::IS_FEATURED),
            "community" => is_public && !image.flag(col::IS_FEATURED),
            "self" | "selfexecutable" => is_own,
            "sharedexecutable" | "shared" => is_shared,
            "executable" => is_public || is_own || is_shared,
            _ => world.may_touch(caller, image) && (is_own || !names_owner),
        };
        let lower = |column: Column<Text>| image.text(column).to_lowercase();
        by_filter
            && is_of_scope
            && name.as_ref().is_none_or(|name| lower(col::NAME) == *name)
            && query.is_named_in(&[image.text(col::NAME), image.text(col::DISPLAY_TEXT)])
            && hypervisor.as_ref().is_none_or(|wanted| lower(col::HYPERVISOR) == *wanted)
            && query
                .args
                .flag_if_any("bootable")
                .is_none_or(|wanted| image.flag(col::BOOTABLE) == wanted)
            && query.args.flag_if_any("ispublic").is_none_or(|wanted| is_public == wanted)
            && query.has_tags(image)
    };
    let needs_ready = wanted_id.is_none()
        && matches!(filter, "selfexecutable" | "sharedexecutable" | "executable");
    // 3. Each copy of each is an item.
    let mut images: Vec<&Resource> = if shows_removed {
        world.removed_too(kind).filter(|image| passes(image)).collect()
    } else {
        world.all(kind).filter(|image| passes(image)).collect()
    };
    images.sort_by_key(|image| image.int(col::SORT_KEY));
    // An image that is gone is shown with the copies it had.
    let had = |image: &Resource| -> Vec<&Resource> {
        let is_its = |copy: &&Resource| copy.id_of(col::IMAGE) == Some(image.id);
        match image.removed {
            Some(_) => world.removed_too(Kind::ImageCopy).filter(is_its).collect(),
            None => copies(world, image.id).collect(),
        }
    };
    let pairs = images.into_iter().flat_map(|image| {
        had(image)
            .into_iter()
            .filter(|copy| wanted_zone.is_none_or(|zone| copy.id_of(col::ZONE_ID) == Some(zone)))
            .filter(|copy| !needs_ready || copy.is(CopyState::Ready))
            .filter(|copy| wanted_ready.is_none_or(|wanted| (copy.is(CopyState::Ready)) == wanted))
            .map(move |copy| (image, copy))
    });
    query.page_of(item, pairs, |query, (image, copy)| {
        let mut node = shown(&View::new(query.world, query.caller, image, query.now), copy);
        query.add_job(image, &mut node);
        node
    })
}

const FILTERS: &[&str] = &[
    "featured",
    "self",
    "selfexecutable",
    "sharedexecutable",
    "executable",
    "community",
    "all",
    "shared",
];
