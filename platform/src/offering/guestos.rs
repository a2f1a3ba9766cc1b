//! Operating systems of guests, as templates and VMs name them.

use crate::{
    col,
    engine::{Query, Resource, Tx},
    table::{
        Command, Kind, KindSpec, Object, ParamType::*, Roles, WireType as W, f, fields::*, group,
        list, p,
    },
};

pub(crate) static KIND: KindSpec =
    KindSpec::new(Kind::OsType, &OS_TYPE).keyword(&[col::DESCRIPTION]);
pub(crate) static CATEGORY_KIND: KindSpec =
    KindSpec::new(Kind::OsCategory, &OS_CATEGORY).keyword(&[col::NAME]);

pub(crate) const OS_TYPE: Object = Object {
    name: "GuestOS",
    fields: &[ID, f("oscategoryid", W::Id(Kind::OsCategory)), f("description", W::Str)],
};

pub(crate) const OS_CATEGORY: Object =
    Object { name: "GuestOSCategory", fields: &[ID, f("name", W::Str)] };

pub(crate) static COMMANDS: &[Command] = &[
    list("listOsCategories", Kind::OsCategory)
        .doc("Lists categories of operating systems")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::OsCategory)), p("name", Str)])
        .groups(&[group::PAGED])
        .items("oscategory", &OS_CATEGORY),
    list("listOsTypes", Kind::OsType)
        .doc("Lists operating systems")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::OsType)),
            p("oscategoryid", Id(Kind::OsCategory)),
            p("description", Str).doc("shows only those with this text in their description"),
        ])
        .groups(&[group::PAGED])
        .items("ostype", &OS_TYPE)
        .filter(is_described, &["description"]),
];

fn is_described(query: &Query<'_>, os_type: &Resource) -> bool {
    query.args.text("description").is_none_or(|wanted| {
        os_type.text(col::DESCRIPTION).to_lowercase().contains(&wanted.to_lowercase())
    })
}

/// The categories and types that a cloud knows of.
#[rustfmt::skip]
const OS_TYPES: &[(&str, &[&str])] = &[
    ("CentOS", &[
        "CentOS 4.8 (32-bit)", "CentOS 5.3 (64-bit)", "CentOS 5.5 (64-bit)",
        "CentOS 5.6 (64-bit)", "CentOS 6.0 (64-bit)", "CentOS 6.4 (64-bit)",
    ]),
    ("Debian", &[
        "Debian GNU/Linux 5.0 (32-bit)", "Debian GNU/Linux 6(64-bit)",
        "Debian GNU/Linux 7(32-bit)", "Debian GNU/Linux 7(64-bit)",
    ]),
    ("Oracle", &[
        "Oracle Enterprise Linux 5.5 (64-bit)", "Oracle Enterprise Linux 6.0 (64-bit)",
    ]),
    ("RedHat", &[
        "Red Hat Enterprise Linux 5.5 (64-bit)", "Red Hat Enterprise Linux 6.0 (64-bit)",
        "Red Hat Enterprise Linux 6.3 (64-bit)",
    ]),
    ("SUSE", &[
        "SUSE Linux Enterprise Server 10 SP3 (64-bit)",
        "SUSE Linux Enterprise Server 11 SP1 (64-bit)",
    ]),
    ("Windows", &[
        "Windows XP SP3 (32-bit)", "Windows 7 (32-bit)", "Windows 7 (64-bit)",
        "Windows 8 (64-bit)", "Windows Server 2003 Enterprise Edition(64-bit)",
        "Windows Server 2008 (64-bit)", "Windows Server 2008 R2 (64-bit)",
        "Windows Server 2012 (64-bit)",
    ]),
    ("Ubuntu", &[
        "Ubuntu 10.04 (32-bit)", "Ubuntu 10.04 (64-bit)", "Ubuntu 11.04 (64-bit)",
        "Ubuntu 12.04 (32-bit)", "Ubuntu 12.04 (64-bit)",
    ]),
    ("Novel", &["Novell Netware 6.x", "Novell Netware 5.1"]),
    ("Unix", &[
        "FreeBSD (32-bit)", "FreeBSD (64-bit)", "Sun Solaris 10(64-bit)", "SCO OpenServer 5",
    ]),
    ("Other", &[
        "Other (32-bit)", "Other (64-bit)", "Other Linux (32-bit)", "Other Linux (64-bit)",
        "Other PV (32-bit)", "Other PV (64-bit)", "Fedora 13", "Asianux 3(64-bit)", "None",
    ]),
];

/// Makes the rows of a new cloud.
pub(crate) fn seed(tx: &mut Tx<'_>) {
    for (category, descriptions) in OS_TYPES {
        let category = tx.insert(Kind::OsCategory, |resource| {
            resource.set_text(col::NAME, category);
        });
        for description in *descriptions {
            tx.insert(Kind::OsType, |resource| {
                resource
                    .set_ref(col::OS_CATEGORY_ID, category)
                    .set_text(col::DESCRIPTION, description);
            });
        }
    }
}
