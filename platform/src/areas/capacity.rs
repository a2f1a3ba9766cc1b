//! Capacity: how much of the cloud is there and how much is used.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const CAPACITY: Object = Object {
    name: "Capacity",
    fields: &[
        f("type", W::Int),
        ZONE_ID,
        ZONE_NAME,
        f("podid", W::Id(Kind::Pod)),
        f("podname", W::Str).join("podid", "name"),
        f("clusterid", W::Id(Kind::Cluster)),
        f("clustername", W::Str).join("clusterid", "name"),
        f("capacityused", W::Long),
        f("capacitytotal", W::Long),
        f("percentused", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[later("listCapacity")
    .doc("Lists how much of each capacity there is and is used, by zone, pod or cluster")
    .roles(Roles::ROOT)
    .params(&[
        p("zoneid", Id(Kind::Zone)),
        p("podid", Id(Kind::Pod)),
        p("clusterid", Id(Kind::Cluster)),
        p("fetchlatest", Bool).doc("true to count anew instead of showing the last count"),
        p("type", Int)
            .doc("0 memory, 1 CPU, 3 allocated primary storage, 4 public IPs, 6 image stores"),
        p("sortby", Str).doc("`usage`: the fullest first"),
    ])
    .groups(&[group::PAGED])
    .items("capacity", &CAPACITY)];
