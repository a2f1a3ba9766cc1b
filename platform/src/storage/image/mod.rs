//! The common part of templates and ISOs: an image, registered once, that lies as
//! a copy in each zone it is for. The copy is what is downloaded, billed and deleted.
//!
//! # Source
//! Guide chapter 3 and 4.2.6 (filters); usage rules 3, types 7 and 8.

mod extraction;
mod list;
mod permissions;

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{
        Answer, Arg, Call, Caller, Done, Resource, ResourceId, Tx, View, World, limit, refusal,
        verbs,
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

pub(crate) use extraction::{EXTRACTION, extract, extraction};
pub(crate) use list::{answer, list};
pub(crate) use permissions::{permissions, update_permissions};

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
    let items = list::shown_copies(
        &View::new(call.tx, &call.caller, call.tx.resource(id), call.tx.now),
        &|_| true,
    );
    let item = if kind == Kind::Iso { "iso" } else { "template" };
    Ok(Done::Answer(Answer::List { count: items.len(), item, items }))
}

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
    let object = list::shown(&view, call.tx.resource(copy));
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
