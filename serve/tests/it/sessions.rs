//! `login`, calls in a session, `logout`, lock-out.

use cloudtally_platform::engine::{Start, own_users};
use cloudtally_serve::Pace;

use crate::support::{Folder, Keys, Reply, Server, inner, options_with, query, root, signature};

const JSON: (&str, &str) = ("response", "json");

fn login(server: &Server, pairs: &[(&str, &str)]) -> Reply {
    let mut all = vec![("command", "login"), JSON];
    all.extend_from_slice(pairs);
    server.post("", "", query(&all).as_bytes())
}

struct Session {
    cookie: String,
    key: String,
}

fn session(reply: &Reply) -> Session {
    let (status, answer) = inner(reply);
    assert_eq!(status, 200, "{answer}");
    let cookie = reply.headers["set-cookie"].split(';').next().unwrap().to_owned();
    assert!(cookie.starts_with("JSESSIONID="), "{cookie}");
    Session { cookie, key: answer["sessionkey"].as_str().unwrap().to_owned() }
}

fn ask(server: &Server, session: &Session, pairs: &[(&str, &str)]) -> (u16, serde_json::Value) {
    let mut all = vec![("sessionkey", session.key.as_str()), JSON];
    all.extend_from_slice(pairs);
    let cookie = format!("Cookie: other=1; {}\r\n", session.cookie);
    inner(&server.post(&query(&all), &cookie, b""))
}

const SHARED: &str = "a key that is shared";
const LIST: [(&str, &str); 1] = [("command", "listAccounts")];

#[test]
fn from_login_to_logout() {
    let folder = Folder::new("UTC", "1440");
    let server = folder.serve();
    let top = server.domain("acme", None);
    let below = server.domain("dev", Some(&top));
    let tenant = server.account("alice", "0", Some(&below));
    let zone = [("command", "updateUser"), ("id", &tenant.user), ("timezone", "Asia/Kolkata")];
    server.works(&root(), &zone);

    // By path, with and without slashes, and by uuid, which wins.
    let credentials = [("username", "alice"), ("password", "pass word")];
    for domain in ["/acme/dev/", "acme/dev", "ROOT/acme/dev"] {
        session(&login(&server, &[credentials[0], credentials[1], ("domain", domain)]));
    }
    let by_id = [credentials[0], credentials[1], ("domainid", &below), ("domain", "/nowhere")];
    let reply = login(&server, &by_id);
    let (_, answer) = inner(&reply);
    let fields: Vec<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        fields.join(" "),
        "timeout userid username firstname lastname account domainid type registered timezone timezoneoffset sessionkey"
    );
    assert!(answer.as_object().unwrap().values().all(serde_json::Value::is_string), "{answer}");
    assert_eq!(
        (&answer["userid"], &answer["domainid"]),
        (&tenant.user.as_str().into(), &below.as_str().into())
    );
    assert_eq!(
        (&answer["timeout"], &answer["type"], &answer["timezoneoffset"]),
        (&"1800".into(), &"0".into(), &"5.5".into())
    );

    // Calls in the session, and calls that have only half of it.
    let session = session(&reply);
    assert_eq!(ask(&server, &session, &LIST).1["account"][0]["name"], "alice");
    let no_key =
        server.post(&query(&[LIST[0], JSON]), &format!("Cookie: {}\r\n", session.cookie), b"");
    assert_eq!(no_key.status, 401);
    let no_cookie = server.get(&query(&[LIST[0], JSON, ("sessionkey", &session.key)]));
    assert_eq!(no_cookie.status, 401);
    let nothing = server.get(&query(&[JSON, ("sessionkey", &session.key)]));
    assert_eq!((nothing.status, nothing.text().starts_with("{\"errorresponse\":")), (400, true));
    assert_eq!(ask(&server, &session, &LIST).0, 200, "it is still there");

    // Logging out ends it; both are told as events.
    let (status, bye) = ask(&server, &session, &[("command", "logout")]);
    assert_eq!((status, bye), (200, serde_json::json!({ "description": "success" })));
    assert_eq!(ask(&server, &session, &LIST).0, 401);
    let events = server.works(&tenant.keys, &[("command", "listEvents")]);
    let types: Vec<&str> =
        events["event"].as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert!(types.contains(&"USER.LOGIN") && types.contains(&"USER.LOGOUT"), "{types:?}");
}

#[test]
fn a_password_can_come_as_its_md5_digest() {
    let folder = Folder::new("UTC", "1440");
    let server = folder.serve();
    server.account("alice", "0", None);
    // md5("pass word"); the other is md5("wrong").
    let right = "4ac6430a17d0215b3052b15c879d48bc";
    session(&login(&server, &[("username", "alice"), ("password", right)]));
    for wrong in ["2bda2998d9b0ee197da142a0447f6725", &right[1..], ""] {
        let reply = login(&server, &[("username", "alice"), ("password", wrong)]);
        assert_ne!(reply.status, 200, "{wrong}");
    }
}

#[test]
fn a_wrong_key_is_refused_and_ends_nothing() {
    let folder = Folder::new("UTC", "1440");
    let server = folder.serve();
    server.account("alice", "0", None);
    let credentials = [("username", "alice"), ("password", "pass word")];
    let right = session(&login(&server, &credentials));
    let wrong = Session { cookie: right.cookie.clone(), key: "wrong".to_owned() };
    let bye = [("command", "logout")];
    for pairs in [LIST, bye] {
        assert_eq!(ask(&server, &wrong, &pairs).0, 401);
        // Pages of strangers make browsers send the cookie, but do not know the key.
        let cookie = format!("Cookie: {}\r\n", right.cookie);
        assert_eq!(server.post(&query(&[pairs[0], JSON]), &cookie, b"").status, 401);
        assert_eq!(ask(&server, &right, &LIST).0, 200, "{pairs:?} has ended it");
    }
    // Nor does a login that fails; one that succeeds does.
    let again = |password: &str| {
        let pairs = [("command", "login"), JSON, credentials[0], ("password", password)];
        server.post(&query(&pairs), &format!("Cookie: {}\r\n", right.cookie), b"").status
    };
    assert_eq!(again("wrong"), 531);
    assert_eq!(ask(&server, &right, &LIST).0, 200);
    assert_eq!(again("pass word"), 200);
    assert_eq!(ask(&server, &right, &LIST).0, 401);
    // What is over cannot be ended again.
    assert_eq!(ask(&server, &right, &bye).0, 401);
}

#[test]
fn a_new_password_and_being_shut_out_end_all_sessions_for_good() {
    let folder = Folder::new("UTC", "1440");
    let server = folder.serve();
    let tenant = server.account("alice", "0", None);
    let open =
        |password: &str| session(&login(&server, &[("username", "alice"), ("password", password)]));
    // Nobody asks in a session between the end and the new beginning.
    let (one, two) = (open("pass word"), open("pass word"));
    let change = [("command", "updateUser"), ("id", &tenant.user), ("password", "another")];
    assert_eq!(ask(&server, &one, &change).0, 200);
    for old in [&one, &two] {
        assert_eq!(ask(&server, old, &LIST).0, 401);
    }
    // Another name is no reason.
    let named = open("another");
    let name = [("command", "updateUser"), ("id", &tenant.user), ("firstname", "A")];
    server.works(&root(), &name);
    assert_eq!(ask(&server, &named, &LIST).0, 200);

    let enable_user = [("command", "enableUser"), ("id", tenant.user.as_str())];
    let enable_account = [("command", "enableAccount"), ("id", tenant.id.as_str())];
    let disable_user = [("command", "disableUser"), ("id", tenant.user.as_str())];
    let disable = [("command", "disableAccount"), ("id", &tenant.id), ("lock", "false")];
    let lock = [("command", "disableAccount"), ("id", &tenant.id), ("lock", "true")];
    let lock_user = [("command", "lockUser"), ("id", tenant.user.as_str())];
    for (shut, is_job, open_again) in [
        (&disable_user[..], true, &enable_user[..]),
        (&lock_user[..], false, &enable_user[..]),
        (&disable[..], true, &enable_account[..]),
        (&lock[..], true, &enable_account[..]),
    ] {
        let before = open("another");
        if is_job {
            assert_eq!(server.job(&root(), shut)["jobstatus"], 1, "{shut:?}");
        } else {
            server.works(&root(), shut);
        }
        server.works(&root(), open_again);
        assert_eq!(ask(&server, &before, &LIST).0, 401, "{shut:?}");
        assert_eq!(ask(&server, &open("another"), &LIST).0, 200);
    }
    // Removed, and another made of the same name.
    let before = open("another");
    server.works(
        &root(),
        &[
            ("command", "createUser"),
            ("account", "alice"),
            ("username", "bob"),
            ("password", "pass word"),
            ("firstname", "F"),
            ("lastname", "L"),
            ("email", "e"),
        ],
    );
    server.works(&root(), &[("command", "deleteUser"), ("id", &tenant.user)]);
    assert_eq!(ask(&server, &before, &LIST).0, 401);
}

#[test]
fn wrong_passwords_refuse_logins_for_a_growing_time_and_are_told() {
    let folder = Folder::new("UTC", "1440");
    folder.writer().set_setting("incorrect.login.attempts.allowed", "3").unwrap();
    let start = crate::support::at("2026-03-01 00:00:00");
    let pace = Pace::Simulated { speed: 0, start };
    let server = Server::start_with(options_with(&folder.store, "127.0.0.1:0", Start::Empty, pace));
    let tenant = server.account("alice", "0", None);
    let attempt =
        |password: &str| login(&server, &[("username", "alice"), ("password", password)]).status;
    let open = session(&login(&server, &[("username", "alice"), ("password", "pass word")]));
    for _ in 0..3 {
        assert_eq!(attempt("wrong"), 531);
    }
    // Logins are refused, but neither keys nor sessions, nor is the user disabled.
    assert_eq!(attempt("pass word"), 531);
    let (status, listed) = server.call(&tenant.keys, &LIST);
    assert_eq!((status, &listed["account"][0]["user"][0]["state"]), (200, &"enabled".into()));
    assert_eq!(ask(&server, &open, &LIST).0, 200);
    // It is told: to the user and to the root admin, once.
    let told = |keys: &Keys| {
        let pairs = [("command", "listEvents"), ("type", "USER.LOGIN"), ("level", "ERROR")];
        server.works(keys, &pairs)["count"].as_u64().unwrap_or_default()
    };
    let alerts = || {
        let found = server.works(&root(), &[("command", "listAlerts"), ("type", "100")]);
        let texts = found["alert"].as_array().cloned().unwrap_or_default();
        texts.iter().map(|a| a["description"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((told(&tenant.keys), alerts().len()), (3, 1));
    assert!(
        alerts()[0].starts_with("3 wrong passwords in a row for the user alice of /"),
        "{:?}",
        alerts()
    );
    // What comes meanwhile does not count, or strangers could keep it out for ever.
    assert_eq!(attempt("wrong"), 531);
    assert_eq!(told(&tenant.keys), 3);
    let pass = |seconds: &str| {
        server.works(&root(), &[("command", "advanceClock"), ("seconds", seconds)]);
    };
    pass("59");
    assert_eq!(attempt("pass word"), 531);
    pass("1");
    // One more doubles it.
    assert_eq!(attempt("wrong"), 531);
    pass("119");
    assert_eq!(attempt("pass word"), 531);
    pass("1");
    assert_eq!(attempt("pass word"), 200);
    assert_eq!((told(&tenant.keys), alerts().len()), (4, 1));
    // A right one forgets the wrong ones, and so does enableUser.
    for _ in 0..3 {
        assert_eq!(attempt("wrong"), 531);
    }
    assert_eq!((attempt("pass word"), alerts().len()), (531, 2));
    server.works(&root(), &[("command", "enableUser"), ("id", &tenant.user)]);
    assert_eq!(attempt("pass word"), 200);
}

#[test]
fn guesses_at_the_root_admin_are_told_and_do_not_keep_it_out() {
    let folder = Folder::new("UTC", "1440");
    folder.writer().set_setting("incorrect.login.attempts.allowed", "3").unwrap();
    let server = folder.serve();
    let id = {
        let world = server.cloud.as_ref().unwrap().world();
        world.resource(own_users::admin_user(&world)).uuid.to_string()
    };
    server.works(&root(), &[("command", "updateUser"), ("id", &id), ("password", "long enough")]);
    let admin =
        |password: &str| login(&server, &[("username", "admin"), ("password", password)]).status;
    for _ in 0..7 {
        assert_eq!(admin("wrong"), 531);
    }
    let alerts = server.works(&root(), &[("command", "listAlerts"), ("type", "100")]);
    let text = alerts["alert"][0]["description"].as_str().unwrap();
    assert!(text.starts_with("3 wrong passwords in a row for the user admin of /"), "{alerts}");
    assert_eq!(alerts["count"], 1, "{alerts}");
    // Of ever more guesses ever fewer are told: the first three and the fourth.
    let told = [("command", "listEvents"), ("type", "USER.LOGIN"), ("level", "ERROR")];
    assert_eq!(server.works(&root(), &told)["count"], 4);
    assert_eq!(admin("long enough"), 200);
}

#[test]
fn wrong_passwords_and_nobodies_are_told_the_same() {
    let folder = Folder::new("UTC", "1440");
    folder.writer().set_setting("incorrect.login.attempts.allowed", "3").unwrap();
    let server = folder.serve();
    let tenant = server.account("alice", "0", None);
    let refused = |username: &str, password: &str, domain: &str| {
        let reply =
            login(&server, &[("username", username), ("password", password), ("domain", domain)]);
        let expected = format!(
            "{{\"errorresponse\":{{\"uuidList\":[],\"errorcode\":531,\"errortext\":\"Failed to authenticate user {username} in domain {domain}; please provide valid credentials\"}}}}"
        );
        assert_eq!((reply.status, reply.text()), (531, expected.as_str()));
        assert!(!reply.headers.contains_key("set-cookie"));
    };
    refused("nobody", "pass word", "/");
    refused("alice", "pass word", "/nowhere/");
    refused("system", "x", "/");
    refused("alice", "wrong", "/");
    refused("alice", "Pass word", "/");
    // A right one in time forgets the wrong ones.
    session(&login(&server, &[("username", "alice"), ("password", "pass word")]));
    for _ in 0..3 {
        refused("alice", "wrong", "/");
    }
    // Now a right one does not help until it is enabled.
    refused("alice", "pass word", "/");
    server.works(&root(), &[("command", "enableUser"), ("id", &tenant.user)]);
    session(&login(&server, &[("username", "alice"), ("password", "pass word")]));
    // The root admin cannot be locked out by anybody.
    for _ in 0..4 {
        refused("admin", "wrong", "/");
    }
    server.works(&root(), &LIST);

    // No such domain by uuid; no name, no password.
    let other = [("username", "alice"), ("password", "pass word"), ("domainid", "x")];
    assert_eq!(login(&server, &other).status, 401);
    let (status, error) = inner(&login(&server, &[("username", "alice")]));
    assert_eq!(status, 431);
    assert_eq!(
        error["errortext"],
        "Unable to execute API command login due to missing parameter password"
    );
}

#[test]
fn single_sign_on_takes_what_its_key_signed_just_now() {
    let folder = Folder::new("UTC", "1440");
    folder.writer().set_setting("security.singlesignon.key", SHARED).unwrap();
    let server = folder.serve();
    let tenant = server.account("alice", "0", None);
    let now = chrono::Utc::now().timestamp_millis();
    let sign_on = |username: &str, at_ms: i64, key: &str| {
        let at = at_ms.to_string();
        let pairs = [("command", "login"), JSON, ("username", username), ("timestamp", &at)];
        let signature = signature(&pairs, key);
        server.post("", "", query(&[&pairs[..], &[("signature", &signature)]].concat()).as_bytes())
    };
    let reply = sign_on("alice", now, SHARED);
    assert_eq!(inner(&reply).1["userid"], tenant.user.as_str());
    assert_eq!(ask(&server, &session(&reply), &LIST).1["account"][0]["name"], "alice");
    // Another key, too old, too far ahead, nobody, the cloud itself.
    let minute = 60_000;
    for (username, at_ms, key) in [
        ("alice", now, "other"),
        ("alice", now - 6 * minute, SHARED),
        ("alice", now + 6 * minute, SHARED),
        ("bob", now, SHARED),
        ("system", now, SHARED),
    ] {
        let (status, answer) = inner(&sign_on(username, at_ms, key));
        assert_eq!(status, 531, "{username} {at_ms} {key}: {answer}");
    }
    // Wrong signatures are no guesses at a password: nobody is locked out by them.
    for _ in 0..9 {
        assert_eq!(sign_on("alice", now, "other").status, 531);
    }
    assert_eq!(sign_on("alice", now, SHARED).status, 200);
    // A signature without a time is worth nothing, and so is one by an empty key.
    let pairs = [("command", "login"), JSON, ("username", "alice")];
    let signature = signature(&pairs, SHARED);
    let timeless = [&pairs[..], &[("signature", &signature)]].concat();
    assert_eq!(server.post("", "", query(&timeless).as_bytes()).status, 531);
    let off = [("name", "security.singlesignon.key"), ("value", "")];
    server.works(&root(), &[&[("command", "updateConfiguration")], &off[..]].concat());
    assert_eq!(sign_on("alice", now, "").status, 531);
    let neither = login(&server, &[("username", "alice")]);
    assert!(neither.text().contains("missing parameter password"), "{}", neither.text());
}

#[test]
fn silence_a_restart_and_disabling_end_sessions() {
    let folder = Folder::new("UTC", "1440");
    folder.writer().set_setting("session.timeout", "1").unwrap();
    let server = folder.serve();
    let tenant = server.account("alice", "0", None);
    let credentials = [("username", "alice"), ("password", "pass word")];
    let silent = session(&login(&server, &credentials));
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(ask(&server, &silent, &LIST).0, 401);
    server.stop();

    folder.writer().set_setting("session.timeout", "600").unwrap();
    let server = folder.serve();
    let open = session(&login(&server, &credentials));
    assert_eq!(ask(&server, &open, &LIST).0, 200);
    server.job(&root(), &[("command", "disableUser"), ("id", &tenant.user)]);
    server.works(&root(), &[("command", "enableUser"), ("id", &tenant.user)]);
    assert_eq!(ask(&server, &open, &LIST).0, 401, "the session has ended for good");
    let open = session(&login(&server, &credentials));
    server.stop();
    let server = folder.serve();
    assert_eq!(ask(&server, &open, &LIST).0, 401);
}
