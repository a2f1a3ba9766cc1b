//! Firewall rules: what may come in through a public IP address.

use cloudtally_model::ApiError;

use super::{
    addressuse,
    egressfirewall::FIREWALL_RULE,
    rules::{self, Ports},
};
use crate::{
    col,
    engine::{Call, Resource, ResourceId, refusal},
    table::{
        Command, GoesWith, Kind, KindSpec, ParamType::*, Roles, Turn, WireType as W, delete, group,
        hidden, list, own, p,
    },
};

pub(crate) static COMMANDS: &[Command] = &[
    own("createFirewallRule")
        .doc("Lets traffic in through a public IP address")
        .roles(Roles::ALL)
        .params(&[
            p("ipaddressid", Id(Kind::IpAddress)).required(),
            p("protocol", Str).required(),
            p("startport", Int),
            p("endport", Int).doc("the last port; `startport` unless given"),
            p("cidrlist", List),
            p("icmptype", Int),
            p("icmpcode", Int),
            p("type", Str).doc("`user`, or `system` for rules of the system itself"),
            p("traffictype", Str).doc("taken and not used; the guide both adds and removes it"),
        ])
        .create_job("FIREWALL.OPEN")
        .object("firewallrule", &FIREWALL_RULE)
        .kind(Kind::FirewallRule)
        .begin(begin)
        .act(rules::activate)
        .on_failure(|call, _| rules::give_up(call)),
    delete("deleteFirewallRule", Kind::FirewallRule)
        .doc("Removes a firewall rule")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::FirewallRule)).required()])
        .job("FIREWALL.CLOSE")
        .success(),
    list("listFirewallRules", Kind::FirewallRule)
        .doc("Lists firewall rules of public IP addresses")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::FirewallRule)),
            p("ipaddressid", Id(Kind::IpAddress)),
            p("traffictype", Str).doc("taken and not used; the guide both adds and removes it"),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT, group::TAGGED])
        .items("firewallrule", &FIREWALL_RULE),
];

/// Hidden: the ports as numbers, and the rule it was opened with.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::FirewallRule, &FIREWALL_RULE)
    .leaves_nothing()
    .newest_first()
    .hidden(&[hidden("firstport", W::Int), hidden("lastport", W::Int), hidden("openedfor", W::Str)])
    .keyword(&[col::PROTOCOL, col::CIDR_LIST, col::START_PORT_TEXT, col::END_PORT_TEXT])
    .owned()
    .states(rules::STATES)
    .tagged("FirewallRule")
    .goes_with(&[GoesWith {
        other: Kind::IpAddress,
        by: col::IP_ADDRESS_ID,
        turn: Turn::Firewall,
        remove: |tx, id| tx.remove_with_dependants(id),
    }])
    .job_instance("FirewallRule");

/// Protocol and ports, or type and code, of a firewall rule.
pub(crate) struct Matched {
    pub(crate) protocol: String,
    pub(crate) ports: Option<(i64, i64)>,
    pub(crate) icmp: Option<(i64, i64)>,
}

impl Matched {
    /// Reads what a rule is for; `all` only where all protocols may be meant.
    pub(crate) fn of(call: &Call<'_, '_>, takes_all: bool) -> Result<Self, ApiError> {
        let args = &call.args;
        let protocol = args.text_required("protocol").to_lowercase();
        let (icmp_type, icmp_code) = (args.int("icmptype"), args.int("icmpcode"));
        let has_icmp = icmp_type.is_some() || icmp_code.is_some();
        let has_ports = args.has("startport") || args.has("endport");
        match protocol.as_str() {
            "tcp" | "udp" if has_icmp => {
                Err(refusal::parameter("icmptype", "and `icmpcode` go with the protocol icmp"))
            }
            "tcp" | "udp" => {
                let ports = if has_ports {
                    let ports = Ports::of(call, "startport", "endport")?;
                    Some((ports.first, ports.last))
                } else {
                    None
                };
                Ok(Self { protocol, ports, icmp: None })
            }
            "icmp" if has_ports => {
                Err(refusal::parameter("protocol", "is icmp, which has no ports; leave them out"))
            }
            "icmp" => {
                let (icmp_type, icmp_code) = (icmp_type.unwrap_or(-1), icmp_code.unwrap_or(-1));
                for (name, number) in [("icmptype", icmp_type), ("icmpcode", icmp_code)] {
                    if !(-1..=255).contains(&number) {
                        let expected = "expected -1 (any) to 255";
                        return Err(call.invalid(name, &number.to_string(), expected));
                    }
                }
                Ok(Self { protocol, ports: None, icmp: Some((icmp_type, icmp_code)) })
            }
            "all" if takes_all && !has_ports && !has_icmp => {
                Ok(Self { protocol, ports: None, icmp: None })
            }
            _ => {
                let expected = if takes_all {
                    "expected `tcp`, `udp`, `icmp` or `all` (without ports)"
                } else {
                    "expected `tcp`, `udp` or `icmp`"
                };
                Err(call.invalid("protocol", &protocol, expected))
            }
        }
    }

    /// Writes it into a rule.
    pub(crate) fn fill(&self, rule: &mut Resource, cidrs: &str) {
        rule.set_text(col::PROTOCOL, &self.protocol).set_text(col::CIDR_LIST, cidrs);
        if let Some((first, last)) = self.ports {
            rule.set_text(col::START_PORT_TEXT, &first.to_string())
                .set_text(col::END_PORT_TEXT, &last.to_string())
                .set_int(col::FIRST_PORT, first)
                .set_int(col::LAST_PORT, last);
        }
        if let Some((icmp_type, icmp_code)) = self.icmp {
            rule.set_int(col::ICMP_TYPE, icmp_type).set_int(col::ICMP_CODE, icmp_code);
        }
    }

    /// Tells whether a rule is for some of the same ports, or for the same of ICMP, from some of
    /// the same sources. One without ports collides with none, as in CloudStack 4.2.
    pub(crate) fn meets(&self, rule: &Resource, cidrs: &str) -> bool {
        let is_source = |cidr: &str| rule.text(col::CIDR_LIST).split(',').any(|own| own == cidr);
        if rule.text(col::PROTOCOL) != self.protocol || !cidrs.split(',').any(is_source) {
            return false;
        }
        match (self.ports, rule.int_if(col::FIRST_PORT).zip(rule.int_if(col::LAST_PORT))) {
            (Some((first, last)), Some((other_first, other_last))) => {
                first <= other_last && other_first <= last
            }
            _ => {
                let icmp = rule.int_if(col::ICMP_TYPE).zip(rule.int_if(col::ICMP_CODE));
                self.icmp.is_some() && self.icmp == icmp
            }
        }
    }
}

fn begin(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let address = call.args.id_required("ipaddressid");
    let matched = Matched::of(call, false)?;
    let cidrs = rules::cidrs(call)?;
    let network = addressuse::network_of(call, address, None, "Firewall")?;
    let collides = call
        .tx
        .referring(address, Kind::FirewallRule, col::IP_ADDRESS_ID)
        .any(|rule| matched.meets(rule, &cidrs));
    if collides {
        return Err(call.tx.resource(address).refused_as(
            ApiError::rule_conflict,
            "ipaddressid",
            "has a firewall rule for some of these ports and sources already",
        ));
    }
    let owner = call.tx.resource(address).owner;
    let id = call.tx.insert(Kind::FirewallRule, |rule| {
        rule.owner = owner;
        rule.set_ref(col::IP_ADDRESS_ID, address).set_ref(col::NETWORK_ID, network);
        matched.fill(rule, &cidrs);
    });
    Ok(Some(id))
}
