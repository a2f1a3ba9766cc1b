//! A web shop: machines behind a load balancer, more by day than by night.

use super::{
    chance::Chance,
    hand::{Hand, Item},
};
use crate::state::MachineState;

/// Machines it has at most.
const MACHINES: usize = 4;

/// The number of machines that run in an hour of the day, UTC.
fn wanted(hour: i64) -> usize {
    match hour {
        8..=18 => MACHINES,
        19..=22 => 3,
        _ => 2,
    }
}

pub(super) fn wake(hand: &mut Hand<'_>, chance: &mut Chance) {
    let Some(catalogue) = hand.catalogue() else { return };
    // 1. Machines enough for the busiest hour.
    let all = hand.list("listVirtualMachines", &[]);
    if all.iter().filter(|vm| vm.text("state") != "Error").count() < MACHINES {
        hand.call(
            "deployVirtualMachine",
            &[
                ("zoneid", &catalogue.zone),
                ("serviceofferingid", &catalogue.small),
                ("templateid", &catalogue.template),
                ("displayname", "web"),
            ],
        );
    }
    // What customers see is to come up again when its host dies.
    for vm in all.iter().filter(|vm| !vm.is("haenable")) {
        hand.call("updateVirtualMachine", &[("id", &vm.id()), ("haenable", "true")]);
    }
    // 2. As many run as the hour needs.
    let hour = hand.now.as_millis().div_euclid(3_600_000).rem_euclid(24);
    let (running, stopped) =
        (hand.machines(MachineState::Running), hand.machines(MachineState::Stopped));
    for vm in running.iter().skip(wanted(hour)) {
        hand.call("stopVirtualMachine", &[("id", &vm.id())]);
    }
    for vm in stopped.iter().take(wanted(hour).saturating_sub(running.len())) {
        hand.call("startVirtualMachine", &[("id", &vm.id())]);
    }
    // 3. Larger while it runs, smaller while it is stopped.
    if chance.one_in(8)
        && let Some(vm) = chance.pick(&running)
    {
        let larger = if chance.one_in(2) { &catalogue.medium } else { &catalogue.large };
        hand.call("scaleVirtualMachine", &[("id", &vm.id()), ("serviceofferingid", larger)]);
    }
    if chance.one_in(6)
        && let Some(vm) = chance.pick(&stopped)
    {
        hand.call(
            "changeServiceForVirtualMachine",
            &[("id", &vm.id()), ("serviceofferingid", &catalogue.small)],
        );
    }
    if chance.one_in(60)
        && let Some(vm) = chance.pick(&all)
    {
        hand.call("destroyVirtualMachine", &[("id", &vm.id())]);
    }
    if let Some(network) = hand.list("listNetworks", &[("type", "Isolated")]).first() {
        front(hand, chance, network, &running);
    }
}

/// The address with its load balancer, and ports that come and go.
fn front(hand: &mut Hand<'_>, chance: &mut Chance, network: &Item, running: &[Item]) {
    let addresses =
        hand.list("listPublicIpAddresses", &[("associatednetworkid", network.text("id"))]);
    let Some(address) = addresses.iter().find(|address| !address.is("issourcenat")) else {
        hand.call("associateIpAddress", &[("networkid", network.text("id"))]);
        return;
    };
    let address = address.id();
    let balancers = hand.list("listLoadBalancerRules", &[]);
    match balancers.first() {
        None => {
            hand.call(
                "createLoadBalancerRule",
                &[
                    ("publicipid", &address),
                    ("name", "web"),
                    ("algorithm", "roundrobin"),
                    ("publicport", "443"),
                    ("privateport", "8443"),
                ],
            );
        }
        Some(rule) if chance.one_in(90) => {
            hand.call("deleteLoadBalancerRule", &[("id", &rule.id())]);
        }
        Some(rule) => {
            let behind = hand.list("listLoadBalancerRuleInstances", &[("id", rule.text("id"))]);
            for vm in running {
                if behind.iter().all(|other| other.id() != vm.id()) {
                    hand.call(
                        "assignToLoadBalancerRule",
                        &[("id", rule.text("id")), ("virtualmachineids", vm.text("id"))],
                    );
                }
            }
        }
    }
    let forwarding = hand.list("listPortForwardingRules", &[]);
    if chance.one_in(12)
        && let Some(vm) = chance.pick(running)
    {
        // Now and then one that is taken already.
        let port = (8_000 + chance.below(6)).to_string();
        hand.call(
            "createPortForwardingRule",
            &[
                ("ipaddressid", &address),
                ("protocol", "tcp"),
                ("publicport", &port),
                ("privateport", "22"),
                ("virtualmachineid", vm.text("id")),
            ],
        );
    }
    if chance.one_in(15)
        && let Some(rule) = chance.pick(&forwarding)
    {
        hand.call("deletePortForwardingRule", &[("id", rule.text("id"))]);
    }
    // Another offering for the network; only some of them fit what stands on it.
    if chance.one_in(72) {
        let offerings =
            hand.list("listNetworkOfferings", &[("guestiptype", "Isolated"), ("state", "Enabled")]);
        if let Some(offering) = chance.pick(&offerings) {
            hand.call(
                "updateNetwork",
                &[("id", network.text("id")), ("networkofferingid", offering.text("id"))],
            );
        }
    }
    if chance.one_in(200) {
        hand.call("disassociateIpAddress", &[("id", &address)]);
    }
}
