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
    TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })
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
