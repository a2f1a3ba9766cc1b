//! BigSwitch VNS controllers of guest networks. Guide 4.1.1.25.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, Source, WireType as W, f, group, later, p,
};

pub(crate) const BIG_SWITCH_VNS_DEVICE: Object = Object {
    name: "BigSwitchVnsDevice",
    fields: &[
        f("vnsdeviceid", W::Str).from(Source::Uuid),
        f("physicalnetworkid", W::Id(Kind::PhysicalNetwork)),
        f("provider", W::Str),
        f("bigswitchdevicename", W::Str),
        f("hostname", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("addBigSwitchVnsDevice")
        .doc("Adds a BigSwitch VNS controller to a physical network")
        .roles(Roles::ROOT)
        .params(&[
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)).required(),
            p("hostname", Str).required(),
        ])
        .job("PHYSICAL.VNSCONTROLLER.ADD")
        .object("bigswitchvnsdevice", &BIG_SWITCH_VNS_DEVICE),
    later("deleteBigSwitchVnsDevice")
        .doc("Removes a BigSwitch VNS controller that no network uses")
        .roles(Roles::ROOT)
        .params(&[p("vnsdeviceid", Id(Kind::BigSwitchVnsDevice)).required()])
        .job("PHYSICAL.VNSCONTROLLER.DELETE")
        .success(),
    later("listBigSwitchVnsDevices")
        .doc("Lists BigSwitch VNS controllers")
        .roles(Roles::ROOT)
        .params(&[
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)),
            p("vnsdeviceid", Id(Kind::BigSwitchVnsDevice)),
        ])
        .groups(&[group::PAGED])
        .items("bigswitchvnsdevice", &BIG_SWITCH_VNS_DEVICE),
];
