//! Security groups: what may reach VMs and leave them where they share a network.

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Arg, Call, Done, Node, Query, Resource, ResourceId, Tx, View, World, refusal, verbs},
    table::{
        Command, Kind, KindSpec, MapForm, Object, OnDelete, ParamType::*, Roles, Source, Turn,
        Unique, WireType as W, Within, create, f, fields::*, group, hidden, list, own, p,
    },
};

/// The group that every account has for machines that name none.
const DEFAULT: &str = "default";

pub(crate) static KIND: KindSpec = KindSpec::new(Kind::SecurityGroup, &SECURITY_GROUP)
    .goes_with_owner(Turn::SecurityGroups, remove)
    .owned()
    .unique(&[Unique { column: col::NAME, within: Within::Account }])
    .keyword(&[col::NAME, col::DESCRIPTION])
    .referred(&[
        (Kind::Vm, col::SECURITY_GROUPS.reference(), OnDelete::Refuse),
        (Kind::SecurityGroupRule, col::GROUP.reference(), OnDelete::Remove),
    ])
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
        f("ingressrule", W::Objects("SecurityGroupRule")).by(|view| rules(view, INGRESS)),
        f("egressrule", W::Objects("SecurityGroupRule")).by(|view| rules(view, EGRESS)),
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
    own("authorizeSecurityGroupEgress")
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
        .object("securitygroup", &SECURITY_GROUP)
        .act(|call| authorise(call, EGRESS)),
    own("authorizeSecurityGroupIngress")
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
        .object("securitygroup", &SECURITY_GROUP)
        .act(|call| authorise(call, INGRESS)),
    create("createSecurityGroup", Kind::SecurityGroup)
        .doc("Makes a security group without rules")
        .roles(Roles::ALL)
        .params(&[p("description", Str), p("name", Str).required()])
        .groups(&[group::OWNER, group::PROJECT])
        .event("SG.CREATE")
        .object("securitygroup", &SECURITY_GROUP),
    own("deleteSecurityGroup")
        .doc("Deletes a security group that has no VMs")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::SecurityGroup)).doc("the group; this or `name`"),
            p("name", Str).doc("the group's name; this or `id`"),
        ])
        .groups(&[group::OWNER, group::PROJECT])
        .event("SG.DELETE")
        .success()
        .act(delete),
    list("listSecurityGroups", Kind::SecurityGroup)
        .doc("Lists security groups with their rules")
        .roles(Roles::ALL)
        .params(&[
            p("securitygroupname", Str),
            p("virtualmachineid", Id(Kind::Vm)).doc("shows only the groups of this VM"),
            p("id", Id(Kind::SecurityGroup)),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT, group::TAGGED])
        .items("securitygroup", &SECURITY_GROUP)
        .filter(is_listed, &["securitygroupname", "virtualmachineid"]),
    own("revokeSecurityGroupEgress")
        .doc("Removes a rule for leaving traffic")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::SecurityGroupRule)).required()])
        .job("SG.REVOKE.EGRESS")
        .success()
        .kind(Kind::SecurityGroupRule)
        .act(|call| revoke(call, EGRESS)),
    own("revokeSecurityGroupIngress")
        .doc("Removes a rule for arriving traffic")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::SecurityGroupRule)).required()])
        .job("SG.REVOKE.INGRESS")
        .success()
        .kind(Kind::SecurityGroupRule)
        .act(|call| revoke(call, INGRESS)),
];

/// The security groups a machine is deployed in: those named, else the default
/// one of the account where the zone has security groups at all.
pub(crate) fn for_deployment(
    call: &mut Call<'_, '_>,
    owner: ResourceId,
    zone: ResourceId,
) -> Result<Vec<ResourceId>, ApiError> {
    let args = call.args.clone();
    let names: &[String] = match args.if_any("securitygroupnames") {
        Some(Arg::List(names)) => names,
        _ => &[],
    };
    let ids = args.ids("securitygroupids");
    if !ids.is_empty() && !names.is_empty() {
        return Err(refusal::exclusive(&["securitygroupids", "securitygroupnames"]));
    }
    let has_groups = call.tx.resource(zone).flag(col::SECURITY_GROUPS_ENABLED);
    let is_any_named = !ids.is_empty() || !names.is_empty();
    if !has_groups && is_any_named {
        return Err(call.tx.resource(zone).refused("zoneid", "has no security groups"));
    }
    if !has_groups {
        return Ok(Vec::new());
    }
    let mut groups = ids.to_vec();
    for name in names {
        let found =
            call.tx.owned_by(owner, Kind::SecurityGroup).find(|g| g.text(col::NAME) == name);
        let group = found.map(|group| group.id);
        groups.push(group.ok_or_else(|| {
            call.invalid("securitygroupnames", name, "the account has no such security group")
        })?);
    }
    if let Some(foreign) = groups.iter().find(|id| call.tx.resource(**id).owner != Some(owner)) {
        let group = call.tx.resource(*foreign);
        return Err(group.refused_as(
            ApiError::permission,
            "securitygroupids",
            "belongs to another account",
        ));
    }
    if groups.is_empty() {
        groups.push(ensure_default(call.tx, owner));
    }
    Ok(groups)
}

/// Makes the default security group of an account, unless it has one: accounts have it from
/// their creation, those of older clouds get it when it is first needed.
pub(crate) fn ensure_default(tx: &mut Tx<'_>, owner: ResourceId) -> ResourceId {
    let known =
        tx.owned_by(owner, Kind::SecurityGroup).find(|group| group.text(col::NAME) == DEFAULT);
    if let Some(group) = known {
        return group.id;
    }
    tx.insert(Kind::SecurityGroup, |group| {
        group.owner = Some(owner);
        group.set_text(col::NAME, DEFAULT).set_text(col::DESCRIPTION, "Default Security Group");
    })
}

/// Hidden: the group and the direction.
pub(crate) static RULE_KIND: KindSpec =
    KindSpec::new(Kind::SecurityGroupRule, &SECURITY_GROUP_RULE)
        .hidden(&[hidden("group", W::Id(Kind::SecurityGroup)), hidden("direction", W::Str)])
        .owned()
        .job_instance("SecurityGroup");

const INGRESS: &str = "ingress";
const EGRESS: &str = "egress";

fn rules(view: &View<'_>, direction: &str) -> Node {
    let rules = view.world.referring(view.resource.id, Kind::SecurityGroupRule, col::GROUP);
    let shown: Vec<Node> = rules
        .filter(|rule| rule.text(col::DIRECTION) == direction)
        .map(|rule| view.of(rule.id).object(&SECURITY_GROUP_RULE))
        .collect();
    if shown.is_empty() { Node::Null } else { Node::List(shown) }
}

/// The group that `securitygroupid`, or `securitygroupname` of the owner, names.
fn named(
    call: &mut Call<'_, '_>,
    id: &'static str,
    name: &'static str,
) -> Result<ResourceId, ApiError> {
    match (call.args.id(id), call.args.text(name).map(str::to_owned)) {
        (Some(id), None) => Ok(id),
        (None, Some(given)) => {
            let owner = call.owner()?;
            let group = call
                .tx
                .owned_by(owner, Kind::SecurityGroup)
                .find(|group| group.text(col::NAME) == given);
            group
                .map(|group| group.id)
                .ok_or_else(|| call.invalid(name, &given, "the account has no such security group"))
        }
        _ => Err(refusal::one_of(&[id, name])),
    }
}

/// The traffic that a rule is for.
struct Traffic {
    protocol: String,
    ports: Option<(i64, i64)>,
    /// The type and the code.
    icmp: Option<(i64, i64)>,
}

impl Traffic {
    /// The traffic that the parameters name.
    fn of(call: &Call<'_, '_>) -> Result<Self, ApiError> {
        let args = &call.args;
        let protocol = args.text("protocol").unwrap_or("all").to_lowercase();
        let number = |name: &'static str, least: i64, most: i64| match args.int(name) {
            Some(given) if (least..=most).contains(&given) => Ok(given),
            Some(given) => {
                let expected = format!("expected a number from {least} to {most}");
                Err(call.invalid(name, &given.to_string(), &expected))
            }
            None => {
                Err(refusal::parameter(name, format!("is needed with the protocol {protocol}")))
            }
        };
        let unwanted: &[&str] = match protocol.as_str() {
            "tcp" | "udp" => &["icmptype", "icmpcode"],
            "icmp" => &["startport", "endport"],
            _ => &["startport", "endport", "icmptype", "icmpcode"],
        };
        if let Some(name) = unwanted.iter().find(|name| args.has(name)) {
            return Err(refusal::parameter(
                name,
                format!("does not go with the protocol {protocol}; leave it out"),
            ));
        }
        let (ports, icmp) = match protocol.as_str() {
            "tcp" | "udp" => {
                let (first, last) =
                    (number("startport", 0, 65_535)?, number("endport", 0, 65_535)?);
                if last < first {
                    return Err(call.invalid(
                        "endport",
                        &last.to_string(),
                        "expected a port not before `startport`",
                    ));
                }
                (Some((first, last)), None)
            }
            "icmp" => (None, Some((number("icmptype", -1, 255)?, number("icmpcode", -1, 255)?))),
            "all" => (None, None),
            _ => {
                let expected = "expected `tcp`, `udp`, `icmp` or `all`";
                return Err(call.invalid("protocol", &protocol, expected));
            }
        };
        Ok(Self { protocol, ports, icmp })
    }

    /// Tells whether a rule is for it.
    fn is_of(&self, rule: &Resource) -> bool {
        rule.text(col::PROTOCOL) == self.protocol
            && rule.int_if(col::START_PORT).zip(rule.int_if(col::END_PORT)) == self.ports
            && rule.int_if(col::ICMP_TYPE).zip(rule.int_if(col::ICMP_CODE)) == self.icmp
    }

    fn store(&self, rule: &mut Resource) {
        rule.set_text(col::PROTOCOL, &self.protocol);
        if let Some((first, last)) = self.ports {
            rule.set_int(col::START_PORT, first).set_int(col::END_PORT, last);
        }
        if let Some((icmp_type, icmp_code)) = self.icmp {
            rule.set_int(col::ICMP_TYPE, icmp_type).set_int(col::ICMP_CODE, icmp_code);
        }
    }
}

/// A range of addresses, or an account and its group.
type Peer = (Option<String>, Option<(String, String)>);

/// The sources that the parameters name.
fn sources(call: &Call<'_, '_>, owner: ResourceId) -> Result<Vec<Peer>, ApiError> {
    let args = &call.args;
    let cidrs = args.list("cidrlist");
    if let Some(wrong) = cidrs.iter().find(|cidr| crate::parse::ip::parse_cidr(cidr).is_none()) {
        return Err(call.invalid("cidrlist", wrong, "expected CIDRs, such as 10.0.0.0/8"));
    }
    let groups = args.map("usersecuritygrouplist");
    if cidrs.is_empty() && groups.is_empty() {
        return Err(refusal::one_of(&["cidrlist", "usersecuritygrouplist"]));
    }
    let mut sources: Vec<Peer> = cidrs.iter().map(|cidr| (Some(cidr.clone()), None)).collect();
    for entry in groups {
        let (Some(account), Some(name)) = (entry.get("account"), entry.get("group")) else {
            return Err(refusal::parameter(
                "usersecuritygrouplist",
                "has an entry without `account` or `group`; each needs both",
            ));
        };
        let of = call.tx.account_named(call.tx.domain_of(owner), account).map(|account| account.id);
        let known = of.is_some_and(|of| {
            call.tx
                .owned_by(of, Kind::SecurityGroup)
                .any(|group| group.text(col::NAME) == name.as_str())
        });
        if !known {
            let expected = "there is no such group of this account in the domain";
            return Err(call.invalid("usersecuritygrouplist", name, expected));
        }
        sources.push((None, Some((account.clone(), name.clone()))));
    }
    Ok(sources)
}

/// Makes one rule for each source: a range of addresses or another group. Answers the group
/// with the rules just made alone, as CloudStack 4.2 does: clients read their ids there.
fn authorise(call: &mut Call<'_, '_>, direction: &'static str) -> Result<Done, ApiError> {
    // 1. For which group and traffic.
    let group = named(call, "securitygroupid", "securitygroupname")?;
    let traffic = Traffic::of(call)?;
    // 2. From or to where.
    let owner = call.tx.resource(group).owner.expect("security groups have an owner");
    let sources = sources(call, owner)?;
    // 3. One rule each; the same again is refused.
    let mut made = Vec::new();
    for (cidr, other) in sources {
        let is_same = |rule: &Resource| {
            rule.text(col::DIRECTION) == direction
                && traffic.is_of(rule)
                && rule.text(col::CIDR) == cidr.as_deref().unwrap_or_default()
                && other.as_ref().is_none_or(|(account, name)| {
                    rule.text(col::ACCOUNT) == account
                        && rule.text(col::SECURITY_GROUP_NAME) == name
                })
        };
        if call.tx.referring(group, Kind::SecurityGroupRule, col::GROUP).any(is_same) {
            return Err(call
                .tx
                .resource(group)
                .refused("securitygroupid", "has such a rule already"));
        }
        made.push(call.tx.insert(Kind::SecurityGroupRule, |rule| {
            rule.owner = Some(owner);
            rule.set_ref(col::GROUP, group).set_text(col::DIRECTION, direction);
            traffic.store(rule);
            if let Some(cidr) = &cidr {
                rule.set_text(col::CIDR, cidr);
            }
            if let Some((account, name)) = &other {
                rule.set_text(col::ACCOUNT, account).set_text(col::SECURITY_GROUP_NAME, name);
            }
        }));
    }
    Ok(Done::Node(with_rules(call, group, direction, &made)))
}

/// A group as an object that shows these rules of it and no others.
fn with_rules(
    call: &Call<'_, '_>,
    group: ResourceId,
    direction: &str,
    rules: &[ResourceId],
) -> Node {
    let view = View::new(call.tx, &call.caller, call.tx.resource(group), call.tx.now);
    let mut fields = Vec::new();
    for field in SECURITY_GROUP.fields {
        let node = match field.name {
            "ingressrule" | "egressrule" if !field.name.starts_with(direction) => Node::Null,
            "ingressrule" | "egressrule" => Node::List(
                rules.iter().map(|rule| view.of(*rule).object(&SECURITY_GROUP_RULE)).collect(),
            ),
            _ => view.field(field),
        };
        if node != Node::Null {
            fields.push((field.name, node));
        }
    }
    Node::Object(fields)
}

fn revoke(call: &mut Call<'_, '_>, direction: &str) -> Result<Done, ApiError> {
    let id = call.entity_id();
    if call.entity().text(col::DIRECTION) != direction {
        return Err(call.entity().refused("id", format!("is not for {direction} traffic")));
    }
    call.tx.erase(id);
    Ok(Done::Success)
}

fn delete(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = named(call, "id", "name")?;
    if call.tx.resource(id).text(col::NAME) == DEFAULT {
        return Err(call
            .tx
            .resource(id)
            .refused("id", "is the default one and stays with its account"));
    }
    if let Some(other) = admitting(call.tx, id) {
        return Err(call
            .tx
            .resource(id)
            .refused_as(
                ApiError::in_use,
                "id",
                format!(
                    "is let in by a rule of the security group {}; revoke it first",
                    other.text(col::NAME)
                ),
            )
            .about(other.uuid.to_string(), "id"));
    }
    verbs::delete(call, id)?;
    Ok(Done::Success)
}

/// Another group of the domain, a rule of which names this one.
fn admitting(world: &World, id: ResourceId) -> Option<&Resource> {
    let mut groups = naming(world, id).into_iter().filter_map(|rule| rule.id_of(col::GROUP));
    groups.find(|other| *other != id).map(|other| world.resource(other))
}

/// The rules of the domain that name a group.
fn naming(world: &World, id: ResourceId) -> Vec<&Resource> {
    let group = world.resource(id);
    let Some(owner) = group.owner.map(|owner| world.resource(owner)) else { return Vec::new() };
    let (account, name) = (owner.text(col::NAME), group.text(col::NAME));
    let domain = world.domain_of(owner.id);
    world
        .all(Kind::SecurityGroupRule)
        .filter(|rule| {
            rule.text(col::ACCOUNT) == account && rule.text(col::SECURITY_GROUP_NAME) == name
        })
        .filter(|rule| rule.owner.is_some_and(|other| world.domain_of(other) == domain))
        .collect()
}

/// Removes a group of an account that goes, and the rules of others that name it: a later
/// account of the same name is not let in by them.
pub(crate) fn remove(tx: &mut Tx<'_>, id: ResourceId) {
    let rules: Vec<ResourceId> = naming(tx, id).into_iter().map(|rule| rule.id).collect();
    for rule in rules {
        tx.erase(rule);
    }
    tx.remove_with_dependants(id);
}

fn is_listed(query: &Query<'_>, group: &Resource) -> bool {
    let args = query.args;
    let of_vm =
        |vm: ResourceId| query.world.resource(vm).ids_of(col::SECURITY_GROUPS).contains(&group.id);
    args.text("securitygroupname").is_none_or(|name| group.text(col::NAME) == name)
        && args.id("virtualmachineid").is_none_or(of_vm)
}
