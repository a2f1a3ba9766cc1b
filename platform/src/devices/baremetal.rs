//! Bare metal: hosts that are given to a tenant whole, with their DHCP and PXE servers.
//! Guide 4.1.1.6.

use crate::{
    site::host::{HOST, add_bare_metal},
    table::{
        Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, own,
        p,
    },
};

pub(crate) const BAREMETAL_DHCP: Object = Object {
    name: "BaremetalDhcp",
    fields: &[
        ID,
        f("physicalnetworkid", W::Id(Kind::PhysicalNetwork)),
        f("provider", W::Str),
        f("dhcpservertype", W::Str),
        f("url", W::Str),
    ],
};

pub(crate) const BAREMETAL_PXE: Object = Object {
    name: "BaremetalPxe",
    fields: &[
        ID,
        f("physicalnetworkid", W::Id(Kind::PhysicalNetwork)),
        f("provider", W::Str),
        f("url", W::Str),
    ],
};

pub(crate) const BAREMETAL_PXE_KICK_START: Object = Object {
    name: "BaremetalPxeKickStart",
    fields: &[
        f("tftpdir", W::Str),
        ID,
        f("physicalnetworkid", W::Id(Kind::PhysicalNetwork)),
        f("provider", W::Str),
        f("url", W::Str),
    ],
};

pub(crate) const BAREMETAL_PXE_PING: Object = Object {
    name: "BaremetalPxePing",
    fields: &[
        f("pingstorageserverip", W::Str),
        f("pingdir", W::Str),
        f("tftpdir", W::Str),
        ID,
        f("physicalnetworkid", W::Id(Kind::PhysicalNetwork)),
        f("provider", W::Str),
        f("url", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("addBaremetalDhcp")
        .doc("Adds a DHCP server for bare metal hosts to a physical network")
        .roles(Roles::ROOT)
        .params(&[
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)).required(),
            p("dhcpservertype", Str).required(),
            p("url", Str).required(),
            p("username", Str).required(),
            p("password", Secret).required(),
        ])
        .job("PHYSICAL.DHCP.ADD")
        .object("baremetaldhcp", &BAREMETAL_DHCP),
    own("addBaremetalHost")
        .doc("Adds a host that is given to a VM whole")
        .roles(Roles::ROOT)
        .params(&[
            p("ipaddress", Str).doc("the address of the host"),
            p("clusterid", Id(Kind::Cluster)),
            p("clustername", Str),
            p("password", Secret).required(),
            p("podid", Id(Kind::Pod)).required(),
            p("url", Str).required().doc("the address of the management board"),
            p("username", Str).required(),
            p("zoneid", Id(Kind::Zone)).required(),
            p("hypervisor", Str).required().doc("`BareMetal`"),
            p("allocationstate", Str),
            p("hosttags", List),
        ])
        .object("host", &HOST)
        .act(add_bare_metal),
    later("addBaremetalPxeKickStartServer")
        .doc("Adds a PXE server that installs by kickstart")
        .roles(Roles::ROOT)
        .params(&[
            p("tftpdir", Str).required(),
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)).required(),
            p("podid", Id(Kind::Pod)),
            p("url", Str).required(),
            p("pxeservertype", Str).required(),
            p("username", Str).required(),
            p("password", Secret).required(),
        ])
        .job("PHYSICAL.PXE.ADD")
        .object("baremetalpxeserver", &BAREMETAL_PXE_KICK_START),
    later("addBaremetalPxePingServer")
        .doc("Adds a PXE server that installs images by PING")
        .roles(Roles::ROOT)
        .params(&[
            p("pingstorageserverip", Str)
                .required()
                .doc("the address of the storage with the images"),
            p("pingdir", Str).required().doc("the folder of the images"),
            p("tftpdir", Str).required(),
            p("pingcifsusername", Str).doc("the user for the storage"),
            p("pingcifspassword", Secret).doc("the password for the storage"),
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)).required(),
            p("podid", Id(Kind::Pod)),
            p("url", Str).required(),
            p("pxeservertype", Str).required(),
            p("username", Str).required(),
            p("password", Secret).required(),
        ])
        .job("PHYSICAL.PXE.ADD")
        .object("baremetalpxeserver", &BAREMETAL_PXE_PING),
    later("listBaremetalDhcp")
        .doc("Lists DHCP servers for bare metal hosts")
        .roles(Roles::ROOT)
        .params(&[p("id", Long).doc("the number of the server"), p("dhcpservertype", Str)])
        .groups(&[group::PAGED])
        .items("baremetaldhcp", &BAREMETAL_DHCP),
    later("listBaremetalPxeServers")
        .doc("Lists PXE servers for bare metal hosts")
        .roles(Roles::ROOT)
        .params(&[p("id", Long).doc("the number of the server")])
        .groups(&[group::PAGED])
        .items("baremetalpxeserver", &BAREMETAL_PXE),
];
