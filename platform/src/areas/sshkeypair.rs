//! SSH key pairs: keys that VMs get at their start.

use crate::table::{Command, Object, ParamType::*, Roles, WireType as W, f, group, later, p};

pub(crate) const CREATED_SSH_KEY_PAIR: Object = Object {
    name: "CreateSSHKeyPair",
    fields: &[f("privatekey", W::Str), f("name", W::Str), f("fingerprint", W::Str)],
};

pub(crate) const SSH_KEY_PAIR: Object =
    Object { name: "SSHKeyPair", fields: &[f("name", W::Str), f("fingerprint", W::Str)] };

pub(crate) static COMMANDS: &[Command] = &[
    later("createSSHKeyPair")
        .doc("Makes an SSH key pair; the private key is shown this once")
        .roles(Roles::ALL)
        .params(&[p("name", Str).required()])
        .groups(&[group::OWNER, group::PROJECT])
        .object("keypair", &CREATED_SSH_KEY_PAIR),
    later("deleteSSHKeyPair")
        .doc("Deletes an SSH key pair; VMs that have it keep it")
        .roles(Roles::ALL)
        .params(&[p("name", Str).required()])
        .groups(&[group::OWNER, group::PROJECT])
        .success(),
    later("listSSHKeyPairs")
        .doc("Lists SSH key pairs")
        .roles(Roles::ALL)
        .params(&[
            p("name", Str),
            p("fingerprint", Str).doc("shows only the one with this fingerprint"),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::PROJECT])
        .items("sshkeypair", &SSH_KEY_PAIR),
    later("registerSSHKeyPair")
        .doc("Keeps a public key under a name")
        .roles(Roles::ALL)
        .params(&[
            p("name", Str).required(),
            p("publickey", Str)
                .required()
                .length_max(5120)
                .doc("the public key, as in `id_rsa.pub`"),
        ])
        .groups(&[group::OWNER, group::PROJECT])
        .event("REGISTER.SSH.KEYPAIR")
        .object("keypair", &SSH_KEY_PAIR),
];
