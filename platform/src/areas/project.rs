//! Projects: things owned together, with members and invitations. Guide 4.2.7.6.

use super::limit;
use crate::table::{
    Command, Kind, KindSpec, Limit, Move, Object, OnDelete, ParamType::*, Roles, Unique,
    WireType as W, Within, f, fields::*, group, later, p,
};

/// A project is owned by an account of its own, which owns what is in it.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Project, &PROJECT)
    .owned()
    .unique(&[Unique { column: "name", within: Within::Domain }])
    .states(
        &["Active", "Disabled", "Suspended"],
        &[
            Move { from: "Active", to: "Suspended" },
            Move { from: "Suspended", to: "Active" },
            Move { from: "Active", to: "Disabled" },
            Move { from: "Suspended", to: "Disabled" },
        ],
    )
    .keyword(&["name", "displaytext"])
    .referred(&[
        (Kind::ProjectAccount, "projectid", OnDelete::Remove),
        (Kind::ProjectInvitation, "projectid", OnDelete::Remove),
    ])
    .tagged("Project");

/// The member is the owner.
pub(crate) static MEMBER_KIND: KindSpec =
    KindSpec::new(Kind::ProjectAccount, &PROJECT_ACCOUNT).owned();

/// The invited account is the owner.
pub(crate) static INVITATION_KIND: KindSpec =
    KindSpec::new(Kind::ProjectInvitation, &PROJECT_INVITATION).owned().states(
        &["Pending", "Completed", "Expired", "Declined"],
        &[
            Move { from: "Pending", to: "Completed" },
            Move { from: "Pending", to: "Expired" },
            Move { from: "Pending", to: "Declined" },
        ],
    );

pub(crate) const PROJECT: Object = Object {
    name: "Project",
    fields: &[
        ID,
        f("name", W::Str),
        f("displaytext", W::Str),
        DOMAIN_ID,
        DOMAIN,
        ACCOUNT,
        STATE,
        TAGS,
        f("networklimit", W::Str).by(|view| limit::shown_limit(view, Limit::Network)),
        f("networktotal", W::Long).by(|view| limit::shown_total(view, Limit::Network)),
        f("networkavailable", W::Str).by(|view| limit::shown_left(view, Limit::Network)),
        f("vpclimit", W::Str).by(|view| limit::shown_limit(view, Limit::Vpc)),
        f("vpctotal", W::Long).by(|view| limit::shown_total(view, Limit::Vpc)),
        f("vpcavailable", W::Str).by(|view| limit::shown_left(view, Limit::Vpc)),
        f("cpulimit", W::Str).by(|view| limit::shown_limit(view, Limit::Cpu)),
        f("cputotal", W::Long).by(|view| limit::shown_total(view, Limit::Cpu)),
        f("cpuavailable", W::Str).by(|view| limit::shown_left(view, Limit::Cpu)),
        f("memorylimit", W::Str).by(|view| limit::shown_limit(view, Limit::Memory)),
        f("memorytotal", W::Long).by(|view| limit::shown_total(view, Limit::Memory)),
        f("memoryavailable", W::Str).by(|view| limit::shown_left(view, Limit::Memory)),
        f("primarystoragelimit", W::Str).by(|view| limit::shown_limit(view, Limit::PrimaryStorage)),
        f("primarystoragetotal", W::Long)
            .by(|view| limit::shown_total(view, Limit::PrimaryStorage)),
        f("primarystorageavailable", W::Str)
            .by(|view| limit::shown_left(view, Limit::PrimaryStorage)),
        f("secondarystoragelimit", W::Str)
            .by(|view| limit::shown_limit(view, Limit::SecondaryStorage)),
        f("secondarystoragetotal", W::Long)
            .by(|view| limit::shown_total(view, Limit::SecondaryStorage)),
        f("secondarystorageavailable", W::Str)
            .by(|view| limit::shown_left(view, Limit::SecondaryStorage)),
        f("vmlimit", W::Str).by(|view| limit::shown_limit(view, Limit::Vm)),
        f("vmtotal", W::Long).by(|view| limit::shown_total(view, Limit::Vm)),
        f("vmavailable", W::Str).by(|view| limit::shown_left(view, Limit::Vm)),
        f("iplimit", W::Str).by(|view| limit::shown_limit(view, Limit::PublicIp)),
        f("iptotal", W::Long).by(|view| limit::shown_total(view, Limit::PublicIp)),
        f("ipavailable", W::Str).by(|view| limit::shown_left(view, Limit::PublicIp)),
        f("volumelimit", W::Str).by(|view| limit::shown_limit(view, Limit::Volume)),
        f("volumetotal", W::Long).by(|view| limit::shown_total(view, Limit::Volume)),
        f("volumeavailable", W::Str).by(|view| limit::shown_left(view, Limit::Volume)),
        f("snapshotlimit", W::Str).by(|view| limit::shown_limit(view, Limit::Snapshot)),
        f("snapshottotal", W::Long).by(|view| limit::shown_total(view, Limit::Snapshot)),
        f("snapshotavailable", W::Str).by(|view| limit::shown_left(view, Limit::Snapshot)),
        f("templatelimit", W::Str).by(|view| limit::shown_limit(view, Limit::Template)),
        f("templatetotal", W::Long).by(|view| limit::shown_total(view, Limit::Template)),
        f("templateavailable", W::Str).by(|view| limit::shown_left(view, Limit::Template)),
        f("vmstopped", W::Int).by(|view| limit::shown_vms(view, "Stopped")),
        f("vmrunning", W::Int).by(|view| limit::shown_vms(view, "Running")),
    ],
};

pub(crate) const PROJECT_ACCOUNT: Object = Object {
    name: "ProjectAccount",
    fields: &[
        f("projectid", W::Id(Kind::Project)),
        f("project", W::Str).join("projectid", "name"),
        f("accountid", W::Id(Kind::Account)),
        f("account", W::Str).join("accountid", "name"),
        f("accounttype", W::Int).join("accountid", "accounttype"),
        f("role", W::Str),
        f("domainid", W::Id(Kind::Domain)),
        f("domain", W::Str).join("domainid", "name"),
        f("user", W::Objects("User")),
    ],
};

pub(crate) const PROJECT_INVITATION: Object = Object {
    name: "ProjectInvitation",
    fields: &[
        ID,
        f("projectid", W::Id(Kind::Project)),
        f("project", W::Str).join("projectid", "name"),
        DOMAIN_ID,
        DOMAIN,
        ACCOUNT,
        f("email", W::Str),
        STATE,
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("activateProject")
        .doc("Opens a suspended project again")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::Project)).required()])
        .job("PROJECT.ACTIVATE")
        .object("project", &PROJECT),
    later("addAccountToProject")
        .doc("Adds an account to a project, or invites it where invitations are required")
        .roles(Roles::ALL)
        .params(&[
            p("projectid", Id(Kind::Project)).required(),
            p("account", Str).doc("the account; this or `email`"),
            p("email", Str).doc("the address to send an invitation to; this or `account`"),
        ])
        .job("PROJECT.ACCOUNT.ADD")
        .success(),
    later("createProject")
        .doc("Makes a project")
        .roles(Roles::ALL)
        .params(&[
            p("account", Str).doc("the account that administers it; the caller's unless given"),
            p("domainid", Id(Kind::Domain)).doc("the domain of `account`"),
            p("name", Str).required(),
            p("displaytext", Str).required(),
        ])
        .create_job("PROJECT.CREATE")
        .object("project", &PROJECT),
    later("deleteAccountFromProject")
        .doc("Takes an account out of a project")
        .roles(Roles::ALL)
        .params(&[
            p("projectid", Id(Kind::Project)).required(),
            p("account", Str).required().doc("the account"),
        ])
        .job("PROJECT.ACCOUNT.REMOVE")
        .success(),
    later("deleteProject")
        .doc("Removes a project with everything in it")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::Project)).required()])
        .job("PROJECT.DELETE")
        .success(),
    later("deleteProjectInvitation")
        .doc("Withdraws an invitation to a project")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::ProjectInvitation)).required()])
        .job("PROJECT.INVITATION.REMOVE")
        .success(),
    later("listProjectAccounts")
        .doc("Lists the members of a project")
        .roles(Roles::ALL)
        .params(&[
            p("projectid", Id(Kind::Project)).required(),
            p("account", Str).doc("shows only this member"),
            p("role", Str).doc("`Admin` or `Regular`"),
        ])
        .groups(&[group::PAGED])
        .items("projectaccount", &PROJECT_ACCOUNT),
    later("listProjectInvitations")
        .doc("Lists invitations to projects")
        .roles(Roles::ALL)
        .params(&[
            p("projectid", Id(Kind::Project)).doc("shows only invitations to this project"),
            p("activeonly", Bool).doc("true for those that are pending and not expired"),
            p("state", Str).doc("`Pending`, `Completed`, `Expired` or `Declined`"),
            p("id", Id(Kind::ProjectInvitation)),
        ])
        .groups(&[group::PAGED, group::SCOPED])
        .items("projectinvitation", &PROJECT_INVITATION),
    later("listProjects")
        .doc("Lists projects the caller is a member of or administers")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Project)),
            p("name", Str),
            p("displaytext", Str),
            p("state", Str).doc("`Active`, `Disabled` or `Suspended`"),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::TAGGED])
        .items("project", &PROJECT),
    later("suspendProject")
        .doc("Stops the VMs of a project and takes no changes until it is activated")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::Project)).required()])
        .job("PROJECT.SUSPEND")
        .object("project", &PROJECT),
    later("updateProject")
        .doc("Changes the description of a project or makes another member its administrator")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Project)).required(),
            p("account", Str).doc("the member who administers it from now on"),
            p("displaytext", Str),
        ])
        .job("PROJECT.UPDATE")
        .object("project", &PROJECT),
    later("updateProjectInvitation")
        .doc("Accepts or declines an invitation to a project")
        .roles(Roles::ALL)
        .params(&[
            p("projectid", Id(Kind::Project)).required(),
            p("account", Str).doc("the invited account; this or `token`"),
            p("token", Str).doc("the token from the invitation's e-mail; this or `account`"),
            p("accept", Bool).doc("false to decline; true unless given"),
        ])
        .job("PROJECT.INVITATION.UPDATE")
        .success(),
];
