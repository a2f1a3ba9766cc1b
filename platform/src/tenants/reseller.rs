//! A reseller: customers in a domain of its own and below it, projects of several,
//! accounts that are suspended and deleted.

use super::{
    chance::Chance,
    hand::{Catalogue, Hand, Item},
};

/// Customers it has at most.
const CUSTOMERS: usize = 3;

pub(super) fn wake(hand: &mut Hand<'_>, chance: &mut Chance, name: &str) {
    let Some(catalogue) = hand.catalogue() else { return };
    let everybody = [("listall", "true")];
    let domains = hand.list("listDomains", &everybody);
    let accounts = hand.list("listAccounts", &everybody);
    let customers: Vec<&Item> = accounts.iter().filter(|a| a.text("name") != name).collect();
    // 1. Customers come and go.
    if customers.len() < CUSTOMERS && chance.one_in(4) {
        // Names are never used again: the hour is part of them.
        let hour = hand.now.as_millis().div_euclid(3_600_000);
        let username = format!("{name}-customer-{hour}");
        let domain = chance.pick(&domains).map(Item::id).unwrap_or_default();
        hand.call(
            "createAccount",
            &[
                ("username", &username),
                ("accounttype", "0"),
                ("email", "customer@example.org"),
                ("firstname", "A"),
                ("lastname", "Customer"),
                ("password", "password"),
                ("domainid", &domain),
            ],
        );
    }
    if let Some(customer) = chance.pick(&customers) {
        serve(hand, chance, &catalogue, customer);
    }
    // 2. Projects, which have machines of their own.
    let projects = hand.list("listProjects", &everybody);
    if projects.len() < 2 && chance.one_in(8) {
        let hour = hand.now.as_millis().div_euclid(3_600_000);
        let project = format!("{name}-project-{hour}");
        hand.call("createProject", &[("name", &project), ("displaytext", "together")]);
    }
    if let Some(project) = chance.pick(&projects) {
        work_in(hand, chance, &catalogue, project.text("id"));
    }
}

/// The habits of one customer.
fn serve(hand: &mut Hand<'_>, chance: &mut Chance, catalogue: &Catalogue, customer: &Item) {
    let (account, domain) = (customer.text("name"), customer.text("domainid"));
    let owner = [("account", account), ("domainid", domain)];
    let machines = hand.list("listVirtualMachines", &owner);
    if machines.len() < 3 && chance.one_in(3) {
        deploy(hand, catalogue, &owner);
    }
    if let Some(vm) = chance.pick(&machines) {
        let id = [("id", vm.text("id"))];
        match chance.below(12) {
            0 => drop(hand.call("stopVirtualMachine", &id)),
            1 => drop(hand.call("startVirtualMachine", &id)),
            2 => drop(hand.call("destroyVirtualMachine", &[id[0], ("expunge", "true")])),
            3 => drop(hand.call("recoverVirtualMachine", &id)),
            _ => {}
        }
    }
    let id = [("id", customer.text("id"))];
    match chance.below(60) {
        0 => drop(hand.call("deleteAccount", &id)),
        1 | 2 => {
            let named = [owner[0], owner[1], ("lock", "false")];
            hand.call("disableAccount", &named);
        }
        3..=8 => drop(hand.call("enableAccount", &owner)),
        9 | 10 => {
            let user = [owner[0], owner[1], ("username", "remote"), ("password", "password")];
            hand.call("addVpnUser", &user);
        }
        11 => {
            hand.call("removeVpnUser", &[owner[0], owner[1], ("username", "remote")]);
        }
        _ => {}
    }
}

fn deploy(hand: &mut Hand<'_>, catalogue: &Catalogue, owner: &[(&str, &str)]) {
    let mut params = vec![
        ("zoneid", catalogue.zone.as_str()),
        ("serviceofferingid", &catalogue.medium),
        ("templateid", &catalogue.template),
    ];
    params.extend(owner);
    hand.call("deployVirtualMachine", &params);
}

fn work_in(hand: &mut Hand<'_>, chance: &mut Chance, catalogue: &Catalogue, project: &str) {
    let of_project = [("projectid", project)];
    let machines = hand.list("listVirtualMachines", &of_project);
    if machines.len() < 2 && chance.one_in(3) {
        deploy(hand, catalogue, &of_project);
    }
    if let Some(vm) = chance.pick(&machines)
        && chance.one_in(10)
    {
        hand.call("destroyVirtualMachine", &[("id", vm.text("id"))]);
    }
    let id = [("id", project)];
    match chance.below(60) {
        0 => drop(hand.call("deleteProject", &id)),
        1 | 2 => drop(hand.call("suspendProject", &id)),
        3..=8 => drop(hand.call("activateProject", &id)),
        9 | 10 => {
            hand.call(
                "createVolume",
                &[
                    ("name", "shared"),
                    ("zoneid", &catalogue.zone),
                    ("diskofferingid", &catalogue.disk),
                    of_project[0],
                ],
            );
        }
        _ => {}
    }
}
