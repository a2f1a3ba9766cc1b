//! Hotfixes of XenServer hosts. Guide 4.2.3; declared there, in no 4.2 server.

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Answer, Node, Query, ResourceId, Tx},
    offering::hypervisor::XEN_SERVER,
    table::{
        Command, Kind, KindSpec, Object, ParamType::*, Roles, WireType as W, f, fields::*, group,
        hidden, list, own, p,
    },
};

pub(crate) static KIND: KindSpec = KindSpec::new(Kind::HostUpdate, &HOST_UPDATE)
    .infrastructure()
    .hidden(&[hidden("hostid", W::Id(Kind::Host))])
    .keyword(&[col::XEN_UPDATE_LABEL, col::DESCRIPTION]);

pub(crate) const HOST_UPDATE: Object = Object {
    name: "HostUpdates",
    fields: &[
        ID,
        f("xenupdatelabel", W::Str),
        f("description", W::Str),
        f("afterapplyguidance", W::Str),
        f("applied", W::Bool),
        f("url", W::Str),
        f("timestamp", W::Str),
    ],
};

pub(crate) const HOST_WITH_PENDING_UPDATES: Object = Object {
    name: "HostsWithPendingUpdates",
    fields: &[
        ID,
        f("uuid", W::Str).by(|view| Node::text(view.resource.uuid.to_string())),
        f("name", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("listHostsWithPendingUpdates")
        .doc("Lists hosts that lack a hotfix")
        .roles(Roles::ROOT)
        .groups(&[group::PAGED])
        .items("host", &HOST_WITH_PENDING_UPDATES)
        .read(list_hosts),
    list("listHostUpdates", Kind::HostUpdate)
        .doc("Lists hotfixes of a host and whether they are applied")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::HostUpdate)),
            p("hostid", Id(Kind::Host)).required(),
            p("applied", Bool),
        ])
        .groups(&[group::PAGED])
        .items("update", &HOST_UPDATE),
];

/// Hotfixes of XenServer 6.2: label, what for, what to do afterwards, since when,
/// and whether a host that is added has it.
const HOTFIXES: [(&str, &str, &str, &str, bool); 3] = [
    ("XS62E001", "security fixes of the guest tools", "restartHost", "2013-07-10T00:00:00Z", true),
    ("XS62E002", "fixes of storage multipathing", "restartHost", "2013-08-20T00:00:00Z", true),
    ("XS62E005", "fixes of live migration", "restartXAPI", "2013-10-08T00:00:00Z", false),
];

/// Writes down the hotfixes of a host that is added.
pub(crate) fn found(tx: &mut Tx<'_>, host: ResourceId) {
    if tx.resource(host).text(col::HYPERVISOR) != XEN_SERVER {
        return;
    }
    for (label, description, guidance, timestamp, is_applied) in HOTFIXES {
        tx.insert(Kind::HostUpdate, |update| {
            update
                .set_ref(col::HOST_ID, host)
                .set_text(col::XEN_UPDATE_LABEL, label)
                .set_text(col::DESCRIPTION, description)
                .set_text(col::AFTER_APPLY_GUIDANCE, guidance)
                .set_flag(col::APPLIED, is_applied)
                .set_text(col::URL, &format!("https://support.citrix.com/hotfix/{label}"))
                .set_text(col::TIMESTAMP, timestamp);
        });
    }
}

fn list_hosts(query: &Query<'_>) -> Result<Answer, ApiError> {
    let hosts = query.resources(Kind::Host)?.into_iter().filter(|host| {
        query
            .world
            .referring(host.id, Kind::HostUpdate, col::HOST_ID)
            .any(|update| !update.flag(col::APPLIED))
    });
    query.page(hosts)
}
