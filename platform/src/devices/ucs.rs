//! Cisco UCS managers, whose blades become bare metal hosts.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const UCS_BLADE: Object = Object {
    name: "UcsBlade",
    fields: &[
        ID,
        f("ucsmanagerid", W::Id(Kind::UcsManager)),
        f("hostid", W::Id(Kind::Host)),
        f("bladedn", W::Str),
        f("profiledn", W::Str),
    ],
};

pub(crate) const UCS_MANAGER: Object =
    Object { name: "UcsManager", fields: &[ID, f("name", W::Str), f("url", W::Str), ZONE_ID] };

pub(crate) const UCS_PROFILE: Object = Object { name: "UcsProfile", fields: &[f("ucsdn", W::Str)] };

pub(crate) const UCS_TEMPLATE: Object =
    Object { name: "UcsTemplate", fields: &[f("ucsdn", W::Str)] };

pub(crate) static COMMANDS: &[Command] = &[
    later("addUcsManager")
        .doc("Adds a UCS manager to a zone")
        .roles(Roles::ROOT)
        .params(&[
            p("zoneid", Id(Kind::Zone)).required(),
            p("name", Str),
            p("url", Str).required(),
            p("username", Str).required(),
            p("password", Secret).required(),
        ])
        .object("ucsmanager", &UCS_MANAGER),
    later("associateUcsProfileToBlade")
        .doc("Gives a blade a service profile")
        .roles(Roles::ROOT)
        .params(&[
            p("ucsmanagerid", Id(Kind::UcsManager)).required(),
            p("profiledn", Str).required().doc("the distinguished name of the profile"),
            p("bladeid", Id(Kind::UcsBlade)).required(),
        ])
        .job("UCS.ASSOCIATEPROFILE")
        .object("ucsblade", &UCS_BLADE),
    later("deleteUcsManager")
        .doc("Removes a UCS manager")
        .roles(Roles::ROOT)
        .params(&[p("ucsmanagerid", Id(Kind::UcsManager)).required()])
        .success(),
    later("disassociateUcsProfileFromBlade")
        .doc("Takes the service profile from a blade")
        .roles(Roles::ROOT)
        .params(&[
            p("bladeid", Id(Kind::UcsBlade)).required(),
            p("deleteprofile", Bool).doc("true to delete the profile as well"),
        ])
        .job("UCS.DISASSOCIATEPROFILE")
        .object("ucsblade", &UCS_BLADE),
    later("instantiateUcsTemplateAndAssocaciateToBlade")
        .doc("Makes a service profile of a template and gives it to a blade")
        .roles(Roles::ROOT)
        .params(&[
            p("ucsmanagerid", Id(Kind::UcsManager)).required(),
            p("templatedn", Str).required().doc("the distinguished name of the template"),
            p("bladeid", Id(Kind::UcsBlade)).required(),
            p("profilename", Str).doc("the name of the new profile"),
        ])
        .job("UCS.TEMPLATEASSOCIATION")
        .object("ucsblade", &UCS_BLADE),
    later("listUcsBlades")
        .doc("Lists the blades of a UCS manager")
        .roles(Roles::ROOT)
        .params(&[p("ucsmanagerid", Id(Kind::UcsManager)).required()])
        .groups(&[group::PAGED])
        .items("ucsblade", &UCS_BLADE),
    later("listUcsManagers")
        .doc("Lists UCS managers")
        .roles(Roles::ROOT)
        .params(&[p("zoneid", Id(Kind::Zone)), p("id", Id(Kind::UcsManager))])
        .groups(&[group::PAGED])
        .items("ucsmanager", &UCS_MANAGER),
    later("listUcsProfiles")
        .doc("Lists the service profiles of a UCS manager")
        .roles(Roles::ROOT)
        .params(&[p("ucsmanagerid", Id(Kind::UcsManager)).required()])
        .groups(&[group::PAGED])
        .items("ucsprofile", &UCS_PROFILE),
    later("listUcsTemplates")
        .doc("Lists the service profile templates of a UCS manager")
        .roles(Roles::ROOT)
        .params(&[p("ucsmanagerid", Id(Kind::UcsManager)).required()])
        .groups(&[group::PAGED])
        .items("ucstemplate", &UCS_TEMPLATE),
    later("refreshUcsBlades")
        .doc("Asks a UCS manager for its blades anew")
        .roles(Roles::ROOT)
        .params(&[p("ucsmanagerid", Id(Kind::UcsManager)).required()])
        .groups(&[group::PAGED])
        .items("ucsblade", &UCS_BLADE),
];
