//! Load balancer rules with their VMs, stickiness and health checks; and the internal ones of VPCs.

mod member;
mod policy;

use cloudtally_model::ApiError;

use crate::{
    col,
    desk::metering,
    engine::{Call, Done, Query, Resource, ResourceId, refusal, scope},
    network::{
        addressuse, guest,
        rules::{self, Ports},
    },
    offering::networkoffering,
    table::{
        Command, GoesWith, Kind, KindSpec, MapForm, Object, OnDelete, ParamType::*, Roles, Turn,
        WireType as W, f, fields::*, group, hidden, later, list, own, p,
    },
};

pub(crate) use member::MEMBER_KIND;
pub(crate) use policy::{
    HEALTH_CHECK_KIND, LB_HEALTH_CHECK, LB_HEALTH_CHECK_POLICY, LB_STICKINESS,
    LB_STICKINESS_POLICY, STICKINESS_KIND,
};

pub(crate) const INTERNAL_LOAD_BALANCER: Object = Object {
    name: "ApplicationLoadBalancer",
    fields: &[
        ID,
        f("name", W::Str),
        f("description", W::Str),
        f("algorithm", W::Str),
        f("networkid", W::Id(Kind::Network)),
        f("sourceipaddress", W::Str),
        f("sourceipaddressnetworkid", W::Id(Kind::Network)),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        f("loadbalancerrule", W::Objects("ApplicationLoadBalancerRule")),
        f("loadbalancerinstance", W::Objects("ApplicationLoadBalancerInstance")),
        TAGS,
    ],
};

pub(crate) const INTERNAL_LOAD_BALANCER_INSTANCE: Object = Object {
    name: "ApplicationLoadBalancerInstance",
    fields: &[ID, f("name", W::Str), f("state", W::Str), f("ipaddress", W::Str)],
};

pub(crate) const INTERNAL_LOAD_BALANCER_RULE: Object = Object {
    name: "ApplicationLoadBalancerRule",
    fields: &[f("sourceport", W::Int), f("instanceport", W::Int), f("state", W::Str)],
};

pub(crate) const LOAD_BALANCER_RULE: Object = Object {
    name: "LoadBalancer",
    fields: &[
        ID,
        f("name", W::Str),
        f("description", W::Str),
        f("publicipid", W::Id(Kind::IpAddress)),
        f("publicip", W::Str).join(col::PUBLIC_IP_ID, "ipaddress"),
        f("publicport", W::Str),
        f("privateport", W::Str),
        f("algorithm", W::Str),
        f("networkid", W::Id(Kind::Network)),
        f("cidrlist", W::Str),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        STATE,
        ZONE_ID,
        TAGS,
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("assignToLoadBalancerRule")
        .doc("Puts VMs behind a load balancer rule")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::LoadBalancerRule)).required(),
            p("virtualmachineids", IdList(Kind::Vm)).required(),
        ])
        .job("LB.ASSIGN.TO.RULE")
        .success()
        .kind(Kind::LoadBalancerRule)
        .act(member::assign),
    own("createLBHealthCheckPolicy")
        .doc("Makes a health check: VMs that fail it get no traffic")
        .roles(Roles::ALL)
        .params(&[
            p("lbruleid", Id(Kind::LoadBalancerRule)).required(),
            p("description", Str),
            p("pingpath", Str).doc("the path to ask for; `/` unless given"),
            p("responsetimeout", Int).doc("seconds to wait for an answer, 2 to 60; 5 unless given"),
            p("intervaltime", Int).doc("seconds between checks; 5 unless given"),
            p("healthythreshold", Int)
                .doc("good answers after which a VM counts as healthy; 2 unless given"),
            p("unhealthythreshold", Int)
                .doc("bad answers after which a VM counts as unhealthy; 1 unless given"),
        ])
        .create_job("LB.HEALTHCHECKPOLICY.CREATE")
        .object("healthcheckpolicies", &LB_HEALTH_CHECK)
        .kind(Kind::HealthCheckPolicy)
        .begin(policy::begin_health_check)
        .act(|call| policy::finish_policy(call, "healthcheckpolicy"))
        .on_failure(|call, _| rules::give_up(call)),
    own("createLBStickinessPolicy")
        .doc("Makes a policy that keeps a client with the same VM")
        .roles(Roles::ALL)
        .params(&[
            p("lbruleid", Id(Kind::LoadBalancerRule)).required(),
            p("description", Str),
            p("name", Str).required(),
            p("methodname", Str).required().doc("`LbCookie`, `AppCookie` or `SourceBased`"),
            p("param", Map(MapForm::Fields(&["name", "value"])))
                .doc("parameters of the method: `param[0].name`, `.value`"),
        ])
        .create_job("LB.STICKINESSPOLICY.CREATE")
        .object("stickinesspolicies", &LB_STICKINESS)
        .kind(Kind::StickinessPolicy)
        .begin(policy::begin_stickiness)
        .act(|call| policy::finish_policy(call, "stickinesspolicy"))
        .on_failure(|call, _| rules::give_up(call)),
    later("createLoadBalancer")
        .doc("Makes a load balancer inside a VPC, without a public address")
        .roles(Roles::ALL)
        .params(&[
            p("name", Str).required(),
            p("description", Str).length_max(4096),
            p("networkid", Id(Kind::Network)).required().doc("the network of its VMs"),
            p("sourceport", Int).required().doc("the port it listens on"),
            p("algorithm", Str).required(),
            p("instanceport", Int).required().doc("the port on the VMs"),
            p("sourceipaddress", Str).doc("the address it listens on; a free one unless given"),
            p("sourceipaddressnetworkid", Id(Kind::Network)).required(),
            p("scheme", Str).required(),
        ])
        .create_job("LB.CREATE")
        .object("loadbalancer", &INTERNAL_LOAD_BALANCER),
    own("createLoadBalancerRule")
        .doc("Spreads what comes to a port of a public IP address over VMs")
        .roles(Roles::ALL)
        .params(&[
            p("algorithm", Str).required(),
            p("description", Str).length_max(4096),
            p("name", Str).required(),
            p("privateport", Int).required().doc("the port on the VMs"),
            p("publicipid", Id(Kind::IpAddress))
                .doc("the public IP address; an elastic one unless given"),
            p("zoneid", Id(Kind::Zone)).doc("the zone; needed without `publicipid`"),
            p("publicport", Int).required().doc("the port on the public address"),
            p("openfirewall", Bool).doc(
                "false to leave the firewall closed; true unless given, but for addresses of VPCs",
            ),
            p("cidrlist", List),
            p("networkid", Id(Kind::Network)).doc(
                "the network of the VMs; needed without `publicipid`, or for the first rule on an \
                 address of a VPC",
            ),
        ])
        .groups(&[group::OWNER])
        .create_job("LB.CREATE")
        .object("loadbalancer", &LOAD_BALANCER_RULE)
        .kind(Kind::LoadBalancerRule)
        .begin(begin)
        .act(rules::activate)
        .on_failure(|call, _| rules::give_up(call)),
    own("deleteLBHealthCheckPolicy")
        .doc("Removes a health check")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::HealthCheckPolicy)).required()])
        .job("LB.HEALTHCHECKPOLICY.DELETE")
        .success()
        .kind(Kind::HealthCheckPolicy)
        .act(policy::delete_policy),
    own("deleteLBStickinessPolicy")
        .doc("Removes a stickiness policy")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::StickinessPolicy)).required()])
        .job("LB.STICKINESSPOLICY.DELETE")
        .success()
        .kind(Kind::StickinessPolicy)
        .act(policy::delete_policy),
    later("deleteLoadBalancer")
        .doc("Removes an internal load balancer")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::InternalLoadBalancer)).required()])
        .job("LB.DELETE")
        .success(),
    own("deleteLoadBalancerRule")
        .doc("Removes a load balancer rule; its VMs stay")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::LoadBalancerRule)).required()])
        .job("LB.DELETE")
        .success()
        .kind(Kind::LoadBalancerRule)
        .act(rules::delete),
    own("listLBHealthCheckPolicies")
        .doc("Lists the health checks of a load balancer rule")
        .roles(Roles::ALL)
        .params(&[p("lbruleid", Id(Kind::LoadBalancerRule)).required()])
        .groups(&[group::PAGED])
        .items("healthcheckpolicies", &LB_HEALTH_CHECK)
        .read(|query| policy::list_policies(query, Kind::HealthCheckPolicy, "healthcheckpolicy")),
    own("listLBStickinessPolicies")
        .doc("Lists the stickiness policies of a load balancer rule")
        .roles(Roles::ALL)
        .params(&[p("lbruleid", Id(Kind::LoadBalancerRule)).required()])
        .groups(&[group::PAGED])
        .items("stickinesspolicies", &LB_STICKINESS)
        .read(|query| policy::list_policies(query, Kind::StickinessPolicy, "stickinesspolicy")),
    own("listLoadBalancerRuleInstances")
        .doc("Lists VMs that are behind a load balancer rule, or could be")
        .roles(Roles::ALL)
        .params(&[
            p("applied", Bool).doc("false for VMs that could be put behind it; true unless given"),
            p("id", Id(Kind::LoadBalancerRule)).required().doc("the rule"),
        ])
        .groups(&[group::PAGED])
        .items_of("loadbalancerruleinstance", Kind::Vm)
        .read(member::list_instances),
    list("listLoadBalancerRules", Kind::LoadBalancerRule)
        .doc("Lists load balancer rules")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::LoadBalancerRule)),
            p("name", Str),
            p("publicipid", Id(Kind::IpAddress)),
            p("virtualmachineid", Id(Kind::Vm)).doc("shows only the rules this VM is behind"),
            p("zoneid", Id(Kind::Zone)),
            p("networkid", Id(Kind::Network)),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT, group::TAGGED])
        .items("loadbalancerrule", &LOAD_BALANCER_RULE)
        .filter(is_listed, &["virtualmachineid"]),
    later("listLoadBalancers")
        .doc("Lists internal load balancers")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::InternalLoadBalancer)),
            p("name", Str),
            p("sourceipaddress", Str),
            p("sourceipaddressnetworkid", Id(Kind::Network)),
            p("scheme", Str),
            p("networkid", Id(Kind::Network)),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT, group::TAGGED])
        .items("loadbalancer", &INTERNAL_LOAD_BALANCER),
    own("removeFromLoadBalancerRule")
        .doc("Takes VMs from behind a load balancer rule")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::LoadBalancerRule)).required(),
            p("virtualmachineids", IdList(Kind::Vm)).required(),
        ])
        .job("LB.REMOVE.FROM.RULE")
        .success()
        .kind(Kind::LoadBalancerRule)
        .act(member::take_off),
    own("updateLoadBalancerRule")
        .doc("Changes the name, description or algorithm of a load balancer rule")
        .roles(Roles::ALL)
        .params(&[
            p("algorithm", Str),
            p("description", Str).length_max(4096),
            p("id", Id(Kind::LoadBalancerRule)).required(),
            p("name", Str),
        ])
        .job("LB.UPDATE")
        .object("loadbalancer", &LOAD_BALANCER_RULE)
        .kind(Kind::LoadBalancerRule)
        .act(update),
];

/// Hidden: the public ports as numbers.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::LoadBalancerRule, &LOAD_BALANCER_RULE)
    .leaves_nothing()
    .newest_first()
    .hidden(&[hidden("protocol", W::Str), hidden("firstport", W::Int), hidden("lastport", W::Int)])
    .owned()
    .states(rules::STATES)
    .keyword(&[col::NAME, col::DESCRIPTION])
    .referred(&[
        (Kind::LoadBalancerMember, col::RULE.reference(), OnDelete::Remove),
        (Kind::StickinessPolicy, col::RULE.reference(), OnDelete::Remove),
        (Kind::HealthCheckPolicy, col::RULE.reference(), OnDelete::Remove),
    ])
    .tagged("LoadBalancer")
    .metered(metering::LOAD_BALANCER)
    .goes_with(&[GoesWith {
        other: Kind::IpAddress,
        by: col::PUBLIC_IP_ID,
        turn: Turn::LoadBalancing,
        remove: rules::remove,
    }])
    .job_instance("LoadBalancerRule");

const ALGORITHMS: &[&str] = &["roundrobin", "leastconn", "source"];

fn algorithm(call: &Call<'_, '_>) -> Result<Option<&'static str>, ApiError> {
    let Some(given) = call.args.text("algorithm") else { return Ok(None) };
    let known = ALGORITHMS.iter().find(|known| known.eq_ignore_ascii_case(given));
    known.copied().map(Some).ok_or_else(|| {
        call.invalid("algorithm", given, &format!("expected one of {}", ALGORITHMS.join(", ")))
    })
}

fn begin(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    // 1. The address, and the network it serves.
    let args = call.args.clone();
    let algorithm = algorithm(call)?;
    let address = args.id("publicipid").ok_or_else(|| {
        refusal::parameter("publicipid", "is needed; elastic load balancing is not enabled")
    })?;
    rules::refuse_firewall(call, address)?;
    rules::check_no_static_nat(call.tx, address)?;
    scope::refuse_other_owner(call, address)?;
    let zone = call.tx.resource(address).id_of(col::ZONE_ID);
    if args.id("zoneid").is_some_and(|wanted| Some(wanted) != zone) {
        return Err(call
            .tx
            .resource(address)
            .refused("publicipid", "is not in the zone of `zoneid`; leave `zoneid` out"));
    }
    let network = addressuse::network_of(call, address, args.id("networkid"), "Lb")?;
    let balances = guest::offering_of(call.tx, call.tx.resource(network));
    if networkoffering::balances_inside(balances) {
        let why = format!(
            "balances load inside its VPC alone; the network {} takes no rules on public addresses",
            call.tx.resource(network).text(col::NAME)
        );
        return Err(balances.refused("networkid", why));
    }
    let ports = Ports::of(call, "publicport", "publicport")?;
    let private = Ports::of(call, "privateport", "privateport")?;
    let cidrs = rules::cidrs(call)?;
    rules::check_free(call.tx, address, &ports, None)?;
    // 2. The rule, with nothing behind it yet.
    let of = call.tx.resource(address).clone();
    let id = call.tx.insert(Kind::LoadBalancerRule, |rule| {
        rule.owner = of.owner;
        rule.set_text(col::NAME, args.text_required("name"))
            .set_ref(col::PUBLIC_IP_ID, address)
            .set_text(col::PUBLIC_PORT, &ports.first.to_string())
            .set_text(col::PRIVATE_PORT, &private.first.to_string())
            .set_text(col::ALGORITHM, algorithm.unwrap_or(ALGORITHMS[0]))
            .set_ref(col::NETWORK_ID, network)
            .set_ref(col::ZONE_ID, of.id_of(col::ZONE_ID))
            .set_text(col::PROTOCOL, ports.protocol)
            .set_int(col::FIRST_PORT, ports.first)
            .set_int(col::LAST_PORT, ports.last);
        if let Some(text) = args.text("description") {
            rule.set_text(col::DESCRIPTION, text);
        }
        if args.has("cidrlist") {
            rule.set_text(col::CIDR_LIST, &cidrs);
        }
    });
    rules::open_firewall(call, id, address, &ports, &cidrs)?;
    Ok(Some(id))
}

fn update(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let algorithm = algorithm(call)?;
    let args = call.args.clone();
    call.tx.edit(id, |rule| {
        for column in [col::NAME, col::DESCRIPTION] {
            if let Some(text) = args.text(column.name()) {
                rule.set_text(column, text);
            }
        }
        if let Some(algorithm) = algorithm {
            rule.set_text(col::ALGORITHM, algorithm);
        }
    });
    Ok(Done::Resource(id))
}

fn is_listed(query: &Query<'_>, rule: &Resource) -> bool {
    let wanted = query.args.id("virtualmachineid");
    wanted.is_none_or(|vm| member::members(query.world, rule.id).contains(&vm))
}
