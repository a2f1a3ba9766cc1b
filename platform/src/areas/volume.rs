//! Volumes: the disks of VMs; billed from creation to removal, attached or not.

use crate::areas::template::EXTRACTION;
use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const VOLUME: Object = Object {
    name: "Volume",
    fields: &[
        ID,
        f("name", W::Str),
        ZONE_ID,
        ZONE_NAME,
        f("type", W::Str),
        f("deviceid", W::Long),
        f("virtualmachineid", W::Id(Kind::Vm)),
        f("vmname", W::Str).join("virtualmachineid", "name"),
        f("vmdisplayname", W::Str).join("virtualmachineid", "displayname"),
        f("vmstate", W::Str).join("virtualmachineid", "state"),
        f("size", W::Long),
        f("miniops", W::Long),
        f("maxiops", W::Long),
        CREATED,
        STATE,
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        f("storagetype", W::Str),
        f("diskBytesReadRate", W::Long).join("diskofferingid", "diskBytesReadRate"),
        f("diskBytesWriteRate", W::Long).join("diskofferingid", "diskBytesWriteRate"),
        f("diskIopsReadRate", W::Long).join("diskofferingid", "diskIopsReadRate"),
        f("diskIopsWriteRate", W::Long).join("diskofferingid", "diskIopsWriteRate"),
        f("hypervisor", W::Str),
        f("diskofferingid", W::Id(Kind::DiskOffering)),
        f("diskofferingname", W::Str).join("diskofferingid", "name"),
        f("diskofferingdisplaytext", W::Str).join("diskofferingid", "displaytext"),
        f("storage", W::Str),
        f("snapshotid", W::Id(Kind::Snapshot)),
        f("attached", W::Date),
        f("destroyed", W::Bool),
        f("serviceofferingid", W::Id(Kind::ServiceOffering)),
        f("serviceofferingname", W::Str).join("serviceofferingid", "name"),
        f("serviceofferingdisplaytext", W::Str).join("serviceofferingid", "displaytext"),
        f("isextractable", W::Bool),
        f("status", W::Str),
        TAGS,
        f("displayvolume", W::Bool),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("attachVolume")
        .doc("Attaches a data volume to a VM")
        .roles(Roles::ALL)
        .params(&[
            p("deviceid", Long)
                .doc("its place on the VM, from 1, but not 3; the next free one unless given"),
            p("id", Id(Kind::Volume)).required(),
            p("virtualmachineid", Id(Kind::Vm)).required(),
        ])
        .job("VOLUME.ATTACH")
        .object("volume", &VOLUME),
    later("createVolume")
        .doc("Makes a data volume from a disk offering or a snapshot")
        .roles(Roles::ALL)
        .params(&[
            p("diskofferingid", Id(Kind::DiskOffering))
                .doc("the disk offering; this or `snapshotid`"),
            p("name", Str).required(),
            p("size", Long),
            p("miniops", Long),
            p("maxiops", Long),
            p("snapshotid", Id(Kind::Snapshot))
                .doc("the snapshot to make it from; this or `diskofferingid`"),
            p("zoneid", Id(Kind::Zone)).doc("the zone; needed without `snapshotid`"),
            p("displayvolume", Bool).doc("whether end users see it"),
        ])
        .groups(&[group::OWNER, group::PROJECT])
        .create_job("VOLUME.CREATE")
        .object("volume", &VOLUME),
    later("deleteVolume")
        .doc("Deletes a data volume that is not attached")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::Volume)).required()])
        .event("VOLUME.DELETE")
        .success(),
    later("detachVolume")
        .doc("Detaches a data volume from its VM")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Volume)).doc("the volume; or give `virtualmachineid` and `deviceid`"),
            p("deviceid", Long).doc("its place on the VM; with `virtualmachineid`"),
            p("virtualmachineid", Id(Kind::Vm)),
        ])
        .job("VOLUME.DETACH")
        .object("volume", &VOLUME),
    later("extractVolume")
        .doc("Gives a link to download a volume, or uploads it somewhere")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Volume))
                .required()
                .doc("a volume that is detached or whose VM is stopped"),
            p("url", Str).doc("where to upload it to; only with `FTP_UPLOAD`"),
            p("zoneid", Id(Kind::Zone)).required(),
            p("mode", Str).required(),
        ])
        .job("VOLUME.EXTRACT")
        .object("volume", &EXTRACTION),
    later("listVolumes")
        .doc("Lists volumes")
        .roles(Roles::ALL)
        .params(&[
            p("hostid", Id(Kind::Host)),
            p("id", Id(Kind::Volume)),
            p("name", Str),
            p("podid", Id(Kind::Pod)),
            p("type", Str).doc("`ROOT` or `DATADISK`"),
            p("virtualmachineid", Id(Kind::Vm)),
            p("zoneid", Id(Kind::Zone)),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::PROJECT, group::TAGGED])
        .items("volume", &VOLUME),
    later("migrateVolume")
        .doc("Moves a volume to another storage pool")
        .roles(Roles::ALL)
        .params(&[
            p("volumeid", Id(Kind::Volume)).required(),
            p("storageid", Id(Kind::StoragePool)).required().doc("the storage pool to move to"),
            p("livemigrate", Bool).doc("true to move it while its VM runs; false unless given"),
        ])
        .job("VOLUME.MIGRATE")
        .object("volume", &VOLUME),
    later("resizeVolume")
        .doc("Changes the size of a volume, by its size or by another disk offering")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Volume)),
            p("size", Long).doc("the new size in GiB; only with an offering of custom size"),
            p("shrinkok", Bool)
                .doc("true to allow it to become smaller; what does not fit is lost"),
            p("diskofferingid", Id(Kind::DiskOffering)).doc("the new disk offering"),
        ])
        .job("VOLUME.RESIZE")
        .object("volume", &VOLUME),
    later("updateVolume")
        .doc("Changes the path of a volume on its storage pool")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::Volume)).required(), p("path", Str).required().doc("the path")])
        .job("VOLUME.ATTACH")
        .object("volume", &VOLUME),
    later("uploadVolume")
        .doc("Makes a data volume of a file; the system downloads it from its URL")
        .roles(Roles::ALL)
        .params(&[
            p("format", Str).required(),
            p("name", Str).required(),
            p("url", Str).required().doc("where to download it from"),
            p("zoneid", Id(Kind::Zone)).required(),
            p("checksum", Str),
            p("imagestoreuuid", Str),
        ])
        .groups(&[group::OWNER, group::PROJECT])
        .job("VOLUME.UPLOAD")
        .object("volume", &VOLUME),
];
