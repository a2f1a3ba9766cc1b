//! Events: filters, what is not completed, archiving and deleting.

use cloudtally_platform::engine::{Answer, Node, Start};

use crate::support::{Lab, text, texts};

/// Two accounts, made an hour apart, from 2026-01-05T00:00:00Z on.
fn lab() -> Lab {
    let lab = Lab::new(Start::Empty);
    lab.account("ann", "0", None);
    lab.pass(3600);
    lab.account("bob", "0", None);
    lab
}

fn made(lab: &Lab, params: &[(&str, &str)]) -> Vec<String> {
    let mut all = vec![("listall", "true"), ("type", "ACCOUNT.CREATE")];
    all.extend(params);
    texts(&lab.ok("listEvents", &all), "account")
}

#[test]
fn events_are_listed_newest_first_and_by_what_they_are() {
    let lab = lab();
    assert_eq!(made(&lab, &[]), ["bob", "ann"]);
    for (params, expected) in [
        (vec![("startdate", "2026-01-05")], vec!["bob", "ann"]),
        (vec![("startdate", "2026-01-05 00:30:00")], vec!["bob"]),
        (vec![("enddate", "2026-01-05 00:30:00")], vec!["ann"]),
        (vec![("enddate", "2026-01-05")], vec!["bob", "ann"]),
        (vec![("enddate", "2026-01-04")], vec![]),
        (
            vec![("startdate", "2026-01-05 01:00:00"), ("enddate", "2026-01-05 01:00:00")],
            vec!["bob"],
        ),
        (vec![("level", "info")], vec!["bob", "ann"]),
        (vec![("level", "ERROR")], vec![]),
        (vec![("keyword", "BOB")], vec!["bob"]),
    ] {
        assert_eq!(made(&lab, &params), expected, "{params:?}");
    }
    let (code, why) = lab.refused("listEvents", &[("startdate", "05.01.2026")]);
    assert_eq!(code, 431);
    assert!(why.contains("startdate"), "{why}");
    let event = lab.one("listEvents", &[("type", "ACCOUNT.CREATE"), ("account", "ann")]);
    assert_eq!(text(&event, "username"), "admin", "who did it");
    let id = text(&event, "id");
    assert_eq!(lab.one("listEvents", &[("id", &id)]), event);
    // Another's is as good as not there.
    let other = lab.run(lab.user("bob"), "listEvents", &[("id", &id)]);
    assert_eq!(other.unwrap_err().0, 431);
}

#[test]
fn what_was_begun_and_is_not_completed_is_found() {
    let lab = lab();
    let bob = text(&lab.one("listAccounts", &[("name", "bob"), ("listall", "true")]), "id");
    let answer = lab.call(lab.root(), "disableAccount", &[("id", &bob), ("lock", "true")]);
    let Ok(Answer::Job { job, .. }) = answer else { panic!("{answer:?}") };
    let pending = |entry: &str, duration: &str| {
        let params = [("entrytime", entry), ("duration", duration), ("listall", "true")];
        let list = lab.ok("listEvents", &params);
        texts(&list, "type")
    };
    assert_eq!(pending("0", "60"), ["ACCOUNT.DISABLE"]);
    assert_eq!(pending("60", "60"), [""; 0], "it was begun just now");
    lab.finish(&job).unwrap();
    assert_eq!(pending("0", "60"), [""; 0], "it ended in time");
    assert_eq!(lab.refused("listEvents", &[("entrytime", "5")]).0, 431);
}

#[test]
fn events_are_archived_and_deleted_as_a_whole_or_not_at_all() {
    let lab = lab();
    let of = |account: &str| {
        let params = [("type", "ACCOUNT.CREATE"), ("account", account)];
        text(&lab.one("listEvents", &params), "id")
    };
    let (ann, bob) = (of("ann"), of("bob"));
    for (params, part) in [
        (vec![], "`ids`, `type` or `enddate` is needed"),
        (vec![("startdate", "2026-01-01")], "`ids`, `type` or `enddate` is needed"),
        (
            vec![("type", "ACCOUNT.CREATE"), ("startdate", "2026-01-01")],
            "`enddate` is needed together",
        ),
    ] {
        for command in ["archiveEvents", "deleteEvents"] {
            let (code, why) = lab.refused(command, &params);
            assert_eq!(code, 431, "{command} {params:?}");
            assert!(why.contains(part), "{command} {params:?}: {why}");
        }
    }
    // Ann may not touch Bob's; hers stays because of it.
    let both = format!("{ann},{bob}");
    let refused = lab.run(lab.user("ann"), "deleteEvents", &[("ids", &both)]);
    assert!(refused.is_err());
    assert_eq!(made(&lab, &[]), ["bob", "ann"]);
    lab.ok_as("ann", "archiveEvents", &[("ids", &ann)]);
    assert_eq!(made(&lab, &[]), ["bob"]);
    let (code, why) = lab.refused("archiveEvents", &[("ids", &both)]);
    assert_eq!(code, 530);
    assert!(why.starts_with("Unable to archive Events, one or more parameters"), "{why}");
    assert_eq!(made(&lab, &[]), ["bob"]);
    // By type, a user takes only its own.
    assert_eq!(lab.ok_as("ann", "deleteEvents", &[("type", "ACCOUNT.CREATE")]), Node::Bool(true));
    assert_eq!(made(&lab, &[]), ["bob"]);
    lab.ok("deleteEvents", &[("enddate", "2026-01-05")]);
    assert_eq!(texts(&lab.ok("listEvents", &[("listall", "true")]), "type"), [""; 0]);
}

#[test]
fn what_could_not_be_made_is_told_by_one_error() {
    let lab = Lab::new(Start::Ready);
    let zone = text(&lab.one("listZones", &[("networktype", "Advanced")]), "id");
    let last = |event_type: &str| {
        let event = lab.one("listEvents", &[("type", event_type), ("level", "ERROR")]);
        assert!(event.field("parentid").is_none(), "{event_type}: it stands alone");
        text(&event, "state")
    };
    let physical = [("zoneid", zone.as_str()), ("name", "p"), ("vlan", "9-1")];
    lab.refused("createPhysicalNetwork", &physical);
    assert_eq!(last("PHYSICAL.NETWORK.CREATE"), "Created", "no job was begun");
    lab.refused(
        "createAccount",
        &[
            ("username", "admin"),
            ("accounttype", "0"),
            ("email", "e"),
            ("firstname", "f"),
            ("lastname", "l"),
            ("password", "pass word"),
        ],
    );
    assert_eq!(last("ACCOUNT.CREATE"), "Completed", "there is no job");
    let pending = [("entrytime", "0"), ("duration", "1000"), ("listall", "true")];
    assert_eq!(texts(&lab.ok("listEvents", &pending), "type"), [""; 0], "it is over");
}
