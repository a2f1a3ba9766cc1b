//! Domains, accounts, users and jobs: what everything else stands on.

use cloudtally_model::Instant;
use cloudtally_platform::{
    engine::{Answer, Node, Start},
    state::AccountState,
};

use crate::support::{Lab, int, text, texts};

#[test]
fn a_new_cloud_has_its_root_and_nothing_is_lost_by_a_restart() {
    let lab = Lab::new(Start::Empty);
    assert_eq!(text(&lab.one("listDomains", &[]), "path"), "ROOT");
    let sales = text(&lab.ok("createDomain", &[("name", "sales")]), "id");
    let alice = lab.account("alice", "0", Some(&sales));
    let lab = lab.restart();
    let seen = lab.one("listAccounts", &[("domainid", &sales)]);
    assert_eq!(seen, alice);
    assert_eq!(text(&seen, "domain"), "sales");
    assert_eq!(text(&lab.one("listDomains", &[("id", &sales)]), "path"), "ROOT/sales");
}

#[test]
fn names_stand_once() {
    let lab = Lab::new(Start::Empty);
    lab.account("alice", "0", None);
    let (code, why) = lab.refused(
        "createAccount",
        &[
            ("username", "bob"),
            ("account", "ALICE"),
            ("accounttype", "0"),
            ("email", "e"),
            ("firstname", "f"),
            ("lastname", "l"),
            ("password", "pass word"),
        ],
    );
    assert_eq!(code, 431);
    assert!(why.contains("ALICE"), "{why}");
    lab.ok("createDomain", &[("name", "a")]);
    assert_eq!(lab.refused("createDomain", &[("name", "A")]).0, 431);
}

#[test]
fn a_job_tells_its_chain_of_events() {
    let lab = Lab::new(Start::Empty);
    let alice = text(&lab.account("alice", "0", None), "id");
    let answer = lab.call(lab.root(), "disableAccount", &[("id", &alice), ("lock", "false")]);
    let Ok(Answer::Job { id: None, job }) = answer else { panic!("{answer:?}") };
    let pending = lab.one("listAsyncJobs", &[]);
    assert_eq!((text(&pending, "jobid"), int(&pending, "jobstatus")), (job.clone(), 0));
    assert_eq!(pending.field("jobresult"), None);
    // The process may end before the job has begun.
    let lab = lab.restart();
    let account = lab.finish(&job).unwrap();
    assert_eq!(text(&account, "state"), "disabled");
    let events = lab.ok("listEvents", &[("type", "ACCOUNT.DISABLE"), ("listall", "true")]);
    assert_eq!(texts(&events, "state"), ["Completed", "Started", "Scheduled"]);
    let Node::List(events) = events else { panic!() };
    assert_eq!(events[2].field("parentid"), None);
    assert_eq!(text(&events[0], "parentid"), text(&events[2], "id"));
    assert_eq!(text(&events[1], "parentid"), text(&events[2], "id"));
    assert_eq!(text(&events[0], "account"), "alice", "it concerns her, whoever did it");
}

#[test]
fn what_cannot_be_kept_did_not_happen() {
    let lab = Lab::new(Start::Empty);
    lab.memory.fail_next();
    let (code, why) = lab.refused("createDomain", &[("name", "a")]);
    assert_eq!(code, 530);
    assert!(why.contains("the disk is full"), "{why}");
    lab.ok("createDomain", &[("name", "a")]);
}

#[test]
fn after_a_change_of_unknown_fate_nothing_is_answered_until_the_cloud_is_opened_anew() {
    let lab = Lab::new(Start::Empty);
    lab.memory.lose_next();
    let (code, why) = lab.refused("createDomain", &[("name", "a")]);
    assert_eq!(code, 530);
    assert!(why.contains("may or may not have been kept") && why.contains("failed"), "{why}");
    // Neither looks nor changes, and time does not go by either.
    for (name, params) in [("listDomains", vec![]), ("createDomain", vec![("name", "b")])] {
        let (code, why) = lab.refused(name, &params);
        assert_eq!(code, 530);
        assert!(why.contains("nothing was done") && why.contains("started anew"), "{why}");
    }
    assert!(lab.cloud.run_due(lab.now()).is_err());
    assert!(lab.cloud.keep_clock(Instant::END_OF_TIME).is_err());
    assert_eq!(lab.cloud.lost(), Some("the disk failed"));
    // The disk had written it all.
    let lab = lab.restart();
    assert_eq!(lab.cloud.lost(), None);
    let domains = texts(&lab.ok("listDomains", &[("listall", "true")]), "name");
    assert_eq!(domains, ["ROOT", "a"]);
    lab.ok("createDomain", &[("name", "b")]);
}

#[test]
fn a_command_that_is_refused_leaves_only_its_event() {
    let lab = Lab::new(Start::Empty);
    let before = lab.cloud.world().len();
    lab.refused("createDomain", &[("name", "a/b")]);
    let after = lab.cloud.world().len();
    assert_eq!(after, before + 1);
    let event = lab.one("listEvents", &[("level", "ERROR")]);
    assert_eq!(text(&event, "type"), "DOMAIN.CREATE");
    assert!(text(&event, "description").starts_with("Error while "), "{event:?}");
}

#[test]
fn users_see_their_own_and_admins_their_domains() {
    let lab = Lab::new(Start::Empty);
    let sales = text(&lab.ok("createDomain", &[("name", "sales")]), "id");
    let north = text(&lab.ok("createDomain", &[("name", "n"), ("parentdomainid", &sales)]), "id");
    lab.account("chief", "2", Some(&sales));
    lab.account("clerk", "0", Some(&north));
    lab.account("other", "0", None);
    let seen = |user: &str, params: &[(&str, &str)]| {
        texts(&lab.ok_as(user, "listAccounts", params), "name")
    };
    assert_eq!(seen("clerk", &[]), ["clerk"]);
    assert_eq!(seen("clerk", &[("listall", "true")]), ["clerk"]);
    assert_eq!(seen("chief", &[]), ["chief"]);
    assert_eq!(seen("chief", &[("listall", "true")]), ["chief", "clerk"]);
    assert_eq!(seen("chief", &[("domainid", &sales)]), ["chief"]);
    assert_eq!(seen("chief", &[("domainid", &sales), ("isrecursive", "true")]), ["chief", "clerk"]);
    let root = text(&lab.one("listDomains", &[("level", "0")]), "id");
    let (code, _) = lab.run(lab.user("chief"), "listAccounts", &[("domainid", &root)]).unwrap_err();
    assert_eq!(code, 431, "not even that it is there");
}

#[test]
fn nobody_below_a_root_admin_governs_one() {
    let lab = Lab::new(Start::Empty);
    lab.account("chief", "2", None);
    lab.account("clerk", "0", None);
    let seen = lab.ok_as("chief", "listUsers", &[("listall", "true")]);
    let Node::List(users) = &seen else { panic!() };
    let id_of =
        |name: &str| text(users.iter().find(|user| text(user, "username") == name).unwrap(), "id");
    let (root, clerk) = (id_of("admin"), id_of("clerk"));
    lab.ok("registerUserKeys", &[("id", &root)]);
    lab.ok("registerUserKeys", &[("id", &clerk)]);
    let admin = text(&lab.one("listAccounts", &[("name", "admin")]), "id");
    for (name, id) in [
        ("registerUserKeys", &root),
        ("updateUser", &root),
        ("disableUser", &root),
        ("deleteUser", &root),
        ("disableAccount", &admin),
        ("updateAccount", &admin),
        ("deleteAccount", &admin),
    ] {
        let params = [("id", id.as_str()), ("lock", "true"), ("newname", "x"), ("email", "x")];
        let (code, why) = lab.run(lab.user("chief"), name, &params).unwrap_err();
        assert_eq!(code, 531, "{name}");
        assert!(why.contains("is not one the caller may govern"), "{name}: {why}");
    }
    // Nor are its keys shown to anybody below.
    let has_secret = |caller: &str, username: &str| {
        let list = lab.ok_as(caller, "listUsers", &[("listall", "true")]);
        let Node::List(users) = list else { panic!() };
        let user = users.into_iter().find(|user| text(user, "username") == username);
        user.unwrap().field("secretkey").is_some()
    };
    assert!(!has_secret("chief", "admin") && has_secret("admin", "admin"));
    assert!(has_secret("chief", "clerk"));
}

/// A running machine of a new account: the account and the machine.
fn machine_of(lab: &Lab, name: &str) -> (String, String) {
    let account = text(&lab.account(name, "0", None), "id");
    let zone = text(&lab.one("listZones", &[("networktype", "Advanced")]), "id");
    let offering = text(&lab.one("listServiceOfferings", &[("name", "m1.small")]), "id");
    let images = [("templatefilter", "featured"), ("hypervisor", "KVM"), ("zoneid", zone.as_str())];
    let image = text(&lab.one("listTemplates", &images), "id");
    let params = [
        ("zoneid", zone.as_str()),
        ("serviceofferingid", offering.as_str()),
        ("templateid", image.as_str()),
    ];
    let vm = lab.ok_as(name, "deployVirtualMachine", &params);
    (account, text(&vm, "id"))
}

#[test]
fn what_is_left_of_accounts_is_cleared_up_when_the_interval_says_so() {
    let lab = Lab::new(Start::Ready);
    let (gone, lost) = machine_of(&lab, "alice");
    let (shut, vm) = machine_of(&lab, "bob");
    let set = [("name", "account.cleanup.interval"), ("value", "100")];
    lab.ok("updateConfiguration", &set);
    // Another version has removed the one account and disabled the other, and no more.
    let now = lab.now();
    lab.memory.edit(&gone, |account| account.removed = Some(now));
    lab.memory.edit(&shut, |account| account.state = AccountState::Disabled.name().into());
    let lab = lab.restart();
    let seen = lab.usage_types().len();
    let state = |lab: &Lab| text(&lab.one("listVirtualMachines", &[("id", &vm)]), "state");
    lab.pass(99);
    assert_eq!(state(&lab), "Running");
    assert_eq!(lab.usage_types().len(), seen, "its turn has not come");
    lab.pass(2);
    assert_eq!(state(&lab), "Stopped");
    let ended = &lab.usage_types()[seen..];
    for end in
        ["VM.STOP", "VM.DESTROY", "VOLUME.DELETE", "NETWORK.OFFERING.REMOVE", "NET.IPRELEASE"]
    {
        assert!(ended.iter().any(|event| event == end), "{end} of {lost} is not in {ended:?}");
    }
    assert_eq!(ended.iter().filter(|event| *event == "VM.STOP").count(), 2);
    // What has ended ends no more.
    lab.pass(100);
    assert_eq!(lab.usage_types().len(), seen + ended.len(), "nothing is left to end");
}
