//! What clients sign, in all the ways they do.
//!
//! The signed text is `name=value` pairs, values percent-encoded, sorted by
//! name, joined by `&` and lower-cased; its HMAC-SHA1 in Base64 is the
//! signature. Real clients differ in three things, so several texts are tried:
//! they sort names as sent or in lower case, and they leave `*` and `~` bare or
//! encode them. Accepting all of these loses nothing: each is a text that only
//! the holder of the secret key could have signed.
//!
//! # Source
//! Guide 5.1; observed clients.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::Sha1;
use subtle::{Choice, ConstantTimeEq};

use crate::params::{Param, Params};

/// How a client orders names before it lower-cases everything.
#[derive(Clone, Copy)]
enum Order {
    AsSent,
    LowerCased,
}

/// Which of `*` and `~` a client leaves bare.
const BARE_DASH_DOT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
const BARE_STAR: &AsciiSet = &BARE_DASH_DOT.remove(b'*');
const BARE_TILDE: &AsciiSet = &BARE_DASH_DOT.remove(b'~');
const BARE_BOTH: &AsciiSet = &BARE_STAR.remove(b'~');
const ENCODINGS: [&AsciiSet; 4] = [BARE_STAR, BARE_TILDE, BARE_BOTH, BARE_DASH_DOT];

/// Whether `signature` is that of the parameters, in any of the accepted ways.
pub(crate) fn verify(params: &Params, secret_key: &str, signature: &str) -> bool {
    let mut matched = Choice::from(0);
    for order in [Order::LowerCased, Order::AsSent] {
        for encoding in ENCODINGS {
            let expected = sign(&signed_text(params, order, encoding), secret_key);
            matched |= expected.as_bytes().ct_eq(signature.as_bytes());
        }
    }
    matched.into()
}

/// A query string for `pairs`, signed: what a ready-made `curl` line needs.
pub fn signed_query(pairs: &[(&str, &str)], api_key: &str, secret_key: &str) -> String {
    let mut query = String::new();
    for (name, value) in pairs.iter().copied().chain([("apiKey", api_key)]) {
        let value = utf8_percent_encode(value, BARE_DASH_DOT);
        query.push_str(&format!("{name}={value}&"));
    }
    let params = Params::read(query.as_bytes(), b"").expect("we encoded it ourselves");
    let text = signed_text(&params, Order::LowerCased, BARE_STAR);
    let signature = sign(&text, secret_key);
    format!("{query}signature={}", utf8_percent_encode(&signature, BARE_DASH_DOT))
}

fn signed_text(params: &Params, order: Order, encoding: &'static AsciiSet) -> String {
    let mut signed: Vec<&Param> = params.iter().filter(|param| param.name != "signature").collect();
    signed.sort_by(|a, b| match order {
        Order::AsSent => a.sent.cmp(&b.sent),
        Order::LowerCased => a.name.cmp(&b.name),
    });
    let pairs: Vec<String> = signed
        .iter()
        .map(|param| format!("{}={}", param.name, utf8_percent_encode(&param.value, encoding)))
        .collect();
    pairs.join("&").to_lowercase()
}

fn sign(text: &str, secret_key: &str) -> String {
    let mut mac =
        Hmac::<Sha1>::new_from_slice(secret_key.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}
