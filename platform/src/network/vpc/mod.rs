//! VPCs: private clouds of several tiers behind one router, and their gateways and routes.
//! Guide 4.2.7.2.

mod create;
mod gateway;
mod life;
pub(crate) mod part; // the parts of a VPC
mod route;
pub(crate) mod router;

pub(crate) use gateway::{KIND as GATEWAY_KIND, PRIVATE_GATEWAY};
pub(crate) use life::{clean_up, must_be_enabled};
pub(crate) use route::{KIND as ROUTE_KIND, STATIC_ROUTE};

use crate::{
    col,
    engine::{Node, Query, Resource, table},
    network::rules,
    offering::{networkservice, vpcoffering},
    state::VpcState,
    table::{
        Command, Kind, KindSpec, Limit, Object, OnDelete, ParamType::*, Roles, Turn, WireType as W,
        f, fields::*, group, list, own, p, update,
    },
};

pub(crate) const VPC: Object = Object {
    name: "Vpc",
    fields: &[
        ID,
        f("name", W::Str),
        f("displaytext", W::Str),
        STATE,
        ZONE_ID,
        ZONE_NAME,
        f("service", W::Objects("Service")).by(|view| {
            let offering = view.resource.id_of(col::VPC_OFFERING_ID);
            offering.map_or(Node::Null, |id| vpcoffering::services(view.world.resource(id)))
        }),
        f("cidr", W::Str),
        f("vpcofferingid", W::Id(Kind::VpcOffering)),
        CREATED,
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        f("network", W::Objects("Network")).children(Kind::Network, col::VPC_ID),
        f("restartrequired", W::Bool),
        f("networkdomain", W::Str),
        TAGS,
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("createPrivateGateway")
        .doc("Ties a VPC to a network outside of the cloud")
        .roles(Roles::ROOT)
        .params(&[
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)),
            p("gateway", Str).required(),
            p("netmask", Str).required(),
            p("ipaddress", Str).required().doc("the gateway's own address"),
            p("vlan", Str).required().doc("the VLAN to the network outside"),
            p("vpcid", Id(Kind::Vpc)).required(),
            p("sourcenatsupported", Bool)
                .doc("true to hide the VPC behind the gateway's address; false unless given"),
            p("aclid", Id(Kind::NetworkAcl)),
        ])
        .create_job("PRIVATE.GATEWAY.CREATE")
        .object("privategateway", &PRIVATE_GATEWAY)
        .kind(Kind::PrivateGateway)
        .begin(gateway::begin)
        .act(gateway::act)
        .on_failure(|call, _| gateway::give_up(call)),
    own("createStaticRoute")
        .doc("Sends traffic of a VPC to a private gateway")
        .roles(Roles::ALL)
        .params(&[
            p("gatewayid", Id(Kind::PrivateGateway)).required(),
            p("cidr", Str).required().doc("where the traffic goes to, such as `192.168.0.0/16`"),
        ])
        .create_job("STATIC.ROUTE.CREATE")
        .object("staticroute", &STATIC_ROUTE)
        .kind(Kind::StaticRoute)
        .begin(route::begin)
        .act(rules::activate)
        .on_failure(|call, _| route::give_up(call)),
    own("createVPC")
        .doc("Makes a VPC")
        .roles(Roles::ALL)
        .params(&[
            p("zoneid", Id(Kind::Zone)).required(),
            p("name", Str).required(),
            p("displaytext", Str).required(),
            p("cidr", Str)
                .required()
                .doc("the range that all its tiers share, such as `10.1.0.0/16`"),
            p("vpcofferingid", Id(Kind::VpcOffering)).required(),
            p("networkdomain", NetworkDomain),
        ])
        .groups(&[group::OWNER, group::PROJECT])
        .create_job("VPC.CREATE")
        .object("vpc", &VPC)
        .kind(Kind::Vpc)
        .begin(create::begin)
        .act(create::act)
        .on_failure(|call, _| create::give_up(call)),
    own("deletePrivateGateway")
        .doc("Removes a private gateway without routes")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::PrivateGateway)).required()])
        .job("PRIVATE.GATEWAY.DELETE")
        .success()
        .kind(Kind::PrivateGateway)
        .check(|call| gateway::refuse_routes(call.tx, call.args.id_required("id")))
        .act(gateway::delete),
    own("deleteStaticRoute")
        .doc("Removes a static route")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::StaticRoute)).required()])
        .job("STATIC.ROUTE.DELETE")
        .success()
        .kind(Kind::StaticRoute)
        .act(route::delete),
    own("deleteVPC")
        .doc("Deletes a VPC without tiers")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::Vpc)).required()])
        .job("VPC.DELETE")
        .success()
        .kind(Kind::Vpc)
        .begin(life::begin_delete)
        .act(life::delete),
    list("listPrivateGateways", Kind::PrivateGateway)
        .doc("Lists private gateways")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::PrivateGateway)),
            p("ipaddress", Str).doc("shows only the one with this address"),
            p("vlan", Str).doc("shows only those on this VLAN"),
            p("vpcid", Id(Kind::Vpc)),
            p("state", Str),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT])
        .items("privategateway", &PRIVATE_GATEWAY),
    list("listStaticRoutes", Kind::StaticRoute)
        .doc("Lists static routes")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::StaticRoute)),
            p("vpcid", Id(Kind::Vpc)),
            p("gatewayid", Id(Kind::PrivateGateway)),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT, group::TAGGED])
        .items("staticroute", &STATIC_ROUTE),
    list("listVPCs", Kind::Vpc)
        .doc("Lists VPCs")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Vpc)),
            p("zoneid", Id(Kind::Zone)),
            p("name", Str).doc("shows only what has this text in its name"),
            p("displaytext", Str).doc("shows only what has this text in its description"),
            p("cidr", Str),
            p("vpcofferingid", Id(Kind::VpcOffering)),
            p("supportedservices", List)
                .doc("shows only those with all these services, separated by commas"),
            p("state", Str),
            p("restartrequired", Bool),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT, group::TAGGED])
        .items("vpc", &VPC)
        .filter(is_listed, &["name", "displaytext", "supportedservices"]),
    own("restartVPC")
        .doc("Applies all rules of a VPC again, on a new router")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::Vpc)).required()])
        .job("VPC.RESTART")
        .success()
        .kind(Kind::Vpc)
        .check(|call| must_be_enabled(call.tx, call.args.id_required("id"), "restarted", "id"))
        .act(life::restart)
        .on_failure(|call, _| life::restart_failed(call)),
    update("updateVPC", Kind::Vpc)
        .doc("Renames a VPC")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Vpc)).required(),
            p("name", Str).required(),
            p("displaytext", Str),
        ])
        .job("VPC.UPDATE")
        .object("vpc", &VPC),
];

/// A VPC counts for its owner's limit until its deletion begins.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Vpc, &VPC)
    .newest_first()
    .owned()
    .states(table!(VpcState: Enabled, Inactive; Enabled => Inactive;))
    .keyword(&[col::NAME, col::DISPLAY_TEXT])
    .counts(&[(Limit::Vpc, |_, vpc| i64::from(vpc.is(VpcState::Enabled)))])
    .referred(&[(Kind::NetworkAcl, col::VPC_ID.reference(), OnDelete::Remove)])
    .goes_with_owner(Turn::Vpcs, life::destroy)
    .tagged("Vpc")
    .job_instance("Vpc");

fn is_listed(query: &Query<'_>, vpc: &Resource) -> bool {
    let args = query.args;
    let has = |name: &str, column| {
        let wanted = args.text(name).map(str::to_lowercase);
        wanted.is_none_or(|wanted| vpc.text(column).to_lowercase().contains(&wanted))
    };
    let offering = vpc.id_of(col::VPC_OFFERING_ID).map(|id| query.world.resource(id));
    let has_service = |name: &String| {
        let service = networkservice::service_named(name);
        service.zip(offering).is_some_and(|(row, of)| vpcoffering::provides(of, row.name))
    };
    has("name", col::NAME)
        && has("displaytext", col::DISPLAY_TEXT)
        && args.list("supportedservices").iter().all(has_service)
}
