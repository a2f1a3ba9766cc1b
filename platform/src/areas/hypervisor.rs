//! Hypervisors and what each version of them can do.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const HYPERVISOR: Object = Object { name: "Hypervisor", fields: &[f("name", W::Str)] };

pub(crate) const HYPERVISOR_CAPABILITIES: Object = Object {
    name: "HypervisorCapabilities",
    fields: &[
        ID,
        f("hypervisorversion", W::Str),
        f("hypervisor", W::Str),
        f("maxguestslimit", W::Long),
        f("securitygroupenabled", W::Bool),
        f("maxdatavolumeslimit", W::Int),
        f("maxhostspercluster", W::Int),
        f("storagemotionenabled", W::Bool),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("listHypervisorCapabilities")
        .doc("Lists what each version of a hypervisor can do")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::HypervisorCapabilities)), p("hypervisor", Str)])
        .groups(&[group::PAGED])
        .items("hypervisorCapabilities", &HYPERVISOR_CAPABILITIES),
    later("listHypervisors")
        .doc("Lists the hypervisors of a zone, or of the cloud")
        .roles(Roles::ALL)
        .params(&[p("zoneid", Id(Kind::Zone))])
        .items("hypervisor", &HYPERVISOR),
    later("updateHypervisorCapabilities")
        .doc("Changes the limits for a version of a hypervisor")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::HypervisorCapabilities)),
            p("securitygroupenabled", Bool).doc("whether it can do security groups"),
            p("maxguestslimit", Long).doc("most VMs on a host of it"),
        ])
        .object("hypervisorCapabilities", &HYPERVISOR_CAPABILITIES),
];
