//! Starting, running the job, stopping, and keys that change meanwhile.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicBool, Ordering},
};

use chrono::{Days, Utc};
use cloudtally_serve::{ServeError, Stopped, ensure_admin_keys, new_admin_keys, serve};
use cloudtally_store::JobState;

use crate::support::{Folder, options, signed, signed_with, wait_until};

const TYPES: [(&str, &str); 1] = [("command", "listUsageTypes")];

#[test]
fn keys_renewed_while_serving_count_at_once() {
    let folder = Folder::new("UTC", "1440");
    let server = folder.serve();
    let old = signed(&TYPES);
    assert_eq!(server.get(&old).status, 200);
    let keys = new_admin_keys(&folder.writer()).unwrap();
    assert_eq!(server.get(&old).status, 401);
    let new = signed_with(&TYPES, &keys.api_key, &keys.secret_key);
    assert_eq!(server.get(&new).status, 200);
    assert_eq!(keys.api_key.len(), 86);
    assert_ne!(keys.api_key, keys.secret_key);
    assert_eq!(ensure_admin_keys(&folder.writer()).unwrap().0, keys, "they stay");
}

#[test]
fn stops_with_idle_new_and_half_open_connections() {
    let folder = Folder::new("UTC", "1440");
    let mut server = folder.serve();
    // One idle after a request, one that never sent anything.
    let mut idle = server.connect();
    let request = format!("GET /client/api?{} HTTP/1.1\r\nHost: x\r\n\r\n", signed(&TYPES));
    idle.write_all(request.as_bytes()).unwrap();
    idle.read_exact(&mut [0; 100]).unwrap();
    let _silent = server.connect();
    server.ask_to_stop();
    assert_eq!(server.wait_for_end(), Stopped::Whole);

    // One in the middle of its head, one in the middle of its body.
    let server = folder.serve();
    let mut head = server.connect();
    head.write_all(b"GET /client/api?comm").unwrap();
    let mut body = server.begin(100);
    body.write_all(b"comm").unwrap();
    assert_eq!(server.stop(), Stopped::Cut);
}

#[test]
fn a_request_under_way_is_answered_before_the_server_ends() {
    let folder = Folder::new("UTC", "1440");
    folder.events("1,VOLUME.CREATE,2,2026-01-01 00:00:00,1,501,DATA,1,,1073741824,,\n");
    let mut server = folder.serve();
    let writer = folder.writer();
    let query = signed(&[
        ("command", "generateUsageRecords"),
        ("startdate", "2026-01-01"),
        ("enddate", "2026-01-02"),
    ]);
    // It is under way, and cannot end before the folder is free.
    let mut stream = server.begin(query.len());
    stream.write_all(query.as_bytes()).unwrap();
    server.ask_to_stop();
    let address = server.address;
    wait_until(|| (TcpStream::connect(address).is_err(), "it still takes connections"));
    drop(writer);
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert_eq!(server.wait_for_end(), Stopped::Whole);
    assert_eq!(folder.store.snapshot().unwrap().periods.len(), 2);
}

#[test]
fn a_run_that_was_missed_is_made_up_for_at_the_start() {
    let folder = Folder::new("UTC", "1440");
    let today = Utc::now().date_naive();
    let day = |ago| today.checked_sub_days(Days::new(ago)).unwrap().to_string();
    let created = format!("{} 00:00:00", day(4));
    folder.events(&format!("1,VOLUME.CREATE,2,{created},1,501,DATA,1,,1073741824,,\n"));
    folder.aggregate(&day(4), &day(4));
    let periods = || folder.store.snapshot().unwrap().periods.len();

    // Switched off, nothing runs.
    assert_eq!(folder.serve().stop(), Stopped::Whole);
    assert_eq!(periods(), 1);
    folder.writer().set_setting("enable.usage.server", "true").unwrap();
    let server = folder.serve();
    wait_until(|| (periods() >= 3, folder.store.jobs(0, 3).unwrap()));
    wait_until(|| {
        let runs = folder.store.jobs(0, 1).unwrap();
        (runs[0].kind == "scheduled" && runs[0].state == JobState::Done, runs)
    });
    assert_eq!(server.stop(), Stopped::Whole);
}

#[test]
fn what_ends_the_server_is_in_force_before_it_says_that_it_serves() {
    let folder = Folder::new("UTC", "1440");
    let options = || options(&folder.store, "127.0.0.1:0");
    let runtime = tokio::runtime::Runtime::new().unwrap();

    // Something like `ctrl_c`, which catches its signal when it is first polled.
    let is_caught = AtomicBool::new(false);
    let (told, address) = tokio::sync::oneshot::channel();
    let stop = async {
        is_caught.store(true, Ordering::SeqCst);
        drop(address.await);
    };
    let ready = |address| {
        assert!(is_caught.load(Ordering::SeqCst), "a signal would be lost here");
        told.send(address).unwrap();
    };
    assert_eq!(runtime.block_on(serve(options(), ready, stop)).unwrap(), Stopped::Whole);

    // Told to stop before it has started, it does not start.
    let ready = |bound| panic!("it serves {bound:?}");
    assert_eq!(runtime.block_on(serve(options(), ready, async {})).unwrap(), Stopped::Whole);
}

#[test]
fn an_address_in_use_is_said_to_be() {
    let folder = Folder::new("UTC", "1440");
    let server = folder.serve();
    let listen = server.address.to_string();
    let other = Folder::new("UTC", "1440");
    let options = options(&other.store, &listen);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let result = runtime.block_on(serve(options, |_| {}, std::future::pending()));
    let Err(error @ ServeError::Listen { .. }) = result else { panic!("{result:?}") };
    assert!(error.to_string().contains(&listen), "{error}");
}
