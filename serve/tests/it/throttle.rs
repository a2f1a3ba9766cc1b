//! `api.throttling.*`, and the port that asks nobody who they are.

use std::net::{TcpListener, TcpStream};

use crate::support::{Folder, Reply, Server, inner, query, root, signed};

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
    let (status, made) = inner(&ours(&integration, &made));
    assert_eq!((status, &made["domain"]["name"]), (200, &"acme".into()), "{made}");
    let reply = integration.raw(b"GET /?command=listDomains HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
    assert_eq!(reply.headers["content-type"], "text/xml; charset=UTF-8");
    assert!(reply.text().contains("<name>acme</name>"), "{}", reply.text());
    let posted = integration.raw(
        b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 22\r\n\r\ncommand=listUsageTypes",
    );
    assert_eq!(posted.status, 200);
    assert_eq!(ours(&integration, "command=nothing").status, 432);
    integration.address = public;
    assert_eq!(integration.get(&signed(&[("command", "listDomains")])).status, 200);
}

/// `GET` by a name of loopback.
fn ours(server: &Server, query: &str) -> Reply {
    let request = format!(
        "GET /client/api?{query} HTTP/1.1\r\nHost: localhost:8096\r\nConnection: close\r\n\r\n"
    );
    server.raw(request.as_bytes())
}

#[test]
fn the_port_without_authentication_answers_no_pages_of_strangers() {
    let folder = Folder::new("UTC", "1440");
    let port = free_port();
    let writer = folder.writer();
    writer.set_setting("integration.api.port", &port.to_string()).unwrap();
    writer.set_setting("integration.api.hosts", "cloud.example").unwrap();
    drop(writer);
    let mut server = folder.serve();
    server.address = ([127, 0, 0, 1], port).into();
    let status = |line: &str, headers: &str| {
        let request = format!("{line}\r\n{headers}Connection: close\r\n\r\n");
        server.raw(request.as_bytes()).status
    };
    let get = "GET /?command=listUsageTypes HTTP/1.1";
    for headers in [
        "Host: localhost\r\n",
        "Host: 127.0.0.1:8096\r\n",
        "Host: [::1]:8096\r\n",
        "Host: Cloud.Example\r\n",
        "Host: localhost:8096\r\nOrigin: http://localhost:8096\r\nSec-Fetch-Site: same-origin\r\n",
        "Host: cloud.example\r\nOrigin: https://cloud.example\r\n",
        "Host: localhost\r\nSec-Fetch-Site: none\r\n",
    ] {
        assert_eq!(status(get, headers), 200, "{headers}");
    }
    for headers in [
        "Host: attacker.example\r\n",
        "Host: localhost.attacker.example\r\n",
        "Host: 10.0.0.1:8096\r\n",
        "Host:\r\n",
        "Host: localhost\r\nOrigin: http://attacker.example\r\n",
        "Host: localhost:8096\r\nOrigin: http://localhost:3000\r\n",
        "Host: localhost\r\nOrigin: null\r\n",
        "Host: localhost\r\nSec-Fetch-Site: cross-site\r\n",
        "Host: localhost\r\nSec-Fetch-Site: same-site\r\n",
    ] {
        assert_eq!(status(get, headers), 401, "{headers}");
    }
    // A whole address in the first line is a name, too; without any there is no answer.
    let whole = "GET http://attacker.example/?command=listUsageTypes HTTP/1.1";
    assert_eq!(status(whole, "Host: localhost\r\n"), 401);
    assert_eq!(status("GET /?command=listUsageTypes HTTP/1.0", ""), 401);
}

#[test]
fn a_request_has_one_host_and_every_answer_is_what_it_says() {
    let folder = Folder::new("UTC", "1440");
    let server = folder.serve();
    let list = format!("/client/api?{}", signed(&[("command", "listUsageTypes")]));
    let ask = |method: &str, path: &str, version: &str, headers: &str| {
        let request =
            format!("{method} {path} HTTP/{version}\r\n{headers}Connection: close\r\n\r\n");
        let reply = server.raw(request.as_bytes());
        let sniff = reply.headers.get("x-content-type-options").map(String::as_str);
        assert_eq!(sniff, Some("nosniff"), "{method} {path} {headers}");
        reply.status
    };
    assert_eq!(ask("GET", &list, "1.1", "Host: any.name\r\n"), 200);
    assert_eq!(ask("GET", &list, "1.0", ""), 200);
    assert_eq!(ask("GET", &list, "1.1", ""), 400);
    for version in ["1.0", "1.1"] {
        assert_eq!(ask("GET", &list, version, "Host: a\r\nHost: b\r\n"), 400);
        assert_eq!(ask("GET", &list, version, "Host: a\r\nHost: a\r\n"), 400);
    }
    assert_eq!(ask("GET", &list, "1.1", "Host: a b\r\n"), 400);
    let host = "Host: any.name\r\n";
    assert_eq!(ask("GET", "/client/api?command=nothing", "1.1", host), 432);
    assert_eq!(ask("GET", "/", "1.1", host), 404);
    assert_eq!(ask("DELETE", "/client/api", "1.1", host), 405);
}
