//! Hazards: commands of all kinds at any time on anything, in states that nobody
//! meant them for, while hosts are slow, fail or go. Most are refused. Whatever
//! happens, the bill is what was had, nothing breaks off, nothing hangs, and what is
//! gone holds nothing.

mod rows;

use std::collections::BTreeSet;

use cloudtally_platform::{
    col,
    engine::{Resource, Start, World},
    state::{HostState, MachineState},
    table::Kind,
};

use crate::{
    chance::{Chance, Row},
    ledger::{check, event_types},
    support::{Lab, text, texts},
};

/// The callers: the root admin, and tenants with and without a project.
const TENANTS: [&str; 3] = ["alice", "bob", "carol"];

struct Hazards {
    chance: Chance,
}

impl Hazards {
    fn new(seed: u64) -> Self {
        let lab = Lab::new(Start::Ready);
        for tenant in TENANTS {
            lab.account(tenant, "0", None);
        }
        let project = [("name", "shared"), ("displaytext", "shared")];
        lab.ok_as("alice", "createProject", &project);
        for zone in texts(&lab.ok("listZones", &[]), "id") {
            let id = [("id", zone.as_str()), ("localstorageenabled", "true")];
            lab.ok("updateZone", &id);
            let scale =
                [("name", "enable.dynamic.scale.vm"), ("value", "true"), ("zoneid", zone.as_str())];
            lab.ok("updateConfiguration", &scale);
        }
        let offering = |name: &str, cores: &str, more: &[(&str, &str)]| {
            let mut params = vec![
                ("name", name),
                ("displaytext", name),
                ("cpunumber", cores),
                ("cpuspeed", "500"),
                ("memory", "512"),
            ];
            params.extend(more);
            text(&lab.ok("createServiceOffering", &params), "id")
        };
        offering("large", "2", &[("offerha", "true")]);
        offering("ha", "1", &[("offerha", "true")]);
        offering("local", "1", &[("storagetype", "local"), ("offerha", "true")]);
        offering("huge", "4000", &[]);
        Self { chance: Chance::new(lab, seed, &TENANTS) }
    }

    /// One command, whatever comes of it.
    fn act(&mut self) {
        let row = match self.chance.one_of(rows::ROWS) {
            (name, _) if !rows::OFTEN.contains(&name) && self.chance.below(3) > 0 => {
                let often: Vec<&Row> =
                    rows::ROWS.iter().filter(|row| rows::OFTEN.contains(&row.0)).collect();
                *self.chance.one_of(&often)
            }
            row => row,
        };
        if !rows::RARE.contains(&row.0) || self.chance.below(12) == 0 {
            self.chance.act(row);
        }
    }

    fn live(&mut self, steps: u32) {
        for _ in 0..steps {
            self.act();
            let seconds = self.chance.one_of(&[0, 0, 0, 0, 1, 1, 1, 60, 600]);
            if seconds > 0 {
                self.chance.lab.pass(seconds);
            }
        }
    }

    /// Hosts answer again, and all that was begun ends.
    fn settle(&mut self) {
        let rules: BTreeSet<(String, Option<String>)> = {
            let world = self.chance.lab.cloud.world();
            let of = |rule: &Resource| {
                rule.id_of(col::OF)
                    .and_then(|id| world.any(id))
                    .map(|resource| resource.uuid.to_string())
            };
            let rules = world.all(Kind::SimulatorRule);
            rules.map(|rule| (rule.text(col::NAME).to_owned(), of(rule))).collect()
        };
        for (name, host) in rules {
            let mut params = vec![("name", name.as_str()), ("value", "enabled:true")];
            params.extend(host.as_deref().map(|host| ("hostid", host)));
            // The host of a rule may be gone.
            drop(self.chance.lab.run(self.chance.lab.root(), "configureSimulator", &params));
        }
        self.chance.lab.pass(2 * 3600);
    }

    /// Puts back what was taken out of use.
    fn repair(&self) {
        let all = |kind| -> Vec<String> {
            let world = self.chance.lab.cloud.world();
            world.all(kind).map(|resource| resource.uuid.to_string()).collect()
        };
        for (kind, name) in [
            (Kind::Host, "cancelHostMaintenance"),
            (Kind::Host, "reconnectHost"),
            (Kind::StoragePool, "cancelStorageMaintenance"),
            (Kind::Account, "enableAccount"),
            (Kind::Project, "activateProject"),
        ] {
            for id in all(kind) {
                // Most are in use.
                drop(self.chance.lab.run(self.chance.lab.root(), name, &[("id", &id)]));
            }
        }
        for id in all(Kind::Zone) {
            self.chance.lab.ok("updateZone", &[("id", &id), ("allocationstate", "Enabled")]);
        }
    }

    fn check(&self, about: &str) {
        let about = format!("seed {}, {about}", self.chance.seed);
        let world = self.chance.lab.cloud.world();
        for job in world.all(Kind::Job) {
            let (name, error) = (job.text(col::CMD), job.text(col::ERROR_TEXT));
            assert!(!error.contains("broke off"), "{about}: {name}: {error}");
            assert_ne!(job.int(col::JOB_STATUS), 0, "{about}: {name} hangs: {job:?}");
        }
        for (kind, passing) in [
            (Kind::Vm, &["Starting", "Stopping", "Migrating", "Expunging"][..]),
            (Kind::Snapshot, &["Creating"]),
            (Kind::ImageCopy, &["Downloading"]),
            (Kind::Host, &["Connecting", "Disconnected"]),
        ] {
            let hanging = world.all(kind).find(|resource| passing.contains(&resource.state()));
            assert!(hanging.is_none(), "{about}: {hanging:?}");
        }
        for vm in world.all(Kind::Vm) {
            let host = vm.id_of(col::HOST_ID).map(|id| world.resource(id));
            let is_on_host =
                host.is_some_and(|host| host.removed.is_none() && host.is(HostState::Up));
            assert_eq!(vm.is(MachineState::Running), is_on_host, "{about}: {vm:?} on {host:?}");
            let holds = holdings(&world, vm);
            if vm.is(MachineState::Error) {
                assert_eq!(holds, Vec::<&Resource>::new(), "{about}: {vm:?}");
            }
        }
        for kind in [Kind::Nic, Kind::Volume] {
            for resource in world.all(kind) {
                for column in [col::VIRTUAL_MACHINE_ID, col::POOL_ID] {
                    if !resource.stores(column) {
                        continue;
                    }
                    let of = resource.id_of(column).map(|id| world.resource(id));
                    let is_there = of.is_none_or(|of| of.removed.is_none());
                    assert!(is_there, "{about}: {resource:?} of {of:?}");
                }
            }
        }
        drop(world);
        check(&self.chance.lab, &about);
    }
}

/// The resources that a machine holds.
fn holdings<'w>(world: &'w World, vm: &Resource) -> Vec<&'w Resource> {
    [Kind::Nic, Kind::Volume]
        .into_iter()
        .flat_map(|kind| world.referring(vm.id, kind, col::VIRTUAL_MACHINE_ID))
        .collect()
}

#[test]
fn whatever_is_done_when_it_should_not_be_is_billed_as_it_was() {
    let mut types: BTreeSet<String> = BTreeSet::new();
    for seed in 1..=SEEDS {
        let mut hazards = Hazards::new(seed);
        for part in 1..=4 {
            hazards.live(250);
            hazards.settle();
            hazards.check(&format!("part {part}"));
            hazards.repair();
        }
        types.extend(hazards.chance.lab.usage_types());
    }
    // Tenants that are refused everything would prove nothing.
    let of_ours = |name: &&str| {
        ["VM.", "VOLUME.", "SNAPSHOT.", "TEMPLATE.", "ISO."].iter().any(|of| name.starts_with(of))
    };
    let never: Vec<&str> =
        event_types().filter(of_ours).filter(|event_type| !types.contains(*event_type)).collect();
    assert_eq!(never, Vec::<&str>::new(), "event types that did not occur");
}

/// Lives that are tried.
const SEEDS: u64 = 16;
