//! The operator: makes what tenants need, helps them, and brings the faults.

use super::{
    chance::Chance,
    hand::{Hand, Item},
};
use crate::state::MachineState;

/// The work that simulated hosts are asked to do, and can be slow at or fail.
const AGENT_COMMANDS: [&str; 4] =
    ["StartCommand", "StopCommand", "BackupSnapshotCommand", "MigrateCommand"];

pub(super) fn wake(hand: &mut Hand<'_>, chance: &mut Chance, tenants: usize) {
    prepare(hand);
    faults(hand, chance);
    hosts(hand, chance);
    // More happens where there is more.
    for _ in 1..tenants.div_ceil(4) {
        help(hand, chance);
    }
    help(hand, chance);
}

/// An offering that no host has room for, portable addresses, another network
/// offering, machines that are scaled while they run.
fn prepare(hand: &mut Hand<'_>) {
    if hand.id_with("listServiceOfferings", &[], ("name", "Huge Instance")).is_some() {
        return;
    }
    hand.call(
        "createServiceOffering",
        &[
            ("name", "Huge Instance"),
            ("displaytext", "larger than any host"),
            ("cpunumber", "30"),
            ("cpuspeed", "1000000"),
            ("memory", "1024"),
        ],
    );
    hand.call(
        "createPortableIpRange",
        &[
            ("regionid", "1"),
            ("startip", "192.0.2.10"),
            ("endip", "192.0.2.60"),
            ("gateway", "192.0.2.1"),
            ("netmask", "255.255.255.0"),
            ("vlan", "77"),
        ],
    );
    let zone = hand.id_with("listZones", &[], ("networktype", "Advanced")).unwrap_or_default();
    let setting = [("name", "enable.dynamic.scale.vm"), ("value", "true"), ("zoneid", &zone)];
    hand.call("updateConfiguration", &setting);
    hand.call(
        "createNetworkOffering",
        &[
            ("name", "Isolated, again"),
            ("displaytext", "as the default, at another price"),
            ("traffictype", "Guest"),
            ("guestiptype", "Isolated"),
            (
                "supportedservices",
                "Dhcp,Dns,Firewall,Lb,PortForwarding,SourceNat,StaticNat,UserData,Vpn",
            ),
        ],
    );
    let made = hand.id_with("listNetworkOfferings", &[], ("name", "Isolated, again"));
    if let Some(id) = made {
        hand.call("updateNetworkOffering", &[("id", &id), ("state", "Enabled")]);
    }
}

/// Makes one kind of work slow or failing everywhere, for a while.
fn faults(hand: &mut Hand<'_>, chance: &mut Chance) {
    let Some(name) = chance.pick(&AGENT_COMMANDS) else { return };
    let value = match chance.below(12) {
        0 => "enabled:false".to_owned(),
        1 => format!("wait:{}", 1 + chance.below(400_000)),
        2 => format!("timeout:{}", 1 + chance.below(400)),
        _ => "enabled:true".to_owned(),
    };
    hand.call("configureSimulator", &[("name", name), ("value", &value)]);
}

/// A host dies now and then, and comes back.
fn hosts(hand: &mut Hand<'_>, chance: &mut Chance) {
    let simulated = [("type", "Routing"), ("hypervisor", "Simulator")];
    let hosts = hand.list("listHosts", &simulated);
    for host in hosts.iter().filter(|host| host.text("state") == "Down") {
        if chance.one_in(3) {
            ping(hand, host, "enabled:true");
        }
    }
    let up: Vec<&Item> = hosts.iter().filter(|host| host.text("state") == "Up").collect();
    if up.len() > 2
        && chance.one_in(40)
        && let Some(host) = chance.pick(&up)
    {
        ping(hand, host, "enabled:false");
    }
}

fn ping(hand: &mut Hand<'_>, host: &Item, value: &str) {
    let Some(number) = hand.number_of(host.text("id")) else { return };
    hand.call(
        "configureSimulator",
        &[("hostid", &number.to_string()), ("name", "PingCommand"), ("value", value)],
    );
    hand.call("reconnectHost", &[("id", host.text("id"))]);
}

/// The mishap of some machine, or a change that is made for its owner.
fn help(hand: &mut Hand<'_>, chance: &mut Chance) {
    let everybody = ("listall", "true");
    let machines = |hand: &mut Hand<'_>, state: MachineState| {
        hand.list("listVirtualMachines", &[everybody, ("state", state.name())])
    };
    match chance.below(16) {
        0 | 1 => {
            let running = machines(hand, MachineState::Running);
            if let Some(id) = chance.pick(&running).and_then(|vm| hand.number_of(vm.text("id"))) {
                hand.shut_down(id);
            }
        }
        2..=4 => {
            let destroyed = machines(hand, MachineState::Destroyed);
            if let Some(vm) = chance.pick(&destroyed) {
                hand.call("recoverVirtualMachine", &[("id", vm.text("id"))]);
            }
        }
        5 => {
            let running = machines(hand, MachineState::Running);
            let hosts = hand.list("listHosts", &[("type", "Routing"), ("hypervisor", "Simulator")]);
            if let (Some(vm), Some(host)) = (chance.pick(&running), chance.pick(&hosts)) {
                let params = [("virtualmachineid", vm.text("id")), ("hostid", host.text("id"))];
                hand.call("migrateVirtualMachine", &params);
            }
        }
        6 => {
            let stopped = machines(hand, MachineState::Stopped);
            let accounts = hand.list("listAccounts", &[everybody, ("accounttype", "0")]);
            if let (Some(vm), Some(to)) = (chance.pick(&stopped), chance.pick(&accounts)) {
                hand.call(
                    "assignVirtualMachine",
                    &[
                        ("virtualmachineid", vm.text("id")),
                        ("account", to.text("name")),
                        ("domainid", to.text("domainid")),
                    ],
                );
            }
        }
        7 => {
            let routers =
                hand.list("listRouters", &[everybody, ("state", MachineState::Running.name())]);
            if let Some(router) = chance.pick(&routers) {
                hand.call("rebootRouter", &[("id", router.text("id"))]);
            }
        }
        8 if chance.one_in(4) => {
            let routers = hand.list("listRouters", &[everybody]);
            if let Some(router) = chance.pick(&routers) {
                hand.call("destroyRouter", &[("id", router.text("id"))]);
            }
        }
        _ => {}
    }
}
