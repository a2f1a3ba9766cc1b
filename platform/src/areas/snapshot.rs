//! Snapshots of volumes and the policies that take them; billed by size while they exist.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const SNAPSHOT: Object = Object {
    name: "Snapshot",
    fields: &[
        ID,
        ACCOUNT,
        DOMAIN_ID,
        DOMAIN,
        PROJECT_ID,
        PROJECT,
        f("snapshottype", W::Str),
        f("volumeid", W::Id(Kind::Volume)),
        f("volumename", W::Str).join("volumeid", "name"),
        f("volumetype", W::Str).join("volumeid", "type"),
        CREATED,
        f("name", W::Str),
        f("intervaltype", W::Str),
        STATE,
        ZONE_ID,
        TAGS,
    ],
};

pub(crate) const SNAPSHOT_POLICY: Object = Object {
    name: "SnapshotPolicy",
    fields: &[
        ID,
        f("volumeid", W::Id(Kind::Volume)),
        f("schedule", W::Str),
        f("intervaltype", W::Int),
        f("maxsnaps", W::Int),
        f("timezone", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("createSnapshot")
        .doc("Takes a snapshot of a volume")
        .roles(Roles::ALL)
        .params(&[
            p("volumeid", Id(Kind::Volume)).required(),
            p("policyid", Id(Kind::SnapshotPolicy))
                .doc("the policy it is taken for; by hand unless given"),
        ])
        .groups(&[group::OWNER])
        .create_job("SNAPSHOT.CREATE")
        .object("snapshot", &SNAPSHOT),
    later("createSnapshotPolicy")
        .doc("Takes snapshots of a volume on a schedule")
        .roles(Roles::ALL)
        .params(&[
            p("intervaltype", Str).required(),
            p("maxsnaps", Int).required().doc("how many to keep; older ones are deleted"),
            p("schedule", Str)
                .required()
                .doc("by `intervaltype`: `MM`, `MM:HH`, or `MM:HH:D` of week or month"),
            p("timezone", Str).required(),
            p("volumeid", Id(Kind::Volume)).required(),
        ])
        .object("snapshotpolicy", &SNAPSHOT_POLICY),
    later("deleteSnapshot")
        .doc("Deletes a snapshot; newer ones of the volume stay good")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::Snapshot)).required()])
        .job("SNAPSHOT.DELETE")
        .success(),
    later("deleteSnapshotPolicies")
        .doc("Removes snapshot policies; their snapshots stay")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::SnapshotPolicy)).doc("one policy; this or `ids`"),
            p("ids", IdList(Kind::SnapshotPolicy))
                .doc("policies separated by commas; this or `id`"),
        ])
        .success(),
    later("listSnapshotPolicies")
        .doc("Lists the snapshot policies of a volume")
        .roles(Roles::ALL)
        .params(&[p("volumeid", Id(Kind::Volume)).required()])
        .groups(&[group::PAGED])
        .items("snapshotpolicy", &SNAPSHOT_POLICY),
    later("listSnapshots")
        .doc("Lists snapshots")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Snapshot)),
            p("intervaltype", Str)
                .doc("`HOURLY`, `DAILY`, `WEEKLY` or `MONTHLY`; only with `volumeid`"),
            p("name", Str),
            p("snapshottype", Str).doc("`MANUAL` or `RECURRING`"),
            p("volumeid", Id(Kind::Volume)),
            p("zoneid", Id(Kind::Zone)),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::PROJECT, group::TAGGED])
        .items("snapshot", &SNAPSHOT),
];
