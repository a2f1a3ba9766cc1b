//! Egress firewall rules: what may leave a guest network. Guide 4.1.1.21.

use cloudtally_model::ApiError;

use super::{firewall::Matched, guest, rules};
use crate::{
    col,
    engine::{Call, Query, Resource, ResourceId},
    parse::ip,
    table::{
        Command, Kind, KindSpec, Object, ParamType::*, Roles, WireType as W, delete, f, fields::*,
        group, hidden, list, own, p,
    },
};

pub(crate) const FIREWALL_RULE: Object = Object {
    name: "Firewall",
    fields: &[
        ID,
        f("protocol", W::Str),
        f("startport", W::Str),
        f("endport", W::Str),
        f("ipaddressid", W::Id(Kind::IpAddress)),
        f("networkid", W::Id(Kind::Network)),
        f("ipaddress", W::Str).join(col::IP_ADDRESS_ID, "ipaddress"),
        STATE,
        f("cidrlist", W::Str),
        f("icmptype", W::Int),
        f("icmpcode", W::Int),
        TAGS,
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("createEgressFirewallRule")
        .doc("Lets traffic out of a guest network, or keeps it in by its offering's default")
        .roles(Roles::ALL)
        .params(&[
            p("networkid", Id(Kind::Network)).required(),
            p("protocol", Str).required().doc("`tcp`, `udp`, `icmp` or `all`"),
            p("startport", Int),
            p("endport", Int),
            p("cidrlist", List).doc("sources separated by commas; the whole network unless given"),
            p("icmptype", Int),
            p("icmpcode", Int),
            p("type", Str).doc("`user`, or `system` for rules of the system itself"),
        ])
        .create_job("FIREWALL.OPEN")
        .object("firewallrule", &FIREWALL_RULE)
        .kind(Kind::EgressRule)
        .begin(begin)
        .act(rules::activate)
        .on_failure(|call, _| rules::give_up(call)),
    delete("deleteEgressFirewallRule", Kind::EgressRule)
        .doc("Removes an egress firewall rule")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::EgressRule)).required()])
        .job("FIREWALL.CLOSE")
        .success(),
    list("listEgressFirewallRules", Kind::EgressRule)
        .doc("Lists egress firewall rules")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::EgressRule)),
            p("networkid", Id(Kind::Network)),
            p("ipaddressid", Id(Kind::IpAddress))
                .doc("shows only those of the network of this address"),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT, group::TAGGED])
        .items("firewallrule", &FIREWALL_RULE)
        .filter(is_listed, &["ipaddressid"]),
];

pub(crate) static KIND: KindSpec = KindSpec::new(Kind::EgressRule, &FIREWALL_RULE)
    .leaves_nothing()
    .newest_first()
    .hidden(&[hidden("firstport", W::Int), hidden("lastport", W::Int)])
    .keyword(&[col::PROTOCOL, col::CIDR_LIST, col::START_PORT_TEXT, col::END_PORT_TEXT])
    .owned()
    .states(rules::STATES)
    .tagged("FirewallRule")
    .job_instance("FirewallRule");

fn begin(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let network = call.args.id_required("networkid");
    if call.tx.resource(network).id_of(col::VPC_ID).is_some() {
        let why = "is a tier of a VPC, which has no firewall; use network ACLs";
        return Err(call.tx.resource(network).refused("networkid", why));
    }
    guest::must_provide(call.tx, network, "Firewall")?;
    let matched = Matched::of(call, true)?;
    let cidrs = if call.args.has("cidrlist") {
        refuse_foreign(call, network)?;
        rules::cidrs(call)?
    } else {
        call.tx.resource(network).text(col::CIDR).to_owned()
    };
    let collides = call
        .tx
        .referring(network, Kind::EgressRule, col::NETWORK_ID)
        .any(|rule| matched.meets(rule, &cidrs));
    if collides {
        return Err(call.tx.resource(network).refused_as(
            ApiError::rule_conflict,
            "networkid",
            "has an egress rule for some of these ports and sources already",
        ));
    }
    let owner = call.tx.resource(network).owner;
    let id = call.tx.insert(Kind::EgressRule, |rule| {
        rule.owner = owner;
        rule.set_ref(col::NETWORK_ID, network);
        matched.fill(rule, &cidrs);
    });
    Ok(Some(id))
}

/// Refuses sources that are not of the network: nothing of theirs leaves through it.
fn refuse_foreign(call: &Call<'_, '_>, network: ResourceId) -> Result<(), ApiError> {
    let whole = guest::whole_cidr(call.tx.resource(network));
    let is_foreign = |cidr: &&String| match (ip::bounds(cidr), ip::bounds(whole)) {
        (Some((0, u32::MAX)), _) => false,
        (Some((first, last)), Some((own_first, own_last))) => first < own_first || own_last < last,
        _ => false,
    };
    match call.args.list("cidrlist").iter().find(is_foreign) {
        Some(wrong) => {
            let expected = format!("expected a range within {whole}, that of the network");
            Err(call.invalid("cidrlist", wrong, &expected))
        }
        None => Ok(()),
    }
}

/// `ipaddressid` means the network it serves.
fn is_listed(query: &Query<'_>, rule: &Resource) -> bool {
    let Some(address) = query.args.id("ipaddressid") else { return true };
    let network = query.world.resource(address).id_of(col::ASSOCIATED_NETWORK_ID);
    rule.id_of(col::NETWORK_ID) == network
}
