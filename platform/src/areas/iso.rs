//! ISOs: disk images to boot from or to attach, registered by URL and billed by size.

use crate::areas::template::{EXTRACTION, TEMPLATE, TEMPLATE_PERMISSIONS};
use crate::areas::vm::VM;
use crate::table::{Command, Kind, ParamType::*, Roles, group, later, p};

pub(crate) static COMMANDS: &[Command] = &[
    later("attachIso")
        .doc("Puts an ISO into the CD drive of a VM")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Iso)).required().doc("the ISO"),
            p("virtualmachineid", Id(Kind::Vm)).required(),
        ])
        .job("ISO.ATTACH")
        .object("virtualmachine", &VM),
    later("copyIso")
        .doc("Copies an ISO to another zone")
        .roles(Roles::ALL)
        .params(&[
            p("destzoneid", Id(Kind::Zone)).required(),
            p("id", Id(Kind::Iso)).required().doc("the ISO"),
            p("sourcezoneid", Id(Kind::Zone)).required(),
        ])
        .job("TEMPLATE.COPY")
        .object("template", &TEMPLATE),
    later("deleteIso")
        .doc("Deletes an ISO, in one zone or all")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Iso)).required(),
            p("zoneid", Id(Kind::Zone)).doc("the zone to delete it in; all unless given"),
        ])
        .job("ISO.DELETE")
        .success(),
    later("detachIso")
        .doc("Takes the ISO out of the CD drive of a VM")
        .roles(Roles::ALL)
        .params(&[p("virtualmachineid", Id(Kind::Vm)).required()])
        .job("ISO.DETACH")
        .object("virtualmachine", &VM),
    later("extractIso")
        .doc("Gives a link to download an ISO, or uploads it somewhere")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Iso)).required(),
            p("url", Str).doc("where to upload it to; only with `FTP_UPLOAD`"),
            p("zoneid", Id(Kind::Zone)),
            p("mode", Str).required(),
        ])
        .job("ISO.EXTRACT")
        .object("iso", &EXTRACTION),
    later("listIsoPermissions")
        .doc("Shows who may use an ISO besides its owner")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::Iso)).required()])
        .object("templatepermission", &TEMPLATE_PERMISSIONS),
    later("listIsos")
        .doc("Lists ISOs")
        .roles(Roles::ALL)
        .params(&[
            p("bootable", Bool).doc("true for those a VM can boot from, false for the others"),
            p("hypervisor", Str),
            p("id", Id(Kind::Iso)),
            p("ispublic", Bool).doc("true for public ones, false for the others"),
            p("isready", Bool).doc("true for those that can be used already"),
            p("isofilter", Str)
                .doc("as `templatefilter` of listTemplates; `selfexecutable` unless given"),
            p("name", Str),
            p("zoneid", Id(Kind::Zone)),
            p("showremoved", Bool),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::PROJECT, group::TAGGED])
        .items("iso", &TEMPLATE),
    later("registerIso")
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
            p("zoneid", Id(Kind::Zone)).required().doc("the zone it is for; -1 for all"),
            p("checksum", Str),
            p("imagestoreuuid", Str),
            p("isdynamicallyscalable", Bool),
        ])
        .groups(&[group::OWNER, group::PROJECT])
        .event("ISO.CREATE")
        .items("iso", &TEMPLATE),
    later("updateIso")
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
        .object("iso", &TEMPLATE),
    later("updateIsoPermissions")
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
        .success(),
];
