//! Projects: things owned together, with members and invitations. Guide 4.2.7.6.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

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
        f("networklimit", W::Str),
        f("networktotal", W::Long),
        f("networkavailable", W::Str),
        f("vpclimit", W::Str),
        f("vpctotal", W::Long),
        f("vpcavailable", W::Str),
        f("cpulimit", W::Str),
        f("cputotal", W::Long),
        f("cpuavailable", W::Str),
        f("memorylimit", W::Str),
        f("memorytotal", W::Long),
        f("memoryavailable", W::Str),
        f("primarystoragelimit", W::Str),
        f("primarystoragetotal", W::Long),
        f("primarystorageavailable", W::Str),
        f("secondarystoragelimit", W::Str),
        f("secondarystoragetotal", W::Long),
        f("secondarystorageavailable", W::Str),
        f("vmlimit", W::Str),
        f("vmtotal", W::Long),
        f("vmavailable", W::Str),
        f("iplimit", W::Str),
        f("iptotal", W::Long),
        f("ipavailable", W::Str),
        f("volumelimit", W::Str),
        f("volumetotal", W::Long),
        f("volumeavailable", W::Str),
        f("snapshotlimit", W::Str),
        f("snapshottotal", W::Long),
        f("snapshotavailable", W::Str),
        f("templatelimit", W::Str),
        f("templatetotal", W::Long),
        f("templateavailable", W::Str),
        f("vmstopped", W::Int),
        f("vmrunning", W::Int),
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
