//! Thousands of connections, slow clients, and requests that are too large:
//! others do not notice.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant as Stopwatch},
};

use crate::{
    paging::records,
    support::{Folder, Reply, Server, signed},
};

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

#[test]
fn passwords_that_a_crowd_tries_keep_nobody_waiting() {
    let folder = Folder::new("UTC", "1440");
    let server = folder.serve();
    server.account("alice", "0", None);
    check_others(&server);
    let request = |password: usize| {
        let body = format!("command=login&response=json&username=alice&password=guess{password}");
        format!(
            "POST /client/api HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: \
             application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let mut crowd = Vec::new();
    for number in 0..520 {
        let mut stream = server.connect();
        drop(stream.write_all(request(number).as_bytes()));
        crowd.push(stream);
    }
    // While they wait.
    check_others(&server);
    let mut statuses = std::collections::BTreeMap::<u16, usize>::new();
    for mut stream in crowd {
        let mut answer = Vec::new();
        // The connections that came last may have taken the places of the first.
        if stream.read_to_end(&mut answer).is_ok() && !answer.is_empty() {
            let reply = Reply::parse(&answer);
            if reply.status == 429 {
                let seconds: u64 = reply.headers["retry-after"].parse().unwrap();
                assert!((1..=301).contains(&seconds), "{seconds}");
                assert!(reply.text().contains("loginresponse"), "{}", reply.text());
            }
            *statuses.entry(reply.status).or_default() += 1;
        }
    }
    let others: Vec<u16> =
        statuses.keys().copied().filter(|status| ![429, 531].contains(status)).collect();
    assert!(others.is_empty(), "{statuses:?}");
    let checked = statuses.get(&531).copied().unwrap_or_default();
    // Those that had a place when the address was told to wait were still checked.
    assert!((1..=20 + 4 + 16).contains(&checked), "{statuses:?}");
    assert!(statuses[&429] > 400, "{statuses:?}");
    check_others(&server);
    // The whole process, with everything that runs beside it.
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        let threads = status.lines().find_map(|line| line.strip_prefix("Threads:")).unwrap();
        println!("{threads} threads, {:?}", status.lines().find(|line| line.starts_with("VmRSS")));
    }
    // The right password waits, too: with the others of its address (429), and when those
    // are let in again, as long as the user's own logins are refused (531).
    let right = server.post("", "", b"command=login&username=alice&password=pass word");
    assert!([429, 531].contains(&right.status), "{}", right.text());
}

#[test]
fn readers_who_do_not_read_keep_nobody_waiting() {
    let folder = Folder::new("UTC", "1440");
    folder.accounts("default", "2,acme,,0,1,/\n3,birch,,0,2,/b/\n");
    // Some 20 MB, more than the kernel takes for a reader who does not.
    folder.publish(0, records(0, 50_000, 3_600_000));
    let server = folder.serve();
    let other = server.account("bob", "0", None);
    let query = signed(&[
        ("command", "listUsageRecords"),
        ("startdate", "2026-01-01"),
        ("enddate", "2026-01-31"),
        ("pagesize", "-1"),
    ]);
    let request =
        format!("GET /client/api?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let mut crowd: Vec<TcpStream> = (0..66).map(|_| server.connect()).collect();
    for stream in &mut crowd {
        stream.write_all(request.as_bytes()).unwrap();
    }
    // Those who are answered at all have the head by now.
    let mut statuses = Vec::new();
    for stream in &mut crowd {
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
        statuses.push(String::from_utf8(head[9..].to_vec()).unwrap());
    }
    let count = |status: &str| statuses.iter().filter(|text| *text == status).count();
    assert_eq!((count("200"), count("429")), (4, 62), "{statuses:?}");
    // Others are answered, and small answers of the same account.
    server.works(&other.keys, &[("command", "listAccounts")]);
    check_others(&server);
    // The places come back when the connections end.
    drop(crowd);
    crate::support::wait_until(|| {
        let reply = server.get(&query);
        (reply.status == 200 && reply.complete, reply.status)
    });
}
