//! Templates: disk images that VMs are made from, registered by URL or made of
//! volumes, and billed by size.

use crate::table::{
    Command, Kind, MapForm, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later,
    p,
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
        f("ostypename", W::Str).join("ostypeid", "description"),
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
        f("hostname", W::Str).join("hostid", "name"),
        f("templatetag", W::Str),
        PROJECT_ID,
        PROJECT,
        f("details", W::Map),
        TAGS,
        f("sshkeyenabled", W::Bool),
        f("isdynamicallyscalable", W::Bool),
    ],
};

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
    later("copyTemplate")
        .doc("Copies a template to another zone")
        .roles(Roles::ALL)
        .params(&[
            p("destzoneid", Id(Kind::Zone)).required(),
            p("id", Id(Kind::Template)).required().doc("the template"),
            p("sourcezoneid", Id(Kind::Zone)).required(),
        ])
        .job("TEMPLATE.COPY")
        .object("template", &TEMPLATE),
    later("createTemplate")
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
        .object("template", &TEMPLATE),
    later("deleteTemplate")
        .doc("Deletes a template, in one zone or all; VMs of it stay")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Template)).required(),
            p("zoneid", Id(Kind::Zone)).doc("the zone to delete it in; all unless given"),
        ])
        .job("TEMPLATE.DELETE")
        .success(),
    later("extractTemplate")
        .doc("Gives a link to download a template, or uploads it somewhere")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Template)).required(),
            p("url", Str).doc("where to upload it to; only with `FTP_UPLOAD`"),
            p("zoneid", Id(Kind::Zone)),
            p("mode", Str).required(),
        ])
        .job("TEMPLATE.EXTRACT")
        .object("template", &EXTRACTION),
    later("listTemplatePermissions")
        .doc("Shows who may use a template besides its owner")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::Template)).required()])
        .object("templatepermission", &TEMPLATE_PERMISSIONS),
    later("listTemplates")
        .doc("Lists templates")
        .roles(Roles::ALL)
        .params(&[
            p("hypervisor", Str),
            p("id", Id(Kind::Template)),
            p("name", Str),
            p("templatefilter", Str).required().doc(
                "`featured`, `self` (one's own), `selfexecutable` (one's own and ready), \
                 `sharedexecutable` (shared with one), `executable` (all one can deploy), \
                 `community` (public, not featured) or, for admins, `all`",
            ),
            p("zoneid", Id(Kind::Zone)),
            p("showremoved", Bool),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::PROJECT, group::TAGGED])
        .items("template", &TEMPLATE),
    later("prepareTemplate")
        .doc("Fetches a template to the storage pools of a zone before it is needed")
        .roles(Roles::ROOT)
        .params(&[
            p("zoneid", Id(Kind::Zone)).required(),
            p("templateid", Id(Kind::Template)).required(),
        ])
        .items("template", &TEMPLATE),
    later("registerTemplate")
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
            p("zoneid", Id(Kind::Zone)).required().doc("the zone it is for; -1 for all"),
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
        .items("template", &TEMPLATE),
    later("updateTemplate")
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
        .object("template", &TEMPLATE),
    later("updateTemplatePermissions")
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
        .success(),
];
