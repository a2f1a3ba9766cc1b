//! A folder whose cloud lived ahead of time is set back by `repair-clock`.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use cloudtally_model::{
    Instant, Millis,
    port::{ChangeSet, Journal},
};
use cloudtally_platform::engine::IS_SIMULATED;
use cloudtally_store::{LockWait, Store};

use crate::{
    api::{API_KEY, SECRET_KEY, Serving},
    cloud::{ROOT, works},
    support::{Cloudtally, Ran, csv_rows, ran},
};

const KEYS: [(&str, &str); 2] =
    [("CLOUDTALLY_ADMIN_API_KEY", API_KEY), ("CLOUDTALLY_ADMIN_SECRET_KEY", SECRET_KEY)];

fn now() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Instant::from_millis(i64::try_from(since.as_millis()).unwrap())
}

/// The day the machine's clock shows now.
fn machine_day() -> i64 {
    now().utc_day()
}

/// Lets days go by on a simulated clock that begins at `start`.
fn live(cloudtally: &Cloudtally, start: Instant, tenants: u32, to: Instant) {
    let (start, tenants) = (start.to_string(), tenants.to_string());
    let clock = ["--clock", "sim", "--speed", "0", "--start", &start, "--tenants", &tenants];
    let serving = Serving::start_with(cloudtally, &[&clock[..], &["--seed", "3"]].concat(), &KEYS);
    let mut at = start.clone();
    while at != to.to_string() {
        let clock = works(&serving, ROOT, &[("command", "getClock")]);
        let shown = Instant::parse(clock["clock"]["now"].as_str().unwrap()).unwrap();
        at = to.min(shown + Millis(20 * Millis::DAY.0)).to_string();
        works(&serving, ROOT, &[("command", "advanceClock"), ("to", &at)]);
    }
    serving.signal("-TERM");
}

/// Runs on a machine whose clock is ahead.
fn run_ahead(cloudtally: &Cloudtally, days: i64, arguments: &[&str]) -> Ran {
    let mut command = cloudtally.command(arguments);
    command.env("CLOUDTALLY_CLOCK_AHEAD_SECONDS", (days * 86_400).to_string());
    let ran = ran(&command.output().unwrap());
    assert_eq!(ran.status, Some(0), "{arguments:?}: {ran:?}");
    ran
}

/// A cloud that its tenants lived in for six days until `now`, and which then lived
/// through a year that has not come, by what it took for the machine's clock.
fn ahead_by_a_year(cloudtally: &Cloudtally, now: Instant) -> String {
    let start = Instant::from_millis((now.utc_day() - 6) * Millis::DAY.0);
    live(cloudtally, start, 3, now);
    let billed = cloudtally.export();
    live(cloudtally, start, 3, now + Millis(4 * Millis::DAY.0));
    // One run for all of the year is faster than one each night.
    cloudtally.ok(&["settings", "enable.usage.server", "false"]);
    live(cloudtally, start, 0, now + Millis(365 * Millis::DAY.0));
    cloudtally.ok(&["aggregate"]);
    take_for_the_machines_clock(cloudtally);
    billed
}

/// Makes of a simulated clock one that was taken for the machine's.
fn take_for_the_machines_clock(cloudtally: &Cloudtally) {
    let store = Store::open_existing(&cloudtally.path("data")).unwrap();
    let wait = LockWait { limit: Duration::ZERO, on_wait: &mut || {} };
    let numbers = vec![(IS_SIMULATED, 0)];
    let real = ChangeSet { numbers, ..ChangeSet::default() };
    store.journal(wait).unwrap().commit(&real).unwrap();
}

/// Days that were over when the clock went wrong, and whose bytes a run ahead folded into
/// a day that has not come, keep their bytes.
#[test]
#[cfg_attr(not(debug_assertions), ignore = "release builds believe the machine's clock")]
fn bytes_that_a_withdrawn_day_billed_for_days_before_are_billed_again() {
    let cloudtally = Cloudtally::new();
    let now = Instant::from_millis(now().as_millis() / 1000 * 1000);
    let start = Instant::from_millis((now.utc_day() - 5) * Millis::DAY.0);
    live(&cloudtally, start, 3, start + Millis(2 * Millis::DAY.0));
    cloudtally.ok(&["settings", "enable.usage.server", "false"]);
    live(&cloudtally, start, 3, now + Millis(3 * Millis::DAY.0));
    cloudtally.ok(&["aggregate"]);
    take_for_the_machines_clock(&cloudtally);
    let bytes = || -> u64 {
        let rows = csv_rows(&cloudtally.export());
        let of_bytes = rows.iter().filter(|row| ["4", "5"].contains(&row["usagetype"].as_str()));
        of_bytes.map(|row| row["quantity"].parse::<u64>().unwrap()).sum()
    };
    assert!(bytes() > 0);

    cloudtally.ok(&["repair-clock", "--to", &now.to_string(), "--yes"]);
    let checked = cloudtally.ok(&["check"]);
    assert!(checked.contains("what its tenants had:"), "{checked}");
    cloudtally.ok(&["aggregate"]);
    assert!(bytes() > 0, "the days before have bytes");
    let checked = cloudtally.ok(&["check"]);
    assert!(checked.contains("what its tenants had:"), "{checked}");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "release builds believe the machine's clock")]
fn a_folder_that_lived_ahead_by_a_year_is_set_back() {
    let cloudtally = Cloudtally::new();
    let now = Instant::from_millis(now().as_millis() / 1000 * 1000);
    let billed = ahead_by_a_year(&cloudtally, now);
    assert!(csv_rows(&billed).len() > 20, "{billed}");
    let ahead = cloudtally.export();
    assert!(csv_rows(&ahead).len() > csv_rows(&billed).len() + 300);
    let refused = cloudtally.fails(1, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(refused.contains("`cloudtally repair-clock --to INSTANT`"), "{refused}");

    // 1. Told first, and done only when asked for.
    let to = now.to_string();
    let told = cloudtally.ok(&["repair-clock", "--to", &to]);
    assert!(told.contains("would be set back to") && told.contains("add --yes"), "{told}");
    assert!(told.contains("365 published periods would be withdrawn"), "{told}");
    assert_eq!(cloudtally.export(), ahead);
    cloudtally.fails(2, &["repair-clock", "--to", &(now + Millis::DAY).to_string()]);
    let done = cloudtally.ok(&["repair-clock", "--to", &to, "--yes"]);
    assert!(done.contains("is set back to"), "{done}");
    let again = cloudtally.fails(2, &["repair-clock", "--to", &to, "--yes"]);
    assert!(again.contains("nothing is to be repaired"), "{again}");

    // 2. The days before stand as they were billed, and no other does.
    assert_eq!(cloudtally.export(), billed);
    let checked = cloudtally.ok(&["check"]);
    assert!(checked.contains("what its tenants had:"), "{checked}");

    // 3. It lives on by the machine's clock; what is billed is what is had.
    Serving::start_with(&cloudtally, &[], &KEYS).signal("-TERM");
    cloudtally.ok(&["aggregate"]);
    let since = cloudtally.export();
    // A test that runs over midnight sees the end of its day.
    let ended = machine_day() - now.utc_day();
    assert!(since.starts_with(&billed), "days before are billed as they were");
    assert!(since == billed || ended > 0, "no day is over since");
    let two_days = [("CLOUDTALLY_CLOCK_AHEAD_SECONDS", "172800")];
    let serving = Serving::start_with(&cloudtally, &[], &[&KEYS[..], &two_days].concat());
    let accounts = [("command", "listAccounts"), ("listall", "true")];
    works(&serving, ROOT, &accounts);
    serving.signal("-TERM");
    run_ahead(&cloudtally, 2, &["aggregate"]);
    let checked = run_ahead(&cloudtally, 2, &["check"]).stdout;
    assert!(checked.contains("what its tenants had:"), "{checked}");
    let after = cloudtally.export();
    assert!(after.starts_with(&billed), "days before are billed as they were");
    let days: BTreeSet<String> = csv_rows(&after[..])
        .iter()
        .skip(csv_rows(&billed).len())
        .map(|row| row["startdate"][..10].to_owned())
        .collect();
    let day = |ahead: i64| {
        Instant::from_millis((now.utc_day() + ahead) * Millis::DAY.0).to_string()[..10].to_owned()
    };
    let over: Vec<String> = (0..ended + 2).map(day).collect();
    let midnight_passed = machine_day() - now.utc_day() > ended;
    assert!(days.iter().eq(&over) || midnight_passed, "{days:?}, not {over:?}");
    let aside = cloudtally.ok(&["quarantine"]);
    assert!(aside.contains("the quarantine is empty"), "an event's id was used again: {aside}");
}

/// A crash between the two steps leaves the lake set back and the cloud not: only the same
/// instant, or an earlier one, ends that.
#[test]
#[cfg_attr(not(debug_assertions), ignore = "release builds believe the machine's clock")]
fn a_repair_that_is_half_done_is_ended_and_not_begun_anew() {
    let cloudtally = Cloudtally::new();
    let now = Instant::from_millis(now().as_millis() / 1000 * 1000);
    let start = Instant::from_millis((now.utc_day() - 3) * Millis::DAY.0);
    live(&cloudtally, start, 2, now + Millis(2 * Millis::DAY.0));
    take_for_the_machines_clock(&cloudtally);
    let earlier = Instant::from_millis(now.as_millis() - Millis::DAY.0);
    let repair = |to: Instant| -> Vec<String> {
        ["repair-clock", "--to", &to.to_string(), "--yes"].map(str::to_owned).to_vec()
    };
    let arguments = repair(earlier);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let crash = |point: &str| {
        let mut command = cloudtally.command(&arguments);
        command.env("CLOUDTALLY_CRASH_AT", point);
        assert!(!command.output().unwrap().status.success(), "{point} is passed");
    };
    // Before anything counts, before the lake is swapped, behind that, and before the cloud's
    // own change is kept: the same command goes on behind each.
    for point in [
        "cloud.after_commit:1",
        "compact.after_rename:1",
        "compact.before_commit:1",
        "compact.after_commit:1",
        "cloud.before_commit:2",
    ] {
        crash(point);
    }

    let later = repair(now);
    let later: Vec<&str> = later.iter().map(String::as_str).collect();
    let refused = cloudtally.fails(2, &later);
    assert!(refused.contains(&format!("a repair to {earlier} is half done")), "{refused}");
    cloudtally.ok(&arguments);
    cloudtally.ok(&["aggregate"]);
    let checked = cloudtally.ok(&["check"]);
    assert!(checked.contains("what its tenants had:"), "{checked}");
}
