//! Records of an instant, their corrections and explanations: the same eyes see them as see
//! the records of today.

use cloudtally_aggregate::Plan;
use cloudtally_model::SourceName;
use cloudtally_store::Stream;

use crate::support::{Folder, Keys, Listed, Server, Tenant, root, signed_with};

const HEADER: &str = "id,type,account_id,created,zone_id,resource_id,resource_name,offering_id,\
                      template_id,size,virtual_size,resource_type\n";
const DAYS: [(&str, &str); 2] = [("startdate", "2026-01-01"), ("enddate", "2026-01-31")];

/// Records of `alice` and `bob`, of which those of alice are published again.
fn folder() -> (Folder, Server, Tenant, Tenant) {
    let folder = Folder::new("UTC", "1440");
    let server = folder.serve();
    let (alice, bob) = (server.account("alice", "0", None), server.account("bob", "0", None));
    let start = |id: usize, tenant: &Tenant| {
        let account = server.number(&tenant.id);
        format!("{id},VM.START,{account},2026-01-01 06:00:00,1,{},vm-{id},1,5,,,KVM\n", 900 + id)
    };
    let rows = [HEADER.to_owned(), start(1, &alice), start(2, &bob)].concat();
    folder.take_in(Stream::Events, SourceName::PLATFORM, &rows);
    folder.run(Plan::Scheduled, "2026-01-03 00:15:00");
    (folder, server, alice, bob)
}

fn hear_of_the_stop(folder: &Folder, server: &Server, alice: &Tenant) {
    let account = server.number(&alice.id);
    let stop = format!("{HEADER}3,VM.STOP,{account},2026-01-02 18:00:00,1,901,vm-1,1,5,,,KVM\n");
    folder.take_in(Stream::Events, SourceName::PLATFORM, &stop);
    folder.run(Plan::Scheduled, "2026-01-03 12:00:00");
}

fn body(server: &Server, keys: &Keys, pairs: &[(&str, &str)]) -> String {
    let pairs =
        [&[("command", "listUsageRecords"), ("response", "json")], &DAYS[..], pairs].concat();
    let reply = server.get(&signed_with(&pairs, &keys.api_key, &keys.secret_key));
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.text().to_owned()
}

#[test]
fn as_of_an_instant_the_list_is_what_it_was() {
    let (folder, server, alice, _) = folder();
    let before = [body(&server, &alice.keys, &[]), body(&server, &root(), &[])];
    hear_of_the_stop(&folder, &server, &alice);
    for asof in ["2026-01-03T00:15:00Z", "2026-01-03 11:59:59", "2026-01-03T12:30:00+0100"] {
        let then = [("asof", asof)];
        assert_eq!(body(&server, &alice.keys, &then), before[0], "{asof}");
        assert_eq!(body(&server, &root(), &then), before[1], "{asof}");
    }
    let now = body(&server, &root(), &[]);
    assert_ne!(now, before[1]);
    assert_eq!(body(&server, &root(), &[("asof", "2026-01-03T12:00:00Z")]), now);
    assert_eq!(server.list(&[&DAYS[..], &[("asof", "2026-01-02")]].concat()), Listed::default());
    for (asof, why) in [("2999-01-01", "lies ahead of the clock"), ("yesterday", "yesterday")] {
        let pairs = [&[("command", "listUsageRecords"), ("asof", asof)], &DAYS[..]].concat();
        let (status, answer) = server.call(&root(), &pairs);
        assert_eq!(status, 431, "{answer}");
        assert!(answer["errortext"].as_str().unwrap().contains(why), "{answer}");
    }
}

#[test]
fn corrections_are_seen_by_who_sees_the_records() {
    let (folder, server, alice, bob) = folder();
    hear_of_the_stop(&folder, &server, &alice);
    let list = |keys: &Keys, more: &[(&str, &str)]| {
        let pairs = [&[("command", "listUsageCorrections")], &DAYS[..], more].concat();
        server.works(keys, &pairs)
    };
    let found = list(&root(), &[]);
    assert_eq!(found["count"], 1, "{found}");
    let one = &found["usagecorrection"][0];
    for (field, value) in [
        ("startdate", "2026-01-02T00:00:00+0000"),
        ("before", "86400000"),
        ("after", "64800000"),
        ("difference", "-21600000"),
        ("unit", "ms"),
        ("cause", "late events"),
        ("published", "2026-01-03T12:00:00+0000"),
        ("accountid", alice.id.as_str()),
    ] {
        assert_eq!(one[field], value, "{field} of {one}");
    }
    assert_eq!(one["eventids"], serde_json::json!(["3"]));
    assert_eq!(list(&alice.keys, &[]), found);
    assert_eq!(list(&bob.keys, &[]), serde_json::json!({}));
    assert_eq!(list(&root(), &[("type", "2")]), serde_json::json!({}));
    assert_eq!(list(&root(), &[("page", "2"), ("pagesize", "1")]), serde_json::json!({}));
}

#[test]
fn a_record_of_somebody_else_is_explained_to_nobody() {
    let (folder, server, alice, bob) = folder();
    let record = |keys: &Keys, day: &str| {
        let pairs =
            [("command", "listUsageRecords"), ("startdate", day), ("enddate", day), ("type", "1")];
        let listed = server.works(keys, &pairs);
        listed["usagerecord"][0]["recordid"].as_str().unwrap().to_owned()
    };
    let id = record(&alice.keys, "2026-01-02");
    let explain = |keys: &Keys, id: &str, more: &[(&str, &str)]| {
        let pairs = [&[("command", "explainUsageRecord"), ("id", id)], more].concat();
        server.call(keys, &pairs)
    };
    let (status, before) = explain(&alice.keys, &id, &[]);
    assert_eq!(status, 200, "{before}");
    let shown = &before["usageexplanation"];
    assert_eq!((&shown["quantity"], &shown["sum"]), (&"86400000".into(), &"86400000".into()));
    assert_eq!(shown["addsup"], true);
    assert_eq!(shown["eventids"], serde_json::json!(["1"]));
    assert_eq!(shown["segments"][0]["openedby"], "1");
    assert_eq!(explain(&root(), &id, &[]).1, before);

    let (status, refused) = explain(&bob.keys, &id, &[]);
    assert_eq!(status, 431, "{refused}");
    let unknown = "00695709-6900-8d1c-9c4b-3a5d4f6a7b8c";
    let (_, nothing) = explain(&bob.keys, unknown, &[]);
    let text = |answer: &serde_json::Value| answer["errortext"].as_str().unwrap().to_owned();
    assert_eq!(text(&refused).replace(&id, unknown), text(&nothing));
    assert_eq!(
        text(&explain(&bob.keys, "x", &[]).1).replace("=x ", &format!("={unknown} ")),
        text(&nothing)
    );

    hear_of_the_stop(&folder, &server, &alice);
    let (_, after) = explain(&alice.keys, &id, &[]);
    assert_eq!(after["usageexplanation"]["eventids"], serde_json::json!(["1", "3"]));
    assert_eq!(after["usageexplanation"]["sum"], "64800000");
    assert_eq!(explain(&alice.keys, &id, &[("asof", "2026-01-03T01:00:00Z")]).1, before);
    assert_eq!(explain(&bob.keys, &id, &[("asof", "2026-01-03T01:00:00Z")]).0, 431);
}
