//! Templates and an ISO that a cloud has which is ready for tenants, and the one template of
//! a cloud that begins empty. They belong to the system and are nobody's use.

use super::{image, network};
use crate::{
    engine::{ThingId, Tx, seed},
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

fn template(tx: &mut Tx<'_>, row: (&str, &str, &str, i64)) -> ThingId {
    let (name, hypervisor, os_type, size_mib) = row;
    let system = tx.thing(seed::system_user(tx)).owner;
    let os_type = os_type_named(tx, os_type);
    tx.insert(Kind::Template, |template| {
        template.owner = system;
        template
            .set_text("name", name)
            .set_text("displaytext", name)
            .set_text("hypervisor", hypervisor)
            .set_text("format", image::format_of(hypervisor))
            .set_text("templatetype", "BUILTIN")
            .set_int("size", size_mib * MIB)
            .set_ref("ostypeid", os_type);
        for flag in ["ispublic", "isfeatured", "isextractable", "bootable", "crossZones"] {
            template.set_flag(flag, true);
        }
        for flag in ["passwordenabled", "sshkeyenabled"] {
            template.set_flag(flag, false);
        }
        template.set_flag("isdynamicallyscalable", true);
    })
}

/// Makes the images, ready in all zones, and the guest networks of basic zones.
pub(crate) fn ready(tx: &mut Tx<'_>) {
    let zones: Vec<ThingId> = tx.all(Kind::Zone).map(|zone| zone.id).collect();
    let system = tx.thing(seed::system_user(tx)).owner;
    for row in TEMPLATES {
        let id = template(tx, *row);
        for zone in &zones {
            image::put_ready(tx, id, *zone);
        }
    }
    let os_type = os_type_named(tx, "Ubuntu 12.04 (64-bit)");
    let id = tx.insert(Kind::Iso, |iso| {
        iso.owner = system;
        iso.set_text("name", ISO)
            .set_text("displaytext", ISO)
            .set_text("format", "ISO")
            .set_text("templatetype", "BUILTIN")
            .set_int("size", ISO_MIB * MIB)
            .set_ref("ostypeid", os_type);
        for flag in ["ispublic", "isfeatured", "isextractable", "bootable", "crossZones"] {
            iso.set_flag(flag, true);
        }
    });
    for zone in &zones {
        image::put_ready(tx, id, *zone);
    }
    for zone in zones {
        network::ready(tx, zone);
    }
}

fn os_type_named(tx: &Tx<'_>, description: &str) -> Option<ThingId> {
    tx.all(Kind::OsType).find(|os| os.text("description") == description).map(|os| os.id)
}
