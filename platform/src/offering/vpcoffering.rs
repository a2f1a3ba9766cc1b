//! VPC offerings: which services a VPC has and who provides them. Guide 4.2.7.2.

use crate::table::{
    Command, Kind, MapForm, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later,
    p,
};

pub(crate) const VPC_OFFERING: Object = Object {
    name: "VpcOffering",
    fields: &[
        ID,
        f("name", W::Str),
        f("displaytext", W::Str),
        CREATED,
        f("isdefault", W::Bool),
        STATE,
        f("service", W::Objects("Service")),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("createVPCOffering")
        .doc("Makes a VPC offering; disabled until it is updated")
        .roles(Roles::ROOT)
        .params(&[
            p("name", Str).required(),
            p("displaytext", Str).required(),
            p("supportedservices", List).required(),
            p("serviceproviderlist", Map(MapForm::Fields(&["service", "provider"]))),
        ])
        .create_job("VPC.OFFERING.CREATE")
        .object("vpcoffering", &VPC_OFFERING),
    later("deleteVPCOffering")
        .doc("Withdraws a VPC offering; VPCs of it stay")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::VpcOffering)).required()])
        .job("VPC.OFFERING.DELETE")
        .success(),
    later("listVPCOfferings")
        .doc("Lists VPC offerings")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::VpcOffering)),
            p("name", Str),
            p("displaytext", Str),
            p("isdefault", Bool),
            p("supportedservices", List)
                .doc("shows only those with all these services, separated by commas"),
            p("state", Str).doc("`Enabled` or `Disabled`"),
        ])
        .groups(&[group::PAGED])
        .items("vpcoffering", &VPC_OFFERING),
    later("updateVPCOffering")
        .doc("Enables, disables or renames a VPC offering")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::VpcOffering)).required(),
            p("name", Str),
            p("displaytext", Str),
            p("state", Str).doc("`Enabled` or `Disabled`; only enabled ones can be used"),
        ])
        .job("VPC.OFFERING.UPDATE")
        .object("vpcoffering", &VPC_OFFERING),
];
