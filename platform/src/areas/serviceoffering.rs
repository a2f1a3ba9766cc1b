//! Service offerings: the CPU, memory and other terms of VMs, as the operator sells them.

use crate::table::{
    Command, Kind, MapForm, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later,
    p,
};

pub(crate) const SERVICE_OFFERING: Object = Object {
    name: "ServiceOffering",
    fields: &[
        ID,
        f("name", W::Str),
        f("displaytext", W::Str),
        f("cpunumber", W::Int),
        f("cpuspeed", W::Int),
        f("memory", W::Int),
        CREATED,
        f("storagetype", W::Str),
        f("offerha", W::Bool),
        f("limitcpuuse", W::Bool),
        f("isvolatile", W::Bool),
        f("tags", W::Str),
        f("domainid", W::Id(Kind::Domain)),
        f("domain", W::Str).join("domainid", "name"),
        f("hosttags", W::Str),
        f("issystem", W::Bool),
        f("defaultuse", W::Bool),
        f("systemvmtype", W::Str),
        f("networkrate", W::Int),
        f("diskBytesReadRate", W::Long),
        f("diskBytesWriteRate", W::Long),
        f("diskIopsReadRate", W::Long),
        f("diskIopsWriteRate", W::Long),
        f("deploymentplanner", W::Str),
        f("serviceofferingdetails", W::Map),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("createServiceOffering")
        .doc("Makes a service offering for VMs, or for system VMs")
        .roles(Roles::ROOT)
        .params(&[
            p("cpunumber", Long).required().doc("CPU cores"),
            p("cpuspeed", Long).required().doc("MHz of a core"),
            p("displaytext", Str).required(),
            p("memory", Long).required().doc("MiB"),
            p("name", Str).required(),
            p("offerha", Bool)
                .doc("whether VMs are started again after a failure; false unless given"),
            p("limitcpuuse", Bool)
                .doc("whether VMs stay within their share of CPU; false unless given"),
            p("isvolatile", Bool)
                .doc("true to give VMs a fresh root disk at each reboot; false unless given"),
            p("storagetype", Str),
            p("tags", Str).doc("storage tags; root volumes go to pools with all of them"),
            p("domainid", Id(Kind::Domain))
                .doc("the domain that may use it; everybody unless given"),
            p("hosttags", Str).doc("tags separated by commas; VMs run on hosts with all of them"),
            p("issystem", Bool).doc("true for an offering of system VMs"),
            p("systemvmtype", Str),
            p("networkrate", Int).doc("megabits a second of the VM's NICs"),
            p("deploymentplanner", Str).doc("who chooses hosts, from listDeploymentPlanners"),
            p("serviceofferingdetails", Map(MapForm::Free))
                .doc("details for the planner: `serviceofferingdetails[0].key=value`"),
            p("bytesreadrate", Long),
            p("byteswriterate", Long),
            p("iopsreadrate", Long),
            p("iopswriterate", Long),
        ])
        .event("SERVICE.OFFERING.CREATE")
        .object("serviceoffering", &SERVICE_OFFERING),
    later("deleteServiceOffering")
        .doc("Withdraws a service offering; VMs of it stay")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::ServiceOffering)).required()])
        .event("SERVICE.OFFERING.DELETE")
        .success(),
    later("listServiceOfferings")
        .doc("Lists service offerings the caller may use")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::ServiceOffering)),
            p("name", Str),
            p("virtualmachineid", Id(Kind::Vm)).doc("shows only those this VM can change to"),
            p("domainid", Id(Kind::Domain)).doc("shows only those of this domain"),
            p("issystem", Bool),
            p("systemvmtype", Str),
        ])
        .groups(&[group::PAGED])
        .items("serviceoffering", &SERVICE_OFFERING),
    later("updateServiceOffering")
        .doc("Renames a service offering or changes its place in lists")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::ServiceOffering)).required(),
            p("displaytext", Str),
            p("name", Str),
            p("sortkey", Int),
        ])
        .event("SERVICE.OFFERING.EDIT")
        .object("serviceoffering", &SERVICE_OFFERING),
];
