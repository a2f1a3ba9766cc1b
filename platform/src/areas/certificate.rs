//! The certificate of the console proxy.

use crate::table::{Command, Object, ParamType::*, Roles, WireType as W, f, later, p};

pub(crate) const CUSTOM_CERTIFICATE: Object =
    Object { name: "CustomCertificate", fields: &[f("message", W::Str)] };

pub(crate) static COMMANDS: &[Command] = &[later("uploadCustomCertificate")
    .doc("Sets the certificate that console proxies and storage VMs show")
    .roles(Roles::ROOT)
    .params(&[
        p("certificate", Str).required().length_max(65_535).doc("the certificate in PEM"),
        p("id", Int).doc("the place in the chain, 1 for the root; none for the server's own"),
        p("name", Str).doc("a name for a certificate of the chain"),
        p("privatekey", Secret)
            .length_max(65_535)
            .doc("its private key in PKCS#8; needed with the server certificate itself"),
        p("domainsuffix", Str).required().doc("the DNS domain the certificate is for"),
    ])
    .job("UPLOAD.CUSTOM.CERTIFICATE")
    .object("customcertificate", &CUSTOM_CERTIFICATE)];
