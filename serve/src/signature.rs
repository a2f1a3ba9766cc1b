//! Signatures of requests, in all the ways that clients make them.
//!
//! The signed text is `name=value` pairs, values percent-encoded, sorted by
//! name, joined by `&` and lower-cased; its HMAC-SHA1 in Base64 is the
//! signature. Real clients differ in three ways, so several texts are tried:
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

/// The order of a client's names before it lower-cases everything.
#[derive(Clone, Copy, Debug)]
enum Order {
    AsSent,
    LowerCased,
}

/// Sets of characters by the choice of `*` and `~` that a client leaves bare.
const BARE_DASH_DOT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
pub(crate) const BARE_STAR: &AsciiSet = &BARE_DASH_DOT.remove(b'*');
const BARE_TILDE: &AsciiSet = &BARE_DASH_DOT.remove(b'~');
const BARE_BOTH: &AsciiSet = &BARE_STAR.remove(b'~');
const ENCODINGS: [&AsciiSet; 4] = [BARE_STAR, BARE_TILDE, BARE_BOTH, BARE_DASH_DOT];

/// Returns true if `signature` is that of the parameters, in any of the accepted ways.
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
    let params = Params::read(query.as_bytes(), b"");
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

#[cfg(test)]
mod tests {
    use std::{path::Path, process::Command};

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

    fn read(query: &str) -> Params {
        let params = Params::read(query.as_bytes(), b"");
        assert_eq!(params.check(), Ok(()), "{query}");
        params
    }

    /// `tests/fixtures/signatures.json` says how it was made.
    #[test]
    fn signatures_that_an_independent_script_made() {
        let vectors = std::fs::read_to_string(Path::new(FIXTURES).join("signatures.json")).unwrap();
        let vectors: Vec<Value> = serde_json::from_str(&vectors).unwrap();
        assert!(vectors.len() > 50);
        for vector in &vectors {
            let text = |name: &str| vector[name].as_str().unwrap();
            let (what, params) = ((text("what"), text("variant")), read(text("query")));
            let (secret, signature) = (text("secret"), text("signature"));
            assert!(verify(&params, secret, signature), "{what:?}");
            assert!(!verify(&params, &format!("{secret}x"), signature), "{what:?}");
            let more = read(&format!("{}&zz=1", text("query")));
            assert!(!verify(&more, secret, signature), "{what:?}");
            let lower = signature.to_lowercase();
            assert!(lower == signature || !verify(&params, secret, &lower), "{what:?}");
        }
    }

    #[test]
    fn the_vectors_are_what_the_script_makes() {
        let script = Path::new(FIXTURES).join("signatures.py");
        match Command::new("python3").arg(script).arg("--check").output() {
            Ok(output) => assert!(output.status.success(), "{output:?}"),
            Err(cause) => eprintln!("skipped: python3 cannot be started: {cause}"),
        }
    }

    /// Parameters with names that differ in more than case, and any text as values.
    fn parameters() -> impl Strategy<Value = Vec<(String, String)>> {
        let name = "[a-zA-Z][a-zA-Z0-9\\[\\].]{0,8}";
        let value = "[^\\p{Cc}]{0,12}";
        prop::collection::vec((name, value), 1..8).prop_map(|pairs| {
            let mut known = std::collections::BTreeSet::from(["signature".to_owned()]);
            let new = |(name, _): &(String, String)| known.insert(name.to_lowercase());
            pairs.into_iter().filter(new).collect()
        })
    }

    fn encoded(value: &str, encoding: &'static AsciiSet) -> String {
        utf8_percent_encode(value, encoding).to_string()
    }

    /// The signed content of the parameters: letters in upper and lower case are one.
    fn content(params: &Params) -> std::collections::BTreeSet<(String, String)> {
        let signed = params.iter().filter(|param| param.name != "signature");
        signed
            .map(|param| (param.name.clone(), encoded(&param.value, BARE_DASH_DOT).to_lowercase()))
            .collect()
    }

    proptest! {
        #[test]
        fn what_is_signed_in_any_way_verifies(
            pairs in parameters(),
            secret in "\\PC{0,80}",
            order in prop::sample::select(&[Order::AsSent, Order::LowerCased][..]),
            encoding in prop::sample::select(&ENCODINGS[..]),
            sent in prop::sample::select(&ENCODINGS[..]),
            blank in prop::sample::select(&["%20", "+"][..]),
        ) {
            let query: Vec<String> = pairs
                .iter()
                .map(|(name, value)| format!("{name}={}", encoded(value, sent).replace("%20", blank)))
                .collect();
            let params = read(&query.join("&"));
            // Signed by the caller's own rules: sort, join, lower-case.
            let mut sorted = pairs.clone();
            sorted.sort_by_key(|(name, _)| match order {
                Order::AsSent => name.clone(),
                Order::LowerCased => name.to_lowercase(),
            });
            let text: Vec<String> =
                sorted.iter().map(|(name, value)| format!("{name}={}", encoded(value, encoding))).collect();
            let signature = sign(&text.join("&").to_lowercase(), &secret);
            prop_assert!(verify(&params, &secret, &signature));
        }

        #[test]
        fn with_one_byte_changed_it_never_does(
            pairs in parameters(),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let pairs: Vec<(&str, &str)> =
                pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let query = signed_query(&pairs, "key", "secret");
            let params = read(&query);
            let signature = params.get("signature").unwrap().to_owned();
            prop_assert!(verify(&params, "secret", &signature));
            let mut changed = query.clone().into_bytes();
            let at = at.index(changed.len());
            changed[at] = byte;
            let changed = Params::read(&changed, b"");
            let same = content(&changed) == content(&params)
                && changed.get("signature") == Some(signature.as_str());
            let accepted = changed.check().is_ok()
                && changed.get("signature").is_some_and(|given| verify(&changed, "secret", given));
            prop_assert_eq!(accepted, same && changed.check().is_ok());
        }
    }
}
