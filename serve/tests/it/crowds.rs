//! Thousands of connections, slow clients, and requests that are too large:
//! others do not notice.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant as Stopwatch},
};

use crate::support::{Folder, Server, signed};

const TYPES: (&str, &str) = ("command", "listUsageTypes");

/// Other clients are served, each soon.
fn check_others(server: &Server) {
    let request = signed(&[TYPES]);
    for _ in 0..20 {
        let began = Stopwatch::now();
        assert_eq!(server.get(&request).status, 200);
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
}

#[test]
fn two_thousand_idle_connections_keep_nobody_out() {
    let folder = Folder::new("UTC", "1440");
    let server = folder.serve();
    check_others(&server);
    let mut idle = Vec::new();
    for number in 0..2000 {
        // Where the system lets us have fewer, these are enough, too.
        let Ok(mut stream) = TcpStream::connect(server.address) else { break };
        // Silent from the start, in the middle of a head, in the middle of a body.
        let begun: &[u8] = match number % 3 {
            0 => b"",
            1 => b"GET /client/api?command=listZones HTTP/1.1\r\nHost: x\r\nX-Slow:",
            _ => b"POST /client/api HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\ncommand=",
        };
        drop(stream.write_all(begun));
        idle.push(stream);
    }
    assert!(idle.len() > 400, "only {} connections", idle.len());
    check_others(&server);
    // The oldest had to go, and the newest are still there.
    let (first, last) = (&mut idle[0], 1999);
    first.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    if idle.len() == last + 1 {
        assert!(matches!(idle[0].read(&mut [0]), Ok(0) | Err(_)), "the first is closed");
        idle[last].set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let kept = idle[last].read(&mut [0]).unwrap_err();
        assert_eq!(kept.kind(), std::io::ErrorKind::WouldBlock);
    }
    drop(idle);
    check_others(&server);
}

#[test]
fn a_slow_client_is_answered_in_its_own_time() {
    let folder = Folder::new("UTC", "1440");
    let server = folder.serve();
    let request = format!(
        "GET /client/api?{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        signed(&[TYPES])
    );
    let mut slow = server.connect();
    let (head, tail) = request.as_bytes().split_at(request.len() - 20);
    slow.write_all(head).unwrap();
    for byte in tail {
        slow.write_all(&[*byte]).unwrap();
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut answer = Vec::new();
    slow.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 OK"), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn ten_megabytes_are_refused() {
    let folder = Folder::new("UTC", "1440");
    let server = folder.serve();
    let large = "x".repeat(10 << 20);
    let reply = server.get(&format!("command=listUsageTypes&x={large}"));
    assert!([414, 431].contains(&reply.status), "{}", reply.status_line);
    let body = format!("command=listUsageTypes&x={large}");
    let reply = server.post("", "", body.as_bytes());
    assert_eq!(reply.status, 431);
    assert!(reply.text().contains("is larger than 1048576 bytes"), "{}", reply.text());
    let many: String = (0..10_000).map(|i| format!("a{i}=1&")).collect();
    let reply = server.post("command=listUsageTypes&response=json", "", many.as_bytes());
    assert_eq!(reply.status, 431);
    assert!(reply.text().contains("The request has more than 1000 parameters"), "{}", reply.text());
    check_others(&server);
}
