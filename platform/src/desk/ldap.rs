//! LDAP: the directory whose passwords log users in.

use crate::table::{Command, Object, ParamType::*, Roles, WireType as W, f, later, p};

pub(crate) const LDAP_CONFIG: Object = Object {
    name: "LDAPConfig",
    fields: &[
        f("hostname", W::Str),
        f("port", W::Str),
        f("ssl", W::Str),
        f("searchbase", W::Str),
        f("queryfilter", W::Str),
        f("binddn", W::Str),
        f("bindpass", W::Str),
    ],
};

pub(crate) const LDAP_REMOVE: Object = Object { name: "LDAPRemove", fields: &[] };

pub(crate) static COMMANDS: &[Command] = &[
    later("ldapConfig")
        .doc("Sets the directory that users log in by, or shows it with `listall`")
        .roles(Roles::ROOT)
        .params(&[
            p("listall", Bool).doc("true to show the directory that is set and change nothing"),
            p("hostname", Str).doc("the directory server; needed unless `listall`"),
            p("port", Int).doc("the port; 389 unless given, 636 with `ssl`"),
            p("ssl", Bool).doc("true to use TLS; needs `truststore` and `truststorepass`"),
            p("searchbase", Str)
                .doc("where users stand, such as `ou=people,dc=example,dc=com`; needed"),
            p("queryfilter", Str)
                .doc("the search; `%u` user name, `%n` full name, `%e` e-mail; one is needed"),
            p("binddn", Str).doc("the entry to search as; anonymous unless given"),
            p("bindpass", Secret).doc("the password of `binddn`"),
            p("truststore", Str).doc("the file with the certificates to trust"),
            p("truststorepass", Secret).doc("the password of that file"),
        ])
        .items("ldapconfig", &LDAP_CONFIG),
    later("ldapRemove")
        .doc("Forgets the directory; users log in by their own passwords again")
        .roles(Roles::ROOT)
        .object("ldapremove", &LDAP_REMOVE),
];
