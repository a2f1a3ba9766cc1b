//! `api.throttling.*`, and the port that asks nobody who they are.

use std::net::{TcpListener, TcpStream};

use crate::support::{Folder, inner, query, root, signed};

fn throttled(max: &str, interval: &str) -> Folder {
    let folder = Folder::new("UTC", "1440");
    let writer = folder.writer();
    writer.set_setting("api.throttling.enabled", "true").unwrap();
    writer.set_setting("api.throttling.max", max).unwrap();
    writer.set_setting("api.throttling.interval", interval).unwrap();
    drop(writer);
    folder
}

#[test]
fn one_call_too_many_is_refused_until_the_count_is_reset() {
    let folder = throttled("4", "3600");
    let server = folder.serve();
    let user = server.account("alice", "0", None);
    let other = server.account("bob", "0", None);
    let list = [("command", "listAccounts")];
    let limit = server.works(&user.keys, &[("command", "getApiLimit")]);
    let limit = &limit["apilimit"];
    assert_eq!((&limit["apiIssued"], &limit["apiAllowed"]), (&1.into(), &3.into()), "{limit}");
    assert_eq!(
        (&limit["accountid"], &limit["account"]),
        (&user.id.as_str().into(), &"alice".into())
    );
    let left_ms = limit["expireAfter"].as_u64().unwrap();
    assert!((3_500_000..=3_600_000).contains(&left_ms), "{left_ms}");
    for _ in 0..3 {
        server.works(&user.keys, &list);
    }
    let (status, error) = server.call(&user.keys, &list);
    assert_eq!((status, &error["cserrorcode"]), (429, &4545.into()), "{error}");
    assert!(error["errortext"].as_str().unwrap().contains("please retry after"), "{error}");
    // Others are not meant, nor is the root admin.
    server.works(&other.keys, &list);
    for _ in 0..9 {
        server.works(&root(), &list);
    }
    // Only root resets; by `account` or `accountid`, or all.
    assert_eq!(server.call(&other.keys, &[("command", "resetApiLimit")]).0, 401);
    for name in ["account", "accountid"] {
        let reset = [("command", "resetApiLimit"), (name, user.id.as_str())];
        assert_eq!(server.works(&root(), &reset)["success"], "true");
        for _ in 0..4 {
            server.works(&user.keys, &list);
        }
        assert_eq!(server.call(&user.keys, &list).0, 429);
    }
    server.works(&root(), &[("command", "resetApiLimit")]);
    server.works(&user.keys, &list);
    let unknown = [("command", "resetApiLimit"), ("account", "alice")];
    let (status, error) = server.call(&root(), &unknown);
    assert_eq!(status, 431);
    let text = error["errortext"].as_str().unwrap();
    assert!(text.ends_with("there is no account with this id, or it is not yours"), "{text}");
}

#[test]
fn an_interval_ends_by_itself() {
    let folder = throttled("1", "1");
    let server = folder.serve();
    let user = server.account("alice", "0", None);
    let list = [("command", "listAccounts")];
    server.call(&user.keys, &list);
    crate::support::wait_until(|| {
        let (status, _) = server.call(&user.keys, &list);
        (status == 200, status)
    });
}

/// A port nobody has, as far as one can tell.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn the_port_without_authentication_is_off_until_it_is_set() {
    let folder = Folder::new("UTC", "1440");
    let port = free_port();
    let server = folder.serve();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    server.stop();
    folder.writer().set_setting("integration.api.port", &port.to_string()).unwrap();
    let mut integration = folder.serve();
    assert_eq!(integration.get("command=listAccounts").status, 401);
    let public = std::mem::replace(&mut integration.address, ([127, 0, 0, 1], port).into());
    // Any path, any method, root's rights, nobody's signature.
    let made = query(&[("command", "createDomain"), ("name", "acme"), ("response", "json")]);
    let (status, made) = inner(&integration.get(&made));
    assert_eq!((status, &made["domain"]["name"]), (200, &"acme".into()), "{made}");
    let reply = integration.raw(b"GET /?command=listDomains HTTP/1.0\r\n\r\n");
    assert_eq!(reply.headers["content-type"], "text/xml; charset=UTF-8");
    assert!(reply.text().contains("<name>acme</name>"), "{}", reply.text());
    let posted = integration.post("", "", b"command=listUsageTypes");
    assert_eq!(posted.status, 200);
    assert_eq!(integration.get("command=nothing").status, 432);
    integration.address = public;
    assert_eq!(integration.get(&signed(&[("command", "listDomains")])).status, 200);
}
