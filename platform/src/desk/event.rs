//! Events: what happened, who did it, and how it ended. Guide appendix A.

use std::collections::BTreeSet;

use cloudtally_model::{ApiError, Millis};

use crate::{
    col,
    engine::{Answer, Call, Done, Node, Query, Resource, ResourceId, States, refusal, table},
    state::EventState,
    table::{
        Command, Kind, KindSpec, Object, ParamType::*, Roles, WireType as W, f, fields::*, group,
        hidden, own, p,
    },
};

/// States of events; they are written as they are and do not move.
const STATES: States = table!(EventState: Completed, Scheduled, Created, Started;);

pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Event, &EVENT)
    .hidden(&[hidden("archived", W::Bool)])
    .owned()
    .states(STATES)
    .keyword(&[col::TYPE, col::DESCRIPTION, col::LEVEL]);

pub(crate) const EVENT: Object = Object {
    name: "Event",
    fields: &[
        ID,
        f("username", W::Str),
        f("type", W::Str),
        f("level", W::Str),
        f("description", W::Str),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        CREATED,
        STATE,
        f("parentid", W::Id(Kind::Event)),
    ],
};

pub(crate) const EVENT_TYPE: Object = Object { name: "EventType", fields: &[f("name", W::Str)] };

pub(crate) static COMMANDS: &[Command] = &[
    own("archiveEvents")
        .doc("Hides events from lists; they stay stored")
        .roles(Roles::ALL)
        .params(&[
            p("ids", IdList(Kind::Event)),
            p("enddate", Date),
            p("startdate", Date).doc("the first day or moment; only with `enddate`"),
            p("type", Str).doc("the type; at least one of `ids`, `type` and `enddate`"),
        ])
        .success()
        .act(archive),
    own("deleteEvents")
        .doc("Deletes events")
        .roles(Roles::ALL)
        .params(&[
            p("ids", IdList(Kind::Event)),
            p("enddate", Date),
            p("startdate", Date).doc("the first day or moment; only with `enddate`"),
            p("type", Str).doc("the type; at least one of `ids`, `type` and `enddate`"),
        ])
        .success()
        .act(delete),
    own("listEvents")
        .doc("Lists events, newest first")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Event)),
            p("duration", Int)
                .doc("with `entrytime`: shows what took longer than this many seconds"),
            p("enddate", Date),
            p("entrytime", Int)
                .doc("seconds: shows what was begun that long ago and is not completed"),
            p("level", Str).doc("`INFO`, `WARN` or `ERROR`"),
            p("startdate", Date),
            p("type", Str).doc("shows only events of this type, such as `VM.CREATE`"),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT])
        .items("event", &EVENT)
        .read(list_events),
    own("listEventTypes")
        .doc("Lists the types an event can have")
        .roles(Roles::ALL)
        .items("eventtype", &EVENT_TYPE)
        .read(list_types),
];

/// The events or alerts that archiving and deleting are for.
pub(crate) struct Selection {
    pub(crate) ids: Vec<ResourceId>,
}

impl Selection {
    /// Those of a kind that the parameters name and the caller may change.
    ///
    /// One id that is not there, not the caller's or archived already refuses
    /// the whole, so that nobody takes a part for everything.
    pub(crate) fn of(call: &Call<'_, '_>, kind: Kind) -> Result<Self, ApiError> {
        let (start, end) = (call.args.date("startdate"), call.args.date("enddate"));
        let event_type = call.args.text("type");
        let ids = call.args.ids("ids");
        if ids.is_empty() && event_type.is_none() && end.is_none() {
            return Err(refusal::one_of(&["ids", "type", "enddate"]));
        }
        if start.is_some() && end.is_none() {
            return Err(refusal::parameter("enddate", "is needed together with `startdate`"));
        }
        let is_it = |resource: &&Resource| {
            !resource.flag(col::ARCHIVED)
                && event_type.is_none_or(|wanted| match resource.int_if(col::TYPE_NUMBER) {
                    Some(number) => number.to_string() == wanted,
                    None => resource.text(col::TYPE).eq_ignore_ascii_case(wanted),
                })
                && start.is_none_or(|(first, _)| resource.created >= first)
                && end.is_none_or(|(_, last)| resource.created <= last)
                && call.tx.may_touch(&call.caller, resource)
        };
        if ids.is_empty() {
            return Ok(Self {
                ids: call.tx.all(kind).filter(is_it).map(|resource| resource.id).collect(),
            });
        }
        let ids: BTreeSet<ResourceId> = ids.iter().copied().collect();
        let refused = ids.iter().map(|id| call.tx.resource(*id)).find(|resource| !is_it(resource));
        match refused {
            Some(resource) => Err(ApiError::runtime(format!(
                // The guide's own words, before what is wrong.
                "Unable to {} {}, one or more parameters has invalid values: {} does not match the other parameters or is archived already",
                if call.command.name.starts_with("archive") { "archive" } else { "delete" },
                if kind == Kind::Event { "Events" } else { "Alerts" },
                resource.called()
            ))
            .about(resource.uuid.to_string(), "ids")),
            None => Ok(Self { ids: ids.into_iter().collect() }),
        }
    }

    pub(crate) fn archive(&self, call: &mut Call<'_, '_>) {
        for id in &self.ids {
            call.tx.edit(*id, |resource| {
                resource.set_flag(col::ARCHIVED, true);
            });
        }
    }

    pub(crate) fn delete(&self, call: &mut Call<'_, '_>) {
        for id in &self.ids {
            call.tx.erase(*id);
        }
    }
}

fn archive(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    Selection::of(call, Kind::Event)?.archive(call);
    Ok(Done::Success)
}

fn delete(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    Selection::of(call, Kind::Event)?.delete(call);
    Ok(Done::Success)
}

fn list_events(query: &Query<'_>) -> Result<Answer, ApiError> {
    let args = query.args;
    let (start, end) = (args.date("startdate"), args.date("enddate"));
    let events = query.resources(Kind::Event)?;
    // What was begun at least `entrytime` seconds ago and has no end within
    // `duration` seconds of it.
    let (entry_s, duration_s) = (args.int("entrytime"), args.int("duration"));
    if entry_s.is_some() != duration_s.is_some() {
        return Err(refusal::together(&["entrytime", "duration"]));
    }
    let is_pending = |event: &Resource| match (entry_s, duration_s) {
        (Some(entry_s), Some(duration_s)) => {
            let is_start = event.is(EventState::Scheduled) || event.is(EventState::Started);
            let end = query
                .world
                .referring(
                    event.id_of(col::PARENT_ID).unwrap_or(event.id),
                    Kind::Event,
                    col::PARENT_ID,
                )
                .find(|other| other.is(EventState::Completed));
            let within = event.created + Millis(duration_s.saturating_mul(1000));
            is_start
                && event.created <= query.now - Millis(entry_s.saturating_mul(1000))
                && end.is_none_or(|end| end.created > within)
        }
        _ => true,
    };
    let newest_first = events.into_iter().rev();
    query.page(newest_first.filter(|event| {
        !event.flag(col::ARCHIVED)
            && start.is_none_or(|(first, _)| event.created >= first)
            && end.is_none_or(|(_, last)| event.created <= last)
            && is_pending(event)
    }))
}

fn list_types(query: &Query<'_>) -> Result<Answer, ApiError> {
    query.page_of("eventtype", EVENT_TYPES.iter(), |_, name| {
        Node::Object(vec![("name", Node::text(name))])
    })
}

/// All types of events, in the order of the guide's appendix A; the last ones are
/// those that the 4.2.1 server has besides.
#[rustfmt::skip]
pub(crate) const EVENT_TYPES: &[&str] = &[
    "VM.CREATE", "VM.DESTROY", "VM.START", "VM.STOP", "VM.REBOOT", "VM.UPDATE", "VM.UPGRADE",
    "VM.DYNAMIC.SCALE", "VM.RESETPASSWORD", "VM.RESETSSHKEY", "VM.MIGRATE", "VM.MOVE", "VM.RESTORE",
    "ROUTER.CREATE", "ROUTER.DESTROY", "ROUTER.START", "ROUTER.STOP", "ROUTER.REBOOT", "ROUTER.HA",
    "ROUTER.UPGRADE", "PROXY.CREATE", "PROXY.DESTROY", "PROXY.START", "PROXY.STOP", "PROXY.REBOOT",
    "PROXY.HA", "VNC.CONNECT", "VNC.DISCONNECT", "NET.IPASSIGN", "NET.IPRELEASE",
    "PORTABLE.IPASSIGN", "PORTABLE.IPRELEASE", "NET.RULEADD", "NET.RULEDELETE", "NET.RULEMODIFY",
    "NETWORK.CREATE", "NETWORK.DELETE", "NETWORK.UPDATE", "FIREWALL.OPEN", "FIREWALL.CLOSE",
    "NIC.CREATE", "NIC.DELETE", "NIC.UPDATE", "NIC.DETAIL.ADD", "NIC.DETAIL.UPDATE",
    "NIC.DETAIL.REMOVE", "LB.ASSIGN.TO.RULE", "LB.REMOVE.FROM.RULE", "LB.CREATE", "LB.DELETE",
    "LB.STICKINESSPOLICY.CREATE", "LB.STICKINESSPOLICY.DELETE", "LB.HEALTHCHECKPOLICY.CREATE",
    "LB.HEALTHCHECKPOLICY.DELETE", "LB.UPDATE", "GLOBAL.LB.ASSIGN", "GLOBAL.LB.REMOVE",
    "GLOBAL.LB.CREATE", "GLOBAL.LB.DELETE", "GLOBAL.LB.UPDATE", "ACCOUNT.ENABLE", "ACCOUNT.DISABLE",
    "ACCOUNT.CREATE", "ACCOUNT.DELETE", "ACCOUNT.UPDATE", "ACCOUNT.MARK.DEFAULT.ZONE", "USER.LOGIN",
    "USER.LOGOUT", "USER.CREATE", "USER.DELETE", "USER.DISABLE", "USER.UPDATE", "USER.ENABLE",
    "USER.LOCK", "REGISTER.SSH.KEYPAIR", "REGISTER.USER.KEY", "TEMPLATE.CREATE", "TEMPLATE.DELETE",
    "TEMPLATE.UPDATE", "TEMPLATE.DOWNLOAD.START", "TEMPLATE.DOWNLOAD.SUCCESS",
    "TEMPLATE.DOWNLOAD.FAILED", "TEMPLATE.COPY", "TEMPLATE.EXTRACT", "TEMPLATE.UPLOAD",
    "TEMPLATE.CLEANUP", "VOLUME.CREATE", "VOLUME.DELETE", "VOLUME.ATTACH", "VOLUME.DETACH",
    "VOLUME.EXTRACT", "VOLUME.UPLOAD", "VOLUME.MIGRATE", "VOLUME.RESIZE", "VOLUME.DETAIL.UPDATE",
    "VOLUME.DETAIL.ADD", "VOLUME.DETAIL.REMOVE", "DOMAIN.CREATE", "DOMAIN.DELETE", "DOMAIN.UPDATE",
    "SNAPSHOT.CREATE", "SNAPSHOT.DELETE", "SNAPSHOTPOLICY.CREATE", "SNAPSHOTPOLICY.UPDATE",
    "SNAPSHOTPOLICY.DELETE", "ISO.CREATE", "ISO.DELETE", "ISO.COPY", "ISO.ATTACH", "ISO.DETACH",
    "ISO.EXTRACT", "ISO.UPLOAD", "SSVM.CREATE", "SSVM.DESTROY", "SSVM.START", "SSVM.STOP",
    "SSVM.REBOOT", "SSVM.HA", "SERVICE.OFFERING.CREATE", "SERVICE.OFFERING.EDIT",
    "SERVICE.OFFERING.DELETE", "DISK.OFFERING.CREATE", "DISK.OFFERING.EDIT", "DISK.OFFERING.DELETE",
    "NETWORK.OFFERING.CREATE", "NETWORK.OFFERING.ASSIGN", "NETWORK.OFFERING.EDIT",
    "NETWORK.OFFERING.REMOVE", "NETWORK.OFFERING.DELETE", "POD.CREATE", "POD.EDIT", "POD.DELETE",
    "ZONE.CREATE", "ZONE.EDIT", "ZONE.DELETE", "VLAN.IP.RANGE.CREATE", "VLAN.IP.RANGE.DELETE",
    "VLAN.IP.RANGE.DEDICATE", "VLAN.IP.RANGE.RELEASE", "STORAGE.IP.RANGE.CREATE",
    "STORAGE.IP.RANGE.DELETE", "STORAGE.IP.RANGE.UPDATE", "CONFIGURATION.VALUE.EDIT",
    "SG.AUTH.INGRESS", "SG.REVOKE.INGRESS", "SG.AUTH.EGRESS", "SG.REVOKE.EGRESS", "SG.CREATE",
    "SG.DELETE", "SG.ASSIGN", "SG.REMOVE", "HOST.RECONNECT", "MAINT.CANCEL", "MAINT.CANCEL.PS",
    "MAINT.PREPARE", "MAINT.PREPARE.PS", "VPN.REMOTE.ACCESS.CREATE", "VPN.REMOTE.ACCESS.DESTROY",
    "VPN.USER.ADD", "VPN.USER.REMOVE", "VPN.S2S.VPN.GATEWAY.CREATE", "VPN.S2S.VPN.GATEWAY.DELETE",
    "VPN.S2S.CUSTOMER.GATEWAY.CREATE", "VPN.S2S.CUSTOMER.GATEWAY.DELETE",
    "VPN.S2S.CUSTOMER.GATEWAY.UPDATE", "VPN.S2S.CONNECTION.CREATE", "VPN.S2S.CONNECTION.DELETE",
    "VPN.S2S.CONNECTION.RESET", "NETWORK.RESTART", "UPLOAD.CUSTOM.CERTIFICATE", "STATICNAT.ENABLE",
    "STATICNAT.DISABLE", "ZONE.VLAN.ASSIGN", "ZONE.VLAN.RELEASE", "PROJECT.CREATE",
    "PROJECT.UPDATE", "PROJECT.DELETE", "PROJECT.ACTIVATE", "PROJECT.SUSPEND",
    "PROJECT.ACCOUNT.ADD", "PROJECT.INVITATION.UPDATE", "PROJECT.INVITATION.REMOVE",
    "PROJECT.ACCOUNT.REMOVE", "NETWORK.ELEMENT.CONFIGURE", "PHYSICAL.NETWORK.CREATE",
    "PHYSICAL.NETWORK.DELETE", "PHYSICAL.NETWORK.UPDATE", "SERVICE.PROVIDER.CREATE",
    "SERVICE.PROVIDER.DELETE", "SERVICE.PROVIDER.UPDATE", "TRAFFIC.TYPE.CREATE",
    "TRAFFIC.TYPE.DELETE", "TRAFFIC.TYPE.UPDATE", "PHYSICAL.LOADBALANCER.ADD",
    "PHYSICAL.LOADBALANCER.DELETE", "PHYSICAL.LOADBALANCER.CONFIGURE", "SWITCH.MGMT.ADD",
    "SWITCH.MGMT.DELETE", "SWITCH.MGMT.CONFIGURE", "SWITCH.MGMT.ENABLE", "SWITCH.MGMT.DISABLE",
    "PHYSICAL.FIREWALL.ADD", "PHYSICAL.FIREWALL.DELETE", "PHYSICAL.FIREWALL.CONFIGURE",
    "VPC.CREATE", "VPC.UPDATE", "VPC.DELETE", "VPC.RESTART", "NETWORK.ACL.CREATE",
    "NETWORK.ACL.DELETE", "NETWORK.ACL.REPLACE", "NETWORK.ACL.ITEM.CREATE",
    "NETWORK.ACL.ITEM.UPDATE", "NETWORK.ACL.ITEM.DELETE", "VPC.OFFERING.CREATE",
    "VPC.OFFERING.UPDATE", "VPC.OFFERING.DELETE", "PRIVATE.GATEWAY.CREATE",
    "PRIVATE.GATEWAY.DELETE", "STATIC.ROUTE.CREATE", "STATIC.ROUTE.DELETE", "CREATE_TAGS",
    "DELETE_TAGS", "CREATE_RESOURCE_DETAILS", "DELETE_RESOURCE_DETAILS", "VMSNAPSHOT.CREATE",
    "VMSNAPSHOT.DELETE", "VMSNAPSHOT.REVERTTO", "PHYSICAL.NVPCONTROLLER.ADD",
    "PHYSICAL.NVPCONTROLLER.DELETE", "PHYSICAL.NVPCONTROLLER.CONFIGURE", "COUNTER.CREATE",
    "COUNTER.DELETE", "CONDITION.CREATE", "CONDITION.DELETE", "AUTOSCALEPOLICY.CREATE",
    "AUTOSCALEPOLICY.UPDATE", "AUTOSCALEPOLICY.DELETE", "AUTOSCALEVMPROFILE.CREATE",
    "AUTOSCALEVMPROFILE.DELETE", "AUTOSCALEVMPROFILE.UPDATE", "AUTOSCALEVMGROUP.CREATE",
    "AUTOSCALEVMGROUP.DELETE", "AUTOSCALEVMGROUP.UPDATE", "AUTOSCALEVMGROUP.ENABLE",
    "AUTOSCALEVMGROUP.DISABLE", "PHYSICAL.DHCP.ADD", "PHYSICAL.DHCP.DELETE", "PHYSICAL.PXE.ADD",
    "PHYSICAL.PXE.DELETE", "AG.CREATE", "AG.DELETE", "AG.ASSIGN", "AG.REMOVE", "VM.AG.UPDATE",
    "INTERNALLBVM.START", "INTERNALLBVM.STOP", "HOST.RESERVATION.RELEASE",
    "GUESTVLANRANGE.DEDICATE", "GUESTVLANRANGE.RELEASE", "PORTABLE.IP.RANGE.CREATE",
    "PORTABLE.IP.RANGE.DELETE", "PORTABLE.IP.TRANSFER", "DEDICATE.RESOURCE",
    "DEDICATE.RESOURCE.RELEASE", "VM.RESERVATION.CLEANUP", "UCS.REFRESHBLADES",
    "UCS.TEMPLATEASSOCIATION", "UCS.DISASSOCIATEPROFILE", "UCS.ASSOCIATEPROFILE",
    "PHYSICAL.VNSCONTROLLER.ADD", "PHYSICAL.VNSCONTROLLER.DELETE", "ALERT.GENERATE",
];
