//! Templates and an ISO that a cloud has which is ready for tenants, and the one template of
//! a cloud that begins empty. They belong to the system and are nobody's use.

use crate::{
    col,
    engine::{ResourceId, Tx, own_users},
    network::guest,
    site::imagecopy,
    storage::image,
    table::Kind,
};

const MIB: i64 = 1 << 20;

/// Name, hypervisor, OS type, size in MiB.
const TEMPLATES: &[(&str, &str, &str, i64)] = &[
    ("CentOS 6.4 (KVM)", "KVM", "CentOS 6.4 (64-bit)", 8_192),
    ("CentOS 6.4 (XenServer)", "XenServer", "CentOS 6.4 (64-bit)", 8_192),
    ("CentOS 6.4 (VMware)", "VMware", "CentOS 6.4 (64-bit)", 8_192),
    ("Ubuntu 12.04 (Simulator)", "Simulator", "Ubuntu 12.04 (64-bit)", 2_048),
    ("Ubuntu 12.04 (bare metal)", "BareMetal", "Ubuntu 12.04 (64-bit)", 0),
];
const ISO: &str = "Ubuntu 12.04 installer";
const ISO_MIB: i64 = 700;

/// The template of a cloud that begins empty: it comes ready into each zone with simulated
/// hosts, so that machines can be made there without a download.
const SIMULATED: (&str, &str, &str, i64) =
    ("CentOS 5.3 (64-bit) no GUI (Simulator)", "Simulator", "CentOS 5.3 (64-bit)", 2_048);

/// Makes the images of a cloud that begins empty.
pub(crate) fn empty(tx: &mut Tx<'_>) {
    template(tx, SIMULATED);
}

fn template(tx: &mut Tx<'_>, row: (&str, &str, &str, i64)) -> ResourceId {
    let (name, hypervisor, os_type, size_mib) = row;
    let system = tx.resource(own_users::system_user(tx)).owner;
    let os_type = os_type_named(tx, os_type);
    tx.insert(Kind::Template, |template| {
        template.owner = system;
        template
            .set_text(col::NAME, name)
            .set_text(col::DISPLAY_TEXT, name)
            .set_text(col::HYPERVISOR, hypervisor)
            .set_text(col::FORMAT, image::format_of(hypervisor))
            .set_text(col::TEMPLATE_TYPE, "BUILTIN")
            .set_int(col::SIZE, size_mib * MIB)
            .set_ref(col::OS_TYPE_ID, os_type);
        for flag in
            [col::IS_PUBLIC, col::IS_FEATURED, col::IS_EXTRACTABLE, col::BOOTABLE, col::CROSS_ZONES]
        {
            template.set_flag(flag, true);
        }
        for flag in [col::PASSWORD_ENABLED, col::SSH_KEY_ENABLED] {
            template.set_flag(flag, false);
        }
        template.set_flag(col::IS_DYNAMICALLY_SCALABLE, true);
    })
}

/// Makes the images, ready in all zones, and the guest networks of basic zones.
pub(crate) fn ready(tx: &mut Tx<'_>) {
    let zones: Vec<ResourceId> = tx.all(Kind::Zone).map(|zone| zone.id).collect();
    let system = tx.resource(own_users::system_user(tx)).owner;
    for row in TEMPLATES {
        let id = template(tx, *row);
        for zone in &zones {
            imagecopy::put_ready(tx, id, *zone);
        }
    }
    let os_type = os_type_named(tx, "Ubuntu 12.04 (64-bit)");
    let id = tx.insert(Kind::Iso, |iso| {
        iso.owner = system;
        iso.set_text(col::NAME, ISO)
            .set_text(col::DISPLAY_TEXT, ISO)
            .set_text(col::FORMAT, "ISO")
            .set_text(col::TEMPLATE_TYPE, "BUILTIN")
            .set_int(col::SIZE, ISO_MIB * MIB)
            .set_ref(col::OS_TYPE_ID, os_type);
        for flag in
            [col::IS_PUBLIC, col::IS_FEATURED, col::IS_EXTRACTABLE, col::BOOTABLE, col::CROSS_ZONES]
        {
            iso.set_flag(flag, true);
        }
    });
    for zone in &zones {
        imagecopy::put_ready(tx, id, *zone);
    }
    for zone in zones {
        guest::ready(tx, zone);
    }
}

fn os_type_named(tx: &Tx<'_>, description: &str) -> Option<ResourceId> {
    tx.all(Kind::OsType).find(|os| os.text(col::DESCRIPTION) == description).map(|os| os.id)
}
