//! Tenants live in the cloud of a folder whose process is killed again and again: 200 times in all, while they work
//! and the usage job runs each of their nights.

use std::time::Duration;

use chrono::{Days, NaiveDate};

use crate::{
    api::{API_KEY, SECRET_KEY, Serving, kill},
    cloud::{ROOT, call, works},
    support::Cloudtally,
};

const DAYS: u64 = 31;
/// Kills of a seed; ten seeds make 200.
const KILLS: u64 = 20;
/// Steps of half a day.
const STEP_SECONDS: u64 = 43_200;
/// Zones whose clocks go forward within the month, and one whose clocks do not.
const ZONES: [&str; 3] = ["Europe/Berlin", "UTC", "America/New_York"];

fn start(cloudtally: &Cloudtally, seed: u64) -> Serving {
    let keys = [("CLOUDTALLY_ADMIN_API_KEY", API_KEY), ("CLOUDTALLY_ADMIN_SECRET_KEY", SECRET_KEY)];
    let seed = seed.to_string();
    let clock = ["--clock", "sim", "--speed", "0", "--start", "2026-03-06T00:00:00Z"];
    let life = [&clock[..], &["--tenants", "4", "--seed", &seed]].concat();
    Serving::start_with(cloudtally, &life, &keys)
}

/// Lets half a day go by; false if the server died over it.
fn half_a_day(serving: &Serving) -> bool {
    let seconds = STEP_SECONDS.to_string();
    match call(serving, ROOT, &[("command", "advanceClock"), ("seconds", &seconds)]) {
        Some((status, answer)) => {
            assert_eq!(status, 200, "{answer}");
            true
        }
        None => false,
    }
}

/// The day that stands in `text` after `words`.
fn day_after(text: &str, words: &str) -> NaiveDate {
    let at = text.find(words).unwrap_or_else(|| panic!("no `{words}` in {text}")) + words.len();
    text[at..at + 10].parse().unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A month or more of one seed, as many half days as the machine lives before it is killed; `check` says that the bill is what tenants had.
fn live_and_be_killed(seed: u64) {
    let cloudtally = Cloudtally::new();
    let zone = ZONES[usize::try_from(seed % 3).unwrap()];
    cloudtally.ok(&["settings", "usage.aggregation.timezone", zone]);
    let mut steps = 0;
    for round in 0..KILLS {
        let serving = start(&cloudtally, seed);
        // Some days in peace, each round as many.
        while steps < (round + 1) * DAYS * 2 / (KILLS + 1) {
            assert!(half_a_day(&serving), "nobody killed it");
            steps += 1;
        }
        // Killed within a quarter of a second, whatever it is at; no two rounds alike.
        let delay = Duration::from_millis((seed * 389 + round * 167) % 251);
        std::thread::scope(|scope| {
            let victim = serving.process_id();
            scope.spawn(move || {
                std::thread::sleep(delay);
                kill(victim);
            });
            // It dies long before a year is over.
            let survived = (0..730).take_while(|_| half_a_day(&serving)).count();
            assert!(survived < 730, "seed {seed}: it does not die");
            steps += survived as u64;
        });
    }
    // To the end of the month, and through the night's job behind it.
    let serving = start(&cloudtally, seed);
    while steps < DAYS * 2 + 2 {
        assert!(half_a_day(&serving), "nobody killed it");
        steps += 1;
    }
    let clock = works(&serving, ROOT, &[("command", "getClock")]);
    serving.signal("-TERM");
    let log = std::fs::read_to_string(cloudtally.path("serve.log")).unwrap();
    assert!(!log.contains("ERROR"), "seed {seed}: {log}");
    let checked = cloudtally.ok(&["check"]);
    assert!(checked.contains("what its tenants had:"), "seed {seed}: {checked}");
    let jobs = cloudtally.ok(&["jobs", "--last", "1"]);
    let published = day_after(&jobs, "published without a gap up to ");
    // The job of a night runs at 00:15 of a zone that is up to five hours behind.
    let lived = day_after(&clock.to_string(), r#""now":""#);
    assert!((lived - Days::new(1)..=lived).contains(&published), "seed {seed}: {clock}: {jobs}");
    let usage = cloudtally.ok(&["usage", "--group-by", "type"]);
    for name in ["Running Vm Usage", "Network Usage (Bytes Sent)", "Volume Usage"] {
        assert!(usage.contains(name), "seed {seed}: {usage}");
    }
}

/// Ten months of use at a stroke, or a year an hour: not by a forgotten option.
#[test]
fn a_cloud_keeps_the_clock_it_began_with() {
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let cloudtally = Cloudtally::new();
    start(&cloudtally, 1).signal("-TERM");
    let refused = cloudtally.fails(1, &serve);
    assert!(refused.contains("simulated clock, which shows 2026-03-06T00:00:00Z"), "{refused}");
    let jobs = cloudtally.ok(&["jobs"]);
    assert!(jobs.contains("next run at 2026-03-06T00:15:00Z"), "by the cloud's time: {jobs}");
    start(&cloudtally, 1).signal("-TERM");

    let cloudtally = Cloudtally::new();
    Serving::start_with(&cloudtally, &[], &[]).signal("-TERM");
    let refused = cloudtally.fails(1, &[&serve[..], &["--clock", "sim"]].concat());
    assert!(refused.contains("lives by the real clock"), "{refused}");
    Serving::start_with(&cloudtally, &[], &[]).signal("-TERM");
}

/// Beside a cloud on a simulated clock, the job by hand goes by that clock.
#[test]
fn the_job_by_hand_bills_no_time_that_the_cloud_has_not_lived() {
    let cloudtally = Cloudtally::new();
    let serving = start(&cloudtally, 1);
    for _ in 0..5 {
        assert!(half_a_day(&serving), "nobody killed it");
    }
    let by_hand = cloudtally.ok(&["aggregate"]);
    assert!(by_hand.contains("published without a gap up to 2026-03-08T00:00:00Z"), "{by_hand}");
    let ahead = ["aggregate", "--from", "2026-03-08", "--to", "2026-03-08"];
    let refused = cloudtally.fails(1, &ahead);
    assert!(refused.contains("2026-03-08T12:00:00Z"), "{refused}");
    assert!(cloudtally.ok(&["check"]).contains("what its tenants had:"));
    // Whoever insists is told by the ledger.
    cloudtally.ok(&["aggregate", "--now", "2026-03-12T00:15:00Z", "--force-now"]);
    let checked = cloudtally.run(&["check"]);
    assert!(checked.stdout.contains("is not what was had: 2026-03-08"), "{checked:?}");
    serving.signal("-TERM");
}

/// Rows of a file must not take the ids of what the own cloud has yet to tell.
#[test]
fn files_cannot_speak_for_the_own_cloud() {
    let cloudtally = Cloudtally::new();
    cloudtally.file("events.csv", "id,type,created,account_id,zone_id,resource_id\n");
    let own = ["ingest", "events", "events.csv", "--source", "platform"];
    let refused = cloudtally.fails(2, &own);
    assert!(refused.contains("the folder's own cloud"), "{refused}");
}

/// Two halves, so that both cores of a small machine have work.
#[test]
fn killed_twenty_times_the_bill_of_a_month_is_what_tenants_had_odd_seeds() {
    for seed in [1, 3, 5, 7, 9] {
        live_and_be_killed(seed);
    }
}

#[test]
fn killed_twenty_times_the_bill_of_a_month_is_what_tenants_had_even_seeds() {
    for seed in [2, 4, 6, 8, 10] {
        live_and_be_killed(seed);
    }
}
