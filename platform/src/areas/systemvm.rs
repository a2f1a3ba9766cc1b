//! System VMs: console proxies and secondary storage VMs.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const SYSTEM_VM: Object = Object {
    name: "SystemVm",
    fields: &[
        ID,
        f("systemvmtype", W::Str),
        JOB_ID,
        JOB_STATUS,
        ZONE_ID,
        ZONE_NAME,
        f("dns1", W::Str),
        f("dns2", W::Str),
        f("networkdomain", W::Str),
        f("gateway", W::Str),
        f("name", W::Str),
        f("podid", W::Id(Kind::Pod)),
        f("hostid", W::Id(Kind::Host)),
        f("hostname", W::Str).join("hostid", "name"),
        f("privateip", W::Str),
        f("privatemacaddress", W::Str),
        f("privatenetmask", W::Str),
        f("linklocalip", W::Str),
        f("linklocalmacaddress", W::Str),
        f("linklocalnetmask", W::Str),
        f("publicip", W::Str),
        f("publicmacaddress", W::Str),
        f("publicnetmask", W::Str),
        f("templateid", W::Id(Kind::Template)),
        CREATED,
        STATE,
        f("activeviewersessions", W::Int),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("changeServiceForSystemVm")
        .doc("Gives a stopped system VM another service offering")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::SystemVm)).required(),
            p("serviceofferingid", Id(Kind::ServiceOffering)).required(),
        ])
        .event("VM.UPGRADE")
        .object("systemvm", &SYSTEM_VM),
    later("destroySystemVm")
        .doc("Destroys a system VM; a new one takes its place")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::SystemVm)).required()])
        .job("PROXY.DESTROY") // `SSVM.DESTROY` for a secondary storage VM
        .object("systemvm", &SYSTEM_VM),
    later("listSystemVms")
        .doc("Lists console proxies and secondary storage VMs")
        .roles(Roles::ROOT)
        .params(&[
            p("hostid", Id(Kind::Host)),
            p("id", Id(Kind::SystemVm)),
            p("name", Str),
            p("podid", Id(Kind::Pod)),
            p("state", Str),
            p("systemvmtype", Str).doc("`consoleproxy` or `secondarystoragevm`"),
            p("zoneid", Id(Kind::Zone)),
            p("storageid", Id(Kind::StoragePool)),
        ])
        .groups(&[group::PAGED])
        .items("systemvm", &SYSTEM_VM),
    later("migrateSystemVm")
        .doc("Moves a running system VM to another host")
        .roles(Roles::ROOT)
        .params(&[
            p("hostid", Id(Kind::Host)).required().doc("the host to move to"),
            p("virtualmachineid", Id(Kind::SystemVm)).required().doc("the system VM"),
        ])
        .job("VM.MIGRATE")
        .object("systemvminstance", &SYSTEM_VM),
    later("rebootSystemVm")
        .doc("Reboots a running system VM")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::SystemVm)).required()])
        .job("PROXY.REBOOT") // `SSVM.REBOOT` for a secondary storage VM
        .object("systemvm", &SYSTEM_VM),
    later("scaleSystemVm")
        .doc("Gives a system VM another service offering while it runs")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::SystemVm)).required(),
            p("serviceofferingid", Id(Kind::ServiceOffering)).required(),
        ])
        .job("VM.UPGRADE")
        .object("systemvm", &SYSTEM_VM),
    later("startSystemVm")
        .doc("Starts a stopped system VM")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::SystemVm)).required()])
        .job("PROXY.START") // `SSVM.START` for a secondary storage VM
        .object("systemvm", &SYSTEM_VM),
    later("stopSystemVm")
        .doc("Stops a running system VM")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::SystemVm)).required(),
            p("forced", Bool).doc("true to count it as stopped although its host does not answer"),
        ])
        .job("PROXY.STOP") // `SSVM.STOP` for a secondary storage VM
        .object("systemvm", &SYSTEM_VM),
];
