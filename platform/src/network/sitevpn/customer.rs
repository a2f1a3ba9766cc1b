//! Gateways of customers' sites, as their owner tells of them.

use cloudtally_model::ApiError;

use super::ends::connections;
use crate::{
    col,
    engine::{Call, Done, Resource, ResourceId, refusal, scope},
    parse::{given, ip},
    state::ConnectionState,
    table::{Kind, KindSpec, Object, Turn, WireType as W, f, fields::*},
};

/// The setting of the ranges that may lie behind one gateway.
const RANGES_MAX: &str = "site2site.vpn.customergateway.subnets.limit";
/// Seconds that a key of IKE lives at most, and unless given.
const LIFETIME_MAX_S: i64 = 86_400;
/// Seconds that a key of ESP lives unless given.
const ESP_LIFETIME_S: i64 = 3_600;

const CIPHERS: [&str; 4] = ["3des", "aes128", "aes192", "aes256"];
const HASHES: [&str; 2] = ["md5", "sha1"];
const GROUPS: [&str; 2] = ["modp1024", "modp1536"];

pub(crate) const CUSTOMER_GATEWAY: Object = Object {
    name: "Site2SiteCustomerGateway",
    fields: &[
        ID,
        f("name", W::Str),
        f("gateway", W::Str),
        f("ipaddress", W::Str),
        f("cidrlist", W::Str),
        f("ipsecpsk", W::Str),
        f("ikepolicy", W::Str),
        f("esppolicy", W::Str),
        f("ikelifetime", W::Long),
        f("esplifetime", W::Long),
        f("dpd", W::Bool),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        REMOVED,
    ],
};

/// The names and addresses of an account's gateways do not stand twice.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::CustomerGateway, &CUSTOMER_GATEWAY)
    .newest_first()
    .owned()
    .keyword(&[col::NAME, col::GATEWAY])
    .goes_with_owner(Turn::CustomerGateways, |tx, id| tx.remove_with_dependants(id))
    .job_instance("VpnCustomerGateway");

/// A gateway as it is to be.
struct Wanted {
    name: String,
    gateway: String,
    cidrs: String,
    ike: String,
    esp: String,
    ike_lifetime_s: i64,
    esp_lifetime_s: i64,
}

impl Wanted {
    fn of(
        call: &Call<'_, '_>,
        owner: ResourceId,
        own: Option<ResourceId>,
    ) -> Result<Self, ApiError> {
        let args = &call.args;
        given::check_addresses(call, &["gateway"])?;
        let gateway = args.text_required("gateway").trim().to_owned();
        let name = args.text("name").map_or_else(|| format!("VPN-{gateway}"), str::to_owned);
        for (column, value) in [(col::GATEWAY, &gateway), (col::NAME, &name)] {
            let mut others = call.tx.owned_by(owner, Kind::CustomerGateway);
            if others.any(|other| Some(other.id) != own && other.text(column) == *value) {
                return Err(refusal::taken(Kind::CustomerGateway, value, column.name()));
            }
        }
        let lifetime = |name: &'static str, default| match args.int(name) {
            None => Ok(default),
            Some(seconds) if (1..=LIFETIME_MAX_S).contains(&seconds) => Ok(seconds),
            Some(seconds) => {
                let expected = format!("expected seconds from 1 to {LIFETIME_MAX_S}");
                Err(call.invalid(name, &seconds.to_string(), &expected))
            }
        };
        Ok(Self {
            cidrs: ranges(call)?,
            ike: policy(call, "ikepolicy")?,
            esp: policy(call, "esppolicy")?,
            ike_lifetime_s: lifetime("ikelifetime", LIFETIME_MAX_S)?,
            esp_lifetime_s: lifetime("esplifetime", ESP_LIFETIME_S)?,
            name,
            gateway,
        })
    }

    fn fill(&self, call: &Call<'_, '_>, row: &mut Resource) {
        row.set_text(col::NAME, &self.name)
            .set_text(col::GATEWAY, &self.gateway)
            .set_text(col::CIDR_LIST, &self.cidrs)
            .set_text(col::IPSEC_PSK, call.args.text_required("ipsecpsk"))
            .set_text(col::IKE_POLICY, &self.ike)
            .set_text(col::ESP_POLICY, &self.esp)
            .set_int(col::IKE_LIFETIME, self.ike_lifetime_s)
            .set_int(col::ESP_LIFETIME, self.esp_lifetime_s)
            .set_flag(col::DPD, call.args.is_true("dpd"));
    }
}

/// The ranges behind a gateway: private ones, apart from one another, and not too many.
fn ranges(call: &Call<'_, '_>) -> Result<String, ApiError> {
    let given = call.args.text_required("cidrlist");
    let ranges: Vec<&str> = given.split(',').map(str::trim).collect();
    let most = call.tx.setting_number(RANGES_MAX);
    if i64::try_from(ranges.len()).unwrap_or(i64::MAX) > most {
        let expected = format!("expected at most {most} ranges, as `{RANGES_MAX}` says");
        return Err(call.invalid("cidrlist", given, &expected));
    }
    let mut known: Vec<(&str, (u32, u32))> = Vec::new();
    for range in ranges {
        let bounds =
            ip::bounds(range).filter(|bounds| ip::is_private(*bounds)).ok_or_else(|| {
                let expected =
                    "expected ranges of private networks (RFC 1918), such as `10.2.0.0/16`";
                call.invalid("cidrlist", range, expected)
            })?;
        if let Some((other, _)) = known.iter().find(|(_, other)| ip::overlap(bounds, *other)) {
            let expected = format!("it overlaps {other}, another of the list");
            return Err(call.invalid("cidrlist", range, &expected));
        }
        known.push((range, bounds));
    }
    Ok(known.iter().map(|(range, _)| *range).collect::<Vec<_>>().join(","))
}

/// A policy: ciphers with hashes, each with a group of primes if one is named.
fn policy(call: &Call<'_, '_>, name: &'static str) -> Result<String, ApiError> {
    let given = call.args.text_required(name);
    let is_proposal = |text: &str| {
        let (pair, group) = match text.split_once(';') {
            Some((pair, group)) => (pair, Some(group)),
            None => (text, None),
        };
        pair.split_once('-')
            .is_some_and(|(cipher, hash)| CIPHERS.contains(&cipher) && HASHES.contains(&hash))
            && group.is_none_or(|group| GROUPS.contains(&group))
    };
    if given.split(',').map(str::trim).all(is_proposal) {
        return Ok(given.to_owned());
    }
    let expected = format!(
        "expected `cipher-hash` or `cipher-hash;group`, separated by commas, of {}; {}; {}",
        CIPHERS.join(", "),
        HASHES.join(", "),
        GROUPS.join(", ")
    );
    Err(call.invalid(name, given, &expected))
}

pub(super) fn check_new(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let owner = call.owner()?;
    Wanted::of(call, owner, None).map(drop)
}

pub(super) fn create(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let owner = call.owner()?;
    let wanted = Wanted::of(call, owner, None)?;
    let id = call.tx.insert(Kind::CustomerGateway, |row| row.owner = Some(owner));
    let mut row = call.tx.resource(id).clone();
    wanted.fill(call, &mut row);
    call.tx.edit(id, |old| *old = row);
    Ok(Done::Resource(id))
}

/// Finds the change that is asked for, which needs that no connection of the gateway works.
fn change(call: &Call<'_, '_>) -> Result<(ResourceId, Wanted), ApiError> {
    let id = call.args.id_required("id");
    scope::refuse_other_owner(call, id)?;
    let row = call.tx.resource(id);
    let working = connections(call.tx, id).find(|row| !row.is(ConnectionState::Error));
    if let Some(connection) = working {
        let why = format!(
            "has a connection that is {}; it can be changed while all are {}",
            connection.state(),
            ConnectionState::Error.name()
        );
        return Err(row.refused("id", why).about(connection.uuid.to_string(), "id"));
    }
    let owner = row.owner.expect("customer gateways have an owner");
    Ok((id, Wanted::of(call, owner, Some(id))?))
}

pub(super) fn check_update(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    change(call).map(drop)
}

pub(super) fn update(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let (id, wanted) = change(call)?;
    let mut row = call.tx.resource(id).clone();
    wanted.fill(call, &mut row);
    call.tx.edit(id, |old| *old = row);
    Ok(Done::Resource(id))
}
