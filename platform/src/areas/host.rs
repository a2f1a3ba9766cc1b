//! Hosts: the machines VMs run on, their maintenance and their capacity.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const HOST: Object = Object {
    name: "Host",
    fields: &[
        ID,
        f("name", W::Str),
        STATE,
        f("disconnected", W::Date),
        f("type", W::Str),
        f("oscategoryid", W::Id(Kind::OsCategory)),
        f("oscategoryname", W::Str).join("oscategoryid", "name"),
        f("ipaddress", W::Str),
        ZONE_ID,
        ZONE_NAME,
        f("podid", W::Id(Kind::Pod)),
        f("podname", W::Str).join("podid", "name"),
        f("version", W::Str),
        f("hypervisor", W::Str),
        f("cpunumber", W::Int),
        f("cpuspeed", W::Long),
        f("cpuallocated", W::Str),
        f("cpuused", W::Str),
        f("cpuwithoverprovisioning", W::Str),
        f("averageload", W::Long),
        f("networkkbsread", W::Long),
        f("networkkbswrite", W::Long),
        f("memorytotal", W::Long),
        f("memoryallocated", W::Long),
        f("memoryused", W::Long),
        f("disksizetotal", W::Long),
        f("disksizeallocated", W::Long),
        f("capabilities", W::Str),
        f("lastpinged", W::Date),
        f("managementserverid", W::Long),
        f("clusterid", W::Id(Kind::Cluster)),
        f("clustername", W::Str).join("clusterid", "name"),
        f("clustertype", W::Str).join("clusterid", "clustertype"),
        f("islocalstorageactive", W::Bool),
        CREATED,
        REMOVED,
        f("events", W::Str),
        f("hosttags", W::Str),
        f("hasenoughcapacity", W::Bool),
        f("suitableformigration", W::Bool),
        f("resourcestate", W::Str),
        f("hypervisorversion", W::Str),
        f("hahost", W::Bool),
    ],
};

pub(crate) const HOST_FOR_MIGRATION: Object = Object {
    name: "HostForMigration",
    fields: &[
        ID,
        f("name", W::Str),
        STATE,
        f("disconnected", W::Date),
        f("type", W::Str),
        f("oscategoryid", W::Id(Kind::OsCategory)),
        f("oscategoryname", W::Str).join("oscategoryid", "name"),
        f("ipaddress", W::Str),
        ZONE_ID,
        ZONE_NAME,
        f("podid", W::Id(Kind::Pod)),
        f("podname", W::Str).join("podid", "name"),
        f("version", W::Str),
        f("hypervisor", W::Str),
        f("cpunumber", W::Int),
        f("cpuspeed", W::Long),
        f("cpuallocated", W::Str),
        f("cpuused", W::Str),
        f("cpuwithoverprovisioning", W::Str),
        f("averageload", W::Long),
        f("networkkbsread", W::Long),
        f("networkkbswrite", W::Long),
        f("memorytotal", W::Long),
        f("memoryallocated", W::Long),
        f("memoryused", W::Long),
        f("disksizetotal", W::Long),
        f("disksizeallocated", W::Long),
        f("capabilities", W::Str),
        f("lastpinged", W::Date),
        f("managementserverid", W::Long),
        f("clusterid", W::Id(Kind::Cluster)),
        f("clustername", W::Str).join("clusterid", "name"),
        f("clustertype", W::Str).join("clusterid", "clustertype"),
        f("islocalstorageactive", W::Bool),
        CREATED,
        REMOVED,
        f("events", W::Str),
        f("hosttags", W::Str),
        f("hasenoughcapacity", W::Bool),
        f("suitableformigration", W::Bool),
        f("requiresStorageMotion", W::Bool),
        f("resourcestate", W::Str),
        f("hypervisorversion", W::Str),
        f("hahost", W::Bool),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("addHost")
        .doc("Adds a host to a cluster; clusters of the simulator take `http://sim` URLs")
        .roles(Roles::ROOT)
        .params(&[
            p("clusterid", Id(Kind::Cluster)),
            p("clustername", Str).doc("the name of a cluster to make for it; or give `clusterid`"),
            p("password", Secret).required(),
            p("podid", Id(Kind::Pod)).required(),
            p("url", Str)
                .required()
                .doc("the host, such as `http://10.1.1.5` or `http://sim/c0/h1`"),
            p("username", Str).required(),
            p("zoneid", Id(Kind::Zone)).required(),
            p("hypervisor", Str).required(),
            p("allocationstate", Str),
            p("hosttags", List),
        ])
        .items("host", &HOST),
    later("cancelHostMaintenance")
        .doc("Puts a host in maintenance back to work")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::Host)).required()])
        .job("MAINT.CANCEL")
        .object("host", &HOST),
    later("deleteHost")
        .doc("Removes a host, in maintenance unless forced")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::Host)).required(),
            p("forced", Bool).doc("true to remove it with VMs on it; they are started elsewhere"),
            p("forcedestroylocalstorage", Bool)
                .doc("true to destroy VMs that have their disks on it"),
        ])
        .success(),
    later("findHostsForMigration")
        .doc("Lists the hosts a VM can move to, best first")
        .roles(Roles::ROOT)
        .params(&[p("virtualmachineid", Id(Kind::Vm)).required()])
        .groups(&[group::PAGED])
        .items("host", &HOST_FOR_MIGRATION),
    later("listHosts")
        .doc("Lists hosts and other agents")
        .roles(Roles::ROOT)
        .params(&[
            p("clusterid", Id(Kind::Cluster)),
            p("id", Id(Kind::Host)),
            p("name", Str),
            p("podid", Id(Kind::Pod)),
            p("state", Str).doc("`Up`, `Down`, `Alert`, `Disconnected`, ..."),
            p("type", Str).doc("`Routing` for hosts of VMs, `SecondaryStorageVM`, `ConsoleProxy`"),
            p("zoneid", Id(Kind::Zone)),
            p("virtualmachineid", Id(Kind::Vm)).doc("shows only hosts this VM can move to"),
            p("resourcestate", Str)
                .doc("`Enabled`, `Disabled`, `PrepareForMaintenance`, `Maintenance` or `Error`"),
            p("details", List).doc("what to show: `all`, `min`, `capacity`, `events`, `stats`"),
            p("hahost", Bool).doc("true for hosts kept free for restarts after a failure"),
        ])
        .groups(&[group::PAGED])
        .items("host", &HOST),
    later("prepareHostForMaintenance")
        .doc("Moves the VMs off a host and takes nothing new on it")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::Host)).required()])
        .job("MAINT.PREPARE")
        .object("host", &HOST),
    later("reconnectHost")
        .doc("Drops the connection to a host and makes it again")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::Host)).required()])
        .job("HOST.RECONNECT")
        .object("host", &HOST),
    later("releaseHostReservation")
        .doc("Ends a planner's reservation of a host, so that any VM may use it")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::Host)).required()])
        .job("HOST.RESERVATION.RELEASE")
        .success(),
    later("updateHost")
        .doc("Changes tags, OS preference or allocation of a host")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::Host)).required(),
            p("oscategoryid", Id(Kind::OsCategory)).doc("the OS category this host prefers"),
            p("allocationstate", Str)
                .doc("`Enable` or `Disable`; what is disabled takes nothing new"),
            p("hosttags", List),
            p("url", Str),
        ])
        .object("host", &HOST),
    later("updateHostPassword")
        .doc("Sets the password by which the system reaches a host or all of a cluster")
        .roles(Roles::ROOT)
        .params(&[
            p("hostid", Id(Kind::Host)).doc("the host; this or `clusterid`"),
            p("clusterid", Id(Kind::Cluster)).doc("the cluster; this or `hostid`"),
            p("username", Str).required(),
            p("password", Secret).required(),
        ])
        .success(),
];
