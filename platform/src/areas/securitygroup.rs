//! Security groups: what may reach VMs and leave them where they share a network.

use crate::table::{
    Command, Kind, MapForm, Object, ParamType::*, Roles, Source, WireType as W, f, fields::*,
    group, later, p,
};

pub(crate) const SECURITY_GROUP: Object = Object {
    name: "SecurityGroup",
    fields: &[
        ID,
        f("name", W::Str),
        f("description", W::Str),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        f("ingressrule", W::Objects("SecurityGroupRule")),
        f("egressrule", W::Objects("SecurityGroupRule")),
        TAGS,
    ],
};

pub(crate) const SECURITY_GROUP_RULE: Object = Object {
    name: "SecurityGroupRule",
    fields: &[
        f("ruleid", W::Str).from(Source::Uuid),
        f("protocol", W::Str),
        f("icmptype", W::Int),
        f("icmpcode", W::Int),
        f("startport", W::Int),
        f("endport", W::Int),
        f("securitygroupname", W::Str),
        f("account", W::Str),
        f("cidr", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("authorizeSecurityGroupEgress")
        .doc("Lets traffic leave the VMs of a security group")
        .roles(Roles::ALL)
        .params(&[
            p("protocol", Str),
            p("startport", Int).doc("the first port; not with `icmp`"),
            p("endport", Int),
            p("icmptype", Int),
            p("icmpcode", Int),
            p("cidrlist", List).doc("address ranges the traffic may go to, separated by commas"),
            p("usersecuritygrouplist", Map(MapForm::Fields(&["account", "group"]))),
            p("securitygroupid", Id(Kind::SecurityGroup)),
            p("securitygroupname", Str),
        ])
        .groups(&[group::OWNER, group::PROJECT])
        .job("SG.AUTH.EGRESS")
        .object("securitygroup", &SECURITY_GROUP),
    later("authorizeSecurityGroupIngress")
        .doc("Lets traffic reach the VMs of a security group")
        .roles(Roles::ALL)
        .params(&[
            p("protocol", Str),
            p("startport", Int).doc("the first port; not with `icmp`"),
            p("endport", Int),
            p("icmptype", Int),
            p("icmpcode", Int),
            p("cidrlist", List)
                .doc("address ranges the traffic may come from, separated by commas"),
            p("usersecuritygrouplist", Map(MapForm::Fields(&["account", "group"]))),
            p("securitygroupid", Id(Kind::SecurityGroup)),
            p("securitygroupname", Str),
        ])
        .groups(&[group::OWNER, group::PROJECT])
        .job("SG.AUTH.INGRESS")
        .object("securitygroup", &SECURITY_GROUP),
    later("createSecurityGroup")
        .doc("Makes a security group without rules")
        .roles(Roles::ALL)
        .params(&[p("description", Str), p("name", Str).required()])
        .groups(&[group::OWNER, group::PROJECT])
        .event("SG.CREATE")
        .object("securitygroup", &SECURITY_GROUP),
    later("deleteSecurityGroup")
        .doc("Deletes a security group that has no VMs")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::SecurityGroup)).doc("the group; this or `name`"),
            p("name", Str).doc("the group's name; this or `id`"),
        ])
        .groups(&[group::OWNER, group::PROJECT])
        .event("SG.DELETE")
        .success(),
    later("listSecurityGroups")
        .doc("Lists security groups with their rules")
        .roles(Roles::ALL)
        .params(&[
            p("securitygroupname", Str),
            p("virtualmachineid", Id(Kind::Vm)).doc("shows only the groups of this VM"),
            p("id", Id(Kind::SecurityGroup)),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::PROJECT, group::TAGGED])
        .items("securitygroup", &SECURITY_GROUP),
    later("revokeSecurityGroupEgress")
        .doc("Removes a rule for leaving traffic")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::SecurityGroupRule)).required()])
        .job("SG.REVOKE.EGRESS")
        .success(),
    later("revokeSecurityGroupIngress")
        .doc("Removes a rule for arriving traffic")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::SecurityGroupRule)).required()])
        .job("SG.REVOKE.INGRESS")
        .success(),
];
