//! Accounts: who owns things, and whose use is billed. Guide 2.1, 4.1.1.11.

use crate::table::{
    Command, Kind, MapForm, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later,
    p,
};

pub(crate) const ACCOUNT: Object = Object {
    name: "Account",
    fields: &[
        ID,
        f("name", W::Str),
        f("accounttype", W::Int),
        f("domainid", W::Id(Kind::Domain)),
        f("domain", W::Str).join("domainid", "name"),
        f("defaultzoneid", W::Id(Kind::Zone)),
        f("receivedbytes", W::Long),
        f("sentbytes", W::Long),
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
        f("projectlimit", W::Str),
        f("projecttotal", W::Long),
        f("projectavailable", W::Str),
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
        STATE,
        f("iscleanuprequired", W::Bool),
        f("user", W::Objects("User")),
        f("networkdomain", W::Str),
        f("accountdetails", W::Map),
        f("isdefault", W::Bool),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("createAccount")
        .doc("Makes an account together with its first user")
        .roles(Roles::ADMINS)
        .params(&[
            p("account", Str).doc("the account's name; `username` unless given"),
            p("accounttype", Short).required(),
            p("domainid", Id(Kind::Domain)).doc("the domain it belongs to; ROOT unless given"),
            p("email", Str).required(),
            p("firstname", Str).required(),
            p("lastname", Str).required(),
            p("password", Secret).required(),
            p("timezone", Str),
            p("username", Str).required(),
            p("networkdomain", Str),
            p("accountdetails", Map(MapForm::Free)),
            p("accountid", Str).doc("a uuid for the account, to make it the same in all regions"),
            p("userid", Str),
        ])
        .event("ACCOUNT.CREATE")
        .object("account", &ACCOUNT),
    later("deleteAccount")
        .doc("Removes an account with its users and everything it owns")
        .roles(Roles::ADMINS)
        .params(&[p("id", Id(Kind::Account)).required()])
        .job("ACCOUNT.DELETE")
        .success(),
    later("disableAccount")
        .doc("Shuts an account: nobody logs in and its VMs are stopped")
        .roles(Roles::ADMINS)
        .params(&[
            p("id", Id(Kind::Account)),
            p("account", Str).doc("the account's name, with `domainid`; or give `id`"),
            p("domainid", Id(Kind::Domain)).doc("the domain of `account`"),
            p("lock", Bool)
                .required()
                .doc("true to lock: nobody logs in, but the VMs keep running"),
        ])
        .job("ACCOUNT.DISABLE")
        .object("account", &ACCOUNT),
    later("enableAccount")
        .doc("Opens a disabled or locked account again")
        .roles(Roles::ADMINS)
        .params(&[
            p("id", Id(Kind::Account)),
            p("account", Str).doc("the account's name, with `domainid`; or give `id`"),
            p("domainid", Id(Kind::Domain)).doc("the domain of `account`"),
        ])
        .event("ACCOUNT.ENABLE")
        .object("account", &ACCOUNT),
    later("listAccounts")
        .doc("Lists accounts with their limits and what they use of them")
        .roles(Roles::ALL)
        .params(&[
            p("accounttype", Long),
            p("id", Id(Kind::Account)),
            p("iscleanuprequired", Bool).doc("true for those whose removal is not yet complete"),
            p("name", Str),
            p("state", Str).doc("`enabled`, `disabled` or `locked`"),
            p("listall", Bool),
            p("domainid", Id(Kind::Domain)).doc("shows only accounts of this domain"),
            p("isrecursive", Bool),
        ])
        .groups(&[group::PAGED])
        .items("account", &ACCOUNT),
    later("lockAccount")
        .doc("Keeps the users of an account from logging in; its VMs run on")
        .roles(Roles::ADMINS)
        .params(&[
            p("account", Str).required().doc("the account's name"),
            p("domainid", Id(Kind::Domain)).required().doc("the account's domain"),
        ])
        .object("account", &ACCOUNT),
    later("markDefaultZoneForAccount")
        .doc("Sets the zone an account uses unless told otherwise")
        .roles(Roles::ROOT)
        .params(&[
            p("account", Str).required().doc("the account's name"),
            p("domainid", Id(Kind::Domain)).required().doc("the account's domain"),
            p("zoneid", Id(Kind::Zone)).required(),
        ])
        .job("ACCOUNT.MARK.DEFAULT.ZONE")
        .object("account", &ACCOUNT),
    later("updateAccount")
        .doc("Renames an account or changes its details")
        .roles(Roles::ADMINS)
        .params(&[
            p("id", Id(Kind::Account)),
            p("account", Str).doc("the account's name until now, with `domainid`; or give `id`"),
            p("domainid", Id(Kind::Domain)).doc("the domain of `account`"),
            p("newname", Str).required().doc("the new name"),
            p("networkdomain", Str),
            p("accountdetails", Map(MapForm::Free)),
        ])
        .event("ACCOUNT.UPDATE")
        .object("account", &ACCOUNT),
];
