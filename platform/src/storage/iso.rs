//! ISOs: disk images to boot from or to attach, registered by URL and billed by size.

use cloudtally_model::ApiError;

use super::{
    image::{self, EXTRACTION, TEMPLATE},
    template::TEMPLATE_PERMISSIONS,
};
use crate::{
    col,
    engine::{Answer, Call, Done, Query},
    site::imagecopy,
    state::MachineState,
    table::{Command, Kind, KindSpec, Limit, OnDelete, ParamType::*, Roles, Turn, group, own, p},
};

pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Iso, &TEMPLATE)
    .usable_by(image::is_shared)
    .counts(image::COUNTS)
    .goes_with_owner(Turn::Isos, image::remove)
    .hidden(image::HIDDEN)
    .owned()
    .limit(Limit::Template)
    .keyword(&[col::NAME, col::DISPLAY_TEXT])
    .referred(&[(Kind::Vm, col::ISO_ID.reference(), OnDelete::Forget)])
    .tagged("ISO")
    .job_instance("Iso");

pub(crate) static COMMANDS: &[Command] = &[
    own("attachIso")
        .doc("Puts an ISO into the CD drive of a VM")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Iso)).required().usable().doc("the ISO"),
            p("virtualmachineid", Id(Kind::Vm)).required(),
        ])
        .job("ISO.ATTACH")
        .object_of("virtualmachine", Kind::Vm)
        .act(attach),
    own("copyIso")
        .doc("Copies an ISO to another zone")
        .roles(Roles::ALL)
        .params(&[
            p("destzoneid", Id(Kind::Zone)).required(),
            p("id", Id(Kind::Iso)).required().doc("the ISO"),
            p("sourcezoneid", Id(Kind::Zone)).required(),
        ])
        .job("TEMPLATE.COPY")
        .object("template", &TEMPLATE)
        .kind(Kind::Iso)
        .act(|call| image::copy(call, "template")),
    own("deleteIso")
        .doc("Deletes an ISO, in one zone or all")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Iso)).required(),
            p("zoneid", Id(Kind::Zone)).doc("the zone to delete it in; all unless given"),
        ])
        .job("ISO.DELETE")
        .success()
        .kind(Kind::Iso)
        .check(image::check_owned)
        .act(image::delete),
    own("detachIso")
        .doc("Takes the ISO out of the CD drive of a VM")
        .roles(Roles::ALL)
        .params(&[p("virtualmachineid", Id(Kind::Vm)).required()])
        .job("ISO.DETACH")
        .object_of("virtualmachine", Kind::Vm)
        .act(detach),
    own("extractIso")
        .doc("Gives a link to download an ISO, or uploads it somewhere")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Iso)).required(),
            p("url", Str).doc("where to upload it to; only with `FTP_UPLOAD`"),
            p("zoneid", Id(Kind::Zone)),
            p("mode", Str).required(),
        ])
        .job("ISO.EXTRACT")
        .object("iso", &EXTRACTION)
        .kind(Kind::Iso)
        .act(|call| image::extract(call)),
    own("listIsoPermissions")
        .doc("Shows who may use an ISO besides its owner")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::Iso)).required()])
        .object("templatepermission", &TEMPLATE_PERMISSIONS)
        .read(|query| image::permissions(query, "templatepermission")),
    own("listIsos")
        .doc("Lists ISOs")
        .roles(Roles::ALL)
        .params(&[
            p("bootable", Bool).doc("true for those a VM can boot from, false for the others"),
            p("hypervisor", Str),
            p("id", Id(Kind::Iso)).usable().or_removed(),
            p("ispublic", Bool).doc("true for public ones, false for the others"),
            p("isready", Bool).doc("true for those that can be used already"),
            p("isofilter", Str)
                .doc("as `templatefilter` of listTemplates; `selfexecutable` unless given"),
            p("name", Str),
            p("zoneid", Id(Kind::Zone)),
            p("showremoved", Bool),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT, group::TAGGED])
        .items("iso", &TEMPLATE)
        .read(list_isos),
    own("registerIso")
        .doc("Registers an ISO; the system downloads it from its URL")
        .roles(Roles::ALL)
        .params(&[
            p("bootable", Bool),
            p("displaytext", Str).required().length_max(4096),
            p("isfeatured", Bool),
            p("ispublic", Bool),
            p("isextractable", Bool),
            p("name", Str).required(),
            p("ostypeid", Id(Kind::OsType)).doc("the OS on it; needed if a VM boots from it"),
            p("url", Str).required().doc("where to download it from"),
            p("zoneid", Id(Kind::Zone)).required().or_all().doc("the zone it is for; -1 for all"),
            p("checksum", Str),
            p("imagestoreuuid", Str),
            p("isdynamicallyscalable", Bool),
        ])
        .groups(&[group::OWNER, group::PROJECT])
        .event("ISO.CREATE")
        .items("iso", &TEMPLATE)
        .act(|call| image::register(call, Kind::Iso)),
    own("updateIso")
        .doc("Changes what is said of an ISO")
        .roles(Roles::ALL)
        .params(&[
            p("bootable", Bool),
            p("displaytext", Str).length_max(4096),
            p("id", Id(Kind::Iso)).required(),
            p("name", Str),
            p("ostypeid", Id(Kind::OsType)),
            p("format", Str),
            p("passwordenabled", Bool),
            p("sortkey", Int),
            p("isdynamicallyscalable", Bool),
            p("isrouting", Bool),
        ])
        .object("iso", &TEMPLATE)
        .kind(Kind::Iso)
        .check(image::check_owned)
        .act(|call| image::update(call, "iso")),
    own("updateIsoPermissions")
        .doc("Says who may use an ISO besides its owner")
        .roles(Roles::ALL)
        .params(&[
            p("accounts", List),
            p("id", Id(Kind::Iso)).required(),
            p("isfeatured", Bool),
            p("ispublic", Bool),
            p("isextractable", Bool),
            p("op", Str),
            p("projectids", IdList(Kind::Project)),
        ])
        .success()
        .kind(Kind::Iso)
        .check(image::check_owned)
        .act(image::update_permissions),
];

fn attach(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let (iso, vm) = (call.args.id_required("id"), call.args.id_required("virtualmachineid"));
    let zone = call.tx.resource(vm).id_of(col::ZONE_ID).expect("virtual machines are in a zone");
    if !call.tx.resource(vm).is_any(&[MachineState::Running, MachineState::Stopped]) {
        return Err(call.tx.resource(vm).refused(
            "virtualmachineid",
            format!("is {}; attach ISOs while it runs or is stopped", call.tx.resource(vm).state()),
        ));
    }
    if imagecopy::ready_in(call.tx, iso, zone).is_none() {
        return Err(call
            .tx
            .resource(iso)
            .refused("id", "is not ready in the zone of the virtual machine"));
    }
    call.tx.edit(vm, |vm| {
        vm.set_ref(col::ISO_ID, iso);
    });
    Ok(Done::Resource(vm))
}

fn detach(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let vm = call.args.id_required("virtualmachineid");
    if call.tx.resource(vm).id_of(col::ISO_ID).is_none() {
        return Err(call.tx.resource(vm).refused("virtualmachineid", "has no ISO attached"));
    }
    call.tx.edit(vm, |vm| {
        vm.set_ref(col::ISO_ID, None);
    });
    Ok(Done::Resource(vm))
}

fn list_isos(query: &Query<'_>) -> Result<Answer, ApiError> {
    let filter = query.args.text("isofilter").unwrap_or("selfexecutable");
    image::list(query, Kind::Iso, filter, "iso")
}
