//! The certificate of the console proxy.
//!
//! The server's own certificate comes with its key; the others of its chain come
//! before it, each with its place and its name. The key itself is only looked at:
//! nothing here opens a TLS connection, so nothing needs to keep it.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use cloudtally_model::ApiError;

use super::systemvm;
use crate::{
    col,
    engine::{Call, Done, Node, refusal},
    table::{
        Command, Kind, KindSpec, Object, ParamType::*, Roles, WireType as W, f, hidden, own, p,
    },
};

const MESSAGE: &str = "Certificate has been updated; console proxies and secondary storage VMs show it after their restart";

pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Certificate, &CUSTOM_CERTIFICATE).hidden(&[
    hidden("name", W::Str),
    hidden("certificate", W::Str),
    hidden("domainsuffix", W::Str),
    hidden("place", W::Int),
]);

pub(crate) const CUSTOM_CERTIFICATE: Object = Object {
    name: "CustomCertificate",
    fields: &[f("message", W::Str).by(|_| Node::text(MESSAGE))],
};

pub(crate) static COMMANDS: &[Command] = &[own("uploadCustomCertificate")
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
    .object("customcertificate", &CUSTOM_CERTIFICATE)
    .check(check)
    .act(upload)];

/// Tells whether a text is one block of PEM.
fn is_pem(text: &str, label: &str) -> bool {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let inner = text.trim().strip_prefix(&begin).and_then(|rest| rest.strip_suffix(&end));
    inner.is_some_and(|inner| {
        let inner: String = inner.chars().filter(|c| !c.is_whitespace()).collect();
        !inner.is_empty() && BASE64_STANDARD.decode(inner).is_ok()
    })
}

fn check(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    if !is_pem(call.args.text_required("certificate"), "CERTIFICATE") {
        return Err(refusal::parameter(
            "certificate",
            "is no certificate in PEM; it begins with -----BEGIN CERTIFICATE-----",
        ));
    }
    let (place, name) = (call.args.int("id"), call.args.has("name"));
    match (call.args.text("privatekey"), place) {
        (Some(key), _) if !is_pem(key, "PRIVATE KEY") => Err(refusal::parameter(
            "privatekey",
            "is no key in PKCS#8 PEM; it begins with -----BEGIN PRIVATE KEY-----",
        )),
        (None, None) => Err(refusal::parameter(
            "privatekey",
            "is needed with the server's own certificate, or `id` and `name` with one of its chain",
        )),
        (_, Some(place)) if place < 1 => {
            Err(call.invalid("id", &place.to_string(), "expected a place from 1, the root"))
        }
        (_, Some(_)) if !name => {
            Err(refusal::parameter("name", "is needed with a certificate of the chain"))
        }
        _ => Ok(()),
    }
}

fn upload(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    // 1. In the place of the one that stood there.
    let place = call.args.int("id").unwrap_or_default();
    let old =
        call.tx.all(Kind::Certificate).find(|row| row.int(col::PLACE) == place).map(|row| row.id);
    if let Some(old) = old {
        call.tx.erase(old);
    }
    let args = call.args.clone();
    let id = call.tx.insert(Kind::Certificate, |row| {
        row.set_int(col::PLACE, place)
            .set_text(col::CERTIFICATE, args.text_required("certificate"))
            .set_text(col::DOMAIN_SUFFIX, args.text_required("domainsuffix"));
        if let Some(name) = args.text("name") {
            row.set_text(col::NAME, name);
        }
    });
    // 2. With the last of the chain, what shows it begins anew.
    if place == 0 {
        systemvm::restart_all(call.tx);
    }
    Ok(Done::Resource(id))
}
