//! Cisco Nexus 1000v switches of VMware clusters. Guide 4.2.7.3.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, Source, WireType as W, f, group, later, p,
};

pub(crate) const CISCO_NEXUS_VSM: Object = Object {
    name: "CiscoNexusVSM",
    fields: &[
        f("vsmdeviceid", W::Str).from(Source::Uuid),
        f("vsmdevicename", W::Str),
        f("ipaddress", W::Str),
        f("vsmdevicestate", W::Str).from(Source::State),
        f("vsmmgmtvlanid", W::Str),
        f("vsmctrlvlanid", W::Int),
        f("vsmpktvlanid", W::Int),
        f("vsmstoragevlanid", W::Int),
        f("vsmdomainid", W::Str),
        f("vsmconfigmode", W::Str),
        f("vsmconfigstate", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("deleteCiscoNexusVSM")
        .doc("Removes a Nexus 1000v switch from the cloud")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::CiscoNexusVsm)).required()])
        .job("SWITCH.MGMT.DELETE")
        .success(),
    later("disableCiscoNexusVSM")
        .doc("Disables a Nexus 1000v switch")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::CiscoNexusVsm)).required()])
        .job("SWITCH.MGMT.DISABLE")
        .object("cisconexusvsm", &CISCO_NEXUS_VSM),
    later("enableCiscoNexusVSM")
        .doc("Enables a Nexus 1000v switch")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::CiscoNexusVsm)).required()])
        .job("SWITCH.MGMT.ENABLE")
        .object("cisconexusvsm", &CISCO_NEXUS_VSM),
    later("listCiscoNexusVSMs")
        .doc("Lists Nexus 1000v switches with their address and VLANs")
        .roles(Roles::ROOT)
        .params(&[p("clusterid", Id(Kind::Cluster)), p("zoneid", Id(Kind::Zone))])
        .groups(&[group::PAGED])
        .items("cisconexusvsm", &CISCO_NEXUS_VSM),
];
