//! Dedication: zones, pods, clusters and hosts kept for one domain or account. Guide 4.1.1.34.

use crate::{
    col,
    table::{
        Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
    },
};

pub(crate) const DEDICATED_CLUSTER: Object = Object {
    name: "DedicateCluster",
    fields: &[
        ID,
        f("clusterid", W::Id(Kind::Cluster)),
        f("clustername", W::Str).join(col::CLUSTER_ID, "name"),
        f("domainid", W::Id(Kind::Domain)),
        f("accountid", W::Id(Kind::Account)),
        f("affinitygroupid", W::Id(Kind::AffinityGroup)),
    ],
};

pub(crate) const DEDICATED_HOST: Object = Object {
    name: "DedicateHost",
    fields: &[
        ID,
        f("hostid", W::Id(Kind::Host)),
        f("hostname", W::Str).join(col::HOST_ID, "name"),
        f("domainid", W::Id(Kind::Domain)),
        f("accountid", W::Id(Kind::Account)),
        f("affinitygroupid", W::Id(Kind::AffinityGroup)),
    ],
};

pub(crate) const DEDICATED_POD: Object = Object {
    name: "DedicatePod",
    fields: &[
        ID,
        f("podid", W::Id(Kind::Pod)),
        f("podname", W::Str).join(col::POD_ID, "name"),
        f("domainid", W::Id(Kind::Domain)),
        f("accountid", W::Id(Kind::Account)),
        f("affinitygroupid", W::Id(Kind::AffinityGroup)),
    ],
};

pub(crate) const DEDICATED_ZONE: Object = Object {
    name: "DedicateZone",
    fields: &[
        ID,
        ZONE_ID,
        ZONE_NAME,
        f("domainid", W::Id(Kind::Domain)),
        f("accountid", W::Id(Kind::Account)),
        f("affinitygroupid", W::Id(Kind::AffinityGroup)),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("dedicateCluster")
        .doc("Keeps a cluster for a domain or one of its accounts")
        .roles(Roles::ROOT)
        .params(&[
            p("clusterid", Id(Kind::Cluster)).required(),
            p("domainid", Id(Kind::Domain)).required().doc("the domain to keep it for"),
            p("account", Str).doc("the account to keep it for; the whole domain unless given"),
        ])
        .job("DEDICATE.RESOURCE")
        .items("dedicatedcluster", &DEDICATED_CLUSTER),
    later("dedicateHost")
        .doc("Keeps a host for a domain or one of its accounts")
        .roles(Roles::ROOT)
        .params(&[
            p("hostid", Id(Kind::Host)).required(),
            p("domainid", Id(Kind::Domain)).required().doc("the domain to keep it for"),
            p("account", Str).doc("the account to keep it for; the whole domain unless given"),
        ])
        .job("DEDICATE.RESOURCE")
        .items("dedicatedhost", &DEDICATED_HOST),
    later("dedicatePod")
        .doc("Keeps a pod for a domain or one of its accounts")
        .roles(Roles::ROOT)
        .params(&[
            p("podid", Id(Kind::Pod)).required(),
            p("domainid", Id(Kind::Domain)).required().doc("the domain to keep it for"),
            p("account", Str).doc("the account to keep it for; the whole domain unless given"),
        ])
        .job("DEDICATE.RESOURCE")
        .items("dedicatedpod", &DEDICATED_POD),
    later("dedicateZone")
        .doc("Keeps a zone for a domain or one of its accounts")
        .roles(Roles::ROOT)
        .params(&[
            p("zoneid", Id(Kind::Zone)).required(),
            p("domainid", Id(Kind::Domain)).required().doc("the domain to keep it for"),
            p("account", Str).doc("the account to keep it for; the whole domain unless given"),
        ])
        .job("DEDICATE.RESOURCE")
        .items("dedicatedzone", &DEDICATED_ZONE),
    later("listDedicatedClusters")
        .doc("Lists clusters kept for a domain or account")
        .roles(Roles::ROOT)
        .params(&[
            p("clusterid", Id(Kind::Cluster)),
            p("domainid", Id(Kind::Domain)),
            p("account", Str),
            p("affinitygroupid", Id(Kind::AffinityGroup)),
        ])
        .groups(&[group::PAGED])
        .items("dedicatedcluster", &DEDICATED_CLUSTER),
    later("listDedicatedHosts")
        .doc("Lists hosts kept for a domain or account")
        .roles(Roles::ROOT)
        .params(&[
            p("hostid", Id(Kind::Host)),
            p("domainid", Id(Kind::Domain)),
            p("account", Str),
            p("affinitygroupid", Id(Kind::AffinityGroup)),
        ])
        .groups(&[group::PAGED])
        .items("dedicatedhost", &DEDICATED_HOST),
    later("listDedicatedPods")
        .doc("Lists pods kept for a domain or account")
        .roles(Roles::ROOT)
        .params(&[
            p("podid", Id(Kind::Pod)),
            p("domainid", Id(Kind::Domain)),
            p("account", Str),
            p("affinitygroupid", Id(Kind::AffinityGroup)),
        ])
        .groups(&[group::PAGED])
        .items("dedicatedpod", &DEDICATED_POD),
    later("listDedicatedZones")
        .doc("Lists zones kept for a domain or account")
        .roles(Roles::ROOT)
        .params(&[
            p("zoneid", Id(Kind::Zone)),
            p("domainid", Id(Kind::Domain)),
            p("account", Str),
            p("affinitygroupid", Id(Kind::AffinityGroup)),
        ])
        .groups(&[group::PAGED])
        .items("dedicatedzone", &DEDICATED_ZONE),
    later("releaseDedicatedCluster")
        .doc("Opens a dedicated cluster to everybody")
        .roles(Roles::ROOT)
        .params(&[p("clusterid", Id(Kind::Cluster)).required()])
        .job("DEDICATE.RESOURCE.RELEASE")
        .success(),
    later("releaseDedicatedHost")
        .doc("Opens a dedicated host to everybody")
        .roles(Roles::ROOT)
        .params(&[p("hostid", Id(Kind::Host)).required()])
        .job("DEDICATE.RESOURCE.RELEASE")
        .success(),
    later("releaseDedicatedPod")
        .doc("Opens a dedicated pod to everybody")
        .roles(Roles::ROOT)
        .params(&[p("podid", Id(Kind::Pod)).required()])
        .job("DEDICATE.RESOURCE.RELEASE")
        .success(),
    later("releaseDedicatedZone")
        .doc("Opens a dedicated zone to everybody")
        .roles(Roles::ROOT)
        .params(&[p("zoneid", Id(Kind::Zone)).required()])
        .job("DEDICATE.RESOURCE.RELEASE")
        .success(),
];
