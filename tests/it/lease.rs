//! A folder that two machines reach: one is suspended, the other takes over, the first goes
//! on and is refused.
//!
//! Both machines are this one. A file system whose locks do not reach from one machine to
//! the other is played by removing the lock's file while it is held: the other process locks
//! a new one. Debug builds let a process play another machine with a clock that is ahead.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant as Stopwatch},
};

use serde_json::Value;

use crate::support::{Cloudtally, Ran, files, ran};

const EVENTS: &str = "id,type,created,account_id,zone_id,resource_id,size\n\
                      1,VOLUME.CREATE,2026-01-01 00:00:00,2,1,501,1073741824\n";
const MORE: &str = "id,type,created,account_id,zone_id,resource_id,size\n\
                    2,VOLUME.CREATE,2026-01-02 06:00:00,2,1,502,1073741824\n";
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// Five minutes and a bit: by then a lease has run out.
const LATER: &str = "the-other:300001";

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

/// Runs a command until it suspends itself at a step of writing.
fn suspended(cloudtally: &Cloudtally, arguments: &[&str], step: &str) -> Child {
    let mut command = cloudtally.command(arguments);
    command.env("CLOUDTALLY_STOP_AT", format!("{step}:1"));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (began, stat) = (Stopwatch::now(), format!("/proc/{}/stat", child.id()));
    while !is_stopped(&stat) {
        if began.elapsed() > PATIENCE {
            signal(&child, "-KILL");
            panic!("{arguments:?} does not come to {step}: {:?}", child.wait_with_output());
        }
        thread::sleep(Duration::from_millis(20));
    }
    child
}

/// Reads the state of a process.
fn is_stopped(stat: &str) -> bool {
    let text = fs::read_to_string(stat).unwrap();
    text.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
}

/// Runs a command as another machine does, to which the lock does not reach.
fn elsewhere(cloudtally: &Cloudtally, arguments: &[&str]) -> Ran {
    fs::remove_file(cloudtally.path("data/lock")).unwrap();
    let mut command = cloudtally.command(arguments);
    let ran = ran(&command.env("CLOUDTALLY_OTHER_MACHINE", LATER).output().unwrap());
    assert_eq!(ran.status, Some(0), "{arguments:?}: {ran:?}");
    ran
}

/// Lets a suspended process go on to its end.
fn resumed(child: Child) -> Ran {
    signal(&child, "-CONT");
    ran(&child.wait_with_output().unwrap())
}

/// Every file of the lake and what is in it.
fn lake(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files(folder, |path| {
        let path = path.to_string_lossy();
        path.contains(".parquet") || path.contains(".tmp-")
    })
}

fn states(cloudtally: &Cloudtally) -> Vec<Value> {
    let jobs: Value = serde_json::from_str(&cloudtally.ok(&["jobs", "--json"])).unwrap();
    jobs["jobs"].as_array().unwrap().iter().map(|job| job["state"].clone()).collect()
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "release builds play no other machine")]
fn what_a_suspended_machine_goes_on_with_is_refused() {
    let cloudtally = Cloudtally::new();
    cloudtally.file("events.csv", EVENTS);
    cloudtally.file("more.csv", MORE);
    cloudtally.ok(&["ingest", "events", "events.csv"]);
    let aggregate = ["aggregate", "--now", "2026-01-04T00:15:00Z"];

    // The usage job, before a file of it is written.
    let first = suspended(&cloudtally, &aggregate, "periods.before_write");
    let other = elsewhere(&cloudtally, &aggregate);
    assert!(other.stdout.contains("published 3 periods"), "{other:?}");
    let (bill, files) = (cloudtally.export(), lake(&cloudtally.path("data")));
    assert_eq!(bill.lines().count(), 4, "{bill}");
    let refused = resumed(first);
    assert_eq!(refused.status, Some(1), "{refused:?}");
    for part in ["as the-other", "writes to the folder since", "run the command again"] {
        assert!(refused.stderr.contains(part), "{part}: {refused:?}");
    }
    assert_eq!(states(&cloudtally), ["done", "cut off"]);
    assert_eq!(lake(&cloudtally.path("data")), files, "nothing twice, nothing removed");
    assert_eq!(cloudtally.export(), bill);
    cloudtally.ok(&["check"]);

    // Ingest, with a file written that nothing names yet.
    let ingest = ["ingest", "events", "more.csv"];
    let first = suspended(&cloudtally, &ingest, "events.after_sync");
    elsewhere(&cloudtally, &ingest);
    let files = lake(&cloudtally.path("data"));
    let refused = resumed(first);
    assert_eq!(refused.status, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("as the-other"), "{refused:?}");
    assert_eq!(lake(&cloudtally.path("data")), files);
    let again = cloudtally.ok(&ingest);
    assert!(again.contains("duplicate"), "{again}");
    cloudtally.ok(&["check"]);
}

/// After a clean stop on another machine and after a kill on this one nobody waits.
#[test]
#[cfg_attr(not(debug_assertions), ignore = "release builds play no other machine")]
fn nobody_waits_for_a_machine_that_stopped_or_for_a_process_that_was_killed() {
    let cloudtally = Cloudtally::new();
    cloudtally.file("events.csv", EVENTS);
    let mut other = cloudtally.command(&["ingest", "events", "events.csv"]);
    other.env("CLOUDTALLY_OTHER_MACHINE", "the-other:0");
    assert!(other.output().unwrap().status.success());
    let at_once = |arguments: &[&str]| {
        let ran = cloudtally.run(arguments);
        assert_eq!(ran.status, Some(0), "{ran:?}");
        assert!(!ran.stderr.contains("waiting"), "{ran:?}");
    };
    at_once(&["aggregate", "--now", "2026-01-03T00:15:00Z"]);
    let mut killed = cloudtally.command(&["aggregate", "--now", "2026-01-05T00:15:00Z"]);
    killed.env("CLOUDTALLY_CRASH_AT", "periods.before_commit:1").stderr(Stdio::null());
    assert!(!killed.status().unwrap().success());
    at_once(&["aggregate", "--now", "2026-01-05T00:15:00Z"]);
}
