//! The records that domain admins and users see: their own cloud's, and of that
//! what the rules of lists give them.

use cloudtally_model::SourceName;
use cloudtally_store::Stream;

use crate::support::{Folder, Keys, Server, root};

fn found(server: &Server, keys: &Keys, filter: &[(&str, &str)]) -> Result<Vec<String>, u16> {
    let mut pairs = vec![
        ("command", "listUsageRecords"),
        ("startdate", "2026-01-01"),
        ("enddate", "2026-01-01"),
    ];
    pairs.extend_from_slice(filter);
    let (status, answer) = server.call(keys, &pairs);
    if status != 200 {
        return Err(status);
    }
    let records = answer["usagerecord"].as_array().cloned().unwrap_or_default();
    let mut names: Vec<String> =
        records.iter().map(|record| record["account"].as_str().unwrap().to_owned()).collect();
    names.sort();
    Ok(names)
}

#[test]
fn whose_records_are_found() {
    let folder = Folder::new("UTC", "1440");
    let server = folder.serve();
    let acme = server.domain("acme", None);
    let dev = server.domain("dev", Some(&acme));
    let other = server.domain("other", None);
    let boss = server.account("boss", "2", Some(&acme));
    let alice = server.account("alice", "0", Some(&acme));
    let bob = server.account("bob", "0", Some(&dev));
    let eve = server.account("eve", "2", Some(&other));
    let all = [&boss, &alice, &bob, &eve];
    let names = ["boss", "alice", "bob", "eve"];

    // A volume of each in our own cloud, and a stranger's in another.
    let header = "id,type,account_id,created,zone_id,resource_id,resource_name,offering_id,\
                  template_id,size,virtual_size,resource_type\n";
    let volume = |id: usize, account: u64| {
        format!(
            "{id},VOLUME.CREATE,{account},2026-01-01 00:00:00,1,{},DATA,1,,1073741824,,\n",
            500 + id
        )
    };
    let rows: String =
        all.iter().enumerate().map(|(id, one)| volume(id, server.number(&one.id))).collect();
    folder.take_in(Stream::Events, SourceName::PLATFORM, &format!("{header}{rows}"));
    let accounts: String = all
        .iter()
        .zip(names)
        .map(|(one, name)| {
            let domain = server.number(&one.domain);
            format!("{},{name},{},0,{domain},/x/\n", server.number(&one.id), one.id)
        })
        .collect();
    folder.accounts(SourceName::PLATFORM, &accounts);
    folder.take_in(
        Stream::Events,
        "elsewhere",
        &format!("{header}{}", volume(9, server.number(&alice.id))),
    );
    folder.accounts("elsewhere", &format!("{},stranger,,0,1,/\n", server.number(&alice.id)));
    folder.aggregate("2026-01-01", "2026-01-01");

    let check = |keys: &Keys, filter: &[(&str, &str)], expected: Result<&[&str], u16>| {
        let expected = expected.map(|names| names.iter().map(|n| (*n).to_owned()).collect());
        assert_eq!(found(&server, keys, filter), expected, "{filter:?}");
    };
    // Root: everybody, of every cloud; an account by uuid, a domain by uuid.
    check(&root(), &[], Ok(&["alice", "bob", "boss", "eve", "stranger"]));
    check(&root(), &[("accountid", &alice.id)], Ok(&["alice"]));
    check(&root(), &[("domainid", &acme)], Ok(&["alice", "boss"]));
    check(&root(), &[("domainid", &acme), ("isrecursive", "true")], Ok(&["alice", "bob", "boss"]));
    check(&root(), &[("domainid", &dev), ("account", "bob")], Ok(&["bob"]));
    check(&root(), &[("account", "stranger")], Ok(&["stranger"]));
    check(&root(), &[("account", "alice")], Err(431));
    // A domain admin: the own domain, and below it if asked.
    check(&boss.keys, &[], Ok(&["alice", "boss"]));
    check(&boss.keys, &[("isrecursive", "true")], Ok(&["alice", "bob", "boss"]));
    check(&boss.keys, &[("account", "alice")], Ok(&["alice"]));
    check(&boss.keys, &[("account", "bob")], Err(431));
    check(&boss.keys, &[("account", "bob"), ("domainid", &dev)], Ok(&["bob"]));
    check(&boss.keys, &[("accountid", &bob.id)], Ok(&["bob"]));
    check(&boss.keys, &[("accountid", &eve.id)], Err(431));
    check(&boss.keys, &[("domainid", &other)], Err(431));
    check(&boss.keys, &[("domainid", "1")], Err(431));
    check(&boss.keys, &[("account", "stranger")], Err(431));
    check(&boss.keys, &[("accountid", &server.number(&alice.id).to_string())], Err(431));
    // A domain beside an account or a project is theirs, or one above if asked.
    for keys in [&root(), &boss.keys] {
        check(keys, &[("accountid", &bob.id), ("domainid", &dev)], Ok(&["bob"]));
        check(keys, &[("accountid", &bob.id), ("domainid", &acme)], Err(431));
        let above = [("accountid", &*bob.id), ("domainid", &acme), ("isrecursive", "true")];
        check(keys, &above, Ok(&["bob"]));
        check(keys, &[("accountid", "-1"), ("domainid", &dev)], Ok(&["bob"]));
        check(keys, &[("accountid", "-1"), ("account", "alice")], Err(431));
    }
    check(&root(), &[("accountid", &bob.id), ("domainid", "1")], Err(431));
    check(&boss.keys, &[("accountid", &bob.id), ("domainid", "1")], Err(431));
    check(&boss.keys, &[("accountid", &bob.id), ("domainid", &other)], Err(431));
    let project = [("command", "createProject"), ("name", "p"), ("displaytext", "p")];
    let made = server.job(&boss.keys, &project);
    let project = made["jobresult"]["project"]["id"].as_str().expect("a project").to_owned();
    for (id, domain, expected) in [
        (&*project, &acme, Ok(&[][..])),
        (&*project, &dev, Err(431)),
        ("-1", &acme, Ok(&[][..])),
        ("-1", &dev, Ok(&[][..])),
    ] {
        check(&boss.keys, &[("projectid", id), ("domainid", domain)], expected);
    }
    // A user: the own account.
    for filter in [
        &[][..],
        &[("isrecursive", "true")],
        &[("account", "alice")],
        &[("accountid", "-1")],
        &[("domainid", &acme)],
    ] {
        check(&alice.keys, filter, Ok(&["alice"]));
    }
    check(&alice.keys, &[("account", "boss")], Err(431));
    check(&alice.keys, &[("accountid", &boss.id)], Err(431));
    check(&alice.keys, &[("domainid", &other)], Err(431));
    check(&alice.keys, &[("projectid", &acme)], Err(431));

    // Our own resources are told by uuid.
    let pairs =
        [("command", "listUsageRecords"), ("startdate", "2026-01-01"), ("enddate", "2026-01-01")];
    let record = &server.works(&alice.keys, &pairs)["usagerecord"][0];
    assert_eq!(
        (&record["accountid"], &record["domainid"]),
        (&alice.id.as_str().into(), &acme.as_str().into())
    );
    // The other two commands are root's.
    for command in ["listUsageTypes", "generateUsageRecords"] {
        assert_eq!(server.call(&boss.keys, &[("command", command)]).0, 401);
    }

    // What a gone account used is still its domain's.
    let gone = server.job(&root(), &[("command", "deleteAccount"), ("id", &alice.id)]);
    assert_eq!(gone["jobstatus"], 1, "{gone}");
    check(&boss.keys, &[], Ok(&["alice", "boss"]));
}
