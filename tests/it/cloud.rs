//! The cloud of a folder over the binary: killed at any moment it has what it
//! said it had, and an unmodified client works with it.

use std::time::Duration;

use serde_json::Value;

use crate::{
    api::{API_KEY, SECRET_KEY, Serving, kill},
    support::{Client, Cloudtally, with_client},
};
use cloudtally_serve::signed_query;

/// A small cloud of its own; the schedule is off.
fn empty() -> Cloudtally {
    let cloudtally = Cloudtally::new();
    cloudtally.ok(&["settings", "enable.usage.server", "false"]);
    cloudtally
}

fn start(cloudtally: &Cloudtally, environment: &[(&str, &str)]) -> Serving {
    let mut all = vec![
        ("CLOUDTALLY_ADMIN_API_KEY", API_KEY),
        ("CLOUDTALLY_ADMIN_SECRET_KEY", SECRET_KEY),
        ("CLOUDTALLY_ADMIN_PASSWORD", "secret"),
    ];
    all.extend_from_slice(environment);
    Serving::start_with(cloudtally, &["--empty", "--seed", "7"], &all)
}

/// A signed call; none if the server died over it.
pub(crate) fn call(
    serving: &Serving,
    keys: (&str, &str),
    pairs: &[(&str, &str)],
) -> Option<(u16, Value)> {
    let mut all = pairs.to_vec();
    all.push(("response", "json"));
    let (status, _, body) = serving.try_get(&signed_query(&all, keys.0, keys.1))?;
    let json: Value = serde_json::from_str(&body).ok()?;
    let inner = json.as_object()?.values().next()?.clone();
    Some((status, inner))
}

pub(crate) const ROOT: (&str, &str) = (API_KEY, SECRET_KEY);

pub(crate) fn works(serving: &Serving, keys: (&str, &str), pairs: &[(&str, &str)]) -> Value {
    let (status, value) = call(serving, keys, pairs).expect("an answer");
    assert_eq!(status, 200, "{pairs:?}: {value}");
    value
}

fn make_account(serving: &Serving, name: &str) -> Option<(u16, Value)> {
    let pairs = [
        ("command", "createAccount"),
        ("accounttype", "0"),
        ("username", name),
        ("password", "a password"),
        ("firstname", "F"),
        ("lastname", "L"),
        ("email", "e"),
    ];
    call(serving, ROOT, &pairs)
}

/// The names of all accounts but the cloud's own, in order.
fn names(serving: &Serving) -> Vec<String> {
    let list = [("command", "listAccounts"), ("listall", "true"), ("pagesize", "-1")];
    let listed = works(serving, ROOT, &list);
    let mut names: Vec<String> = listed["account"]
        .as_array()
        .unwrap()
        .iter()
        .map(|account| account["name"].as_str().unwrap().to_owned())
        .filter(|name| name.starts_with("tenant"))
        .collect();
    names.sort();
    names
}

#[test]
fn what_was_answered_is_there_after_a_kill_at_any_moment() {
    let cloudtally = empty();
    let mut made: Vec<String> = Vec::new();
    let mut perhaps: Vec<String> = Vec::new();
    for round in 0..6u64 {
        let serving = start(&cloudtally, &[]);
        let there = names(&serving);
        assert!(made.iter().all(|name| there.contains(name)), "{made:?} but {there:?}");
        assert!(
            there.iter().all(|name| made.contains(name) || perhaps.contains(name)),
            "{there:?}"
        );
        made = there;
        perhaps.clear();
        // Accounts are made one after the other until the server is gone.
        std::thread::scope(|scope| {
            let victim = serving.process_id();
            scope.spawn(move || {
                std::thread::sleep(Duration::from_millis(150 + round * 170));
                kill(victim);
            });
            for number in 0.. {
                let name = format!("tenant-{round}-{number:03}");
                match make_account(&serving, &name) {
                    Some((200, _)) => made.push(name),
                    other => {
                        assert!(other.is_none(), "{other:?}");
                        perhaps.push(name);
                        break;
                    }
                }
            }
        });
        made.sort();
    }
    assert!(made.len() > 6, "{made:?}");
    cloudtally.ok(&["check"]);
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "release builds have no crash points")]
fn a_change_is_kept_as_a_whole_or_not_at_all() {
    for (point, is_kept) in [("cloud.before_commit:6", false), ("cloud.after_commit:6", true)] {
        let cloudtally = empty();
        drop(start(&cloudtally, &[]));
        let serving = start(&cloudtally, &[("CLOUDTALLY_CRASH_AT", point)]);
        let mut made = Vec::new();
        let last = (0..20).map(|number| format!("tenant-{number:02}")).find(|name| {
            let is_made = make_account(&serving, name).is_some();
            if is_made {
                made.push(name.clone());
            }
            !is_made
        });
        let last = last.expect("it dies");
        drop(serving);
        let serving = start(&cloudtally, &[]);
        if is_kept {
            made.push(last);
        }
        assert_eq!(names(&serving), made, "{point}");
    }
}

/// The disk took all and could not say so: nobody knows, so nobody is told anything else.
#[test]
#[cfg_attr(not(debug_assertions), ignore = "release builds have no crash points")]
fn a_change_of_unknown_fate_ends_the_server_and_is_found_at_the_next_start() {
    let cloudtally = empty();
    drop(start(&cloudtally, &[]));
    let serving = start(&cloudtally, &[("CLOUDTALLY_FAIL_AT", "cloud.after_commit:6")]);
    let mut made = Vec::new();
    let mut unknown = None;
    for name in (0..20).map(|number| format!("tenant-{number:02}")) {
        match make_account(&serving, &name) {
            Some((200, _)) => made.push(name),
            other => {
                let (status, answer) = other.expect("an answer");
                unknown = Some((name, status, answer["errortext"].as_str().unwrap().to_owned()));
                break;
            }
        }
    }
    let (last, status, text) = unknown.expect("one of the changes fails");
    assert_eq!(status, 530, "{text}");
    assert!(text.contains("may or may not have been kept"), "{text}");
    // It ends by itself; whoever calls meanwhile is told of nothing that is not kept.
    let later = make_account(&serving, "tenant-later");
    assert!(later.is_none_or(|(status, _)| status == 530), "answered after it");
    let ended = serving.ended();
    assert_eq!(ended.code, Some(1), "{}", ended.log);
    assert!(ended.log.contains("may or may not have been kept"), "{}", ended.log);
    assert!(ended.log.contains("stopping"), "{}", ended.log);

    let serving = start(&cloudtally, &[]);
    made.push(last);
    assert_eq!(names(&serving), made, "this disk had it");
    serving.signal("-TERM");
    cloudtally.ok(&["check"]);
}

#[test]
fn accounts_keys_jobs_and_settings_outlive_a_kill() {
    let cloudtally = empty();
    let serving = start(&cloudtally, &[]);
    let (_, made) = make_account(&serving, "tenant").unwrap();
    let user = made["account"]["user"][0]["id"].as_str().unwrap();
    let keys = works(&serving, ROOT, &[("command", "registerUserKeys"), ("id", user)]);
    let text = |name: &str| keys["userkeys"][name].as_str().unwrap().to_owned();
    let (api_key, secret_key) = (text("apikey"), text("secretkey"));
    let job = works(&serving, ROOT, &[("command", "disableUser"), ("id", user)]);
    let job = job["jobid"].as_str().unwrap().to_owned();
    kill(serving.process_id());
    drop(serving);
    cloudtally.ok(&["settings", "session.timeout", "77"]);

    let serving = start(&cloudtally, &[]);
    let query = [("command", "queryAsyncJobResult"), ("jobid", job.as_str())];
    let mut done = Value::Null;
    for _ in 0..500 {
        done = works(&serving, ROOT, &query);
        if done["jobstatus"] != 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(
        (&done["jobstatus"], &done["jobresult"]["user"]["state"]),
        (&1.into(), &"disabled".into()),
        "{done}"
    );
    let list = [("command", "listAccounts")];
    assert_eq!(call(&serving, (&api_key, &secret_key), &list).unwrap().0, 401, "disabled");
    works(&serving, ROOT, &[("command", "enableUser"), ("id", user)]);
    works(&serving, (&api_key, &secret_key), &list);
    // The password of the first start, and the setting made by hand.
    let login = "command=login&response=json&username=admin&password=secret";
    let (status, _, body) = serving.try_get(login).unwrap();
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("\"timeout\":\"77\""), "{body}");
    // No second server on the same folder.
    let second = cloudtally.fails(1, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(second.contains("serves the cloud of this folder"), "{second}");
}

#[test]
fn the_first_start_tells_a_password_and_later_ones_do_not() {
    let cloudtally = empty();
    let keys = [("CLOUDTALLY_ADMIN_API_KEY", API_KEY), ("CLOUDTALLY_ADMIN_SECRET_KEY", SECRET_KEY)];
    let serving = Serving::start_with(&cloudtally, &["--empty"], &keys);
    let printed = [serving.line(), serving.line(), serving.line()];
    assert_eq!(printed[1], "root admin `admin`, password shown this once:");
    let password = printed[2].split_whitespace().last().unwrap().to_owned();
    assert_eq!(password.len(), 20, "{printed:?}");
    let login = format!("command=login&username=admin&password={password}&domain=/");
    assert_eq!(serving.try_get(&login).unwrap().0, 200);
    assert_eq!(serving.try_get(&format!("{login}x")).unwrap().0, 531);
    drop(serving);
    let serving = Serving::start_with(&cloudtally, &[], &keys);
    assert_eq!(serving.try_get(&login).unwrap().0, 200);
    serving.signal("-TERM");
}

/// Memory of a process in KiB, where the system tells.
fn memory_kib(process_id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process_id}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn idle_connections_cost_little() {
    let cloudtally = empty();
    let serving = start(&cloudtally, &[]);
    works(&serving, ROOT, &[("command", "listAccounts")]);
    let before = memory_kib(serving.process_id());
    let idle: Vec<_> =
        (0..2000).map_while(|_| std::net::TcpStream::connect(serving.address()).ok()).collect();
    assert!(idle.len() > 400, "only {} connections", idle.len());
    works(&serving, ROOT, &[("command", "listAccounts")]);
    if let (Some(before), Some(after)) = (before, memory_kib(serving.process_id())) {
        assert!(after < before + 50 * 1024, "{before} KiB before, {after} KiB with them");
    }
}

/// Makes a domain, an account and a user with keys with the PyPI package `cs`,
/// and lists as that user.
const CS_SCRIPT: &str = r#"
import sys
from cs import CloudStack, CloudStackException
endpoint, key, secret = sys.argv[1:]
root = CloudStack(endpoint=endpoint, key=key, secret=secret)
domain = root.createDomain(name="acme")["domain"]
made = root.createAccount(accounttype=0, username="alice", password="p w*~&", firstname="A",
                          lastname="L", email="a@example.org", domainid=domain["id"],
                          accountdetails=[{"a": "b"}])["account"]
assert made["domain"] == "acme" and made["state"] == "enabled", made
keys = root.registerUserKeys(id=made["user"][0]["id"])["userkeys"]
for method in ("get", "post"):
    user = CloudStack(endpoint=endpoint, key=keys["apikey"], secret=keys["secretkey"], method=method)
    accounts = user.listAccounts(fetch_list=True)
    assert [account["name"] for account in accounts] == ["alice"], accounts
    assert user.listAccounts(name="nobody") == {}
    assert user.listApis(name="listAccounts")["api"][0]["isasync"] is False
    try:
        user.createDomain(name="x")
        raise AssertionError("users make no domains")
    except CloudStackException as refused:
        assert refused.error["errorcode"] == 401, refused.error
# A job, polled by the client itself.
disabled = root.disableUser(id=made["user"][0]["id"], fetch_result=True)["user"]
assert disabled["state"] == "disabled", disabled
assert len(root.listDomains(fetch_list=True, listall=True)) == 2
print("done")
"#;

#[test]
fn an_unmodified_client_makes_an_account_and_lists_as_its_user() {
    let cloudtally = empty();
    let serving = start(&cloudtally, &[]);
    let endpoint = format!("http://{}/client/api", serving.address());
    if with_client(Client::Cs, CS_SCRIPT, &[&endpoint, API_KEY, SECRET_KEY]).is_none() {
        return;
    }
    serving.signal("-TERM");
}
