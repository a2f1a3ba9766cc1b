//! Requests and signatures that nobody wrote, from the corpora in `tests/corpus`.

use std::{collections::BTreeSet, hash::Hash};

use cloudtally_fuzz::{Target, kind_of};
use cloudtally_model::{
    ApiError, Instant,
    port::{ChangeSet, Journal, JournalError, Kept},
};
use cloudtally_platform::{
    FrontCommand, TABLES,
    engine::{Caller, Cloud, CloudOptions, Request, Start, own_users},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{params::Params, request::named, signature::verify};

const CORPORA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");

/// A journal that keeps nothing.
struct Nowhere;

impl Journal for Nowhere {
    fn load(&mut self) -> Result<Kept, JournalError> {
        Ok(Kept::default())
    }

    fn commit(&mut self, _: &ChangeSet) -> Result<(), JournalError> {
        Ok(())
    }
}

fn no_secrets(bytes: &mut [u8]) -> Result<(), ApiError> {
    bytes.fill(7);
    Ok(())
}

fn now() -> Instant {
    Instant::parse("2026-01-05 00:00:00").unwrap()
}

fn cloud() -> Cloud {
    let options =
        CloudOptions { seed: 1, start: Start::Ready, is_simulated: true, entropy: no_secrets };
    Cloud::open(&TABLES, Box::new(Nowhere), options, now()).unwrap()
}

/// Reads a query, and behind a line feed a body.
fn read(input: &[u8]) -> Params {
    let query = input.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Params::read(query, input.get(query.len() + 1..).unwrap_or_default())
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Asserts that parameters that can be read are read again from what a client would send of them.
fn assert_they_return(params: &Params) {
    if params.check().is_err() {
        return;
    }
    let pair = |name: &str, value: &str| format!("{}={}", encoded(name), encoded(value));
    let query: Vec<String> = params.iter().map(|p| pair(&p.sent, &p.value)).collect();
    assert_eq!(&Params::read(query.join("&").as_bytes(), b""), params);
}

#[test]
fn requests() {
    let cloud = cloud();
    let admin = {
        let world = cloud.world();
        Caller::of_user(&world, own_users::admin_user(&world)).unwrap()
    };
    let mut words: Vec<&str> = TABLES.commands().map(|row| row.name).collect();
    let params = TABLES.commands().flat_map(|row| row.params_all()).map(|param| param.name);
    words.extend(params.collect::<BTreeSet<_>>());
    words.extend(["command=", "response=json", "[0].key=", "tags[0].value=", "%5B1%5D", "None"]);
    let target = Target { name: "requests", corpora: CORPORA, rounds: 12_000, words: &words };
    target.run(|input| {
        let params = read(input);
        assert_they_return(&params);
        let command = match params.check().and_then(|()| named(&params)) {
            Ok(command) => command,
            Err(error) => return (None, Some(kind_of(&error.text))),
        };
        let request = Request { command, caller: admin, params: params.of_command() };
        let decoded = cloud.decode(&request).map(drop);
        // What only looks is answered, too.
        let looks = command.name.starts_with("list") && FrontCommand::of(command).is_none();
        let answered = match decoded {
            Ok(()) if looks => cloud.call(request, now()).map(drop),
            decoded => decoded,
        };
        let refused = answered.err().map(|error| error.text);
        assert!(!refused.as_ref().is_some_and(|text| text.contains("broke off")), "{refused:?}");
        (Some(command.name), refused.as_deref().map(kind_of))
    });
}

/// The content of a request that its signature is for: letters in upper and lower case are one.
fn content(params: &Params) -> BTreeSet<(String, String)> {
    let signed = params.iter().filter(|param| param.name != "signature");
    signed.map(|p| (p.name.clone(), encoded(&p.value).to_lowercase())).collect()
}

/// The key of all requests in the corpus.
const SECRET: &str = "secret-of-the-corpus";

fn files_of(target: &str) -> Vec<Vec<u8>> {
    let folder = std::fs::read_dir(format!("{CORPORA}/{target}")).unwrap();
    folder.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}

#[test]
fn signatures() {
    let mut good = BTreeSet::new();
    for file in files_of("signatures") {
        let params = read(&file);
        let signature = params.get("signature").unwrap();
        assert!(verify(&params, SECRET, signature), "{}", String::from_utf8_lossy(&file));
        good.insert((content(&params), signature.to_owned()));
    }
    let words = &["signature=", "apiKey=", "%20", "+", "%2B", "%2b", "*", "~", "%7E", "&", "="];
    let target = Target { name: "signatures", corpora: CORPORA, rounds: 20_000, words };
    target.run(|input| {
        let params = read(input);
        assert_they_return(&params);
        let Some(signature) = params.get("signature") else { return saw(&params, "none") };
        if !verify(&params, SECRET, signature) {
            return saw(&params, "bad");
        }
        // Nobody who mutates bytes can sign anything else.
        let found = (content(&params), signature.to_owned());
        assert!(good.contains(&found) || params.check().is_err(), "{found:?}");
        saw(&params, "good")
    });
}

fn saw(params: &Params, verdict: &'static str) -> impl Hash + use<> {
    (params.iter().count().min(9), verdict, params.check().err().map(|e| kind_of(&e.text)))
}
