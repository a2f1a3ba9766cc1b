//! Traffic monitors: who counts bytes of addresses directly on VMs.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const TRAFFIC_MONITOR: Object = Object {
    name: "TrafficMonitor",
    fields: &[ID, ZONE_ID, f("ipaddress", W::Str), f("numretries", W::Str), f("timeout", W::Str)],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("addTrafficMonitor")
        .doc("Adds a device that counts bytes of shared networks in a zone")
        .roles(Roles::ROOT)
        .params(&[
            p("zoneid", Id(Kind::Zone)).required(),
            p("url", Str).required(),
            p("includezones", Str).doc("inside interfaces whose traffic counts"),
            p("excludezones", Str).doc("interfaces whose traffic does not count"),
        ])
        .object("trafficmonitor", &TRAFFIC_MONITOR),
    later("deleteTrafficMonitor")
        .doc("Removes a traffic monitor")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::TrafficMonitor)).required()])
        .success(),
    later("listTrafficMonitors")
        .doc("Lists traffic monitors")
        .roles(Roles::ROOT)
        .params(&[p("zoneid", Id(Kind::Zone)).required()])
        .groups(&[group::PAGED])
        .items("trafficmonitor", &TRAFFIC_MONITOR),
];
