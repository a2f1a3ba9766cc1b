//! Network ACLs: lists of rules for the tiers and gateways of VPCs. Guide 4.1.1.22.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const NETWORK_ACL: Object = Object {
    name: "NetworkACL",
    fields: &[ID, f("name", W::Str), f("description", W::Str), f("vpcid", W::Id(Kind::Vpc))],
};

pub(crate) const NETWORK_ACL_ITEM: Object = Object {
    name: "NetworkACLItem",
    fields: &[
        ID,
        f("protocol", W::Str),
        f("startport", W::Str),
        f("endport", W::Str),
        f("traffictype", W::Str),
        STATE,
        f("cidrlist", W::Str),
        f("icmptype", W::Int),
        f("icmpcode", W::Int),
        TAGS,
        f("aclid", W::Id(Kind::NetworkAcl)),
        f("number", W::Int),
        f("action", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("createNetworkACL")
        .doc("Adds a rule to a network ACL list")
        .roles(Roles::ALL)
        .params(&[
            p("protocol", Str).required().doc("`tcp`, `udp`, `icmp`, `all` or a protocol number"),
            p("startport", Int),
            p("endport", Int),
            p("cidrlist", List),
            p("icmptype", Int),
            p("icmpcode", Int),
            p("networkid", Id(Kind::Network))
                .doc("the tier whose list the rule is for; or give `aclid`"),
            p("aclid", Id(Kind::NetworkAcl)).doc("the list the rule is for; or give `networkid`"),
            p("traffictype", Str).doc("`Ingress` or `Egress`; `Ingress` unless given"),
            p("number", Int).doc("its place in the list; after the last one unless given"),
            p("action", Str).doc("`Allow` or `Deny`; `Allow` unless given"),
        ])
        .create_job("NETWORK.ACL.ITEM.CREATE")
        .object("networkacl", &NETWORK_ACL_ITEM),
    later("createNetworkACLList")
        .doc("Makes an empty network ACL list for a VPC")
        .roles(Roles::ALL)
        .params(&[
            p("name", Str).required(),
            p("description", Str),
            p("vpcid", Id(Kind::Vpc)).required(),
        ])
        .create_job("NETWORK.ACL.CREATE")
        .object("networkacllist", &NETWORK_ACL),
    later("deleteNetworkACL")
        .doc("Removes a rule from a network ACL list")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::NetworkAclItem)).required()])
        .job("NETWORK.ACL.ITEM.DELETE")
        .success(),
    later("deleteNetworkACLList")
        .doc("Removes a network ACL list that no tier or gateway uses")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::NetworkAcl)).required()])
        .job("NETWORK.ACL.DELETE")
        .success(),
    later("listNetworkACLLists")
        .doc("Lists network ACL lists, with the two of the system")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::NetworkAcl)),
            p("networkid", Id(Kind::Network)).doc("shows only the list of this tier"),
            p("vpcid", Id(Kind::Vpc)),
            p("name", Str),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT])
        .items("networkacllist", &NETWORK_ACL),
    later("listNetworkACLs")
        .doc("Lists the rules of network ACL lists")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::NetworkAclItem)),
            p("networkid", Id(Kind::Network)).doc("shows only the rules for this tier"),
            p("traffictype", Str).doc("`Ingress` or `Egress`"),
            p("aclid", Id(Kind::NetworkAcl)),
            p("protocol", Str),
            p("action", Str),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT, group::TAGGED])
        .items("networkacl", &NETWORK_ACL_ITEM),
    later("replaceNetworkACLList")
        .doc("Gives a tier or a private gateway another network ACL list")
        .roles(Roles::ALL)
        .params(&[
            p("aclid", Id(Kind::NetworkAcl)).required().doc("the new list"),
            p("networkid", Id(Kind::Network)).doc("the tier; this or `gatewayid`"),
            p("gatewayid", Id(Kind::PrivateGateway))
                .doc("the private gateway; this or `networkid`"),
        ])
        .job("NETWORK.ACL.REPLACE")
        .success(),
    later("updateNetworkACLItem")
        .doc("Changes a rule of a network ACL list")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::NetworkAclItem)).required(),
            p("protocol", Str).doc("`tcp`, `udp`, `icmp`, `all` or a protocol number"),
            p("startport", Int),
            p("endport", Int),
            p("cidrlist", List),
            p("icmptype", Int),
            p("icmpcode", Int),
            p("traffictype", Str).doc("`Ingress` or `Egress`"),
            p("number", Int),
            p("action", Str),
        ])
        .job("NETWORK.ACL.ITEM.UPDATE")
        .object("networkacl", &NETWORK_ACL_ITEM),
];
