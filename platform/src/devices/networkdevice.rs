//! Network devices in general, by type and parameters.

use crate::table::{
    Command, Kind, MapForm, Object, ParamType::*, Roles, fields::*, group, later, p,
};

pub(crate) const NETWORK_DEVICE: Object = Object { name: "NetworkDevice", fields: &[ID] };

pub(crate) static COMMANDS: &[Command] = &[
    later("addNetworkDevice")
        .doc("Adds a network device of any type")
        .roles(Roles::ROOT)
        .params(&[p("networkdevicetype", Str), p("networkdeviceparameterlist", Map(MapForm::Free))])
        .object("networkdevice", &NETWORK_DEVICE),
    later("deleteNetworkDevice")
        .doc("Removes a network device")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::NetworkDevice)).required()])
        .success(),
    later("listNetworkDevice")
        .doc("Lists network devices of a type")
        .roles(Roles::ROOT)
        .params(&[p("networkdevicetype", Str), p("networkdeviceparameterlist", Map(MapForm::Free))])
        .groups(&[group::PAGED])
        .items("networkdevice", &NETWORK_DEVICE),
];
