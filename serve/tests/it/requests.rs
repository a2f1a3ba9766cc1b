//! Methods, bodies, spellings and headers.

use std::io::{Read, Write};

use crate::support::{Folder, Reply, encoded, query, signature, signed};

const TYPES: (&str, &str) = ("command", "listUsageTypes");
const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

fn folder() -> Folder {
    Folder::new("UTC", "1440")
}

/// A reply with all usage types, the first and the last of them.
fn check_types(reply: &Reply, what: &str) {
    assert_eq!(reply.status, 200, "{what}: {}", reply.text());
    let text = reply.text();
    assert!(text.contains("Running Vm Usage") && text.contains("VPN users usage"), "{what}");
}

#[test]
fn the_same_by_get_and_post_and_both() {
    let folder = folder();
    let server = folder.serve();
    let request = signed(&[TYPES, ("x", "a b/c+d")]);
    check_types(&server.get(&request), "GET");
    check_types(&server.post("", FORM, request.as_bytes()), "POST");
    check_types(&server.post(&request, "", b""), "POST with everything in the query string");
    check_types(
        &server.post(&request, "Content-Type: text/plain\r\n", b""),
        "an empty body of any type",
    );
    check_types(&server.post("", "", request.as_bytes()), "POST without a type");
    for charset in ["; charset=UTF-8", ";charset=utf-8", "; charset=ISO-8859-1"] {
        let header = FORM.replace("\r\n", &format!("{charset}\r\n"));
        check_types(&server.post("", &header, request.as_bytes()), charset);
    }
    let parts: Vec<&str> = request.split('&').collect();
    for cut in 0..=parts.len() {
        let (query, body) = (parts[..cut].join("&"), parts[cut..].join("&"));
        check_types(&server.post(&query, FORM, body.as_bytes()), "query and body");
    }
}

#[test]
fn the_query_string_wins_over_the_body_and_the_first_over_the_second() {
    let folder = folder();
    let server = folder.serve();
    let request = signed(&[TYPES]);
    check_types(&server.post(&request, FORM, b"command=listUsageRecords&COMMAND=x"), "body");
    check_types(&server.get(&format!("{request}&command=nothing&apikey=z")), "repeated");
    let other = server.post("command=nothing", FORM, request.as_bytes());
    assert_eq!(other.status, 432, "{}", other.text());
}

#[test]
fn a_body_of_another_type_is_refused_not_ignored() {
    let folder = folder();
    let server = folder.serve();
    let request = signed(&[TYPES]);
    let reply = server.post(&request, "Content-Type: application/json\r\n", b"{\"type\": 1}");
    assert_eq!(reply.status, 431);
    assert!(reply.text().contains(
        "The request&apos;s body is application/json; parameters in a body must be application/x-www-form-urlencoded"
    ), "{}", reply.text());
}

#[test]
fn names_in_any_case_and_in_any_order() {
    let folder = folder();
    let server = folder.serve();
    let request =
        signed(&[TYPES, ("Response", "JSON"), ("signatureVersion", "1"), ("Zz", "1"), ("aB", "2")]);
    let mut parts: Vec<&str> = request.split('&').collect();
    for _ in 0..parts.len() {
        parts.rotate_left(1);
        let reply = server.get(&parts.join("&"));
        assert_eq!(reply.status, 200);
        assert_eq!(reply.headers["content-type"], "application/json");
    }
    check_types(&server.get(&request.replace("Response=JSON", "rESPONSE=json")), "case");
}

#[test]
fn brackets_blanks_and_letters_of_all_kinds_in_all_spellings() {
    let folder = folder();
    let server = folder.serve();
    let value = "é/日本 a+b*c~d%&=[x]";
    let pairs = [TYPES, ("apiKey", crate::support::API_KEY), ("tags[0].key", value)];
    let signature = encoded(&signature(&pairs, crate::support::SECRET_KEY));
    let head = format!("{}&signature={signature}", query(&pairs[..2]));
    let percent = encoded(value);
    for name in ["tags[0].key", "tags%5B0%5D.key", "tags%5b0%5d.KEY"] {
        for value in [
            percent.clone(),
            percent.to_lowercase(),
            percent.replace("%20", "+"),
            percent.replace("%2F", "/").replace("%2A", "*").replace("%7E", "~"),
            percent.replace("%5B", "[").replace("%5D", "]").replace("%3D", "="),
        ] {
            check_types(&server.get(&format!("{head}&{name}={value}")), &value);
            check_types(&server.post(&head, FORM, format!("{name}={value}").as_bytes()), &value);
        }
    }
}

#[test]
fn other_methods_and_paths() {
    let folder = folder();
    let server = folder.serve();
    let request = signed(&[TYPES]);
    let line = |method: &str, path: &str| {
        server.raw(
            format!("{method} {path}?{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").as_bytes(),
        )
    };
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        let reply = line(method, "/client/api");
        assert_eq!(reply.status, 405, "{method}");
        assert_eq!(reply.headers["allow"], "GET,HEAD,POST", "{method}");
    }
    assert_eq!(line("GET", "/").status, 404);
    assert_eq!(line("GET", "/client/api/x").status, 404);
    // Clients that join a path and `/` mean the same.
    assert_eq!(line("GET", "/client/api/").body, line("GET", "/client/api").body);
    assert_eq!(line("POST", "/client/api/").status, 200);
    assert_eq!(line("GET", "/client/api//").status, 404);
    let head = line("HEAD", "/client/api");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.headers["content-length"], server.get(&request).body.len().to_string());
    let old = server.raw(format!("GET /client/api?{request} HTTP/1.0\r\n\r\n").as_bytes());
    check_types(&old, "HTTP/1.0");
}

#[test]
fn bodies_that_are_too_large_or_have_too_much_in_them() {
    let folder = folder();
    let server = folder.serve();
    let request = signed(&[TYPES]);
    let long = signed(&[TYPES, ("x", &"x".repeat(1_000_000))]);
    let full = long.clone() + &"&".repeat((1 << 20) - long.len());
    check_types(&server.post("", FORM, full.as_bytes()), "a full body");
    // One byte more, in a chunk; and a length that nobody waits for.
    let head = format!("POST /client/api HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{FORM}");
    let mut chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", full.len() + 1);
    chunked.push_str(&full);
    chunked.push_str("x\r\n0\r\n\r\n");
    for request in [chunked, format!("{head}Content-Length: 99999999999\r\n\r\n")] {
        let reply = server.raw(request.as_bytes());
        assert_eq!(reply.status, 431);
        assert!(reply.text().contains("is larger than 1048576 bytes"), "{}", reply.text());
    }
    let many: String = (0..2000).map(|i| format!("&a{i}=1")).collect();
    let reply = server.post(&request, FORM, many.as_bytes());
    assert_eq!(reply.status, 431);
    assert!(reply.text().contains("more than 1000 parameters"), "{}", reply.text());
    check_types(&server.get(&request), "after all that");
}

/// 2 KiB in an address, more in a body; decoded, whatever the text says around it.
#[test]
fn user_data_by_get_is_short() {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let folder = folder();
    let server = folder.serve();
    let ask = |bytes: usize, command: &str| {
        let data = BASE64_STANDARD.encode(vec![b'x'; bytes]);
        signed(&[("command", command), ("id", "none"), ("userdata", &data), ("response", "json")])
    };
    let is_too_long = |reply: &Reply| {
        assert_eq!(reply.status, 431, "{}", reply.text());
        reply.text().contains("userdata value=...: expected at most 2048 bytes by GET")
    };
    for bytes in [1, 2046, 2047, 2048] {
        assert!(!is_too_long(&server.get(&ask(bytes, "updateVirtualMachine"))), "{bytes}");
    }
    for bytes in [2049, 2050, 2051, 4000] {
        let request = ask(bytes, "updateVirtualMachine");
        assert!(is_too_long(&server.get(&request)), "{bytes}");
        assert!(!is_too_long(&server.post("", FORM, request.as_bytes())), "{bytes} by POST");
    }
    // Commands that have no user data ignore it, as all that they do not know.
    assert!(!is_too_long(&server.get(&ask(4000, "stopVirtualMachine"))));
}

#[test]
fn many_requests_on_one_connection() {
    let folder = folder();
    let server = folder.serve();
    let mut stream = server.connect();
    let request = format!("GET /client/api?{} HTTP/1.1\r\nHost: x\r\n\r\n", signed(&[TYPES]));
    let mut first = Vec::new();
    for _ in 0..50 {
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = vec![0; 1];
        stream.read_exact(&mut answer).unwrap();
        while !answer.ends_with(b"</listusagetypesresponse>") {
            let mut more = [0; 4096];
            let read = stream.read(&mut more).unwrap();
            assert!(read > 0);
            answer.extend_from_slice(&more[..read]);
        }
        let body = Reply::parse(&answer).body;
        if first.is_empty() {
            first.clone_from(&body);
        }
        assert_eq!(body, first);
    }
}
