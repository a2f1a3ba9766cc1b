//! Stickiness and health check policies of load balancer rules.

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Answer, Call, Done, Node, Query, Resource, ResourceId, View},
    table::{Kind, KindSpec, Object, WireType as W, f, fields::*, hidden},
};

pub(crate) const LB_HEALTH_CHECK: Object = Object {
    name: "LBHealthCheck",
    fields: &[
        f("lbruleid", W::Id(Kind::LoadBalancerRule)),
        ACCOUNT,
        DOMAIN_ID,
        DOMAIN,
        ZONE_ID,
        f("healthcheckpolicy", W::Objects("LBHealthCheckPolicy")),
    ],
};

pub(crate) const LB_HEALTH_CHECK_POLICY: Object = Object {
    name: "LBHealthCheckPolicy",
    fields: &[
        ID,
        f("pingpath", W::Str),
        f("description", W::Str),
        f("state", W::Str),
        f("responsetime", W::Int),
        f("healthcheckinterval", W::Int),
        f("healthcheckthresshold", W::Int),
        f("unhealthcheckthresshold", W::Int),
    ],
};

pub(crate) const LB_STICKINESS: Object = Object {
    name: "LBStickiness",
    fields: &[
        f("lbruleid", W::Id(Kind::LoadBalancerRule)),
        f("name", W::Str),
        f("description", W::Str),
        ACCOUNT,
        DOMAIN_ID,
        DOMAIN,
        f("state", W::Str),
        ZONE_ID,
        f("stickinesspolicy", W::Objects("LBStickinessPolicy")),
    ],
};

pub(crate) const LB_STICKINESS_POLICY: Object = Object {
    name: "LBStickinessPolicy",
    fields: &[
        ID,
        f("name", W::Str),
        f("methodname", W::Str),
        f("description", W::Str),
        f("state", W::Str),
        f("params", W::Map),
    ],
};

pub(crate) static STICKINESS_KIND: KindSpec =
    KindSpec::new(Kind::StickinessPolicy, &LB_STICKINESS_POLICY)
        .hidden(&[hidden("rule", W::Id(Kind::LoadBalancerRule))])
        .owned();

pub(crate) static HEALTH_CHECK_KIND: KindSpec =
    KindSpec::new(Kind::HealthCheckPolicy, &LB_HEALTH_CHECK_POLICY)
        .hidden(&[hidden("rule", W::Id(Kind::LoadBalancerRule))])
        .owned();

const STICKINESS_METHODS: &[&str] = &["LbCookie", "AppCookie", "SourceBased"];

pub(super) fn begin_stickiness(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let args = call.args.clone();
    let rule = args.id_required("lbruleid");
    let given = args.text_required("methodname");
    let method = STICKINESS_METHODS.iter().find(|known| known.eq_ignore_ascii_case(given));
    let method = method.ok_or_else(|| {
        let expected = format!("expected one of {}", STICKINESS_METHODS.join(", "));
        call.invalid("methodname", given, &expected)
    })?;
    if call.tx.referring(rule, Kind::StickinessPolicy, col::RULE).next().is_some() {
        return Err(call
            .tx
            .resource(rule)
            .refused("lbruleid", "has a stickiness policy already; remove it first"));
    }
    let owner = call.tx.resource(rule).owner;
    let pairs: Vec<_> = args
        .map("param")
        .iter()
        .filter_map(|entry| Some((entry.get("name")?, entry.get("value")?)))
        .map(|(name, value)| (name.as_str().into(), value.as_str().into()))
        .collect();
    Ok(Some(call.tx.insert(Kind::StickinessPolicy, |policy| {
        policy.owner = owner;
        policy
            .set_ref(col::RULE, rule)
            .set_text(col::NAME, args.text_required("name"))
            .set_text(col::METHOD_NAME, method)
            .set_text(col::DESCRIPTION, args.text("description").unwrap_or_default())
            .set_text(col::STATE, "Active")
            .set_map(col::PARAMS, (!pairs.is_empty()).then_some(pairs));
    })))
}

pub(super) fn begin_health_check(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let args = call.args.clone();
    let rule = args.id_required("lbruleid");
    let bounded = |name: &'static str, default: i64, least: i64, most: i64| match args.int(name) {
        Some(number) if (least..=most).contains(&number) => Ok(number),
        Some(number) => {
            let expected = format!("expected a number from {least} to {most}");
            Err(call.invalid(name, &number.to_string(), &expected))
        }
        None => Ok(default),
    };
    let times = [
        (col::RESPONSE_TIME, bounded("responsetimeout", 5, 2, 60)?),
        (col::HEALTH_CHECK_INTERVAL, bounded("intervaltime", 5, 1, 3600)?),
        (col::HEALTH_CHECK_THRESSHOLD, bounded("healthythreshold", 2, 1, 10)?),
        (col::UNHEALTH_CHECK_THRESSHOLD, bounded("unhealthythreshold", 1, 1, 10)?),
    ];
    if call.tx.referring(rule, Kind::HealthCheckPolicy, col::RULE).next().is_some() {
        return Err(call
            .tx
            .resource(rule)
            .refused("lbruleid", "has a health check already; remove it first"));
    }
    let owner = call.tx.resource(rule).owner;
    Ok(Some(call.tx.insert(Kind::HealthCheckPolicy, |policy| {
        policy.owner = owner;
        policy
            .set_ref(col::RULE, rule)
            .set_text(col::PING_PATH, args.text("pingpath").unwrap_or("/"))
            .set_text(col::DESCRIPTION, args.text("description").unwrap_or_default())
            .set_text(col::STATE, "Active");
        for (column, number) in times {
            policy.set_int(column, number);
        }
    })))
}

/// The policies of a rule in the object that answers show them in.
pub(super) fn policies(view: &View<'_>, rule: &Resource, kind: Kind, field: &'static str) -> Node {
    let rule_view = view.of(rule.id);
    let owner = rule.owner.map(|owner| view.world.resource(owner));
    let domain = owner.map(|owner| view.world.resource(view.world.domain_of(owner.id)));
    let zone = rule.id_of(col::ZONE_ID).map(|zone| view.world.resource(zone));
    let fields = vec![
        ("lbruleid", Node::text(rule.uuid.to_string())),
        ("account", Node::text_if(owner.map(|owner| owner.text(col::NAME)))),
        ("domainid", Node::text_if(domain.map(|domain| domain.uuid.to_string()))),
        ("domain", Node::text_if(domain.map(|domain| domain.text(col::NAME)))),
        ("zoneid", Node::text_if(zone.map(|zone| zone.uuid.to_string()))),
        (field, rule_view.children(kind, col::RULE)),
    ];
    Node::Object(fields.into_iter().filter(|(_, node)| *node != Node::Null).collect())
}

pub(super) fn finish_policy(
    call: &mut Call<'_, '_>,
    field: &'static str,
) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let policy = call.entity();
    let rule = policy.id_of(col::RULE).expect("policies are of a rule");
    let view = View::new(call.tx, &call.caller, call.tx.resource(id), call.tx.now);
    Ok(Done::Node(policies(&view, call.tx.resource(rule), policy.kind, field)))
}

pub(super) fn list_policies(
    query: &Query<'_>,
    kind: Kind,
    field: &'static str,
) -> Result<Answer, ApiError> {
    let item = match kind {
        Kind::StickinessPolicy => "stickinesspolicies",
        _ => "healthcheckpolicies",
    };
    let rule = query.world.resource(query.args.id_required("lbruleid"));
    let has_any = query.world.referring(rule.id, kind, col::RULE).next().is_some();
    let view = View::new(query.world, query.caller, rule, query.now);
    let node = has_any.then(|| policies(&view, rule, kind, field));
    query.page_of(item, node.into_iter(), |_, node| node)
}

pub(super) fn delete_policy(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    call.tx.erase(id);
    Ok(Done::Success)
}
