//! Alerts: what the administrator should know, by the numbers of guide appendix B.
//!
//! An alert is raised when something goes wrong and resolved when it is well again.
//! While one is unresolved, another of the same type and place is dropped, or a full
//! pool would be told of at every look; but alerts of single machines are all told.

use cloudtally_model::ApiError;

use super::event::Selection;
use crate::{
    col,
    engine::{Answer, Call, Column, Done, Query, ResourceId, Tx},
    parse::given,
    table::{
        Command, Kind, KindSpec, Object, ParamType::*, Roles, WireType as W, f, fields::*, group,
        hidden, own, p,
    },
};

/// `about` is what it is about, `zone`, `pod` and `cluster` where that is; `name` is
/// that of an alert that generateAlert makes. While it is unresolved, `stands` says at
/// what, so that those that stand are found without a look at all there ever were.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Alert, &ALERT)
    .infrastructure()
    .hidden(&[
        hidden("archived", W::Bool),
        hidden("about", W::Str),
        hidden("zone", W::Str),
        hidden("pod", W::Str),
        hidden("cluster", W::Str),
        hidden("name", W::Str),
        hidden("resolved", W::Date),
        hidden("stands", W::Str),
    ])
    .keyword(&[col::DESCRIPTION]);

pub(crate) const ALERT: Object = Object {
    name: "Alert",
    fields: &[ID, f("type", W::Int), f("description", W::Str), f("sent", W::Date)],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("archiveAlerts")
        .doc("Hides alerts from lists; they stay stored")
        .roles(Roles::ROOT)
        .params(&[
            p("ids", IdList(Kind::Alert)),
            p("enddate", Date),
            p("startdate", Date).doc("the first day; only with `enddate`"),
            p("type", Str)
                .doc("the number of the type; at least one of `ids`, `type` and `enddate`"),
        ])
        .success()
        .act(archive),
    own("deleteAlerts")
        .doc("Deletes alerts")
        .roles(Roles::ROOT)
        .params(&[
            p("ids", IdList(Kind::Alert)),
            p("enddate", Date),
            p("startdate", Date).doc("the first day; only with `enddate`"),
            p("type", Str)
                .doc("the number of the type; at least one of `ids`, `type` and `enddate`"),
        ])
        .success()
        .act(delete),
    own("generateAlert")
        .doc("Raises an alert")
        .roles(Roles::ROOT)
        .params(&[
            p("type", Short).required().doc("the number of the type; any other is a custom alert"),
            p("name", Str).required().doc("the name of the alert"),
            p("description", Str).required().length_max(999),
            p("zoneid", Id(Kind::Zone)).doc("the zone it is about"),
            p("podid", Id(Kind::Pod)).doc("the pod it is about"),
        ])
        .job("ALERT.GENERATE")
        .success()
        .extension()
        .act(generate),
    own("listAlerts")
        .doc("Lists alerts, newest first")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::Alert)),
            p("type", Str).doc("shows only alerts of the type with this number"),
        ])
        .groups(&[group::PAGED])
        .items("alert", &ALERT)
        .read(list_alerts),
];

/// One type of alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertType {
    /// The number that answers show.
    pub number: i64,
    /// The word for it.
    pub name: &'static str,
    /// True if each is told, for it is about one machine.
    pub is_repeated: bool,
}

const fn once(number: i64, name: &'static str) -> AlertType {
    AlertType { number, name, is_repeated: false }
}

const fn each(number: i64, name: &'static str) -> AlertType {
    AlertType { number, name, is_repeated: true }
}

/// Free memory is low.
pub(crate) const MEMORY: AlertType = once(0, "MEMORY");
/// Free CPU is low.
pub(crate) const CPU: AlertType = once(1, "CPU");
/// Pools fill up.
pub(crate) const STORAGE: AlertType = once(2, "STORAGE");
/// Little storage is left to give away.
pub(crate) const STORAGE_ALLOCATED: AlertType = once(3, "STORAGE_ALLOCATED");
/// Public addresses run out.
pub(crate) const PUBLIC_IP: AlertType = once(4, "PUBLIC_IP");
/// Addresses of a pod run out.
pub(crate) const PRIVATE_IP: AlertType = once(5, "PRIVATE_IP");
/// Image stores fill up.
pub(crate) const SECONDARY_STORAGE: AlertType = once(6, "SECONDARY_STORAGE");
/// A host does not answer.
pub(crate) const HOST: AlertType = each(7, "HOST");
/// A tenant's machine went down by itself.
pub(crate) const USER_VM: AlertType = each(8, "USERVM");
/// A router went down by itself.
pub(crate) const ROUTER: AlertType = each(9, "DOMAIN_ROUTER");
/// A console proxy went down by itself.
pub(crate) const CONSOLE_PROXY: AlertType = each(10, "CONSOLE_PROXY");
/// The usage job is not run.
pub const USAGE_SERVER: AlertType = once(13, "USAGE_SERVER");
/// The management server is not as it should be, such as its machine's clock.
pub const MANAGEMENT_NODE: AlertType = once(14, "MANAGEMENT_NODE");
/// VLANs of a zone run out.
pub(crate) const VLAN: AlertType = once(18, "VLAN");
/// A secondary storage VM went down by itself.
pub(crate) const SECONDARY_STORAGE_VM: AlertType = each(19, "SSVM");
/// The usage job failed.
pub const USAGE_SERVER_RESULT: AlertType = once(20, "USAGE_SERVER_RESULT");
/// A sanity check of usage found something.
pub const USAGE_SANITY_RESULT: AlertType = once(23, "USAGE_SANITY_RESULT");
/// Addresses of shared networks run out.
pub(crate) const DIRECT_IP: AlertType = once(24, "DIRECT_ATTACHED_PUBLIC_IP");
/// Little is left to give away of the disks of hosts.
pub(crate) const LOCAL_STORAGE: AlertType = once(25, "LOCAL_STORAGE");

/// An account has more of something than it may have.
pub(crate) const LIMIT: AlertType = each(26, "RESOURCE_LIMIT_EXCEEDED");

/// Somebody guesses at a user's password. No type of the guide, so a custom one.
pub(crate) const LOGINS_REFUSED: AlertType = each(100, "LOGINS_REFUSED");

/// All types, by number.
///
/// # Source
/// Guide appendix B; the last one is the 4.2.1 server's.
pub const TYPES: [AlertType; 27] = [
    MEMORY,
    CPU,
    STORAGE,
    STORAGE_ALLOCATED,
    PUBLIC_IP,
    PRIVATE_IP,
    SECONDARY_STORAGE,
    HOST,
    USER_VM,
    ROUTER,
    CONSOLE_PROXY,
    once(11, "ROUTING"),
    each(12, "STORAGE_MISC"),
    USAGE_SERVER,
    MANAGEMENT_NODE,
    once(15, "DOMAIN_ROUTER_MIGRATE"),
    once(16, "CONSOLE_PROXY_MIGRATE"),
    once(17, "USERVM_MIGRATE"),
    VLAN,
    SECONDARY_STORAGE_VM,
    USAGE_SERVER_RESULT,
    once(21, "STORAGE_DELETE"),
    once(22, "UPDATE_RESOURCE_COUNT"),
    USAGE_SANITY_RESULT,
    DIRECT_IP,
    LOCAL_STORAGE,
    LIMIT,
];

/// The type of a number; a number nobody knows is a custom alert, told each time.
fn type_of(number: i64) -> AlertType {
    let known = TYPES.iter().copied().find(|row| row.number == number);
    known.unwrap_or(AlertType { number, name: "CUSTOM", is_repeated: true })
}

/// The place of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Its zone.
    pub zone: Option<ResourceId>,
    /// Its pod.
    pub pod: Option<ResourceId>,
    /// Its cluster.
    pub cluster: Option<ResourceId>,
}

impl Place {
    /// The place of a resource: a zone, a pod or a cluster itself, or what stands in one.
    pub fn of(tx: &Tx<'_>, id: ResourceId) -> Self {
        let resource = tx.resource(id);
        let named = |kind, column: Column<ResourceId>| {
            if resource.kind == kind {
                return Some(id);
            }
            if resource.stores(column) { resource.id_of(column) } else { None }
        };
        Self {
            zone: named(Kind::Zone, col::ZONE_ID),
            pod: named(Kind::Pod, col::POD_ID),
            cluster: named(Kind::Cluster, col::CLUSTER_ID),
        }
    }
}

/// At what an alert stands: single machines' at the machine, the others' at their place,
/// which is the cloud where it is none.
fn stand(
    tx: &Tx<'_>,
    alert_type: AlertType,
    about: Option<ResourceId>,
    place: Place,
) -> ResourceId {
    let Place { zone, pod, cluster } = place;
    let machine = about.filter(|_| alert_type.is_repeated);
    machine.or(cluster).or(pod).or(zone).unwrap_or_else(|| tx.root_domain())
}

/// The unresolved alerts of a type and a place, of those about a resource if one is given.
fn unresolved(
    tx: &Tx<'_>,
    alert_type: AlertType,
    about: Option<ResourceId>,
    place: Place,
) -> Vec<ResourceId> {
    tx.referring(stand(tx, alert_type, about, place), Kind::Alert, col::STANDS)
        .filter(|alert| {
            alert.int(col::TYPE_NUMBER) == alert_type.number
                && about.is_none_or(|id| alert.id_of(col::ABOUT) == Some(id))
                && alert.id_of(col::ZONE) == place.zone
                && alert.id_of(col::POD) == place.pod
                && alert.id_of(col::CLUSTER) == place.cluster
        })
        .map(|alert| alert.id)
        .collect()
}

/// Says that an alert of a type about a resource of no place is unresolved.
pub(crate) fn stands(tx: &Tx<'_>, alert_type: AlertType, about: ResourceId) -> bool {
    !unresolved(tx, alert_type, Some(about), Place::default()).is_empty()
}

/// Tells the administrator of something; none if that is told already.
pub fn raise(
    tx: &mut Tx<'_>,
    alert_type: AlertType,
    about: Option<ResourceId>,
    place: Place,
    subject: &str,
) -> Option<ResourceId> {
    let AlertType { number, name, is_repeated } = alert_type;
    if !is_repeated && !unresolved(tx, alert_type, None, place).is_empty() {
        return None;
    }
    let now = tx.now;
    let stands = stand(tx, alert_type, about, place);
    Some(tx.insert(Kind::Alert, |alert| {
        alert
            .set_int(col::TYPE_NUMBER, number)
            .set_text(col::NAME, name)
            .set_text(col::DESCRIPTION, subject)
            .set_time(col::SENT, now)
            .set_ref(col::ABOUT, about)
            .set_ref(col::ZONE, place.zone)
            .set_ref(col::POD, place.pod)
            .set_ref(col::CLUSTER, place.cluster)
            .set_ref(col::STANDS, stands);
    }))
}

/// Resolves an alert whose cause is gone; the next time it is raised anew.
pub fn resolve(tx: &mut Tx<'_>, alert_type: AlertType, about: Option<ResourceId>, place: Place) {
    let now = tx.now;
    for alert in unresolved(tx, alert_type, about, place) {
        tx.edit(alert, |alert| {
            alert.set_time(col::RESOLVED, now).set_ref(col::STANDS, None);
        });
    }
}

/// Tells that a machine of a tenant or of the system went down by itself.
pub(crate) fn machine_down(tx: &mut Tx<'_>, machine: ResourceId, why: &str) {
    let resource = tx.resource(machine);
    let alert_type = match resource.kind {
        Kind::Router => ROUTER,
        Kind::SystemVm if resource.text(col::SYSTEM_VM_TYPE) == "consoleproxy" => CONSOLE_PROXY,
        Kind::SystemVm => SECONDARY_STORAGE_VM,
        _ => USER_VM,
    };
    let text =
        format!("the {} {} went down: {why}", resource.kind.noun(), resource.text(col::NAME));
    let place = Place::of(tx, machine);
    raise(tx, alert_type, Some(machine), place, &text);
}

fn generate(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let number = call.args.int("type").unwrap_or_default();
    let (name, text) = (
        call.args.text_required("name").to_owned(),
        call.args.text_required("description").to_owned(),
    );
    given::check_place(call)?;
    let place = Place { zone: call.args.id("zoneid"), pod: call.args.id("podid"), cluster: None };
    match raise(call.tx, type_of(number), None, place, &text) {
        None => call.detail = "an unresolved alert of the type tells of it already".to_owned(),
        Some(alert) => call.tx.edit(alert, |alert| {
            alert.set_text(col::NAME, &name);
        }),
    }
    Ok(Done::Success)
}

fn archive(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    Selection::of(call, Kind::Alert)?.archive(call);
    Ok(Done::Success)
}

fn delete(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    Selection::of(call, Kind::Alert)?.delete(call);
    Ok(Done::Success)
}

fn list_alerts(query: &Query<'_>) -> Result<Answer, ApiError> {
    if let Some(given) = query.args.text("type")
        && given.trim().parse::<i64>().is_err()
    {
        return Err(query.invalid("type", given, "expected the number of a type, such as `7`"));
    }
    let alerts = query.resources(Kind::Alert)?;
    query.page(alerts.into_iter().rev().filter(|alert| !alert.flag(col::ARCHIVED)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_stand_at_their_numbers() {
        for (at, row) in TYPES.iter().enumerate() {
            assert_eq!(usize::try_from(row.number), Ok(at), "{}", row.name);
        }
    }
}
