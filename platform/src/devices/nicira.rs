//! Nicira NVP controllers of guest networks. Guide 4.1.1.24.

use crate::{
    network::guest::NETWORK,
    table::{
        Command, Kind, Object, ParamType::*, Roles, Source, WireType as W, f, group, later, p,
    },
};

pub(crate) const NICIRA_NVP_DEVICE: Object = Object {
    name: "NiciraNvpDevice",
    fields: &[
        f("nvpdeviceid", W::Str).from(Source::Uuid),
        f("physicalnetworkid", W::Id(Kind::PhysicalNetwork)),
        f("provider", W::Str),
        f("niciradevicename", W::Str),
        f("hostname", W::Str),
        f("transportzoneuuid", W::Str),
        f("l3gatewayserviceuuid", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("addNiciraNvpDevice")
        .doc("Adds a Nicira NVP controller to a physical network")
        .roles(Roles::ROOT)
        .params(&[
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)).required(),
            p("hostname", Str).required(),
            p("username", Str).required(),
            p("password", Secret).required(),
            p("transportzoneuuid", Str)
                .required()
                .doc("the uuid of the transport zone on the controller"),
            p("l3gatewayserviceuuid", Str)
                .doc("the uuid of the L3 gateway service on the controller"),
        ])
        .job("PHYSICAL.NVPCONTROLLER.ADD")
        .object("niciranvpdevice", &NICIRA_NVP_DEVICE),
    later("deleteNiciraNvpDevice")
        .doc("Removes a Nicira NVP controller that no network uses")
        .roles(Roles::ROOT)
        .params(&[p("nvpdeviceid", Id(Kind::NiciraNvpDevice)).required()])
        .job("PHYSICAL.NVPCONTROLLER.DELETE")
        .success(),
    later("listNiciraNvpDeviceNetworks")
        .doc("Lists the networks that use a Nicira NVP controller")
        .roles(Roles::ROOT)
        .params(&[p("nvpdeviceid", Id(Kind::NiciraNvpDevice)).required()])
        .groups(&[group::PAGED])
        .items("network", &NETWORK),
    later("listNiciraNvpDevices")
        .doc("Lists Nicira NVP controllers")
        .roles(Roles::ROOT)
        .params(&[
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)),
            p("nvpdeviceid", Id(Kind::NiciraNvpDevice)),
        ])
        .groups(&[group::PAGED])
        .items("niciranvpdevice", &NICIRA_NVP_DEVICE),
];
