//! Settings: the global configuration and its overrides by zone, cluster, storage pool and account.

use crate::table::{
    Command, Kind, KindSpec, Object, ParamType::*, Roles, WireType as W, f, group, hidden, later, p,
};

/// A setting's value for one zone, cluster, storage pool or account.
pub(crate) static KIND: KindSpec =
    KindSpec::new(Kind::Setting, &SETTING).hidden(&[hidden("of", W::Str)]);

pub(crate) const CAPABILITIES: Object = Object {
    name: "Capabilities",
    fields: &[
        f("securitygroupsenabled", W::Bool),
        f("cloudstackversion", W::Str),
        f("userpublictemplateenabled", W::Bool),
        f("supportELB", W::Str),
        f("projectinviterequired", W::Bool),
        f("allowusercreateprojects", W::Bool),
        f("customdiskofferingmaxsize", W::Long),
        f("KVMsnapshotenabled", W::Bool),
        f("regionsecondaryenabled", W::Bool),
        f("apilimitinterval", W::Int),
        f("apilimitmax", W::Int),
    ],
};

pub(crate) const CLOUD_IDENTIFIER: Object = Object {
    name: "CloudIdentifier",
    fields: &[f("userid", W::Id(Kind::User)), f("cloudidentifier", W::Str), f("signature", W::Str)],
};

pub(crate) const SETTING: Object = Object {
    name: "Configuration",
    fields: &[
        f("category", W::Str),
        f("name", W::Str),
        f("value", W::Str),
        f("scope", W::Str),
        f("id", W::Long),
        f("description", W::Str),
    ],
};

pub(crate) const DEPLOYMENT_PLANNER: Object =
    Object { name: "DeploymentPlanners", fields: &[f("name", W::Str)] };

pub(crate) static COMMANDS: &[Command] = &[
    later("createConfiguration")
        .doc("Adds a setting; gone since 3.0, so 4.2 does not know the command")
        .roles(Roles::ROOT)
        .params(&[
            p("category", Str).required().doc("the category to list it under"),
            p("component", Str).required().doc("the part of the server that reads it"),
            p("description", Str).doc("what the setting does"),
            p("instance", Str).required().doc("the server it is for"),
            p("name", Str).required(),
            p("value", Str).doc("its value"),
        ])
        .object("configuration", &SETTING),
    later("getCloudIdentifier")
        .doc("Shows the identifier of the cloud, signed with the user's secret key")
        .roles(Roles::ALL)
        .params(&[p("userid", Id(Kind::User)).required()])
        .object("cloudidentifier", &CLOUD_IDENTIFIER),
    later("listCapabilities")
        .doc("Shows what this cloud lets its users do")
        .roles(Roles::ALL)
        .object("capability", &CAPABILITIES),
    later("listConfigurations")
        .doc("Lists settings, or with one scope id the settings of that scope")
        .roles(Roles::ROOT)
        .params(&[
            p("category", Str),
            p("name", Str),
            p("zoneid", Id(Kind::Zone)).doc("shows the values for this zone"),
            p("clusterid", Id(Kind::Cluster)).doc("shows the values for this cluster"),
            p("storageid", Id(Kind::StoragePool)).doc("shows the values for this storage pool"),
            p("accountid", Id(Kind::Account)).doc("shows the values for this account"),
        ])
        .groups(&[group::PAGED])
        .items("configuration", &SETTING),
    later("listDeploymentPlanners")
        .doc("Lists the planners that choose hosts for new VMs")
        .roles(Roles::ROOT)
        .groups(&[group::PAGED])
        .items("deploymentPlanner", &DEPLOYMENT_PLANNER),
    later("updateConfiguration")
        .doc("Sets a setting, everywhere or in one scope")
        .roles(Roles::ROOT)
        .params(&[
            p("name", Str).required(),
            p("value", Str).length_max(4095).doc("the new value; empty clears it, none shows it"),
            p("zoneid", Id(Kind::Zone)).doc("sets it for this zone only"),
            p("clusterid", Id(Kind::Cluster)).doc("sets it for this cluster only"),
            p("storageid", Id(Kind::StoragePool)).doc("sets it for this storage pool only"),
            p("accountid", Id(Kind::Account)).doc("sets it for this account only"),
        ])
        .event("CONFIGURATION.VALUE.EDIT")
        .object("configuration", &SETTING),
];
