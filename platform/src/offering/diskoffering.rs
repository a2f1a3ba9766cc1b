//! Disk offerings: sizes and speeds of data volumes, as the operator sells them.

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Answer, Call, Column, Done, Query, ResourceId, Tx, World, refusal},
    parse::given,
    table::{
        Command, Kind, KindSpec, Object, ParamType::*, Role, Roles, Sight, WireType as W, create,
        delete, f, fields::*, group, hidden, own, p, update,
    },
};

/// Parameters of rates, and the fields that show them.
const RATES: [(&str, Column<i64>); 4] = [
    ("bytesreadrate", col::DISK_BYTES_READ_RATE),
    ("byteswriterate", col::DISK_BYTES_WRITE_RATE),
    ("iopsreadrate", col::DISK_IOPS_READ_RATE),
    ("iopswriterate", col::DISK_IOPS_WRITE_RATE),
];

pub(crate) static KIND: KindSpec = KindSpec::new(Kind::DiskOffering, &DISK_OFFERING)
    .seen_by(Sight::By(World::is_offered_to))
    .hidden(&[hidden("sortkey", W::Int)])
    .keyword(&[col::NAME, col::DISPLAY_TEXT]);

pub(crate) const DISK_OFFERING: Object = Object {
    name: "DiskOffering",
    fields: &[
        ID,
        f("domainid", W::Id(Kind::Domain)),
        f("domain", W::Str).join(col::DOMAIN_ID, "name"),
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
    create("createDiskOffering", Kind::DiskOffering)
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
        .object("diskoffering", &DISK_OFFERING)
        .check(check_new)
        .act(settle),
    delete("deleteDiskOffering", Kind::DiskOffering)
        .doc("Withdraws a disk offering; volumes of it stay")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::DiskOffering)).required()])
        .event("DISK.OFFERING.DELETE")
        .success(),
    own("listDiskOfferings")
        .doc("Lists disk offerings the caller may use")
        .roles(Roles::ALL)
        .params(&[
            p("domainid", Id(Kind::Domain)).doc("shows only those of this domain"),
            p("id", Id(Kind::DiskOffering)),
            p("name", Str),
        ])
        .groups(&[group::PAGED])
        .items("diskoffering", &DISK_OFFERING)
        .read(list_offerings),
    update("updateDiskOffering", Kind::DiskOffering)
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

/// The storage of a new offering's volumes: pools, unless the disks of hosts.
pub(crate) fn storage_type(call: &Call<'_, '_>) -> Result<&'static str, ApiError> {
    Ok(given::word(call, "storagetype", &["shared", "local"])?.unwrap_or("shared"))
}

/// Refuses rates below 0.
pub(crate) fn check_rates(call: &Call<'_, '_>, more: &[&'static str]) -> Result<(), ApiError> {
    for name in RATES.iter().map(|(name, _)| *name).chain(more.iter().copied()) {
        if let Some(number) = call.args.int(name).filter(|number| *number < 0) {
            return Err(call.invalid(name, &number.to_string(), "expected a number from 0"));
        }
    }
    Ok(())
}

/// Sets the rates that are given.
pub(crate) fn set_rates(call: &mut Call<'_, '_>, id: ResourceId) {
    for (name, field) in RATES {
        if let Some(rate) = call.args.int(name) {
            call.tx.edit(id, |offering| {
                offering.set_int(field, rate);
            });
        }
    }
}

fn check_new(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    storage_type(call)?;
    check_rates(call, &["miniops", "maxiops"])?;
    let args = &call.args;
    // 1. A size of its own, or one that users choose.
    let most = call.tx.setting_number("storage.max.volume.size");
    match (args.is_true("customized"), args.int("disksize")) {
        (true, Some(_)) => {
            return Err(refusal::parameter(
                "disksize",
                "and `customized=true` exclude each other; give one of them",
            ));
        }
        (false, None) => {
            return Err(refusal::parameter("disksize", "in GiB is needed, or `customized=true`"));
        }
        (false, Some(size)) if !(1..=most).contains(&size) => {
            let expected = format!("expected a size from 1 to {most} GiB");
            return Err(call.invalid("disksize", &size.to_string(), &expected));
        }
        _ => {}
    }
    // 2. The same for its I/O operations.
    match (args.is_true("customizediops"), args.int("miniops"), args.int("maxiops")) {
        (true, None, None) | (false, None, None) => Ok(()),
        (true, ..) => Err(refusal::parameter(
            "miniops",
            "and `maxiops` are given by users with `customizediops=true`; leave them out",
        )),
        (false, Some(least), Some(most)) if least <= most => Ok(()),
        (false, Some(least), Some(most)) => Err(refusal::parameter(
            "miniops",
            format!("is {least} and must not be over `maxiops`, {most}"),
        )),
        (false, ..) => Err(refusal::together(&["miniops", "maxiops"])),
    }
}

/// Completes a new offering.
fn settle(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let storage_type = storage_type(call)?;
    let is_custom = call.args.is_true("customized");
    let has_custom_iops = call.args.flag("customizediops");
    let is_displayed = call.args.flag("displayoffering").unwrap_or(true);
    set_rates(call, id);
    call.tx.edit(id, |offering| {
        offering
            .set_text(col::STORAGE_TYPE, storage_type)
            .set_flag(col::IS_CUSTOMIZED, is_custom)
            .set_flag(col::DISPLAY_OFFERING, is_displayed);
        if is_custom {
            offering.set_int(col::DISK_SIZE, 0);
        }
        if let Some(flag) = has_custom_iops {
            offering.set_flag(col::IS_CUSTOMIZED_IOPS, flag);
        }
    });
    Ok(Done::Resource(id))
}

fn list_offerings(query: &Query<'_>) -> Result<Answer, ApiError> {
    let domain = query.args.id("domainid");
    let mut offerings = query.resources(Kind::DiskOffering)?;
    offerings.retain(|row| {
        (row.flag(col::DISPLAY_OFFERING) || query.caller.role != Role::User)
            && domain.is_none_or(|domain| row.id_of(col::DOMAIN_ID) == Some(domain))
    });
    offerings.sort_by_key(|row| row.int(col::SORT_KEY));
    query.page(offerings.into_iter())
}

/// Offerings of a new cloud: name, and GiB unless users choose them.
const OFFERINGS: [(&str, &str, Option<i64>); 4] = [
    ("Small", "Small Disk, 5 GB", Some(5)),
    ("Medium", "Medium Disk, 20 GB", Some(20)),
    ("Large", "Large Disk, 100 GB", Some(100)),
    ("Custom", "Custom Disk", None),
];

/// Makes the rows of a new cloud.
pub(crate) fn seed(tx: &mut Tx<'_>) {
    for (name, text, size_gib) in OFFERINGS {
        tx.insert(Kind::DiskOffering, |row| {
            row.set_text(col::NAME, name)
                .set_text(col::DISPLAY_TEXT, text)
                .set_int(col::DISK_SIZE, size_gib.unwrap_or_default())
                .set_flag(col::IS_CUSTOMIZED, size_gib.is_none())
                .set_text(col::STORAGE_TYPE, "shared")
                .set_flag(col::DISPLAY_OFFERING, true);
        });
    }
}
