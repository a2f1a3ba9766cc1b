//! The whole way on a simulated clock that only steps move: commands make events,
//! the nights' jobs make records of them, and listUsageRecords shows them.

use std::io::{Read, Write};

use cloudtally_aggregate::Plan;
use cloudtally_model::{Instant, Millis, port::Use};
use cloudtally_oracle::{BillLine, Window, ledger_bill};
use cloudtally_platform::{engine::Start, tenants::Tenants};
use cloudtally_serve::{Pace, Stopped};
use cloudtally_store::{PeriodDraft, Store};
use serde_json::{Value, json};

use crate::support::{Folder, Keys, Server, at, options_with, root, signed, wait_until};

/// A cloud that stands still at an instant; its usage job runs at 00:15 in `zone`.
fn standing(zone: &str, start: &str) -> (Folder, Server) {
    let folder = Folder::new(zone, "1440");
    let writer = folder.writer();
    writer.set_setting("usage.execution.timezone", zone).unwrap();
    writer.set_setting("enable.usage.server", "true").unwrap();
    drop(writer);
    let server = serve(&folder, start);
    (folder, server)
}

fn serve(folder: &Folder, start: &str) -> Server {
    let pace = Pace::Simulated { speed: 0, start: at(start) };
    Server::start_with(options_with(&folder.store, "127.0.0.1:0", Start::Ready, pace))
}

fn step(server: &Server, to: &str) {
    server.works(&root(), &[("command", "advanceClock"), ("to", to)]);
}

fn step_to(server: &Server, to: Instant) {
    step(server, &to.to_string());
}

/// A job that a command begins, run to its end while the clock stands.
fn job(server: &Server, keys: &Keys, pairs: &[(&str, &str)]) -> Value {
    let done = server.job(keys, pairs);
    assert_eq!(done["jobstatus"], 1, "{pairs:?}: {done}");
    done["jobresult"].clone()
}

fn first<'v>(value: &'v Value, item: &str) -> &'v Value {
    &value[item][0]
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

/// The parts of a deployment: zone, offering, template.
fn parts(server: &Server) -> [(&'static str, String); 3] {
    let list = |pairs: &[(&str, &str)]| server.works(&root(), pairs);
    let zone = list(&[("command", "listZones"), ("networktype", "Advanced")]);
    let zone = id(first(&zone, "zone"));
    let small = list(&[("command", "listServiceOfferings"), ("name", "m1.small")]);
    let image = list(&[
        ("command", "listTemplates"),
        ("templatefilter", "featured"),
        ("hypervisor", "KVM"),
        ("zoneid", &zone),
    ]);
    [
        ("zoneid", zone.clone()),
        ("serviceofferingid", id(first(&small, "serviceoffering"))),
        ("templateid", id(first(&image, "template"))),
    ]
}

/// Deploys a machine and lets it come up; its uuid.
fn deploy(server: &Server, keys: &Keys) -> String {
    let parts = parts(server);
    let mut pairs: Vec<(&str, &str)> = vec![("command", "deployVirtualMachine")];
    pairs.extend(parts.iter().map(|(name, value)| (*name, value.as_str())));
    id(&job(server, keys, &pairs)["virtualmachine"])
}

/// The hours of a usage type on a day.
fn hours(server: &Server, keys: &Keys, day: &str, usage_type: &str) -> Vec<String> {
    let answer = server.works(
        keys,
        &[
            ("command", "listUsageRecords"),
            ("startdate", day),
            ("enddate", day),
            ("type", usage_type),
        ],
    );
    let records = answer["usagerecord"].as_array().cloned().unwrap_or_default();
    records.iter().map(|record| record["rawusage"].as_str().unwrap().to_owned()).collect()
}

struct Days<'a> {
    zone: &'a str,
    /// Midnight before the first day, in UTC.
    midnight: &'a str,
    /// Noon, 18:00 and 23:00 of the first day, the end of the second night's job.
    steps: [&'a str; 4],
    days: [&'a str; 2],
    /// Hours of the second day.
    second: &'a str,
}

/// The guide's example: deployed at noon, stopped at 18:00, started at 23:00.
fn check(example: &Days<'_>) {
    let (_folder, server) = standing(example.zone, example.midnight);
    let alice = server.account("alice", "0", None);
    let [noon, evening, night, end] = example.steps;
    step(&server, noon);
    let vm = deploy(&server, &alice.keys);
    step(&server, evening);
    job(&server, &alice.keys, &[("command", "stopVirtualMachine"), ("id", &vm)]);
    step(&server, night);
    job(&server, &alice.keys, &[("command", "startVirtualMachine"), ("id", &vm)]);
    step(&server, end);
    let of = |day: usize, kind: &str| hours(&server, &alice.keys, example.days[day], kind);
    assert_eq!((of(0, "1"), of(0, "2")), (vec!["7".into()], vec!["12".into()]), "{}", example.zone);
    let second = vec![example.second.to_owned()];
    assert_eq!((of(1, "1"), of(1, "2")), (second.clone(), second), "{}", example.zone);
}

#[test]
fn the_guides_example_in_new_york() {
    check(&Days {
        zone: "America/New_York",
        midnight: "2026-01-12 05:00:00",
        steps: [
            "2026-01-12T12:00:00-0500",
            "2026-01-12T18:00:00-0500",
            "2026-01-12T23:00:00-0500",
            "2026-01-14T01:00:00-0500",
        ],
        days: ["2026-01-12", "2026-01-13"],
        second: "24",
    });
    // The clocks go forward on 8 March.
    check(&Days {
        zone: "America/New_York",
        midnight: "2026-03-07 05:00:00",
        steps: [
            "2026-03-07T12:00:00-0500",
            "2026-03-07T18:00:00-0500",
            "2026-03-07T23:00:00-0500",
            "2026-03-09T01:00:00-0400",
        ],
        days: ["2026-03-07", "2026-03-08"],
        second: "23",
    });
}

#[test]
fn the_guides_example_in_berlin() {
    check(&Days {
        zone: "Europe/Berlin",
        midnight: "2026-06-09 22:00:00",
        steps: [
            "2026-06-10T12:00:00+0200",
            "2026-06-10T18:00:00+0200",
            "2026-06-10T23:00:00+0200",
            "2026-06-12T01:00:00+0200",
        ],
        days: ["2026-06-10", "2026-06-11"],
        second: "24",
    });
    // They go back on 25 October.
    check(&Days {
        zone: "Europe/Berlin",
        midnight: "2026-10-23 22:00:00",
        steps: [
            "2026-10-24T12:00:00+0200",
            "2026-10-24T18:00:00+0200",
            "2026-10-24T23:00:00+0200",
            "2026-10-26T01:00:00+0100",
        ],
        days: ["2026-10-24", "2026-10-25"],
        second: "25",
    });
}

#[test]
fn the_guides_example_on_lord_howe() {
    check(&Days {
        zone: "Australia/Lord_Howe",
        midnight: "2026-06-09 13:30:00",
        steps: [
            "2026-06-10T12:00:00+1030",
            "2026-06-10T18:00:00+1030",
            "2026-06-10T23:00:00+1030",
            "2026-06-12T01:00:00+1030",
        ],
        days: ["2026-06-10", "2026-06-11"],
        second: "24",
    });
    // They go back by half an hour on 5 April.
    check(&Days {
        zone: "Australia/Lord_Howe",
        midnight: "2026-04-03 13:00:00",
        steps: [
            "2026-04-04T12:00:00+1100",
            "2026-04-04T18:00:00+1100",
            "2026-04-04T23:00:00+1100",
            "2026-04-06T01:00:00+1030",
        ],
        days: ["2026-04-04", "2026-04-05"],
        second: "24.5",
    });
}

#[test]
fn the_clock_stands_steps_and_goes_on_after_a_restart() {
    let (folder, server) = standing("UTC", "2026-01-05 00:00:00");
    let shown = |server: &Server| {
        let clock = server.works(&root(), &[("command", "getClock")]);
        assert_eq!(clock["clock"]["simulated"], true);
        clock["clock"]["now"].as_str().unwrap().to_owned()
    };
    assert_eq!(shown(&server), "2026-01-05T00:00:00+0000");
    let step = [("command", "advanceClock"), ("seconds", "90000")];
    let clock = server.works(&root(), &step);
    assert_eq!(clock["clock"]["now"], "2026-01-06T01:00:00+0000");
    let (status, why) =
        server.call(&root(), &[("command", "advanceClock"), ("to", "2026-01-05T00:00:00Z")]);
    assert_eq!(status, 431);
    assert!(why["errortext"].as_str().unwrap().contains("does not go back"), "{why}");
    assert_eq!(server.call(&root(), &[("command", "advanceClock")]).0, 431);
    for far in [("to", "9999-12-31T23:59:59Z"), ("seconds", "9223372036854775807")] {
        let (status, why) = server.call(&root(), &[("command", "advanceClock"), far]);
        assert_eq!(status, 431, "{why}");
    }
    let alice = server.account("alice", "0", None);
    assert_eq!(server.call(&alice.keys, &[("command", "getClock")]).0, 401);
    server.stop();
    let server = serve(&folder, "2026-01-01 00:00:00");
    assert_eq!(shown(&server), "2026-01-06T01:00:00+0000");
}

/// The published records as lines of a ledger.
fn billed(store: &Store) -> Vec<BillLine> {
    let calendar = store.calendar().unwrap();
    let snapshot = store.snapshot().unwrap();
    let mut lines = Vec::new();
    for known in &snapshot.periods {
        for record in store.read_records(known, &snapshot.sources).unwrap() {
            assert!(!record.is_folded(known.period), "each night has its job: {record:?}");
            let day = calendar.date_of(known.period.start).to_string();
            lines.push(BillLine {
                day: day.into(),
                what: Use::from(&record),
                quantity: record.quantity.unsigned_abs(),
            });
        }
    }
    lines.sort();
    lines
}

/// Tenants live for some days in a zone, restarts on the way, and the bill is what
/// they really had.
fn check_tenants(zone: &str, seed: u64, days: i64, restarts: i64) {
    let start = at("2026-03-20 00:00:00");
    let folder = Folder::new(zone, "1440");
    let writer = folder.writer();
    writer.set_setting("usage.execution.timezone", zone).unwrap();
    writer.set_setting("enable.usage.server", "true").unwrap();
    drop(writer);
    let tenants = 4;
    let open = || {
        let pace = Pace::Simulated { speed: 0, start };
        let mut options = options_with(&folder.store, "127.0.0.1:0", Start::Ready, pace);
        options.tenants = Some(Tenants::new(seed, tenants, options.cloud.clock()));
        Server::start_with(options)
    };
    let mut server = open();
    let span = Millis(days * Millis::DAY.0 / (restarts + 1));
    for part in 1..=restarts + 1 {
        let to = start + Millis(span.0 * part);
        step_to(&server, to);
        if part <= restarts {
            server.stop();
            server = open();
        }
    }
    let billed = billed(&folder.store);
    let last = folder.store.snapshot().unwrap().periods.last().unwrap().period.end;
    let world = server.cloud.as_ref().unwrap().world();
    let window = Window { start: Instant::EPOCH, end: last };
    let owed = ledger_bill(world.ledger().entries(), zone, window).unwrap();
    drop(world);
    let lost: Vec<&BillLine> = owed.iter().filter(|line| !billed.contains(line)).take(5).collect();
    let extra: Vec<&BillLine> = billed.iter().filter(|line| !owed.contains(line)).take(5).collect();
    assert_eq!(folder.store.quarantined(None, 5).unwrap(), []);
    assert!(lost.is_empty() && extra.is_empty(), "seed {seed}: lost {lost:#?} extra {extra:#?}");
    assert_eq!(billed.len(), owed.len());
    assert!(billed.len() > 200, "{}", billed.len());
}

/// A server told to stop while its clock is put forward: the days between are not
/// jumped over, and after the restart they go by as if nothing had happened.
#[test]
fn stopping_on_the_way_leaves_the_clock_at_what_has_happened() {
    let (zone, start, to) = ("UTC", at("2026-03-20 00:00:00"), "2026-06-01T00:00:00Z");
    let folder = Folder::new(zone, "1440");
    folder.writer().set_setting("enable.usage.server", "true").unwrap();
    let open = || {
        let pace = Pace::Simulated { speed: 0, start };
        let mut options = options_with(&folder.store, "127.0.0.1:0", Start::Ready, pace);
        options.tenants = Some(Tenants::new(1, 2, options.cloud.clock()));
        Server::start_with(options)
    };
    let mut server = open();
    let step = signed(&[("command", "advanceClock"), ("to", to), ("response", "json")]);
    let mut stream = server.connect();
    let request =
        format!("GET /client/api?{step} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let cloud = server.cloud.clone().unwrap();
    wait_until(|| (cloud.clock() > start + Millis::HOUR, "nothing goes by"));
    drop(cloud);
    server.ask_to_stop();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("530") && answer.contains("the server stops"), "{answer}");
    assert_eq!(server.wait_for_end(), Stopped::Whole);

    let server = open();
    let lived = server.cloud.as_ref().unwrap().clock();
    assert!(lived < at(to) - Millis::DAY, "{lived}");
    step_to(&server, lived + Millis(2 * Millis::DAY.0));
    let last = folder.store.snapshot().unwrap().periods.last().unwrap().period.end;
    let world = server.cloud.as_ref().unwrap().world();
    let window = Window { start, end: last };
    let owed = ledger_bill(world.ledger().entries(), zone, window).unwrap();
    drop(world);
    assert_eq!(billed(&folder.store), owed);
}

/// At a speed that no machine keeps up with, the clock waits for what is due.
#[test]
fn a_fast_clock_does_not_run_away_from_the_usage_job() {
    let folder = Folder::new("UTC", "1440");
    folder.writer().set_setting("enable.usage.server", "true").unwrap();
    let pace = Pace::Simulated { speed: 10_000_000, start: at("2026-03-20 00:00:00") };
    let mut options = options_with(&folder.store, "127.0.0.1:0", Start::Ready, pace);
    options.tenants = Some(Tenants::new(1, 2, options.cloud.clock()));
    let server = Server::start_with(options);
    let mut days = Vec::new();
    wait_until(|| {
        let clock = server.works(&root(), &[("command", "getClock")])["clock"]["now"].clone();
        let status = server.works(&root(), &[("command", "getUsageJobStatus")]);
        let next = status["usagejobstatus"]["nextrun"].as_str().unwrap().to_owned();
        let clock = clock.as_str().unwrap().to_owned();
        assert!(clock <= next, "the clock shows {clock}, and the job of {next} has not run");
        days.push(clock[..10].to_owned());
        days.dedup();
        (days.len() > 3, days.clone())
    });
}

/// `SEEDS` and `DAYS` make it longer: 10 seeds of a month are 310 days.
fn number(name: &str, default: i64) -> i64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

#[test]
fn the_bill_of_tenants_is_what_they_had() {
    let (seeds, days) = (number("SEEDS", 2), number("DAYS", 5));
    for seed in 1..=seeds {
        // The clocks of Berlin go forward on 29 March.
        let zone = ["Europe/Berlin", "UTC", "America/New_York"][usize::try_from(seed % 3).unwrap()];
        check_tenants(zone, seed.unsigned_abs(), days, 2);
    }
}

#[test]
fn records_of_a_project_name_it_also_when_it_is_gone() {
    let (_folder, server) = standing("UTC", "2026-01-05 00:00:00");
    let alice = server.account("alice", "0", None);
    let made = [("command", "createProject"), ("name", "Apollo"), ("displaytext", "to the moon")];
    let project = id(&job(&server, &alice.keys, &made)["project"]);
    let parts = parts(&server);
    let mut pairs = vec![("command", "deployVirtualMachine"), ("projectid", project.as_str())];
    pairs.extend(parts.iter().map(|(name, value)| (*name, value.as_str())));
    job(&server, &alice.keys, &pairs);
    deploy(&server, &alice.keys);
    step(&server, "2026-01-06T00:20:00Z");
    let shown = |keys: &Keys, more: &[(&str, &str)]| -> Vec<(Value, Value)> {
        let window = [("startdate", "2026-01-05"), ("enddate", "2026-01-05"), ("type", "1")];
        let pairs = [&[("command", "listUsageRecords")], &window[..], more].concat();
        let answer = server.works(keys, &pairs);
        let records = answer["usagerecord"].as_array().cloned().unwrap_or_default();
        assert!(records.iter().all(|record| record["accountid"].is_string()), "{answer}");
        records.iter().map(|r| (r["projectid"].clone(), r["project"].clone())).collect()
    };
    let apollo = (Value::from(project.as_str()), Value::from("Apollo"));
    let own = (Value::Null, Value::Null);
    assert_eq!(shown(&alice.keys, &[]), std::slice::from_ref(&own));
    let of_project = [("projectid", project.as_str())];
    assert_eq!(shown(&alice.keys, &of_project), std::slice::from_ref(&apollo));
    assert!(shown(&root(), &[]).contains(&apollo));
    // Those of all projects that the caller is in, and only those.
    let of_all = [("projectid", "-1")];
    let bob = server.account("bob", "0", None);
    assert_eq!(shown(&alice.keys, &of_all), std::slice::from_ref(&apollo));
    assert_eq!(shown(&root(), &of_all), std::slice::from_ref(&apollo));
    assert_eq!(shown(&bob.keys, &of_all), []);
    job(&server, &alice.keys, &[("command", "deleteProject"), ("id", &project)]);
    step(&server, "2026-01-08T00:20:00Z");
    assert_eq!(shown(&root(), &of_project), std::slice::from_ref(&apollo));
    assert_eq!(shown(&root(), &of_all), [apollo]);
}

/// Counts the alerts of a type that were raised so far.
fn alerts(server: &Server, number: &str) -> usize {
    let alerts = server.works(&root(), &[("command", "listAlerts"), ("type", number)]);
    alerts["alert"].as_array().map_or(0, Vec::len)
}

/// Puts ten hours too many on a record of the latest published period.
fn falsify(folder: &Folder) {
    let writer = folder.writer();
    let snapshot = writer.snapshot().unwrap();
    let known = snapshot.periods.last().unwrap();
    let mut records = writer.read_records(known, &snapshot.sources).unwrap();
    let running = records.iter_mut().find(|record| record.usage_type.0 == 1).unwrap();
    running.quantity += 10 * Millis::HOUR.0;
    let draft = PeriodDraft {
        period: known.period,
        records: Some(&records),
        open: None,
        counters: None,
        anomalies: None,
        inputs: known.inputs,
    };
    let staged = writer.stage(&draft, &snapshot.sources).unwrap();
    writer.publish(vec![staged]).unwrap();
}

#[test]
fn records_that_do_not_add_up_are_told_until_they_do() {
    let (folder, server) = standing("UTC", "2026-01-05 00:00:00");
    let told = || alerts(&server, "23");
    let alice = server.account("alice", "0", None);
    deploy(&server, &alice.keys);
    step(&server, "2026-01-06T00:20:00Z");
    assert_eq!(told(), 0);
    falsify(&folder);
    for night in ["2026-01-07T00:20:00Z", "2026-01-08T00:20:00Z"] {
        step(&server, night);
        assert_eq!(told(), 1, "it is told, and once");
    }
    folder.run(Plan::RebuildAll, "2026-01-08 00:30:00");
    step(&server, "2026-01-09T00:20:00Z");
    falsify(&folder);
    step(&server, "2026-01-10T00:20:00Z");
    assert_eq!(told(), 2, "it was well between");
}

#[test]
fn the_history_of_the_usage_job_is_told_to_root() {
    let (folder, server) = standing("UTC", "2026-01-05 00:00:00");
    let status = |server: &Server| {
        server.works(&root(), &[("command", "getUsageJobStatus")])["usagejobstatus"].clone()
    };
    let list = |pairs: &[(&str, &str)]| {
        server.works(&root(), &[&[("command", "listUsageJobs")], pairs].concat())
    };
    let expected =
        json!({"enabled": true, "nextrun": "2026-01-05T00:15:00+0000", "staleperiods": 0});
    assert_eq!(status(&server), expected, "nothing has run");
    assert_eq!(list(&[]), json!({}));
    let alice = server.account("alice", "0", None);
    deploy(&server, &alice.keys);
    // Three nights, the last of which fails.
    step(&server, "2026-01-07T12:00:00Z");
    let latest = folder.store.snapshot().unwrap().periods.pop().unwrap();
    let open = folder.store.dir().join(latest.segments.unwrap().path);
    std::fs::write(&open, "no Parquet").unwrap();
    step(&server, "2026-01-08T00:20:00Z");
    let all = list(&[]);
    let ran = |index: usize, field: &str| all["usagejob"][index][field].clone();
    assert_eq!(all["count"], 4);
    let states: Vec<Value> = (0..4).map(|index| ran(index, "state")).collect();
    assert_eq!(states, ["failed", "done", "done", "done"]);
    assert_eq!(ran(0, "asof"), "2026-01-08T00:15:00+0000", "by the time of the cloud");
    assert!(ran(0, "errortext").as_str().unwrap().contains("open/"), "{all}");
    assert_eq!((ran(0, "periods"), ran(0, "startdate")), (0.into(), Value::Null));
    let extent = (ran(1, "startdate"), ran(1, "enddate"), ran(1, "periods"));
    let day = ("2026-01-06T00:00:00+0000".into(), "2026-01-07T00:00:00+0000".into(), 1.into());
    assert_eq!(extent, day);
    assert!(ran(1, "records").as_i64().unwrap() > 3 && ran(1, "exectime").is_i64(), "{all}");
    assert_eq!(
        (ran(3, "periods"), ran(3, "type")),
        (0.into(), "scheduled".into()),
        "no day was over"
    );
    let page = list(&[("page", "2"), ("pagesize", "1")]);
    assert_eq!((&page["count"], &page["usagejob"]), (&4.into(), &json!([all["usagejob"][1]])));
    let expected = json!({"enabled": true, "state": "failed", "nextrun": "2026-01-08T00:25:00+0000",
        "publisheduntil": "2026-01-07T00:00:00+0000", "staleperiods": 0});
    assert_eq!(status(&server), expected, "it is tried again");
    for command in ["listUsageJobs", "getUsageJobStatus"] {
        assert_eq!(server.call(&alice.keys, &[("command", command)]).0, 401);
    }
    folder.writer().set_setting("enable.usage.server", "false").unwrap();
    assert_eq!(status(&server)["nextrun"], Value::Null);
}

#[test]
fn a_usage_job_that_fails_is_told_and_told_well_again() {
    let (folder, server) = standing("UTC", "2026-01-05 00:00:00");
    let told = || alerts(&server, "20");
    // Records that cannot be written: a file lies where their folder belongs.
    let records = folder.store.dir().join("records");
    std::fs::remove_dir_all(&records).ok();
    std::fs::write(&records, "in the way").unwrap();
    let alice = server.account("bob", "0", None);
    deploy(&server, &alice.keys);
    step(&server, "2026-01-06T00:20:00Z");
    assert_eq!(told(), 1);
    step(&server, "2026-01-06T00:40:00Z");
    assert_eq!(told(), 1, "it is told once");
    std::fs::remove_file(&records).unwrap();
    step(&server, "2026-01-06T01:00:00Z");
    assert_eq!(hours(&server, &alice.keys, "2026-01-05", "1"), ["24"], "tried again");
    std::fs::remove_dir_all(&records).unwrap();
    std::fs::write(&records, "in the way").unwrap();
    step(&server, "2026-01-07T00:20:00Z");
    assert_eq!(told(), 2, "the next time it is told anew");
}
