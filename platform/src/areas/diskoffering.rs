//! Disk offerings: sizes and speeds of data volumes, as the operator sells them.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const DISK_OFFERING: Object = Object {
    name: "DiskOffering",
    fields: &[
        ID,
        f("domainid", W::Id(Kind::Domain)),
        f("domain", W::Str).join("domainid", "name"),
        f("name", W::Str),
        f("displaytext", W::Str),
        f("disksize", W::Long),
        CREATED,
        f("iscustomized", W::Bool),
        f("iscustomizediops", W::Bool),
        f("miniops", W::Long),
        f("maxiops", W::Long),
        f("tags", W::Str),
        f("storagetype", W::Str),
        f("diskBytesReadRate", W::Long),
        f("diskBytesWriteRate", W::Long),
        f("diskIopsReadRate", W::Long),
        f("diskIopsWriteRate", W::Long),
        f("displayoffering", W::Bool),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("createDiskOffering")
        .doc("Makes a disk offering")
        .roles(Roles::ROOT)
        .params(&[
            p("disksize", Long).doc("the size in GiB; none with `customized`"),
            p("displaytext", Str).required().length_max(4096),
            p("name", Str).required(),
            p("tags", Str)
                .length_max(4096)
                .doc("storage tags; volumes go to pools with all of them"),
            p("customized", Bool).doc("true to let users choose the size; false unless given"),
            p("domainid", Id(Kind::Domain))
                .doc("the domain that may use it; everybody unless given"),
            p("storagetype", Str),
            p("displayoffering", Bool).doc("false to hide it from end users"),
            p("bytesreadrate", Long),
            p("byteswriterate", Long),
            p("iopsreadrate", Long),
            p("iopswriterate", Long),
            p("customizediops", Bool).doc("true to let users choose `miniops` and `maxiops`"),
            p("miniops", Long).doc("fewest I/O operations a second"),
            p("maxiops", Long).doc("most I/O operations a second"),
        ])
        .event("DISK.OFFERING.CREATE")
        .object("diskoffering", &DISK_OFFERING),
    later("deleteDiskOffering")
        .doc("Withdraws a disk offering; volumes of it stay")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::DiskOffering)).required()])
        .event("DISK.OFFERING.DELETE")
        .success(),
    later("listDiskOfferings")
        .doc("Lists disk offerings the caller may use")
        .roles(Roles::ALL)
        .params(&[
            p("domainid", Id(Kind::Domain)).doc("shows only those of this domain"),
            p("id", Id(Kind::DiskOffering)),
            p("name", Str),
        ])
        .groups(&[group::PAGED])
        .items("diskoffering", &DISK_OFFERING),
    later("updateDiskOffering")
        .doc("Renames a disk offering or changes its place in lists")
        .roles(Roles::ROOT)
        .params(&[
            p("displaytext", Str).length_max(4096),
            p("id", Id(Kind::DiskOffering)).required(),
            p("name", Str),
            p("sortkey", Int),
        ])
        .event("DISK.OFFERING.EDIT")
        .object("diskoffering", &DISK_OFFERING),
];
