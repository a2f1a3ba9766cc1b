//! Batch jobs: many machines that live for an hour or two, data disks that grow,
//! snapshots of what came out; limits are reached now and then.

use super::{
    chance::Chance,
    hand::{Catalogue, Hand},
};

pub(super) fn wake(hand: &mut Hand<'_>, chance: &mut Chance) {
    let Some(catalogue) = hand.catalogue() else { return };
    replace_work(hand, chance, &catalogue);
    tend_disks(hand, chance, &catalogue);
    tend_snapshots(hand, chance, &catalogue);
}

/// Ends some of the work and begins more, most at night; at times more than there is room for.
fn replace_work(hand: &mut Hand<'_>, chance: &mut Chance, catalogue: &Catalogue) {
    for vm in hand.list("listVirtualMachines", &[]) {
        if chance.one_in(2) {
            hand.call("destroyVirtualMachine", &[("id", vm.text("id"))]);
        }
    }
    for _ in 0..chance.below(4) {
        let size = (1 + chance.below(20)).to_string();
        let is_greedy = chance.one_in(12);
        let offering = catalogue.huge.as_ref().filter(|_| is_greedy).unwrap_or(&catalogue.medium);
        hand.call(
            "deployVirtualMachine",
            &[
                ("zoneid", &catalogue.zone),
                ("serviceofferingid", offering),
                ("templateid", &catalogue.template),
                ("diskofferingid", &catalogue.custom_disk),
                ("size", &size),
            ],
        );
    }
}

/// Lets some disks grow; those that nobody has any more go.
fn tend_disks(hand: &mut Hand<'_>, chance: &mut Chance, catalogue: &Catalogue) {
    for volume in hand.list("listVolumes", &[("type", "DATADISK")]) {
        let id = volume.text("id");
        if chance.one_in(4) {
            let size = (1 + chance.below(40)).to_string();
            let shrinks = if chance.one_in(2) { "true" } else { "false" };
            hand.call("resizeVolume", &[("id", id), ("size", &size), ("shrinkok", shrinks)]);
        }
        if chance.one_in(4) {
            hand.call("createSnapshot", &[("volumeid", id)]);
        }
        if chance.one_in(30) {
            hand.call(
                "createSnapshotPolicy",
                &[
                    ("volumeid", id),
                    ("intervaltype", "HOURLY"),
                    ("maxsnaps", "2"),
                    ("schedule", "17"),
                    ("timezone", "America/New_York"),
                ],
            );
        }
        if volume.text("virtualmachineid").is_empty() && chance.one_in(2) {
            hand.call("deleteVolume", &[("id", id)]);
        }
    }
    if chance.one_in(10) {
        hand.call(
            "uploadVolume",
            &[
                ("zoneid", &catalogue.zone),
                ("name", "input"),
                ("format", "VHD"),
                ("url", "http://files.example.org/input.vhd"),
            ],
        );
    }
}

/// Makes volumes and templates of some snapshots; old ones go.
fn tend_snapshots(hand: &mut Hand<'_>, chance: &mut Chance, catalogue: &Catalogue) {
    let snapshots = hand.list("listSnapshots", &[]);
    if let Some(snapshot) = chance.pick(&snapshots) {
        let id = snapshot.text("id");
        if chance.one_in(6) {
            hand.call("createVolume", &[("name", "restored"), ("snapshotid", id)]);
        }
        if chance.one_in(20) {
            hand.call(
                "createTemplate",
                &[
                    ("name", "result"),
                    ("displaytext", "what came out"),
                    ("ostypeid", &catalogue.os_type),
                    ("snapshotid", id),
                ],
            );
        }
        if chance.one_in(2) {
            hand.call("deleteSnapshot", &[("id", id)]);
        }
    }
    let templates = hand.list("listTemplates", &[("templatefilter", "self")]);
    if chance.one_in(24)
        && let Some(template) = chance.pick(&templates)
    {
        hand.call("deleteTemplate", &[("id", template.text("id"))]);
    }
}
