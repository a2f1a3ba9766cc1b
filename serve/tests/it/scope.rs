//! The accounts of records that are asked for: `account`, `accountid`, `domainid`,
//! `isrecursive`, `type`.

use crate::support::Folder;

const JANUARY_1: [(&str, &str); 2] = [("startdate", "2026-01-01"), ("enddate", "2026-01-01")];

/// Domains `/` (1), `/acme/` (2), `/acme/dev/` (3), `/acmeister/` (4); one volume an
/// account, whose number is 500 more than the account's. Account 77 has not
/// arrived. In the source `other` domain 2 is somebody else's.
fn folder() -> Folder {
    let folder = Folder::new("UTC", "1440");
    folder.accounts(
        "default",
        "10,admin,,1,1,/\n\
         20,boss,5C0A2B1E-7c1d-4b8e-9a54-0d6a5f1c2b31,2,2,/acme/\n\
         21,dev,,0,3,/acme/dev/\n\
         22,twin,,0,3,/acme/dev/\n\
         30,twin,,0,4,/acmeister/\n",
    );
    folder.accounts("other", "20,stranger,,0,2,/elsewhere/\n31,admin,,0,5,/elsewhere/sub/\n");
    let volume = |id: u64, account: u64| {
        let volume = 500 + account;
        format!(
            "{id},VOLUME.CREATE,{account},2026-01-01 00:00:00,1,{volume},DATA,1,,1073741824,,\n"
        )
    };
    let rows = |accounts: &[u64]| -> String {
        accounts.iter().zip(1..).map(|(account, id)| volume(id, *account)).collect()
    };
    folder.events(&rows(&[10, 20, 21, 22, 30, 77]));
    let header = "id,type,account_id,created,zone_id,resource_id,resource_name,offering_id,\
                  template_id,size,virtual_size,resource_type\n";
    let other = format!("{header}{}", rows(&[20, 31]));
    folder.take_in(cloudtally_store::Stream::Events, "other", &other);
    folder.aggregate("2026-01-01", "2026-01-01");
    folder
}

#[test]
fn whose_records_are_found() {
    let folder = folder();
    let server = folder.serve();
    let check = |filter: &[(&str, &str)], expected: &[&str]| {
        let listed = server.list(&[&JANUARY_1[..], filter].concat());
        let mut found: Vec<String> = listed
            .all("account")
            .iter()
            .zip(listed.all("accountid"))
            .map(|(name, id)| format!("{name} {id}"))
            .collect();
        found.sort();
        assert_eq!(found, expected, "{filter:?}");
    };
    let everybody =
        ["77 77", "admin 10", "admin 31", "boss 20", "dev 21", "stranger 20", "twin 22", "twin 30"];
    // The root admin sees everybody unless somebody is named.
    check(&[], &everybody);
    check(&[("accountid", "-1")], &everybody);
    check(&[("isrecursive", "true")], &everybody);
    check(&[("account", ""), ("accountid", ""), ("domainid", "")], &everybody);
    // By number, in every source there is; by uuid, in any case; before it has arrived.
    check(&[("accountid", "21")], &["dev 21"]);
    check(&[("accountid", "20")], &["boss 20", "stranger 20"]);
    check(&[("accountid", "5c0a2b1e-7c1d-4b8e-9a54-0d6a5f1c2b31")], &["boss 20"]);
    check(&[("accountid", "77")], &["77 77"]);
    // By name: exact, in any domain or in one.
    check(&[("account", "dev")], &["dev 21"]);
    check(&[("account", "twin")], &["twin 22", "twin 30"]);
    check(&[("account", "twin"), ("domainid", "4")], &["twin 30"]);
    check(&[("account", "77")], &["77 77"]);
    check(&[("account", "admin")], &["admin 10", "admin 31"]);
    // By domain, alone or with those below it; `/acmeister/` is not below `/acme/`,
    // and the other source's domain 2 has a path of its own.
    check(&[("domainid", "3")], &["dev 21", "twin 22"]);
    check(&[("domainid", "2")], &["boss 20", "stranger 20"]);
    check(&[("domainid", "2"), ("isrecursive", "false")], &["boss 20", "stranger 20"]);
    check(
        &[("domainid", "2"), ("isrecursive", "True")],
        &["admin 31", "boss 20", "dev 21", "stranger 20", "twin 22"],
    );
    check(
        &[("domainid", "1"), ("isrecursive", "true")],
        &["admin 10", "boss 20", "dev 21", "twin 22", "twin 30"],
    );
    check(&[("domainid", "2"), ("isrecursive", "true"), ("account", "twin")], &["twin 22"]);
    // A name beside `accountid` must be that account's.
    check(&[("accountid", "21"), ("account", "Dev"), ("domainid", "3")], &["dev 21"]);
    let other = [("command", "listUsageRecords"), ("accountid", "21"), ("account", "twin")];
    let refused = server.ask(&[&JANUARY_1[..], &other].concat());
    assert_eq!(refused.status, 431);
    let text = "the account 21 is dev, not twin; give one of `accountid` and `account`";
    assert!(refused.text().contains(text), "{}", refused.text());
    // So must a domain be the account's; below it counts if asked. -1 is every account.
    check(&[("accountid", "20"), ("domainid", "2")], &["boss 20", "stranger 20"]);
    let inside = [("accountid", "21"), ("domainid", "2"), ("isrecursive", "true")];
    check(&inside, &["dev 21"]);
    check(&[("accountid", "-1"), ("domainid", "3")], &["dev 21", "twin 22"]);
    let refused = |filter: &[(&str, &str)], text: &str| {
        let call = [&JANUARY_1[..], &[("command", "listUsageRecords")], filter].concat();
        let refused = server.ask(&call);
        assert_eq!(refused.status, 431, "{filter:?}");
        assert!(refused.text().contains(text), "{filter:?}: {}", refused.text());
    };
    let ends = "; give one of `accountid` and `domainid`";
    for (id, domain, told) in [
        ("21", "2", "is in the domain 3 (/acme/dev/), not in the domain 2"),
        ("20", "3", "is in the domain 2 (/acme/) and the domain 2 (/elsewhere/), not in"),
        ("77", "3", "is in no domain that is known yet, not in the domain 3"),
    ] {
        let filter = [("accountid", id), ("domainid", domain)];
        refused(&filter, &format!("the account {id} {told}"));
        refused(&filter, ends);
    }
    let below = [("accountid", "30"), ("domainid", "2"), ("isrecursive", "true")];
    refused(&below, "is in the domain 4 (/acmeister/), not in the domain 2 or below it");
    let gone = "Invalid parameter domainid value=99 due to incorrect long value format, or entity";
    refused(&[("accountid", "21"), ("domainid", "99")], gone);
    let both = "the `accountid` -1 is every account, and the `account` dev is one";
    refused(&[("accountid", "-1"), ("account", "dev")], both);
    // Types, and parameters that say nothing.
    check(&[("type", "6")], &everybody);
    check(&[("type", "1")], &[]);
    check(&[("type", "70000")], &[]);
    check(&[("keyword", "x"), ("listall", "true"), ("vpc_id", "None")], &everybody);
}
