//! A developer who forgets resources: machines left stopped, volumes detached, addresses
//! that lead nowhere, images registered and never used.

use super::{
    chance::Chance,
    hand::{Catalogue, Hand, Item},
};
use crate::state::MachineState;

pub(super) fn wake(hand: &mut Hand<'_>, chance: &mut Chance) {
    let Some(catalogue) = hand.catalogue() else { return };
    let machines = hand.list("listVirtualMachines", &[]);
    machine_work(hand, chance, &catalogue, &machines);
    disk_work(hand, chance, &catalogue, &machines);
    address_work(hand, chance, &catalogue);
    image_work(hand, chance, &catalogue, &machines);
    network_work(hand, chance, &catalogue, &machines);
    // People who work from home.
    let name = format!("colleague-{}", chance.below(4));
    if chance.one_in(10) {
        hand.call("addVpnUser", &[("username", &name), ("password", "password")]);
    }
    if chance.one_in(14) {
        hand.call("removeVpnUser", &[("username", &name)]);
    }
}

fn machine_work(
    hand: &mut Hand<'_>,
    chance: &mut Chance,
    catalogue: &Catalogue,
    machines: &[Item],
) {
    if machines.len() < 5 && chance.one_in(5) {
        let is_started = if chance.one_in(3) { "false" } else { "true" };
        let params = [
            ("zoneid", catalogue.zone.as_str()),
            ("serviceofferingid", &catalogue.small),
            ("templateid", &catalogue.template),
            ("startvm", is_started),
        ];
        let isos = hand.list("listIsos", &[("isofilter", "self"), ("isready", "true")]);
        let iso = chance.pick(&isos).filter(|iso| iso.text("zoneid") == catalogue.zone);
        match iso.filter(|_| chance.one_in(2)) {
            Some(iso) => {
                let mut params = params.to_vec();
                params[2] = ("templateid", iso.text("id"));
                params.push(("diskofferingid", &catalogue.disk));
                params.push(("hypervisor", "Simulator"));
                hand.call("deployVirtualMachine", &params);
            }
            None => drop(hand.call("deployVirtualMachine", &params)),
        }
    }
    let Some(vm) = chance.pick(machines) else { return };
    let id = [("id", vm.text("id"))];
    match chance.below(16) {
        0 | 1 => drop(hand.call("stopVirtualMachine", &id)),
        2 | 3 => drop(hand.call("startVirtualMachine", &id)),
        4 => drop(hand.call("rebootVirtualMachine", &id)),
        5 if chance.one_in(2) => drop(hand.call("destroyVirtualMachine", &id)),
        6 => {
            let templates = hand.list("listTemplates", &[("templatefilter", "executable")]);
            let mut params = vec![("virtualmachineid", vm.text("id"))];
            let other = chance.pick(&templates).filter(|_| chance.one_in(2));
            let other = other.map(Item::id);
            params.extend(other.as_deref().map(|id| ("templateid", id)));
            hand.call("restoreVirtualMachine", &params);
        }
        7 => {
            let offerings = [&catalogue.small, &catalogue.medium, &catalogue.large];
            let offering = chance.pick(&offerings).map_or("", |id| id.as_str());
            let params = [id[0], ("serviceofferingid", offering)];
            hand.call("changeServiceForVirtualMachine", &params);
        }
        _ => {}
    }
}

fn disk_work(hand: &mut Hand<'_>, chance: &mut Chance, catalogue: &Catalogue, machines: &[Item]) {
    if chance.one_in(8) {
        hand.call(
            "createVolume",
            &[("name", "data"), ("zoneid", &catalogue.zone), ("diskofferingid", &catalogue.disk)],
        );
    }
    let volumes = hand.list("listVolumes", &[("type", "DATADISK")]);
    let (Some(volume), Some(vm)) = (chance.pick(&volumes), chance.pick(machines)) else { return };
    let (id, vm) = (volume.text("id"), vm.text("id"));
    match chance.below(8) {
        0 | 1 => drop(hand.call("attachVolume", &[("id", id), ("virtualmachineid", vm)])),
        2 => drop(hand.call("detachVolume", &[("id", id)])),
        3 if chance.one_in(3) => drop(hand.call("deleteVolume", &[("id", id)])),
        4 => {
            let params =
                [("id", id), ("diskofferingid", catalogue.custom_disk.as_str()), ("size", "9")];
            hand.call("resizeVolume", &params);
        }
        _ => {}
    }
}

fn address_work(hand: &mut Hand<'_>, chance: &mut Chance, catalogue: &Catalogue) {
    let networks = hand.list("listNetworks", &[("type", "Isolated")]);
    if chance.one_in(12)
        && let Some(network) = chance.pick(&networks)
    {
        let portable = if chance.one_in(2) { "true" } else { "false" };
        let params = [("networkid", network.text("id")), ("isportable", portable)];
        hand.call("associateIpAddress", &params);
    }
    if chance.one_in(40) {
        hand.call("associateIpAddress", &[("zoneid", &catalogue.zone)]);
    }
    let addresses = hand.list("listPublicIpAddresses", &[]);
    let Some(address) = chance.pick(&addresses) else { return };
    let id = address.text("id");
    let machines = hand.machines(MachineState::Running);
    match chance.below(16) {
        0 => drop(hand.call("disassociateIpAddress", &[("id", id)])),
        1 | 2 if !address.is("isstaticnat") => {
            if let Some(vm) = chance.pick(&machines) {
                let params = [("ipaddressid", id), ("virtualmachineid", vm.text("id"))];
                hand.call("enableStaticNat", &params);
            }
        }
        1..=3 => {
            hand.call(
                "createIpForwardingRule",
                &[("ipaddressid", id), ("protocol", "tcp"), ("startport", "22")],
            );
        }
        4 => drop(hand.call("disableStaticNat", &[("ipaddressid", id)])),
        5 => {
            let rules = hand.list("listIpForwardingRules", &[]);
            if let Some(rule) = chance.pick(&rules) {
                hand.call("deleteIpForwardingRule", &[("id", rule.text("id"))]);
            }
        }
        6 => drop(hand.call("createRemoteAccessVpn", &[("publicipid", id)])),
        7 => drop(hand.call("deleteRemoteAccessVpn", &[("publicipid", id)])),
        _ => {}
    }
}

fn image_work(hand: &mut Hand<'_>, chance: &mut Chance, catalogue: &Catalogue, machines: &[Item]) {
    let everywhere_or_here = if chance.one_in(3) { "-1" } else { catalogue.zone.as_str() };
    if chance.one_in(20) {
        let hypervisor = if chance.one_in(4) { "BareMetal" } else { "Simulator" };
        hand.call(
            "registerTemplate",
            &[
                ("name", "trial"),
                ("displaytext", "a trial"),
                ("format", if hypervisor == "BareMetal" { "BareMetal" } else { "VHD" }),
                ("hypervisor", hypervisor),
                ("ostypeid", &catalogue.os_type),
                ("url", "http://files.example.org/trial.vhd"),
                ("zoneid", everywhere_or_here),
            ],
        );
    }
    if chance.one_in(20) {
        hand.call(
            "registerIso",
            &[
                ("name", "installer"),
                ("displaytext", "an installer"),
                ("ostypeid", &catalogue.os_type),
                ("url", "http://files.example.org/installer.iso"),
                ("zoneid", everywhere_or_here),
            ],
        );
    }
    let templates = hand.list("listTemplates", &[("templatefilter", "self")]);
    let isos = hand.list("listIsos", &[("isofilter", "self")]);
    let (from, to) = (catalogue.zone.as_str(), catalogue.other_zone.as_str());
    if let Some(template) = chance.pick(&templates) {
        let id = ("id", template.text("id"));
        match chance.below(24) {
            0 => {
                let params = [id, ("sourcezoneid", from), ("destzoneid", to)];
                hand.call("copyTemplate", &params);
            }
            1 => drop(hand.call("deleteTemplate", &[id, ("zoneid", template.text("zoneid"))])),
            2 if chance.one_in(2) => drop(hand.call("deleteTemplate", &[id])),
            _ => {}
        }
    }
    if let Some(iso) = chance.pick(&isos) {
        let id = ("id", iso.text("id"));
        match chance.below(24) {
            0 => drop(hand.call("copyIso", &[id, ("sourcezoneid", from), ("destzoneid", to)])),
            1 => drop(hand.call("deleteIso", &[id, ("zoneid", iso.text("zoneid"))])),
            2 if chance.one_in(2) => drop(hand.call("deleteIso", &[id])),
            3 | 4 => {
                if let Some(vm) = chance.pick(machines) {
                    hand.call("attachIso", &[id, ("virtualmachineid", vm.text("id"))]);
                }
            }
            5 => {
                if let Some(vm) = chance.pick(machines) {
                    hand.call("detachIso", &[("virtualmachineid", vm.text("id"))]);
                }
            }
            _ => {}
        }
    }
}

fn network_work(
    hand: &mut Hand<'_>,
    chance: &mut Chance,
    catalogue: &Catalogue,
    machines: &[Item],
) {
    let networks = hand.list("listNetworks", &[("type", "Isolated")]);
    if networks.len() < 2 && chance.one_in(10) {
        let name = "DefaultIsolatedNetworkOfferingWithSourceNatService";
        let offering = hand.id_with("listNetworkOfferings", &[], ("name", name));
        let Some(offering) = offering else { return };
        hand.call(
            "createNetwork",
            &[
                ("name", "back"),
                ("displaytext", "behind"),
                ("networkofferingid", &offering),
                ("zoneid", &catalogue.zone),
            ],
        );
    }
    let Some(vm) = chance.pick(machines) else { return };
    let id = ("virtualmachineid", vm.text("id"));
    let nics = vm.items("nic");
    match chance.below(20) {
        0 | 1 => {
            if let Some(network) = chance.pick(&networks) {
                hand.call("addNicToVirtualMachine", &[id, ("networkid", network.text("id"))]);
            }
        }
        2 => {
            if let Some(nic) = chance.pick(&nics) {
                hand.call("removeNicFromVirtualMachine", &[id, ("nicid", nic.text("id"))]);
            }
        }
        3 => {
            if let Some(nic) = chance.pick(&nics) {
                hand.call("updateDefaultNicForVirtualMachine", &[id, ("nicid", nic.text("id"))]);
            }
        }
        _ => {}
    }
}
