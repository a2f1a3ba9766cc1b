//! Anything at all as a request: an answer, and never our own failure.

use proptest::{prelude::*, test_runner::TestRunner};

use crate::support::Folder;

fn folder() -> Folder {
    let folder = Folder::new("America/New_York", "1440");
    folder.accounts("default", "2,acme,,0,1,/\n");
    folder.events("1,VOLUME.CREATE,2,2026-01-01 00:00:00,1,501,DATA,1,,1073741824,,\n");
    folder.aggregate("2026-01-01", "2026-01-03");
    folder
}

fn runner() -> TestRunner {
    TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

/// Pieces that requests are made of, among them some that nobody would write.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(
        &[
            "&",
            "=",
            "%",
            "%2",
            "%00",
            "%ff",
            "+",
            "[",
            "]",
            "command=listUsageRecords",
            "apiKey=an-api-key",
            "&signature=",
            "response=json",
            "startdate=2026-01-01",
            "signatureVersion=3",
            "expires=",
        ][..],
    );
    prop_oneof![
        known.prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..20),
    ]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(piece(), 0..12).prop_map(|pieces| pieces.concat())
}

/// Values that parameters could have, and could not.
fn value() -> impl Strategy<Value = String> {
    let known = prop::sample::select(
        &[
            "",
            "0",
            "1",
            "2",
            "-1",
            "500",
            "501",
            "9223372036854775807",
            "-9223372036854775808",
            "1970-01-01",
            "2026-01-01",
            "2026-01-03",
            "2026-03-08 02:30:00",
            "9998-12-31",
            "9999-12-31",
            "9999-12-31T23:59:59-1800",
            "1970-01-01T00:00:00+1800",
            "0000-00-00",
            "2026-01-02T12:00:00Z",
            "acme",
            "true",
            "6",
            "json",
            "xml",
        ][..],
    );
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => "\\PC{0,10}"]
}

#[test]
fn random_bytes_as_query_and_body() {
    let folder = folder();
    let server = folder.serve();
    let law = |(query, body): (Vec<u8>, Vec<u8>)| {
        let posted = server.post("", FORM, &body);
        prop_assert!([401, 431, 432].contains(&posted.status), "{}", posted.status_line);
        let mut request = b"GET /client/api?".to_vec();
        request.extend_from_slice(&query);
        request.extend_from_slice(b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        // 400: not HTTP at all.
        let asked = server.raw(&request);
        prop_assert!([400, 401, 431, 432].contains(&asked.status), "{}", asked.status_line);
        Ok(())
    };
    runner().run(&(bytes(), bytes()), law).unwrap();
}

#[test]
fn signed_requests_of_any_parameters() {
    let folder = folder();
    let server = folder.serve();
    let commands = ["listUsageRecords", "listUsageTypes", "generateUsageRecords"];
    let others = [
        "page",
        "pagesize",
        "type",
        "account",
        "accountid",
        "domainid",
        "projectid",
        "isrecursive",
        "response",
        "keyword",
    ];
    let others = prop::collection::vec((prop::sample::select(others.to_vec()), value()), 0..5);
    let request = (prop::sample::select(commands.to_vec()), value(), value(), others);
    let law = |(command, start, end, others): (&str, String, String, Vec<(&str, String)>)| {
        let mut pairs = vec![("command", command), ("startdate", &start), ("enddate", &end)];
        for (name, value) in &others {
            if pairs.iter().all(|(known, _)| known != name) {
                pairs.push((name, value));
            }
        }
        let reply = server.ask(&pairs);
        prop_assert!([200, 431].contains(&reply.status), "{pairs:?}: {}", reply.text());
        Ok(())
    };
    runner().run(&request, law).unwrap();
}

/// Any command with any parameters, some of them its own: never a mistake of ours.
#[test]
fn signed_commands_of_any_kind() {
    let folder = folder();
    let server = folder.serve();
    let user = server.account("alice", "0", None);
    let names: Vec<&'static str> =
        cloudtally_platform::TABLES.commands().map(|row| row.name).collect();
    let own = prop::collection::vec(
        (any::<prop::sample::Index>(), "[a-z0-9\\[\\].]{0,4}", value()),
        0..6,
    );
    let request = (prop::sample::select(names), own, any::<bool>());
    let law = |(name, given, is_root): (
        &'static str,
        Vec<(prop::sample::Index, String, String)>,
        bool,
    )| {
        let row = cloudtally_platform::TABLES.command(name).unwrap();
        let params: Vec<&str> = row.params_all().map(|param| param.name).collect();
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (index, more, value) in given {
            let own = if params.is_empty() { "x" } else { params[index.index(params.len())] };
            pairs.push((format!("{own}{more}"), value.clone()));
            pairs.push((own.to_owned(), value));
        }
        let mut known =
            std::collections::BTreeSet::from(["signature".to_owned(), "apikey".to_owned()]);
        pairs.retain(|(name, _)| known.insert(name.to_lowercase()));
        let mut all = vec![("command", name)];
        all.extend(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        all.retain(|(name, _)| *name != "response");
        let keys = if is_root { crate::support::root() } else { user.keys.clone() };
        let (status, answer) = server.call(&keys, &all);
        prop_assert!(!answer.to_string().contains("broke off"), "{all:?}: {answer}");
        let is_documented =
            answer.to_string().contains("one or more parameters has invalid values");
        prop_assert!(status != 530 || is_documented, "{all:?}: {answer}");
        Ok(())
    };
    runner().run(&request, law).unwrap();
}
