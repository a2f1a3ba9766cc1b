//! The rules of network ACL lists.

use cloudtally_model::ApiError;

use super::{insert, must_be_tier, refuse_default_list};
use crate::{
    col,
    engine::{Answer, Call, Done, Query, Resource, ResourceId, World, refusal, scope},
    network::{guest, rules},
    parse::given,
    table::{Kind, KindSpec, Object, WireType as W, f, fields::*},
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

/// A rule belongs to the owner of its list and goes with the list.
pub(crate) static ITEM_KIND: KindSpec = KindSpec::new(Kind::NetworkAclItem, &NETWORK_ACL_ITEM)
    .newest_first()
    .owned()
    .states(rules::STATES)
    .keyword(&[col::PROTOCOL, col::CIDR_LIST, col::ACTION])
    .tagged("NetworkACL")
    .job_instance("NetworkAclItem");

/// The traffic that a rule is for, and what it does with it.
struct Rule {
    protocol: String,
    ports: Option<(i64, i64)>,
    icmp: Option<(i64, i64)>,
    cidrs: String,
    traffic: &'static str,
    action: &'static str,
}

impl Rule {
    /// Reads what the call gives; what it leaves out is as in `old`, a rule that is there.
    fn of(call: &Call<'_, '_>, old: Option<&Resource>) -> Result<Self, ApiError> {
        let args = &call.args;
        let protocol = match args.text("protocol") {
            Some(given) => protocol(call, given)?,
            None => old.map_or("", |old| old.text(col::PROTOCOL)).to_owned(),
        };
        // The ports of another protocol are not this one's.
        let same = old.filter(|old| old.text(col::PROTOCOL) == protocol);
        let has_ports = args.has("startport") || args.has("endport");
        if has_ports && matches!(protocol.as_str(), "all" | "icmp") {
            let why = format!("goes with protocols that have ports, not with {protocol}");
            return Err(refusal::parameter(
                if args.has("startport") { "startport" } else { "endport" },
                why,
            ));
        }
        let ports = ports(call, same)?;
        let icmp = icmp(call, &protocol, same)?;
        let cidrs = match old {
            Some(old) if !args.has("cidrlist") => old.text(col::CIDR_LIST).to_owned(),
            _ => rules::cidrs(call)?,
        };
        let kept = |name, words: [&'static str; 2], column| {
            let of_old = old.and_then(|old| words.into_iter().find(|w| *w == old.text(column)));
            Ok::<_, ApiError>(given::word(call, name, &words)?.or(of_old).unwrap_or(words[0]))
        };
        Ok(Self {
            traffic: kept("traffictype", ["Ingress", "Egress"], col::TRAFFIC_TYPE)?,
            action: kept("action", ["Allow", "Deny"], col::ACTION)?,
            protocol,
            ports,
            icmp,
            cidrs,
        })
    }

    fn fill(&self, item: &mut Resource) {
        let port = |port: Option<i64>| port.map(|port| port.to_string());
        let (first, last) = (port(self.ports.map(|p| p.0)), port(self.ports.map(|p| p.1)));
        item.set_text(col::PROTOCOL, &self.protocol)
            .set_text_if(col::START_PORT_TEXT, first.as_deref())
            .set_text_if(col::END_PORT_TEXT, last.as_deref())
            .set_int_if(col::ICMP_TYPE, self.icmp.map(|icmp| icmp.0))
            .set_int_if(col::ICMP_CODE, self.icmp.map(|icmp| icmp.1))
            .set_text(col::CIDR_LIST, &self.cidrs)
            .set_text(col::TRAFFIC_TYPE, self.traffic)
            .set_text(col::ACTION, self.action);
    }
}

/// A protocol by its name or number, in lower case.
fn protocol(call: &Call<'_, '_>, given: &str) -> Result<String, ApiError> {
    let lower = given.trim().to_lowercase();
    if ["tcp", "udp", "icmp", "all"].contains(&lower.as_str()) || lower.parse::<u8>().is_ok() {
        return Ok(lower);
    }
    let expected = "expected `tcp`, `udp`, `icmp`, `all` or a number from 0 to 255";
    Err(call.invalid("protocol", given, expected))
}

fn ports(call: &Call<'_, '_>, old: Option<&Resource>) -> Result<Option<(i64, i64)>, ApiError> {
    let stored = |column| old.and_then(|old| old.text(column).parse::<i64>().ok());
    let port = |name: &'static str| match call.args.int(name) {
        Some(port) if !(1..=rules::PORT_MAX).contains(&port) => {
            Err(call.invalid(name, &port.to_string(), "expected a port from 1 to 65535"))
        }
        port => Ok(port),
    };
    let (given_first, given_last) = (port("startport")?, port("endport")?);
    let first = given_first.or_else(|| stored(col::START_PORT_TEXT)).or(given_last);
    // One port alone is its range's first and last.
    let last = given_last.or_else(|| stored(col::END_PORT_TEXT).filter(|_| given_first.is_none()));
    let Some(first) = first else { return Ok(None) };
    let last = last.unwrap_or(first);
    if last < first {
        let (name, given) = match given_last {
            Some(given) => ("endport", given),
            None => ("startport", first),
        };
        let expected =
            format!("expected a range that does not end before it begins, not {first}-{last}");
        return Err(call.invalid(name, &given.to_string(), &expected));
    }
    Ok(Some((first, last)))
}

/// The type and code of ICMP; -1 is any.
fn icmp(
    call: &Call<'_, '_>,
    protocol: &str,
    old: Option<&Resource>,
) -> Result<Option<(i64, i64)>, ApiError> {
    if protocol != "icmp" {
        let given = ["icmptype", "icmpcode"].into_iter().find(|name| call.args.has(name));
        return match given {
            Some(name) => Err(refusal::parameter(
                name,
                format!("goes with the protocol icmp, not {protocol}"),
            )),
            None => Ok(None),
        };
    }
    let number = |name: &'static str, column, most: i64| {
        let stored = || old.and_then(|old| old.int_if(column));
        match call.args.int(name) {
            Some(given) if !(-1..=most).contains(&given) => {
                let expected = format!("expected -1 (any) to {most}");
                Err(call.invalid(name, &given.to_string(), &expected))
            }
            given => Ok(given.or_else(stored).unwrap_or(-1)),
        }
    };
    Ok(Some((number("icmptype", col::ICMP_TYPE, 255)?, number("icmpcode", col::ICMP_CODE, 15)?)))
}

/// The place that the call gives a rule in its list, which no other rule of it has.
fn number(
    call: &Call<'_, '_>,
    list: ResourceId,
    own: Option<ResourceId>,
) -> Result<Option<i64>, ApiError> {
    let Some(number) = call.args.int("number") else { return Ok(None) };
    if number < 1 {
        return Err(call.invalid("number", &number.to_string(), "expected 1 or more"));
    }
    let mut others = call.tx.referring(list, Kind::NetworkAclItem, col::ACL_ID);
    match others.find(|other| Some(other.id) != own && other.int(col::NUMBER) == number) {
        None => Ok(Some(number)),
        Some(_) => Err(call
            .tx
            .resource(list)
            .refused("number", format!("has a rule with the number {number}; choose another"))),
    }
}

/// The list that a new rule is for: the one named, or the one of a tier, which is made where
/// it has none.
fn list_of(call: &mut Call<'_, '_>) -> Result<ResourceId, ApiError> {
    let both = ["aclid", "networkid"];
    let tier = match (call.args.id("aclid"), call.args.id("networkid")) {
        (Some(_), Some(_)) => return Err(refusal::exclusive(&both)),
        (None, None) => return Err(refusal::one_of(&both)),
        (Some(list), None) => return Ok(list),
        (None, Some(tier)) => tier,
    };
    let vpc = must_be_tier(call.tx, tier)?;
    guest::must_provide(call.tx, tier, "NetworkACL")?;
    let of = call.tx.resource(tier);
    if let Some(list) = of.id_of(col::ACL_ID) {
        return Ok(list);
    }
    let name = format!(
        "VPC_{}_Tier_{}_ACL_{}",
        call.tx.resource(vpc).text(col::NAME),
        of.text(col::NAME),
        of.uuid
    );
    let list = insert(call.tx, vpc, &name, &format!("ACL for {name}"));
    call.tx.edit(tier, |tier| {
        tier.set_ref(col::ACL_ID, list);
    });
    Ok(list)
}

pub(super) fn begin(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let rule = Rule::of(call, None)?;
    let list = list_of(call)?;
    refuse_default_list(call.tx, list, "aclid")?;
    let owner = call.tx.resource(list).owner;
    scope::refuse_shut(call.tx, owner)?;
    let others = call.tx.referring(list, Kind::NetworkAclItem, col::ACL_ID);
    let last = others.map(|other| other.int(col::NUMBER)).max().unwrap_or(0);
    let number = number(call, list, None)?.unwrap_or(last + 1);
    let id = call.tx.insert(Kind::NetworkAclItem, |item| {
        item.owner = owner;
        item.set_ref(col::ACL_ID, list).set_int(col::NUMBER, number);
        rule.fill(item);
    });
    Ok(Some(id))
}

pub(super) fn activate(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    rules::activate(call)
}

/// Takes a rule away that its job could not finish.
pub(super) fn give_up(call: &mut Call<'_, '_>) {
    if let Some(id) = call.entity.filter(|id| call.tx.get(Kind::NetworkAclItem, *id).is_some()) {
        call.tx.remove_with_dependants(id);
    }
}

/// Refuses to change a rule of a list that is everybody's.
pub(super) fn refuse_default(world: &World, id: ResourceId) -> Result<(), ApiError> {
    let list = world.resource(id).id_of(col::ACL_ID).expect("rules stand in a list");
    refuse_default_list(world, list, "id")
}

/// The changed rule and its place, if it has a new one.
pub(super) fn check_update(
    call: &mut Call<'_, '_>,
) -> Result<(impl FnOnce(&mut Resource) + use<>, ResourceId), ApiError> {
    let id = call.args.id_required("id");
    refuse_default(call.tx, id)?;
    let item = call.tx.resource(id);
    let list = item.id_of(col::ACL_ID).expect("rules stand in a list");
    let number = number(call, list, Some(id))?;
    let rule = Rule::of(call, Some(item))?;
    let fill = move |item: &mut Resource| {
        rule.fill(item);
        if let Some(number) = number {
            item.set_int(col::NUMBER, number);
        }
    };
    Ok((fill, id))
}

pub(super) fn update(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let (fill, id) = check_update(call)?;
    call.tx.edit(id, fill);
    Ok(Done::Resource(id))
}

pub(super) fn delete(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    call.tx.remove_with_dependants(id);
    Ok(Done::Success)
}

/// The rules in scope, and with them those of the two lists that are everybody's.
pub(super) fn list(query: &Query<'_>) -> Result<Answer, ApiError> {
    let args = query.args;
    let own = query.resources(Kind::NetworkAclItem)?;
    // The rules of a tier without a list are none.
    let of_tier = args.id("networkid").map(|id| query.world.resource(id).id_of(col::ACL_ID));
    let everybodys = query
        .world
        .all(Kind::NetworkAclItem)
        .rev()
        .filter(|item| item.owner.is_none() && !args.has("id") && query.passes(item));
    let all = own.into_iter().chain(everybodys);
    query.page(all.filter(|item| {
        of_tier.is_none_or(|wanted| item.id_of(col::ACL_ID) == wanted && wanted.is_some())
    }))
}
