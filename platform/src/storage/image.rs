//! The common part of templates and ISOs: an image, registered once, that lies as
//! a copy in each zone it is for. The copy is what is downloaded, billed and deleted.
//!
//! # Source
//! Guide chapter 3 and 4.2.6 (filters); usage rules 3, types 7 and 8.

use cloudtally_model::{ApiError, Text};

use crate::{
    col,
    engine::{
        Answer, Arg, Call, Caller, Column, Done, Node, Query, Resource, ResourceId, Scope, Tx,
        View, World, limit, refusal, verbs,
    },
    offering::hypervisor::{BARE_METAL, HYPERVISORS},
    parse::{given, units::gib},
    site::{
        imagecopy::{DOWNLOADED_BYTES, copies, delete_copy, put_into, ready_in},
        zone, zonestore,
    },
    state::{CopyState, MachineState},
    table::{Amount, Kind, Limit, Object, WireType as W, f, fields::*, hidden},
};

/// The amounts that each image counts for limits.
pub(crate) const COUNTS: &[(Limit, Amount)] =
    &[(Limit::Template, |_, _| 1), (Limit::SecondaryStorage, |_, image| image.int(col::SIZE))];

/// Tells whether the caller may use somebody else's image: one that is for everybody, or
/// that is shared with its account.
pub(crate) fn is_shared(_: &World, caller: &Caller, image: &Resource) -> bool {
    image.flag(col::IS_PUBLIC) || image.ids_of(col::SHARED_WITH).contains(&caller.account)
}

/// Columns that templates and ISOs have besides what they show.
pub(crate) const HIDDEN: &[crate::table::Hidden] = &[
    hidden("sharedwith", W::List),
    hidden("url", W::Str),
    hidden("bits", W::Int),
    hidden("requireshvm", W::Bool),
    hidden("isrouting", W::Bool),
    hidden("sortkey", W::Int),
];

/// Tells whether an account may make machines from an image: its own, a public one, or one
/// that is shared with it.
pub(crate) fn is_open_to(image: &Resource, account: ResourceId) -> bool {
    image.owner == Some(account)
        || image.flag(col::IS_PUBLIC)
        || image.ids_of(col::SHARED_WITH).contains(&account)
}

/// Refuses what only some may make of their images.
pub(crate) fn check_rights(call: &Call<'_, '_>, owner: ResourceId) -> Result<(), ApiError> {
    let is_true = |name: &str| matches!(call.args.if_any(name), Some(Arg::Bool(true)));
    if is_true("isfeatured") && call.caller.role == crate::table::Role::User {
        return Err(refusal::reserved("featuring images", "admins"));
    }
    let may_publish = call.tx.scoped_setting(owner, "allow.public.user.templates") == "true";
    if is_true("ispublic") && !may_publish && !call.caller.is_root() {
        return Err(call.tx.resource(owner).refused_as(
            ApiError::permission,
            "ispublic",
            "may not make images public: `allow.public.user.templates` is false",
        ));
    }
    Ok(())
}

/// Registers an image for a zone, or for all.
pub(crate) fn register(call: &mut Call<'_, '_>, kind: Kind) -> Result<Done, ApiError> {
    // 1. Whose it is, and what it is.
    let owner = call.owner()?;
    check_rights(call, owner)?;
    let url = call.args.text_if_any("url").unwrap_or_default().to_owned();
    if !["http://", "https://", "ftp://", "nfs://"].iter().any(|s| url.starts_with(s)) {
        return Err(call.invalid("url", &url, "expected a link by http, https, ftp or nfs"));
    }
    let zones: Vec<ResourceId> = match call.args.id_if_any("zoneid") {
        Some(zone) => {
            zone::refuse_disabled(call, zone)?;
            zonestore::refuse_without(call.tx, zone)?;
            vec![zone]
        }
        None => {
            let is_for_them = |zone: &&Resource| {
                call.tx.is_offered_to(&call.caller, zone) && zonestore::serves(call.tx, zone.id)
            };
            call.tx.all(Kind::Zone).filter(is_for_them).map(|zone| zone.id).collect()
        }
    };
    if zones.is_empty() {
        return Err(ApiError::unavailable("no zone has an image store; add one first"));
    }
    let hypervisor = given::word(call, "hypervisor", &HYPERVISORS)?;
    let format = format_given(call, kind)?;
    if hypervisor != Some(BARE_METAL) {
        limit::check(call.tx, owner, Limit::SecondaryStorage, gib(DOWNLOADED_BYTES))?;
    }
    // 2. The image, and its copy in each zone.
    let id = verbs::create_for(call, kind, Some(owner))?;
    call.tx.edit(id, |image| {
        image.clear(col::ZONE_ID);
        for (flag, default) in [
            (col::IS_PUBLIC, false),
            (col::IS_FEATURED, false),
            (col::IS_EXTRACTABLE, false),
            (col::PASSWORD_ENABLED, false),
            (col::SSH_KEY_ENABLED, false),
            (col::IS_DYNAMICALLY_SCALABLE, false),
        ] {
            if !image.has(flag) {
                image.set_flag(flag, default);
            }
        }
        if let Some(hypervisor) = hypervisor {
            image.set_text(col::HYPERVISOR, hypervisor);
        }
        if let Some(format) = format {
            image.set_text(col::FORMAT, format);
        }
        if kind == Kind::Iso {
            image.set_text(col::FORMAT, "ISO");
            if !image.has(col::BOOTABLE) {
                image.set_flag(col::BOOTABLE, true);
            }
        } else {
            image.set_text(col::TEMPLATE_TYPE, "USER").set_flag(col::BOOTABLE, true);
        }
        let is_everywhere = zones.len() > 1;
        image.set_flag(col::CROSS_ZONES, is_everywhere);
    });
    for zone in zones {
        put_into(call.tx, id, zone);
    }
    call.entity = Some(id);
    let items =
        shown_copies(&View::new(call.tx, &call.caller, call.tx.resource(id), call.tx.now), &|_| {
            true
        });
    let item = if kind == Kind::Iso { "iso" } else { "template" };
    Ok(Done::Answer(Answer::List { count: items.len(), item, items }))
}

/// An image as lists show it: once for each of its copies that is wanted.
fn shown_copies(view: &View<'_>, wanted: &dyn Fn(&Resource) -> bool) -> Vec<Node> {
    copies(view.world, view.resource.id)
        .filter(|copy| wanted(copy))
        .map(|c| shown(view, c))
        .collect()
}

/// The progress of a copy in the words of CloudStack 4.2, which differ between templates and
/// ISOs: clients wait for them.
fn status(view: &View<'_>, copy: &Resource) -> String {
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
fn shown(view: &View<'_>, copy: &Resource) -> Node {
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

/// Deletes the copy of a zone, or all; the image goes with its last copy.
pub(crate) fn delete(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let zone = call.args.id("zoneid");
    let gone: Vec<ResourceId> = copies(call.tx, id)
        .filter(|copy| zone.is_none_or(|zone| copy.id_of(col::ZONE_ID) == Some(zone)))
        .map(|copy| copy.id)
        .collect();
    if gone.is_empty() {
        let image = call.entity();
        return Err(image.refused("id", "is not in this zone"));
    }
    // An ISO that lies in a drive stays where the machine is.
    let is_lost = |vm: &Resource| {
        !vm.is_any(&[MachineState::Destroyed, MachineState::Error])
            && gone
                .iter()
                .any(|copy| call.tx.resource(*copy).id_of(col::ZONE_ID) == vm.id_of(col::ZONE_ID))
    };
    if let Some(vm) = call.tx.referring(id, Kind::Vm, col::ISO_ID).find(|vm| is_lost(vm)) {
        // Whose machine it is, is not told to others.
        if !call.tx.may_touch(&call.caller, vm) {
            return Err(call
                .entity()
                .refused("id", "is attached to a virtual machine of another account"));
        }
        return Err(call
            .entity()
            .refused(
                "id",
                format!(
                    "is attached to the virtual machine {}; detach it first",
                    vm.text(col::NAME)
                ),
            )
            .about(vm.uuid.to_string(), "id"));
    }
    for copy in gone {
        delete_copy(call.tx, copy);
    }
    if copies(call.tx, id).next().is_none() {
        call.tx.remove_with_dependants(id);
    }
    Ok(Done::Success)
}

/// Deletes an image with all its copies.
pub(crate) fn remove(tx: &mut Tx<'_>, image: ResourceId) {
    let gone: Vec<ResourceId> = copies(tx, image).map(|copy| copy.id).collect();
    for copy in gone {
        delete_copy(tx, copy);
    }
    tx.remove_with_dependants(image);
}

/// Copies an image to another zone.
pub(crate) fn copy(call: &mut Call<'_, '_>, item: &'static str) -> Result<Done, ApiError> {
    let (id, to) = (call.entity_id(), call.args.id_required("destzoneid"));
    let from = call.args.id_if_any("sourcezoneid");
    zone::refuse_disabled(call, to)?;
    zonestore::refuse_without(call.tx, to)?;
    if from == Some(to) {
        return Err(refusal::parameter(
            "destzoneid",
            "is the zone of `sourcezoneid`; choose another",
        ));
    }
    let source = match from {
        Some(zone) => ready_in(call.tx, id, zone).is_some(),
        None => copies(call.tx, id).any(|copy| copy.is(CopyState::Ready)),
    };
    if !source {
        return Err(call.entity().refused("id", "is not ready in the source zone"));
    }
    let there = copies(call.tx, id).find(|copy| copy.id_of(col::ZONE_ID) == Some(to));
    match there.map(|copy| (copy.id, copy.is(CopyState::Failed))) {
        // One that could not be downloaded makes room.
        Some((failed, true)) => call.tx.remove(failed),
        Some(_) => {
            return Err(call.entity().refused("id", "is in the destination zone already"));
        }
        None => {}
    }
    let owner = call.entity().owner;
    let copy = call.tx.insert(Kind::ImageCopy, |copy| {
        copy.owner = owner;
        copy.set_state(CopyState::Ready);
        copy.set_ref(col::IMAGE, id).set_ref(col::ZONE_ID, to);
    });
    let view = View::new(call.tx, &call.caller, call.tx.resource(id), call.tx.now);
    let object = shown(&view, call.tx.resource(copy));
    Ok(Done::Answer(Answer::Object { item, object }))
}

/// Formats of disk images; which hypervisor reads which is the user's to know.
const FORMATS: [&str; 8] = ["VHD", "QCOW2", "OVA", "RAW", "VMDK", "VDI", "TAR", "BareMetal"];

/// The `format` that is given, as it is written everywhere.
fn format_given(call: &Call<'_, '_>, kind: Kind) -> Result<Option<&'static str>, ApiError> {
    match kind {
        Kind::Iso => given::word(call, "format", &["ISO"]),
        _ => given::word(call, "format", &FORMATS),
    }
}

/// The image format that a hypervisor's disks have.
pub(crate) fn format_of(hypervisor: &str) -> &'static str {
    match hypervisor.to_lowercase().as_str() {
        "kvm" => "QCOW2",
        "vmware" => "OVA",
        "ovm" => "RAW",
        "baremetal" => "BareMetal",
        _ => "VHD",
    }
}

/// Refuses to change an image one may only use.
pub(crate) fn check_owned(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let Some(id) = call.args.id_if_any("id") else { return Ok(()) };
    if call.tx.resource(id).text(col::TEMPLATE_TYPE) == "SYSTEM" && !call.caller.is_root() {
        return Err(refusal::reserved("changing the templates of the system", "root admins"));
    }
    Ok(())
}

/// Changes what is said of an image.
pub(crate) fn update(call: &mut Call<'_, '_>, item: &'static str) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let format = format_given(call, call.entity().kind)?;
    let mut image = call.entity().clone();
    verbs::assign(call, &mut image);
    if let Some(format) = format {
        image.set_text(col::FORMAT, format);
    }
    call.tx.edit(id, |old| *old = image);
    Ok(answer(call, id, item))
}

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

/// A link to download an image from: one that may leave and lies there.
pub(crate) fn extract(call: &Call<'_, '_>) -> Result<Done, ApiError> {
    let image = call.entity();
    if !image.flag(col::IS_EXTRACTABLE) && !call.caller.is_root() {
        return Err(image.refused_as(ApiError::permission, "id", "is not extractable"));
    }
    let is_there = match call.args.id("zoneid") {
        Some(zone) => ready_in(call.tx, image.id, zone).is_some(),
        None => copies(call.tx, image.id).any(|copy| copy.is(CopyState::Ready)),
    };
    if !is_there {
        return Err(image.refused("id", "is not ready in the zone"));
    }
    extraction(call, image.int(col::SIZE))
}

/// A link to download an image or a volume from, as extractions answer it.
pub(crate) fn extraction(call: &Call<'_, '_>, size_bytes: i64) -> Result<Done, ApiError> {
    let mode = call.args.text_required("mode");
    let resource = call.entity();
    let upload_to = match (mode, call.args.text("url")) {
        ("HTTP_DOWNLOAD", None) => None,
        ("HTTP_DOWNLOAD", Some(_)) => {
            return Err(refusal::parameter(
                "url",
                "says where `FTP_UPLOAD` uploads to; leave it out with `HTTP_DOWNLOAD`",
            ));
        }
        ("FTP_UPLOAD", Some(url)) if url.starts_with("ftp://") => Some(url.to_owned()),
        ("FTP_UPLOAD", _) => {
            return Err(refusal::parameter(
                "url",
                "must be an ftp URL with `FTP_UPLOAD`: the place to upload to",
            ));
        }
        _ => return Err(call.invalid("mode", mode, "expected `HTTP_DOWNLOAD` or `FTP_UPLOAD`")),
    };
    let zone = call.args.id("zoneid").map(|id| call.tx.resource(id));
    let owner = resource.owner.map(|id| call.tx.resource(id).uuid.to_string());
    let (state, url) = match upload_to {
        None => {
            ("DOWNLOAD_URL_CREATED", format!("http://ssvm.internal/userdata/{}", resource.uuid))
        }
        Some(url) => ("UPLOADED", url),
    };
    let fields = vec![
        ("id", Node::text(resource.uuid.to_string())),
        ("name", Node::text(resource.text(col::NAME))),
        ("extractId", Node::text(resource.uuid.to_string())),
        ("uploadpercentage", Node::Int(i64::from(state == "UPLOADED") * 100)),
        ("status", Node::text(format!("{size_bytes} bytes"))),
        ("accountid", Node::text_if(owner)),
        ("created", Node::Date(call.tx.now)),
        ("state", Node::text(state)),
        ("zoneid", Node::text_if(zone.map(|zone| zone.uuid.to_string()))),
        ("zonename", Node::text_if(zone.map(|zone| zone.text(col::NAME)))),
        ("extractMode", Node::text(mode)),
        ("url", Node::text(url)),
    ];
    let fields = fields.into_iter().filter(|(_, node)| *node != Node::Null).collect();
    Ok(Done::Node(Node::Object(fields)))
}

pub(crate) const TEMPLATE: Object = Object {
    name: "Template",
    fields: &[
        ID,
        f("name", W::Str),
        f("displaytext", W::Str),
        f("ispublic", W::Bool),
        CREATED,
        REMOVED,
        f("isready", W::Bool),
        f("passwordenabled", W::Bool),
        f("format", W::Str),
        f("bootable", W::Bool),
        f("isfeatured", W::Bool),
        f("crossZones", W::Bool),
        f("ostypeid", W::Id(Kind::OsType)),
        f("ostypename", W::Str).join(col::OS_TYPE_ID, "description"),
        ACCOUNT_ID,
        ACCOUNT,
        ZONE_ID,
        ZONE_NAME,
        f("status", W::Str),
        f("size", W::Long),
        f("templatetype", W::Str),
        f("hypervisor", W::Str),
        DOMAIN,
        DOMAIN_ID,
        f("isextractable", W::Bool),
        f("checksum", W::Str),
        f("sourcetemplateid", W::Id(Kind::Template)),
        f("hostid", W::Id(Kind::Host)),
        f("hostname", W::Str).join(col::HOST_ID, "name"),
        f("templatetag", W::Str),
        PROJECT_ID,
        PROJECT,
        f("details", W::Map),
        TAGS,
        f("sshkeyenabled", W::Bool),
        f("isdynamicallyscalable", W::Bool),
    ],
};

pub(crate) const EXTRACTION: Object = Object {
    name: "Extract",
    fields: &[
        ID,
        f("name", W::Str),
        f("extractId", W::Str),
        f("uploadpercentage", W::Int),
        f("status", W::Str),
        ACCOUNT_ID,
        f("resultstring", W::Str),
        CREATED,
        f("state", W::Str),
        f("storagetype", W::Str),
        f("storage", W::Str),
        ZONE_ID,
        ZONE_NAME,
        f("extractMode", W::Str),
        f("url", W::Str),
    ],
};
