//! Security groups: what may reach VMs and leave them where they share a network.

use cloudtally_model::ApiError;

use crate::{
    engine::{Call, ThingId},
    table::{
        Command, Kind, KindSpec, MapForm, Object, OnDelete, ParamType::*, Roles, Source, Unique,
        WireType as W, Within, f, fields::*, group, later, p,
    },
};

/// The group that every account has for machines that name none.
const DEFAULT: &str = "default";

pub(crate) static KIND: KindSpec = KindSpec::new(Kind::SecurityGroup, &SECURITY_GROUP)
    .owned()
    .unique(&[Unique { column: "name", within: Within::Account }])
    .keyword(&["name"])
    .referred(&[(Kind::Vm, "securitygroups", OnDelete::Refuse)])
    .tagged("SecurityGroup")
    .job_instance("SecurityGroup");

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

/// The security groups a machine is deployed in: those named, else the default
/// one of the account where the zone has security groups at all.
pub(crate) fn for_deployment(
    call: &mut Call<'_, '_>,
    owner: ThingId,
    zone: ThingId,
) -> Result<Vec<ThingId>, ApiError> {
    let args = call.args.clone();
    let (ids, names) = (args.ids("securitygroupids"), args.list("securitygroupnames"));
    if !ids.is_empty() && !names.is_empty() {
        return Err(ApiError::value("give either `securitygroupids` or `securitygroupnames`"));
    }
    let has_groups = call.thing(zone).flag("securitygroupsenabled");
    if !has_groups && !(ids.is_empty() && names.is_empty()) {
        return Err(ApiError::value(format!(
            "the zone {} has no security groups",
            call.thing(zone).text("name")
        )));
    }
    if !has_groups {
        return Ok(Vec::new());
    }
    let mut groups = ids.to_vec();
    for name in names {
        let found = call.owned_by(owner, Kind::SecurityGroup).find(|g| g.text("name") == name);
        let group = found.map(|group| group.id);
        groups.push(group.ok_or_else(|| {
            call.invalid("securitygroupnames", name, "the account has no such security group")
        })?);
    }
    if let Some(foreign) = groups.iter().find(|id| call.thing(**id).owner != Some(owner)) {
        let group = call.thing(*foreign);
        return Err(ApiError::permission(format!(
            "the security group {} belongs to another account",
            group.text("name")
        ))
        .about(group.uuid.to_string(), "securitygroupids"));
    }
    if groups.is_empty() {
        groups.push(default_of(call, owner));
    }
    Ok(groups)
}

/// The default security group of an account, made when it is first needed.
fn default_of(call: &mut Call<'_, '_>, owner: ThingId) -> ThingId {
    let known =
        call.owned_by(owner, Kind::SecurityGroup).find(|group| group.text("name") == DEFAULT);
    if let Some(group) = known {
        return group.id;
    }
    call.tx.insert(Kind::SecurityGroup, |group| {
        group.owner = Some(owner);
        group.set_text("name", DEFAULT).set_text("description", "Default Security Group");
    })
}
