//! Domains, accounts, users and their keys over the port.

use cloudtally_store::AdminKeys;

use crate::support::{Folder, Keys, query, root, signed, wait_until};

fn folder() -> Folder {
    Folder::new("UTC", "1440")
}

#[test]
fn a_user_with_keys_of_its_own_lists_and_is_refused_what_is_not_for_users() {
    let folder = folder();
    let server = folder.serve();
    let domain = server.domain("acme", None);
    let boss = server.account("boss", "2", Some(&domain));
    let user = server.account("alice", "0", Some(&domain));

    let accounts = server.works(&user.keys, &[("command", "listAccounts")]);
    assert_eq!((&accounts["count"], &accounts["account"][0]["name"]), (&1.into(), &"alice".into()));
    let all = [("command", "listAccounts"), ("listall", "true"), ("isrecursive", "true")];
    assert_eq!(server.works(&boss.keys, &all)["count"], 2);

    // A command that is not for the role.
    let (status, error) = server.call(&user.keys, &[("command", "listUsers")]);
    assert_eq!(status, 401, "{error}");
    assert_eq!(
        error["errortext"],
        "The command listUsers is not for a user; listApis tells which commands are"
    );
    assert!(error.get("cserrorcode").is_none(), "{error}");
    let (status, _) = server.call(&boss.keys, &[("command", "createDomain"), ("name", "x")]);
    assert_eq!(status, 401);

    // Errors of the cloud: exact text, code and about what.
    let (status, error) = server.call(&root(), &[("command", "createDomain")]);
    assert_eq!((status, &error["cserrorcode"]), (431, &9999.into()));
    assert_eq!(
        error["errortext"],
        "Unable to execute API command createdomain due to missing parameter name"
    );
    let foreign = [("command", "listAccounts"), ("domainid", "0-0")];
    let (status, error) = server.call(&user.keys, &foreign);
    assert_eq!(status, 431);
    assert!(error["errortext"].as_str().unwrap().contains("Invalid parameter domainid value=0-0"));
    assert_eq!(error["uuidList"], serde_json::json!([]));

    // A page past the end, and lists of nothing.
    let past = [("command", "listAccounts"), ("page", "9"), ("pagesize", "1")];
    assert_eq!(server.works(&user.keys, &past), serde_json::json!({}));
    let reply = server.get(&signed(&[("command", "listAccounts"), ("name", "x")]));
    assert!(
        reply.text().ends_with("cloud-stack-version=\"4.2.1\"></listaccountsresponse>"),
        "{}",
        reply.text()
    );
}

#[test]
fn who_is_disabled_is_not_let_in() {
    let folder = folder();
    let server = folder.serve();
    let user = server.account("alice", "0", None);
    let list = [("command", "listAccounts")];
    server.works(&user.keys, &list);
    let done = server.job(&root(), &[("command", "disableUser"), ("id", &user.user)]);
    assert_eq!(
        (&done["jobstatus"], &done["jobresult"]["user"]["state"]),
        (&1.into(), &"disabled".into()),
        "{done}"
    );
    assert_eq!(server.call(&user.keys, &list).0, 401);
    server.works(&root(), &[("command", "enableUser"), ("id", &user.user)]);
    server.works(&user.keys, &list);
    let lock = [("command", "lockAccount"), ("account", "alice"), ("domainid", &user.domain)];
    server.works(&root(), &lock);
    assert_eq!(server.call(&user.keys, &list).0, 401, "its account is locked");

    // What a job refuses is told in its result.
    let own = server.works(&root(), &[("command", "listUsers"), ("username", "admin")]);
    let own = own["user"][0]["id"].as_str().unwrap();
    let failed = server.job(&root(), &[("command", "disableUser"), ("id", own)]);
    assert_eq!((&failed["jobstatus"], &failed["jobresultcode"]), (&2.into(), &530.into()));
    assert_eq!(failed["jobresult"]["errorcode"], 431);
    assert!(failed["jobresult"]["errortext"].as_str().unwrap().contains("part of the cloud"));
}

#[test]
fn new_keys_count_at_once_and_the_folder_has_those_of_the_root_admin() {
    let folder = folder();
    let server = folder.serve();
    let list = [("command", "listAccounts")];
    let admin = server.works(&root(), &[("command", "listUsers"), ("username", "admin")]);
    let admin = admin["user"][0]["id"].as_str().unwrap().to_owned();

    // By the API.
    let made = server.works(&root(), &[("command", "registerUserKeys"), ("id", &admin)]);
    let text = |name: &str| made["userkeys"][name].as_str().unwrap().to_owned();
    let new = Keys { api_key: text("apikey"), secret_key: text("secretkey") };
    assert_eq!(server.call(&root(), &list).0, 401, "the old ones end");
    server.works(&new, &list);
    let stored = folder.store.admin_keys().unwrap().unwrap();
    assert_eq!((stored.api_key, stored.secret_key), (new.api_key.clone(), new.secret_key.clone()));
    let set = [
        ("command", "updateUser"),
        ("id", &admin),
        ("userapikey", "mine-and-long-enough"),
        ("usersecretkey", "mine too, and long"),
        ("username", "chief"),
    ];
    server.works(&new, &set);
    assert_eq!(server.call(&new, &list).0, 401);
    let mine = Keys {
        api_key: "mine-and-long-enough".to_owned(),
        secret_key: "mine too, and long".to_owned(),
    };
    server.works(&mine, &list);
    assert_eq!(folder.store.admin_keys().unwrap().unwrap().api_key, "mine-and-long-enough");

    // By hand, while serving.
    const BY_HAND: &str = "a-key-by-hand-and-long";
    let by_hand = AdminKeys { api_key: BY_HAND.to_owned(), secret_key: "s".to_owned() };
    folder.writer().set_admin_keys(&by_hand).unwrap();
    assert_eq!(server.call(&mine, &list).0, 401);
    let by_hand = Keys { api_key: BY_HAND.to_owned(), secret_key: "s".to_owned() };
    let found = server.works(&by_hand, &[("command", "getUser"), ("userapikey", BY_HAND)]);
    assert_eq!(found["user"]["username"], "chief", "{found}");

    // Nobody else gets the root admin's key, nor the root admin somebody else's.
    let other = server.works(
        &by_hand,
        &[
            ("command", "createAccount"),
            ("accounttype", "0"),
            ("username", "bob"),
            ("password", "pass word"),
            ("firstname", "F"),
            ("lastname", "L"),
            ("email", "e"),
        ],
    );
    let other = other["account"]["user"][0]["id"].as_str().unwrap().to_owned();
    let steal = [
        ("command", "updateUser"),
        ("id", &other),
        ("userapikey", BY_HAND),
        ("usersecretkey", "a secret long enough"),
    ];
    let (status, error) = server.call(&by_hand, &steal);
    let text = error["errortext"].as_str().unwrap();
    assert!(status == 431 && text.contains("another user has this key"), "{status} {text}");
}

#[test]
fn keys_and_passwords_that_people_choose_have_a_least_length() {
    let folder = Folder::new("UTC", "1440");
    let server = folder.serve();
    let tenant = server.account("alice", "0", None);
    let long = "sixteen letters!";
    let update = |pairs: &[(&str, &str)]| {
        let of = [("command", "updateUser"), ("id", tenant.user.as_str())];
        server.call(&root(), &[&of[..], pairs].concat())
    };
    for (pairs, name, least) in [
        (vec![("userapikey", &long[1..]), ("usersecretkey", long)], "userapikey", "16"),
        (vec![("userapikey", long), ("usersecretkey", &long[1..])], "usersecretkey", "16"),
        (vec![("password", "five5")], "password", "6"),
    ] {
        let (status, error) = update(&pairs);
        let text = error["errortext"].as_str().unwrap();
        assert_eq!(status, 431, "{text}");
        assert!(text.contains(name) && text.contains(&format!("at least {least}")), "{text}");
        // Secrets are not repeated.
        assert!(!text.contains(pairs[pairs.len() - 1].1), "{text}");
    }
    assert_eq!(update(&[("userapikey", long), ("usersecretkey", long)]).0, 200);
    assert_eq!(update(&[("password", "sixsix")]).0, 200);
    let short = [
        ("command", "updateConfiguration"),
        ("name", "security.singlesignon.key"),
        ("value", "shared"),
    ];
    let (status, error) = server.call(&root(), &short);
    assert_eq!(
        (status, error["errortext"].as_str().unwrap().contains("at least 16")),
        (431, true),
        "{error}"
    );
}

#[test]
fn only_root_admins_choose_ids_for_others_would_learn_what_there_is() {
    let folder = Folder::new("UTC", "1440");
    let server = folder.serve();
    let top = server.domain("acme", None);
    let chief = server.account("chief", "2", Some(&top));
    let stranger = server.account("alice", "0", None);
    let make = |keys: &Keys, name: &str, id: &str| {
        let pairs = [
            ("command", "createAccount"),
            ("accounttype", "0"),
            ("domainid", top.as_str()),
            ("username", name),
            ("password", "pass word"),
            ("firstname", "F"),
            ("lastname", "L"),
            ("email", "e"),
            ("accountid", id),
        ];
        server.call(keys, &pairs)
    };
    let free = "0f0e0d0c-0b0a-4908-8706-050403020100";
    let (taken, unknown) = (make(&chief.keys, "bob", &stranger.id), make(&chief.keys, "bob", free));
    assert_eq!(taken, unknown, "who guesses learns nothing");
    assert_eq!(taken.0, 531, "{}", taken.1);
    assert_eq!(make(&root(), "bob", free).1["account"]["id"], free);
}

#[test]
fn what_others_have_reads_like_what_nobody_has() {
    let folder = Folder::new("UTC", "1440");
    let server = folder.serve();
    let owner = server.account("alice", "0", None);
    let stranger = server.account("mallory", "0", None);
    let invite = [
        ("command", "updateConfiguration"),
        ("name", "project.invite.required"),
        ("value", "true"),
    ];
    server.works(&root(), &invite);
    let create = [("command", "createProject"), ("name", "p"), ("displaytext", "p")];
    let project = server.job(&owner.keys, &create)["jobresult"]["project"]["id"].clone();
    let project = project.as_str().unwrap();
    let add = |pair: (&str, &str)| {
        let to = [("command", "addAccountToProject"), ("projectid", project), pair];
        assert_eq!(server.job(&owner.keys, &to)["jobstatus"], 1);
    };
    add(("email", "somebody@example.org"));
    let nothing = "0f0e0d0c-0b0a-4908-8706-050403020100";
    let asked = |command: &str, name: &str, id: &str, more: &[(&str, &str)]| {
        let pairs = [&[("command", command), (name, id)], more].concat();
        let (status, error) = server.call(&stranger.keys, &pairs);
        (status, error.to_string().replace(id, "ID"))
    };
    for (command, more) in [
        ("updateProjectInvitation", vec![]),
        ("updateProjectInvitation", vec![("token", "a guess")]),
        ("updateProjectInvitation", vec![("account", "alice")]),
        ("listProjectInvitations", vec![]),
    ] {
        let there = asked(command, "projectid", project, &more);
        assert_eq!(there, asked(command, "projectid", nothing, &more), "{command} {more:?}");
        assert_eq!(there.0, 431, "{}", there.1);
    }
    // Who is invited names it.
    add(("account", "mallory"));
    let seen = [("command", "listProjectInvitations"), ("projectid", project)];
    assert_eq!(server.works(&stranger.keys, &seen)["count"], 1);
    let accept = [("command", "updateProjectInvitation"), ("projectid", project)];
    assert_eq!(server.job(&stranger.keys, &accept)["jobstatus"], 1);

    // How the cloud is built.
    let zone = [
        ("command", "createZone"),
        ("name", "z"),
        ("networktype", "Basic"),
        ("dns1", "10.0.0.1"),
        ("internaldns1", "10.0.0.1"),
    ];
    let zone = server.works(&root(), &zone)["zone"]["id"].as_str().unwrap().to_owned();
    let pod = [
        ("command", "createPod"),
        ("name", "p"),
        ("zoneid", zone.as_str()),
        ("gateway", "10.1.0.1"),
        ("netmask", "255.255.0.0"),
        ("startip", "10.1.0.2"),
        ("endip", "10.1.0.9"),
    ];
    let pod = server.works(&root(), &pod)["pod"]["id"].as_str().unwrap().to_owned();
    let there = asked("listVirtualMachines", "podid", &pod, &[]);
    assert_eq!(there, asked("listVirtualMachines", "podid", nothing, &[]));
    let by_pod = [("command", "listVirtualMachines"), ("podid", pod.as_str())];
    assert_eq!(server.call(&root(), &by_pod).0, 200);
}

#[test]
fn a_domain_admin_sets_no_limits_of_its_own() {
    let folder = Folder::new("UTC", "1440");
    let server = folder.serve();
    let top = server.domain("acme", None);
    let chief = server.account("chief", "2", Some(&top));
    server.account("alice", "0", Some(&top));
    let limit = |keys: &Keys, account: &str| {
        let pairs = [
            ("command", "updateResourceLimit"),
            ("account", account),
            ("domainid", top.as_str()),
            ("resourcetype", "0"),
            ("max", "-1"),
        ];
        server.call(keys, &pairs).0
    };
    assert_eq!(limit(&chief.keys, "chief"), 531);
    assert_eq!(limit(&chief.keys, "alice"), 200);
    assert_eq!(limit(&root(), "chief"), 200);
}

#[test]
fn everything_is_there_after_a_restart() {
    let folder = folder();
    let server = folder.serve();
    let domain = server.domain("acme", None);
    let user = server.account("alice", "0", Some(&domain));
    server.works(&root(), &[("command", "lockUser"), ("id", &user.user)]);
    let disabled = server.job(&root(), &[("command", "disableUser"), ("id", &user.user)]);
    let job = disabled["jobid"].as_str().unwrap().to_owned();
    server.works(&root(), &[("command", "enableUser"), ("id", &user.user)]);
    let before = server.works(&user.keys, &[("command", "listAccounts")]);
    server.stop();

    let server = folder.serve();
    assert_eq!(server.works(&user.keys, &[("command", "listAccounts")]), before);
    let again = server.works(&root(), &[("command", "queryAsyncJobResult"), ("jobid", &job)]);
    assert_eq!(again, disabled);
}

#[test]
fn commands_that_are_not_built_yet_and_those_that_are_told_of() {
    let folder = folder();
    let server = folder.serve();
    let user = server.account("alice", "0", None);
    let apis = server.works(&root(), &[("command", "listApis")]);
    let names: Vec<&str> =
        apis["api"].as_array().unwrap().iter().map(|api| api["name"].as_str().unwrap()).collect();
    let declared = cloudtally_platform::TABLES.commands().count();
    assert_eq!((&apis["count"], names.len()), (&declared.into(), declared));
    let of_user = server.works(&user.keys, &[("command", "listApis")]);
    let of_user = of_user["api"].as_array().unwrap();
    let expected = cloudtally_platform::TABLES
        .commands()
        .filter(|row| row.roles.contains(cloudtally_platform::table::Role::User));
    assert!(
        of_user.iter().map(|api| api["name"].as_str().unwrap()).eq(expected.map(|row| row.name))
    );

    let one = server.works(&user.keys, &[("command", "listApis"), ("name", "queryAsyncJobResult")]);
    let api = &one["api"][0];
    assert_eq!((&one["count"], &api["isasync"]), (&1.into(), &false.into()));
    let param = &api["params"][0];
    assert_eq!(
        (&param["name"], &param["type"], &param["required"]),
        (&"jobid".into(), &"uuid".into(), &true.into())
    );
    assert_eq!(
        param["related"],
        "queryAsyncJobResult,listAsyncJobs".split(',').rev().collect::<Vec<_>>().join(",")
    );
    assert!(api["response"].as_array().unwrap().iter().any(|field| field["name"] == "jobresult"));
    let hidden = [("command", "listApis"), ("name", "listUsers")];
    assert_eq!(server.call(&user.keys, &hidden).0, 431);

    let Some(later) =
        cloudtally_platform::TABLES.commands().find(|row| !row.is_built() && !row.is_gone())
    else {
        return;
    };
    let reply = server.get(&signed(&[("command", later.name), ("response", "json")]));
    assert_eq!(reply.status, 432, "{}", reply.text());
    assert!(reply.text().starts_with("{\"errorresponse\":"), "{}", reply.text());
    assert!(reply.text().contains("is not supported yet"), "{}", reply.text());
}

#[test]
fn maps_that_cannot_be_read_are_told_how_to_be_written() {
    let folder = folder();
    let server = folder.serve();
    for name in [
        "accountdetails[0][1].a",
        "accountdetails[0]a",
        "accountdetails[x].a",
        "accountdetails[99999999999].a",
        "accountdetails[0].[a]",
    ] {
        let pairs = [
            ("command", "createAccount"),
            ("accounttype", "0"),
            ("username", "bob"),
            ("password", "pass word"),
            ("firstname", "F"),
            ("lastname", "L"),
            ("email", "e"),
            (name, "v"),
        ];
        let (status, error) = server.call(&root(), &pairs);
        assert_eq!(status, 430, "{name}: {error}");
        assert_eq!(
            error["errortext"],
            format!(
                "Unable to decipher the parameter {name}; map parameters are written accountdetails[0].name=value"
            )
        );
    }
}

#[test]
fn settings_of_answers_count_at_once() {
    let folder = folder();
    let server = folder.serve();
    server.domain("a&b c", None);
    let writer = folder.writer();
    writer.set_setting("json.content.type", "text/javascript").unwrap();
    writer.set_setting("encode.api.response", "true").unwrap();
    drop(writer);
    // Set by hand: taken up within a minute; here at the next start.
    server.stop();
    let server = folder.serve();
    let reply =
        server.get(&signed(&[("command", "listDomains"), ("response", "json"), ("name", "a&b c")]));
    assert_eq!(reply.headers["content-type"], "text/javascript; charset=UTF-8");
    assert!(reply.text().contains("\"name\":\"a%26b%20c\""), "{}", reply.text());
    let reply = server.get(&query(&[("command", "listDomains"), ("response", "json")]));
    assert_eq!(
        (reply.status, reply.headers["content-type"].as_str()),
        (401, "text/javascript; charset=UTF-8")
    );
    wait_until(|| (server.get(&signed(&[("command", "listDomains")])).status == 200, "xml"));
}

#[test]
fn settings_are_those_of_the_folder_and_how_time_is_cut_stays() {
    let folder = folder();
    folder.events("1,VOLUME.CREATE,2,2026-01-01 00:00:00,1,501,DATA,1,,1073741824,,\n");
    let server = folder.serve();
    let set = |name: &str, value: &str| {
        server
            .call(&root(), &[("command", "updateConfiguration"), ("name", name), ("value", value)])
    };
    let (status, answer) = set("session.timeout", "60");
    assert_eq!((status, &answer["configuration"]["value"]), (200, &"60".into()), "{answer}");
    assert_eq!(folder.store.setting("session.timeout").unwrap(), "60");
    assert_eq!(set("session.timeout", "soon").0, 431);
    assert_eq!(set("usage.aggregation.timezone", "Asia/Tokyo").0, 200);
    folder.aggregate("2026-01-02", "2026-01-02");
    let (status, error) = set("usage.aggregation.timezone", "UTC");
    assert_eq!((status, &error["cserrorcode"]), (431, &4350.into()), "{error}");
    assert!(error["errortext"].as_str().unwrap().contains("is already published"), "{error}");
    assert_eq!(folder.store.setting("usage.aggregation.timezone").unwrap(), "Asia/Tokyo");
    assert_eq!(set("usage.aggregation.timezone", "Asia/Tokyo").0, 200, "no change");
}
