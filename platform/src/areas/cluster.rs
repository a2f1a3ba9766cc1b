//! Clusters: hosts of one hypervisor that share storage and between which VMs move.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const CLUSTER: Object = Object {
    name: "Cluster",
    fields: &[
        ID,
        f("name", W::Str),
        f("podid", W::Id(Kind::Pod)),
        f("podname", W::Str).join("podid", "name"),
        ZONE_ID,
        ZONE_NAME,
        f("hypervisortype", W::Str),
        f("clustertype", W::Str),
        f("allocationstate", W::Str),
        f("managedstate", W::Str),
        f("capacity", W::Objects("Capacity")),
        f("cpuovercommitratio", W::Str),
        f("memoryovercommitratio", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("addCluster")
        .doc("Adds a cluster to a pod")
        .roles(Roles::ROOT)
        .params(&[
            p("clustername", Str).required(),
            p("password", Secret).doc("the password for the host behind `url`"),
            p("podid", Id(Kind::Pod)).required(),
            p("url", Str).doc("the URL of the vCenter cluster; only for VMware"),
            p("username", Str).doc("the user for the host behind `url`"),
            p("zoneid", Id(Kind::Zone)).required(),
            p("hypervisor", Str).required(),
            p("clustertype", Str).required(),
            p("allocationstate", Str),
            p("vsmusername", Str).doc("the user for the Nexus 1000v; only with one"),
            p("vsmpassword", Secret).doc("the password for the Nexus 1000v"),
            p("vsmipaddress", Str).doc("the address of the Nexus 1000v"),
            p("guestvswitchtype", Str)
                .doc("the switch of guest traffic: `vmwaresvs`, `vmwaredvs` or `nexusdvs`"),
            p("publicvswitchtype", Str)
                .doc("the switch of public traffic: `vmwaresvs`, `vmwaredvs` or `nexusdvs`"),
            p("guestvswitchname", Str).doc("the name of the switch of guest traffic"),
            p("publicvswitchname", Str).doc("the name of the switch of public traffic"),
            p("cpuovercommitratio", Str),
            p("memoryovercommitratio", Str),
        ])
        .items("cluster", &CLUSTER),
    later("deleteCluster")
        .doc("Removes a cluster without hosts and storage pools")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::Cluster)).required()])
        .success(),
    later("listClusters")
        .doc("Lists clusters")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::Cluster)),
            p("name", Str),
            p("podid", Id(Kind::Pod)),
            p("zoneid", Id(Kind::Zone)),
            p("hypervisor", Str),
            p("clustertype", Str),
            p("allocationstate", Str),
            p("managedstate", Str),
            p("showcapacities", Bool),
        ])
        .groups(&[group::PAGED])
        .items("cluster", &CLUSTER),
    later("updateCluster")
        .doc("Changes a cluster; `Disabled` keeps new VMs off its hosts")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::Cluster)).required(),
            p("clustername", Str),
            p("hypervisor", Str),
            p("clustertype", Str),
            p("allocationstate", Str),
            p("managedstate", Str),
            p("cpuovercommitratio", Str),
            p("memoryovercommitratio", Str),
        ])
        .object("cluster", &CLUSTER),
];
