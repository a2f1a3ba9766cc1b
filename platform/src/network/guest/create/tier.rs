//! Tiers: networks of a VPC, within its range and apart from one another.

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Call, Resource, ResourceId, World, refusal},
    network::{
        guest::{offering_of, whole_cidr},
        vpc::{self, part},
    },
    offering::{networkoffering, vpcoffering},
    parse::ip,
};

/// The provider that makes an offering one for tiers.
const ROUTER: &str = "VpcVirtualRouter";
/// The setting of the number of tiers that a VPC may have.
const TIERS_MAX: &str = "vpc.max.networks";

/// Refuses an offering for tiers without a VPC, one for other networks with a VPC, and a network
/// ACL list without a VPC.
pub(super) fn check_kind(call: &Call<'_, '_>, offering: ResourceId) -> Result<(), ApiError> {
    let offering = call.tx.resource(offering);
    let serves_tiers = networkoffering::uses_provider(offering, ROUTER);
    match (call.args.id("vpcid"), serves_tiers) {
        (Some(vpc), false) => Err(offering
            .refused("networkofferingid", format!("has nothing by {ROUTER}, which serves tiers of VPCs; choose one for VPCs or leave `vpcid` out"))
            .about(call.tx.resource(vpc).uuid.to_string(), "vpcid")),
        (None, _) if serves_tiers || networkoffering::balances_inside(offering) => {
            Err(offering.refused("networkofferingid", "is for tiers of VPCs; give `vpcid`"))
        }
        (None, _) if call.args.has("aclid") => Err(refusal::parameter(
            "aclid",
            "is for tiers of VPCs; give `vpcid` with it or leave it out",
        )),
        _ => Ok(()),
    }
}

/// Refuses a tier that does not go with its VPC, for an account that is to own it.
pub(super) fn check(
    call: &Call<'_, '_>,
    vpc: ResourceId,
    zone: ResourceId,
    owner: ResourceId,
) -> Result<(), ApiError> {
    let of = call.tx.resource(vpc);
    // 1. A list of the VPC or one of everybody's.
    if let Some(acl) = call.args.id("aclid") {
        check_acl(call.tx, acl, vpc, "aclid")?;
    }
    // 2. A VPC that takes one more, there.
    vpc::must_be_enabled(call.tx, vpc, "given a tier", "vpcid")?;
    if of.id_of(col::ZONE_ID) != Some(zone) {
        return Err(of.refused("zoneid", "is in another zone; give its `zoneid`"));
    }
    let most = call.tx.setting_number(TIERS_MAX);
    let count = i64::try_from(part::tiers(call.tx, vpc).count()).unwrap_or(i64::MAX);
    if count >= most {
        let why = format!("has {count} tiers, as many as `{TIERS_MAX}` allows; delete one first");
        return Err(of.refused_as(ApiError::allocation, "vpcid", why));
    }
    // 3. Addresses within those of the VPC, that no other tier has.
    for name in ["gateway", "netmask"] {
        if !call.args.has(name) {
            return Err(refusal::parameter(name, "is needed for a tier of a VPC"));
        }
    }
    check_range(call, vpc)?;
    // 4. One owner and one DNS suffix for all tiers.
    if of.owner != Some(owner) {
        let holder = of.owner.map_or("nobody", |id| call.tx.resource(id).text(col::NAME));
        return Err(of.refused(
            "account",
            format!("belongs to {holder}, as its tiers do; give its `account` and `domainid`, or its `projectid`"),
        ));
    }
    check_domain(call, of)
}

/// Refuses a network ACL list that is of another VPC.
pub(crate) fn check_acl(
    world: &World,
    acl: ResourceId,
    vpc: ResourceId,
    parameter: &'static str,
) -> Result<(), ApiError> {
    let list = world.resource(acl);
    if list.id_of(col::VPC_ID).is_none_or(|of| of == vpc) {
        return Ok(());
    }
    let of = world.resource(vpc);
    let why = format!("is not of the VPC {}; choose one of its own", of.text(col::NAME));
    Err(list.refused(parameter, why).about(of.uuid.to_string(), "vpcid"))
}

/// Refuses addresses outside of those of the VPC, or that another tier has.
fn check_range(call: &Call<'_, '_>, vpc: ResourceId) -> Result<(), ApiError> {
    let Some((_, _, cidr)) = super::named_range(call)? else { return Ok(()) };
    let bounds = ip::bounds(&cidr).expect("a range was made of it");
    let of = call.tx.resource(vpc);
    let whole = of.text(col::CIDR);
    if !ip::bounds(whole).is_some_and(|whole| ip::is_within(bounds, whole)) {
        return Err(of.refused(
            "gateway",
            format!("has the range {whole}, and {cidr} is not within it; choose another `gateway` and `netmask`"),
        ));
    }
    let overlaps = |tier: &&Resource| {
        ip::bounds(whole_cidr(tier)).is_some_and(|other| ip::overlap(bounds, other))
    };
    match part::tiers(call.tx, vpc).find(overlaps) {
        None => Ok(()),
        Some(tier) => Err(tier.refused(
            "gateway",
            format!(
                "has the range {}, which {cidr} overlaps; choose another `gateway` and `netmask`",
                whole_cidr(tier)
            ),
        )),
    }
}

/// Refuses a DNS suffix that is not the one of the VPC.
pub(in crate::network::guest) fn check_domain(
    call: &Call<'_, '_>,
    vpc: &Resource,
) -> Result<(), ApiError> {
    let own = vpc.text(col::NETWORK_DOMAIN);
    match call.args.text("networkdomain") {
        Some(given) if !given.eq_ignore_ascii_case(own) => Err(vpc.refused(
            "networkdomain",
            format!("has the network domain {own}, as its tiers do, not {given}; leave `networkdomain` out"),
        )),
        _ => Ok(()),
    }
}

/// Refuses an offering whose services the VPC does not have by these providers, a second tier
/// that balances what comes to public addresses, and a list where there are none. `own` is the
/// tier that is to change to the offering.
pub(in crate::network::guest) fn check_offering(
    world: &World,
    vpc: ResourceId,
    offering: ResourceId,
    own: Option<ResourceId>,
    has_acl: bool,
) -> Result<(), ApiError> {
    let (of, offering) = (world.resource(vpc), world.resource(offering));
    let vpc_offering = of.id_of(col::VPC_OFFERING_ID).expect("VPCs have an offering");
    let vpc_offering = world.resource(vpc_offering);
    let pairs = offering.map(col::PROVIDERS).iter();
    let mut unknown = pairs.filter(|(service, by)| !vpcoffering::offers(vpc_offering, service, by));
    if let Some((service, by)) = unknown.next() {
        return Err(offering
            .refused(
                "networkofferingid",
                format!(
                    "has {service} by {by}, which the VPC offering {} has not; choose another",
                    vpc_offering.text(col::NAME)
                ),
            )
            .about(vpc_offering.uuid.to_string(), "vpcid"));
    }
    if balances_public(offering)
        && let Some(other) = part::tiers(world, vpc)
            .find(|tier| Some(tier.id) != own && balances_public(offering_of(world, tier)))
    {
        return Err(other.refused(
            "networkofferingid",
            format!("balances what comes to public addresses of its VPC, which one tier can do; choose an offering without Lb, not {}", offering.text(col::NAME)),
        ));
    }
    if has_acl && !networkoffering::provides(offering, "NetworkACL") {
        return Err(offering
            .refused("aclid", "has no NetworkACL; choose another offering or leave `aclid` out"));
    }
    Ok(())
}

fn balances_public(offering: &Resource) -> bool {
    networkoffering::provides(offering, "Lb") && !networkoffering::balances_inside(offering)
}

/// Makes a network one of the tiers of a VPC.
pub(super) fn put(call: &mut Call<'_, '_>, network: ResourceId, vpc: ResourceId) {
    let acl = call.args.id("aclid");
    let suffix = call.tx.resource(vpc).text(col::NETWORK_DOMAIN).to_owned();
    call.tx.edit(network, |network| {
        network
            .set_ref(col::VPC_ID, vpc)
            .set_ref(col::ACL_ID, acl)
            .set_text(col::NETWORK_DOMAIN, &suffix);
    });
}
