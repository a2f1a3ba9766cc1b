//! The fields of virtual machines beyond those that are stored: how it is
//! reached, and how busy it is.
//!
//! A simulated guest is as busy as its host counts it: it uses all the CPU it is given,
//! and sends and receives what the counters of its router grow by.

use crate::{
    col,
    desk::simulator,
    engine::{Node, Resource, View, World},
    state::MachineState,
    table::Kind,
};

/// The fields that `details` of listVirtualMachines asks for.
pub(super) const DETAILS: &[(&str, &[&str])] = &[
    ("group", &["groupid", "group"]),
    ("nics", &["nic"]),
    (
        "stats",
        &[
            "cpuused",
            "networkkbsread",
            "networkkbswrite",
            "diskkbsread",
            "diskkbswrite",
            "diskioread",
            "diskiowrite",
        ],
    ),
    ("secgrp", &["securitygroup"]),
    ("tmpl", &["templateid", "templatename", "templatedisplaytext", "passwordenabled"]),
    ("servoff", &["serviceofferingid", "serviceofferingname", "cpunumber", "cpuspeed", "memory"]),
    ("iso", &["isoid", "isoname", "isodisplaytext"]),
    ("volume", &["rootdeviceid", "rootdevicetype"]),
    ("affgrp", &["affinitygroup"]),
];

/// Tells whether a machine is on a guest network, not directly on a shared one: its default
/// NIC is.
pub(super) fn is_on_guest_network(world: &World, vm: &Resource) -> bool {
    world
        .referring(vm.id, Kind::Nic, col::VIRTUAL_MACHINE_ID)
        .find(|nic| nic.flag(col::IS_DEFAULT))
        .is_some_and(|nic| nic.text(col::TYPE) != "Shared")
}

/// A column of the public address that leads to a machine by static NAT.
pub(super) fn public_address(view: &View<'_>, of: fn(&Resource) -> String) -> Node {
    let addresses =
        view.world.referring(view.resource.id, Kind::IpAddress, col::VIRTUAL_MACHINE_ID);
    Node::text_if(addresses.filter(|address| address.flag(col::IS_STATIC_NAT)).map(of).next())
}

fn if_running(view: &View<'_>, node: Node) -> Node {
    if view.resource.is(MachineState::Running) { node } else { Node::Null }
}

pub(super) fn cpu_used(view: &View<'_>) -> Node {
    if_running(view, Node::text("100%"))
}

/// Kilobytes a second.
pub(super) fn received(view: &View<'_>) -> Node {
    if_running(view, Node::Int(simulator::RECEIVED_BYTES_PER_S / 1000))
}

/// The same.
pub(super) fn sent(view: &View<'_>) -> Node {
    if_running(view, Node::Int(simulator::SENT_BYTES_PER_S / 1000))
}

/// The disks of simulated guests are idle.
pub(super) fn disk(view: &View<'_>) -> Node {
    if_running(view, Node::Int(0))
}
