//! Regions: clouds that know each other. Guide 4.1.1.8.
//!
//! A region is known by a number that all regions agree on; the cloud itself is
//! number 1.

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{
        Answer, Call, Done, Node, Query, Resource, ResourceId, Tx, View, World, unknown_because,
        verbs,
    },
    parse::given::Url,
    table::{
        Command, Kind, KindSpec, Object, ParamType::*, Roles, Unique, WireType as W, Within, f,
        group, own, p,
    },
};

/// The number of this cloud.
const LOCAL: i64 = 1;

pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Region, &REGION)
    .unique(&[Unique { column: col::NAME, within: Within::Cloud }])
    .keyword(&[col::NAME, col::ENDPOINT]);

pub(crate) const REGION: Object = Object {
    name: "Region",
    fields: &[
        f("id", W::Int),
        f("name", W::Str),
        f("endpoint", W::Str),
        f("gslbserviceenabled", W::Bool),
        f("portableipserviceenabled", W::Bool).by(has_portable_addresses),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("addRegion")
        .doc("Tells this region of another one")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Int).required().doc("the number of the region"),
            p("name", Str).required(),
            p("endpoint", Str).required(),
        ])
        .object("region", &REGION)
        .act(add),
    own("removeRegion")
        .doc("Forgets another region")
        .roles(Roles::ROOT)
        .params(&[p("id", Region).required().doc("the number of the region")])
        .success()
        .begin(named)
        .act(remove),
    own("listRegions")
        .doc("Lists the regions this one knows, itself included")
        .roles(Roles::ALL)
        .params(&[p("id", Region).doc("shows only the region of this number"), p("name", Str)])
        .groups(&[group::PAGED])
        .items("region", &REGION)
        .read(list_regions),
    own("updateRegion")
        .doc("Changes the name or endpoint of a region")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Region).required().doc("the number of the region"),
            p("name", Str),
            p("endpoint", Str),
        ])
        .object("region", &REGION)
        .begin(named)
        .act(update),
];

/// Tells whether the region has portable addresses; only our own tells us.
fn has_portable_addresses(view: &View<'_>) -> Node {
    let number = view.resource.int(col::ID_NUMBER);
    let is_ours = number == LOCAL;
    Node::Bool(is_ours && view.world.all(Kind::PortableIpRange).next().is_some())
}

/// The region of a number.
fn numbered(world: &World, number: i64) -> Option<&Resource> {
    world.all(Kind::Region).find(|region| region.int(col::ID_NUMBER) == number)
}

/// The region that `id` numbers.
fn named(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let number = call.args.int("id").unwrap_or_default();
    match numbered(call.tx, number) {
        Some(region) => Ok(Some(region.id)),
        None => {
            Err(unknown_because("id", &number.to_string(), "there is no region of this number"))
        }
    }
}

fn check_endpoint(call: &Call<'_, '_>) -> Result<(), ApiError> {
    match call.args.text("endpoint") {
        Some(text) if Url::parse(text).is_none() => {
            let expected = "expected a URL such as `http://10.1.1.1:8080/client/api`";
            Err(call.invalid("endpoint", text, expected))
        }
        _ => Ok(()),
    }
}

fn add(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    check_endpoint(call)?;
    let number = call.args.int("id").unwrap_or_default();
    if number < 1 {
        return Err(call.invalid("id", &number.to_string(), "expected a number from 1"));
    }
    if let Some(other) = numbered(call.tx, number) {
        return Err(
            other.refused("id", format!("has the number {number} already; choose another `id`"))
        );
    }
    let id = verbs::create(call, Kind::Region)?;
    call.tx.edit(id, |region| {
        region.set_int(col::ID_NUMBER, number).set_flag(col::GSLB_SERVICE_ENABLED, true);
    });
    call.entity = Some(id);
    Ok(Done::Resource(id))
}

fn update(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    check_endpoint(call)?;
    let id = call.entity_id();
    let mut region = call.entity().clone();
    verbs::assign(call, &mut region);
    call.check_unique(&region)?;
    call.tx.edit(id, |old| *old = region);
    Ok(Done::Resource(id))
}

fn remove(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    if call.entity().int(col::ID_NUMBER) == LOCAL {
        return Err(call.entity().refused("id", "is this cloud itself and cannot be removed"));
    }
    verbs::delete(call, call.entity_id())?;
    Ok(Done::Success)
}

fn list_regions(query: &Query<'_>) -> Result<Answer, ApiError> {
    let number = query.args.int("id");
    let mut regions = query.resources(Kind::Region)?;
    regions.retain(|region| number.is_none_or(|number| region.int(col::ID_NUMBER) == number));
    regions.sort_by_key(|region| region.int(col::ID_NUMBER));
    query.page(regions.into_iter())
}

/// Makes the region that the cloud itself is.
pub(crate) fn seed(tx: &mut Tx<'_>) {
    tx.insert(Kind::Region, |region| {
        region
            .set_int(col::ID_NUMBER, LOCAL)
            .set_text(col::NAME, "Local")
            .set_text(col::ENDPOINT, "http://localhost:8080/client/api")
            .set_flag(col::GSLB_SERVICE_ENABLED, true);
    });
}
