//! Templates: disk images that VMs are made from, registered by URL or made of
//! volumes, and billed by size.

use cloudtally_model::ApiError;

use super::image::{self, EXTRACTION, TEMPLATE};
use crate::{
    col,
    engine::{Call, Done, Resource, ResourceId, limit, refusal, verbs},
    parse::units::gib,
    site::{imagecopy, placement, zonestore},
    state::{MachineState, SnapshotState, VolumeState},
    table::{
        Command, Kind, KindSpec, Limit, MapForm, Object, OnDelete, ParamType::*, Roles, Turn,
        WireType as W, f, fields::*, group, own, p,
    },
};

pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Template, &TEMPLATE)
    .usable_by(image::is_shared)
    .counts(image::COUNTS)
    .goes_with_owner(Turn::Templates, image::remove)
    .hidden(image::HIDDEN)
    .owned()
    .limit(Limit::Template)
    .keyword(&[col::NAME, col::DISPLAY_TEXT])
    .tagged("Template")
    .job_instance("Template")
    .referred(&[(Kind::Template, col::SOURCE_TEMPLATE_ID.reference(), OnDelete::Forget)]);

pub(crate) const TEMPLATE_PERMISSIONS: Object = Object {
    name: "TemplatePermissions",
    fields: &[
        ID,
        f("ispublic", W::Bool),
        DOMAIN_ID,
        f("account", W::List),
        f("projectids", W::List),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("copyTemplate")
        .doc("Copies a template to another zone")
        .roles(Roles::ALL)
        .params(&[
            p("destzoneid", Id(Kind::Zone)).required(),
            p("id", Id(Kind::Template)).required().doc("the template"),
            p("sourcezoneid", Id(Kind::Zone)).required(),
        ])
        .job("TEMPLATE.COPY")
        .object("template", &TEMPLATE)
        .kind(Kind::Template)
        .act(|call| image::copy(call, "template")),
    own("createTemplate")
        .doc("Makes a template of a volume or a snapshot")
        .roles(Roles::ALL)
        .params(&[
            p("bits", Int),
            p("displaytext", Str).required().length_max(4096),
            p("isfeatured", Bool),
            p("ispublic", Bool),
            p("name", Str).required(),
            p("ostypeid", Id(Kind::OsType)).required(),
            p("passwordenabled", Bool),
            p("requireshvm", Bool),
            p("snapshotid", Id(Kind::Snapshot))
                .doc("the snapshot to make it of; this or `volumeid`"),
            p("volumeid", Id(Kind::Volume))
                .doc("the volume to make it of, of a stopped VM; this or `snapshotid`"),
            p("virtualmachineid", Id(Kind::Vm)).doc("the VM to make it of; only for bare metal"),
            p("url", Str).doc("where to put it; only for bare metal"),
            p("templatetag", Str),
            p("details", Map(MapForm::Free)).doc("details: `details[0].key=value`"),
            p("isdynamicallyscalable", Bool),
        ])
        .create_job("TEMPLATE.CREATE")
        .object("template", &TEMPLATE)
        .kind(Kind::Template)
        .begin(begin_create)
        .act(finish_create)
        .on_failure(|call, _| give_up(call)),
    own("deleteTemplate")
        .doc("Deletes a template, in one zone or all; VMs of it stay")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Template)).required(),
            p("zoneid", Id(Kind::Zone)).doc("the zone to delete it in; all unless given"),
        ])
        .job("TEMPLATE.DELETE")
        .success()
        .kind(Kind::Template)
        .check(image::check_owned)
        .act(image::delete),
    own("extractTemplate")
        .doc("Gives a link to download a template, or uploads it somewhere")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Template)).required().usable(),
            p("url", Str).doc("where to upload it to; only with `FTP_UPLOAD`"),
            p("zoneid", Id(Kind::Zone)),
            p("mode", Str).required(),
        ])
        .job("TEMPLATE.EXTRACT")
        .object("template", &EXTRACTION)
        .kind(Kind::Template)
        .act(|call| image::extract(call)),
    own("listTemplatePermissions")
        .doc("Shows who may use a template besides its owner")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::Template)).required()])
        .object("templatepermission", &TEMPLATE_PERMISSIONS)
        .read(|query| image::permissions(query, "templatepermission")),
    own("listTemplates")
        .doc("Lists templates")
        .roles(Roles::ALL)
        .params(&[
            p("hypervisor", Str),
            p("id", Id(Kind::Template)).usable().or_removed(),
            p("name", Str),
            p("templatefilter", Str).required().doc(
                "`featured`, `self` (one's own), `selfexecutable` (one's own and ready), \
                 `sharedexecutable` (shared with one), `executable` (all one can deploy), \
                 `community` (public, not featured) or, for admins, `all`",
            ),
            p("zoneid", Id(Kind::Zone)),
            p("showremoved", Bool),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT, group::TAGGED])
        .items("template", &TEMPLATE)
        .read(|query| {
            let filter = query.args.text_required("templatefilter");
            image::list(query, Kind::Template, filter, "template")
        }),
    own("prepareTemplate")
        .doc("Fetches a template to the storage pools of a zone before it is needed")
        .roles(Roles::ROOT)
        .params(&[
            p("zoneid", Id(Kind::Zone)).required(),
            p("templateid", Id(Kind::Template)).required(),
        ])
        .items("template", &TEMPLATE)
        .act(prepare),
    own("registerTemplate")
        .doc("Registers a template; the system downloads it from its URL")
        .roles(Roles::ALL)
        .params(&[
            p("bits", Int),
            p("displaytext", Str).required().length_max(4096),
            p("format", Str).required(),
            p("hypervisor", Str).required(),
            p("isfeatured", Bool),
            p("ispublic", Bool),
            p("name", Str).required(),
            p("ostypeid", Id(Kind::OsType)).required(),
            p("passwordenabled", Bool),
            p("sshkeyenabled", Bool).doc("whether VMs of it take SSH keys"),
            p("isextractable", Bool),
            p("requireshvm", Bool),
            p("url", Str).required().doc("where to download it from"),
            p("zoneid", Id(Kind::Zone)).required().or_all().doc("the zone it is for; -1 for all"),
            p("checksum", Str),
            p("templatetag", Str),
            p("details", Map(MapForm::Free))
                .doc("`details[0].rootDiskController`, `.nicAdapter`, `.keyboard`, ..."),
            p("isdynamicallyscalable", Bool),
            p("isrouting", Bool),
            p("imagestoreuuid", Str),
        ])
        .groups(&[group::OWNER, group::PROJECT])
        .event("TEMPLATE.CREATE")
        .items("template", &TEMPLATE)
        .act(|call| image::register(call, Kind::Template)),
    own("updateTemplate")
        .doc("Changes what is said of a template")
        .roles(Roles::ALL)
        .params(&[
            p("bootable", Bool),
            p("displaytext", Str).length_max(4096),
            p("id", Id(Kind::Template)).required(),
            p("name", Str),
            p("ostypeid", Id(Kind::OsType)),
            p("format", Str),
            p("passwordenabled", Bool),
            p("sortkey", Int),
            p("isdynamicallyscalable", Bool),
            p("isrouting", Bool),
        ])
        .object("template", &TEMPLATE)
        .kind(Kind::Template)
        .check(image::check_owned)
        .act(|call| image::update(call, "template")),
    own("updateTemplatePermissions")
        .doc("Says who may use a template besides its owner")
        .roles(Roles::ALL)
        .params(&[
            p("accounts", List),
            p("id", Id(Kind::Template)).required(),
            p("isfeatured", Bool),
            p("ispublic", Bool),
            p("isextractable", Bool),
            p("op", Str),
            p("projectids", IdList(Kind::Project)),
        ])
        .success()
        .kind(Kind::Template)
        .check(image::check_owned)
        .act(image::update_permissions),
];

/// Parameters that name what a template is made of; one of them is given.
const SOURCES: [&str; 3] = ["volumeid", "snapshotid", "virtualmachineid"];

/// A template of a volume, a snapshot or a bare metal machine: the zone is theirs, the
/// size is the volume's, and the image it was made from is remembered.
fn begin_create(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    // 1. What it is made of.
    let given: Vec<ResourceId> = SOURCES.iter().filter_map(|name| call.args.id(name)).collect();
    let source = match given.as_slice() {
        [id] => call.tx.resource(*id).clone(),
        [] => {
            return Err(refusal::one_of(&["volumeid", "snapshotid", "virtualmachineid"]));
        }
        _ => {
            return Err(refusal::one_of(&["volumeid", "snapshotid", "virtualmachineid"]));
        }
    };
    if source.kind != Kind::Vm && call.args.has("url") {
        return Err(refusal::parameter(
            "url",
            "is where a template of bare metal goes; leave it out, or give `virtualmachineid`",
        ));
    }
    // What says the hypervisor and the template.
    let volume = match source.kind {
        Kind::Snapshot => source.id_of(col::VOLUME_ID).map(|id| call.tx.resource(id).clone()),
        _ => Some(source.clone()),
    };
    if source.kind == Kind::Vm {
        check_bare_metal(call, &source)?;
    } else if source.kind == Kind::Volume {
        let vm = source.id_of(col::VIRTUAL_MACHINE_ID).map(|id| call.tx.resource(id));
        if let Some(vm) = vm.filter(|vm| !vm.is(MachineState::Stopped)) {
            return Err(vm.refused(
                "volumeid",
                format!("is {}; stop it before a template is made of its volume", vm.state()),
            ));
        }
        if !source.is(VolumeState::Ready) {
            return Err(
                source.refused("volumeid", format!("is {} and holds nothing yet", source.state()))
            );
        }
    } else if !source.is(SnapshotState::BackedUp) {
        return Err(source.refused("snapshotid", "is not backed up yet"));
    }
    // 2. The template, of the same owner, not ready yet.
    let size_bytes = if source.kind == Kind::Vm { 0 } else { source.int(col::SIZE) };
    let zone = source.id_of(col::ZONE_ID).expect("what images are made of is in a zone");
    zonestore::refuse_without(call.tx, zone)?;
    if let Some(owner) = source.owner {
        image::check_rights(call, owner)?;
        limit::check(call.tx, owner, Limit::SecondaryStorage, gib(size_bytes))?;
    }
    let id = verbs::create_for(call, Kind::Template, source.owner)?;
    let volume = volume.as_ref();
    let hypervisor = volume.map_or("", |volume| volume.text(col::HYPERVISOR)).to_owned();
    let made_from = volume.and_then(|from| match from.kind {
        Kind::Vm => from.id_of(col::TEMPLATE_ID),
        _ => from.id_of(col::ROOT_TEMPLATE),
    });
    let source_template = made_from.filter(|id| call.tx.resource(*id).kind == Kind::Template);
    call.tx.edit(id, |template| {
        template
            .set_text(col::TEMPLATE_TYPE, "USER")
            .set_text(col::FORMAT, image::format_of(&hypervisor))
            .set_text(col::HYPERVISOR, &hypervisor)
            .set_flag(col::BOOTABLE, true)
            .set_flag(col::CROSS_ZONES, false)
            .set_int(col::SIZE, size_bytes)
            .set_ref(col::SOURCE_TEMPLATE_ID, source_template);
        for flag in
            [col::IS_PUBLIC, col::IS_FEATURED, col::PASSWORD_ENABLED, col::IS_DYNAMICALLY_SCALABLE]
        {
            if !template.has(flag) {
                template.set_flag(flag, false);
            }
        }
        template.set_flag(col::IS_EXTRACTABLE, false).set_flag(col::SSH_KEY_ENABLED, false);
    });
    Ok(Some(id))
}

/// A bare metal machine is copied as a whole, to where the caller says.
fn check_bare_metal(call: &Call<'_, '_>, vm: &Resource) -> Result<(), ApiError> {
    if !placement::is_bare_metal(vm.text(col::HYPERVISOR)) {
        return Err(
            vm.refused("virtualmachineid", "is not bare metal; give its `volumeid` instead")
        );
    }
    if !vm.is(MachineState::Stopped) {
        return Err(vm.refused(
            "virtualmachineid",
            format!("is {}; stop it before a template is made of it", vm.state()),
        ));
    }
    match call.args.text("url") {
        Some(_) => Ok(()),
        None => Err(refusal::parameter(
            "url",
            "is needed: the place to put a template of bare metal to",
        )),
    }
}

fn finish_create(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let source = SOURCES.iter().find_map(|name| call.args.id(name));
    let source = source.expect("one of them was checked");
    let zone =
        call.tx.resource(source).id_of(col::ZONE_ID).expect("what images are made of is in a zone");
    let id = call.entity_id();
    imagecopy::put_ready(call.tx, id, zone);
    Ok(image::answer(call, id, "template"))
}

fn give_up(call: &mut Call<'_, '_>) {
    if let Some(id) = call.entity {
        image::remove(call.tx, id);
    }
}

fn prepare(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let (id, zone) = (call.args.id_required("templateid"), call.args.id_required("zoneid"));
    if imagecopy::ready_in(call.tx, id, zone).is_none() {
        return Err(call.tx.resource(id).refused("templateid", "is not ready in this zone"));
    }
    Ok(Done::Resource(id))
}
