//! Laws of a history as a whole.

mod naive; // a bill by the letter of the rules, from the rows

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cloudtally_model::{Instant, Millis, UsageEvent};
use cloudtally_oracle::Coverage;
use proptest::prelude::*;

use super::{rows::Happening, *};

const ZONES: [&str; 4] = ["UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"];

fn options(vms: u32, days: u32, seed: u64) -> Options {
    let timezones = ZONES.map(str::to_owned).to_vec();
    Options { days, timezones, ..Options::new(vms, seed) }
}

fn from(start: &str, options: Options) -> Options {
    Options { start: Instant::parse(start).unwrap(), ..options }
}

fn messy(millionths: u32, options: Options) -> Options {
    Options { mess: Rate::from_millionths(millionths).unwrap(), ..options }
}

fn generate(options: &Options) -> History {
    History::generate(options).unwrap()
}

fn well_formed(history: &History) -> Vec<UsageEvent> {
    let events = history.events().filter_map(|line| match line {
        EmittedEvent::Event(row) => Some(row.event),
        EmittedEvent::Malformed(_) => None,
    });
    events.collect()
}

/// Everything a history gives out, as text.
fn everything(options: &Options) -> Vec<String> {
    let history = generate(options);
    let mut lines: Vec<String> = Vec::new();
    lines.extend(history.events().map(|line| format!("{line:?}")));
    lines.extend(history.late_events().map(|line| format!("{line:?}")));
    lines.extend(history.samples().map(|line| format!("{line:?}")));
    lines.extend(history.late_samples().map(|line| format!("{line:?}")));
    lines.extend(history.accounts().iter().map(|account| format!("{account:?}")));
    for zone in ZONES {
        let mut csv = Vec::new();
        write_key(zone, history.answer_key(zone).unwrap(), &mut csv).unwrap();
        lines.push(String::from_utf8(csv).unwrap());
    }
    let mut csv = Vec::new();
    write_mess(history.mess(), &mut csv).unwrap();
    lines.push(String::from_utf8(csv).unwrap());
    lines
}

#[test]
fn the_same_options_give_the_same_bytes_and_another_seed_another_cloud() {
    let options = messy(20_000, options(30, 5, 11));
    let first = everything(&options);
    assert!(first == everything(&options));
    assert!(first != everything(&Options { seed: 12, ..options }));
}

#[test]
fn the_smallest_history_has_every_event_type_and_every_usage_type() {
    for (vms, days) in [(1, 1), (10, 3)] {
        let history = generate(&options(vms, days, 3));
        let seen: BTreeSet<_> =
            well_formed(&history).into_iter().map(|e| e.event_type.to_string()).collect();
        for happening in Happening::ALL {
            assert!(seen.contains(happening.name()), "{} in {vms} VMs", happening.name());
        }
        let types: BTreeSet<_> =
            history.answer_key("UTC").unwrap().map(|row| row.usage_type.0).collect();
        assert_eq!(
            types.into_iter().collect::<Vec<_>>(),
            [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14]
        );
    }
}

#[test]
fn every_event_type_that_the_table_of_usage_types_knows_is_written() {
    let written: BTreeSet<_> = Happening::ALL.iter().map(|h| h.name()).collect();
    for usage_type in cloudtally_model::usage_types() {
        for (name, _) in usage_type.events {
            assert!(written.contains(name), "{name}");
        }
    }
}

#[test]
fn columns_are_filled_as_the_real_cloud_fills_them() {
    let history = generate(&options(60, 10, 5));
    let lines: Vec<EventRow> = history
        .events()
        .filter_map(|line| match line {
            EmittedEvent::Event(row) => Some(row),
            EmittedEvent::Malformed(_) => None,
        })
        .collect();
    let mut zones: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    let mut sizes = BTreeSet::new();
    for row in &lines {
        let e = &row.event;
        zones
            .entry(Happening::ALL.iter().find(|h| h.name() == e.event_type).unwrap().name())
            .or_default()
            .insert(row.zone_number);
        match e.event_type.as_str() {
            "VM.STOP" => {
                assert_eq!((e.offering, e.template, e.resource_type.is_none()), (None, None, true))
            }
            "VM.CREATE" | "VM.UPGRADE" | "VM.DESTROY" => {
                assert!(e.offering.is_some() && e.template.is_some() && e.resource_type.is_some());
            }
            "VOLUME.DELETE" | "TEMPLATE.DELETE" | "ISO.DELETE" => {
                assert_eq!((e.offering, e.template, e.size), (None, None, None));
            }
            "NETWORK.OFFERING.ASSIGN" | "NETWORK.OFFERING.CREATE" => {
                assert!(e.resource_name.as_ref().unwrap().parse::<u64>().unwrap() > 0);
                assert!(e.offering.is_some() && matches!(e.size, Some(0 | 1)));
            }
            "NET.IPASSIGN" | "PORTABLE.IPASSIGN" => {
                assert!(matches!(e.size, Some(0 | 1)) && e.template.is_some_and(|t| t.0 < 2));
            }
            "TEMPLATE.CREATE" => drop(sizes.insert(e.size == Some(0))),
            _ => {}
        }
    }
    for closing_in_zone_0 in ["LB.DELETE", "NET.RULEDELETE", "VPN.USER.ADD", "VPN.USER.REMOVE"] {
        assert_eq!(zones[closing_in_zone_0], BTreeSet::from([0]), "{closing_in_zone_0}");
    }
    assert!(zones["NET.RULEADD"].len() > 1, "static NAT rules have zone 0");
    for event in ["TEMPLATE.CREATE", "TEMPLATE.COPY", "ISO.COPY"] {
        assert!(zones[event].contains(&-1), "{event}");
    }
    assert!(zones["TEMPLATE.DELETE"].contains(&0) && zones["TEMPLATE.DELETE"].contains(&-1));
    assert_eq!(sizes.len(), 2, "templates of size 0 and others");
}

#[test]
fn the_stream_is_in_order_and_its_instants_are_as_in_a_dump() {
    let history = generate(&options(60, 31, 6));
    let events = well_formed(&history);
    let ids: Vec<u64> = events.iter().map(|e| e.id.0).collect();
    assert_eq!(ids, (1..=u64::try_from(events.len()).unwrap()).collect::<Vec<_>>());
    assert!(events.windows(2).all(|pair| pair[0].created <= pair[1].created));
    assert!(events.iter().all(|e| history.window().contains(e.created)));
    let count = |pick: &dyn Fn(&UsageEvent) -> bool| events.iter().filter(|e| pick(e)).count();
    let odd = count(&|e| e.created.as_millis() % 1_000 != 0);
    assert!(odd > 0 && odd * 10 < events.len(), "{odd} of {} with milliseconds", events.len());
    for zone in ZONES {
        let days = local_days(zone, history.window()).unwrap();
        assert!(count(&|e| days.iter().any(|d| d.start == e.created)) > 0, "midnights of {zone}");
    }
    // STOP and START of one VM in one second.
    let mut moments: HashMap<_, Vec<&str>> = HashMap::new();
    for e in &events {
        moments.entry((e.created, e.resource)).or_default().push(&e.event_type);
    }
    let restart = |types: &Vec<&str>| {
        let at = |wanted| types.iter().position(|t| *t == wanted);
        at("VM.STOP").is_some() && at("VM.STOP") < at("VM.START")
    };
    assert!(moments.values().any(restart));
    let samples: Vec<_> = history.samples().collect();
    assert!(samples.len() > 5_000);
}

/// Truth and billable of a day and key.
type Quantity = (Option<u64>, Option<u64>);

fn by_key(history: &History, zone: &str) -> BTreeMap<String, Quantity> {
    let mut rows = BTreeMap::new();
    for row in history.answer_key(zone).unwrap() {
        let quantity = (row.truth, row.billable);
        let key = format!("{:?}", KeyRow { truth: None, billable: None, ..row });
        assert_eq!(rows.insert(key.clone(), quantity), None, "one row a key: {key}");
    }
    rows
}

#[test]
fn without_lost_rows_everything_true_can_be_billed() {
    for options in [options(40, 31, 8), from("2026-03-01 05:00:00", options(25, 12, 9))] {
        let history = generate(&options);
        for zone in ZONES {
            for (key, (truth, billable)) in by_key(&history, zone) {
                assert_eq!(truth, billable, "{key}");
                assert!(truth.is_some());
            }
        }
    }
}

fn length_ms(stretches: &[timeline::Stretch]) -> u64 {
    stretches.iter().map(|s| s.until.since(s.from).0.unsigned_abs()).sum()
}

/// Days of a timeline add up to it, whatever the zone and the clocks do.
fn check_days_add_up(options: &Options) {
    let history = generate(options);
    let window = history.window();
    for zone in ZONES {
        let days = local_days(zone, window).unwrap();
        for timeline in &history.rows.timelines {
            let is_lost = |row| history.losses.contains(row);
            let truth = timeline.truth(window.end);
            let billable =
                timeline.billable(window.end, is_lost, |account| history.accounts.removed(account));
            let mut sums = BTreeMap::new();
            timeline.add_days(&truth, &days, &mut sums, |q| &mut q.truth);
            timeline.add_days(&billable, &days, &mut sums, |q| &mut q.billable);
            let is_nothing =
                |key: &timeline::Key| matches!(timeline.usage_type.0, 7 | 8) && key.size == Some(0);
            let expected = |stretches: &[timeline::Stretch]| -> u64 {
                let real: Vec<_> =
                    stretches.iter().filter(|s| !is_nothing(&s.key)).copied().collect();
                length_ms(&real)
            };
            let truth_sum: u64 = sums.values().filter_map(|q| q.truth).sum();
            let billable_sum: u64 = sums.values().filter_map(|q| q.billable).sum();
            assert_eq!(truth_sum, expected(&truth), "{zone} {timeline:?}");
            assert_eq!(billable_sum, expected(&billable), "{zone} {timeline:?}");
            for ((day, key), q) in &sums {
                let day_ms = days[*day].end.since(days[*day].start).0.unsigned_abs();
                for quantity in [q.truth, q.billable].into_iter().flatten() {
                    assert!(quantity <= day_ms, "{quantity} of {day_ms} ms");
                    assert_eq!(quantity == 0, is_nothing(key), "zero means storage of nothing");
                }
            }
        }
    }
}

#[test]
fn days_add_up_where_the_clocks_change() {
    check_days_add_up(&from("2026-03-01 00:00:00", options(20, 20, 1)));
    check_days_add_up(&from("2026-10-28 12:00:00", options(20, 10, 2)));
    check_days_add_up(&from("2026-04-01 00:00:00", options(20, 8, 3)));
    check_days_add_up(&messy(30_000, from("2026-09-30 00:00:00", options(20, 8, 4))));
}

/// The truth of a VM, by usage type.
fn stretches_of(history: &History, usage_type: u16) -> BTreeMap<u32, Vec<timeline::Stretch>> {
    let end = history.window().end;
    let of_type = history.rows.timelines.iter().filter(|t| t.usage_type.0 == usage_type);
    of_type.map(|timeline| (timeline.resource, timeline.truth(end))).collect()
}

fn check_running_within_allocated(history: &History) {
    let allocated = stretches_of(history, 2);
    for (vm, stretches) in stretches_of(history, 1) {
        for running in stretches {
            // Both split together, so one allocated stretch with the same key holds it.
            let holds = |outer: &timeline::Stretch| {
                outer.from <= running.from
                    && running.until <= outer.until
                    && outer.key == running.key
            };
            assert!(allocated[&vm].iter().any(holds), "{running:?} of VM {vm}");
        }
    }
}

#[test]
fn a_vm_runs_only_while_it_is_allocated() {
    check_running_within_allocated(&generate(&options(200, 31, 13)));
}

#[test]
fn no_stretch_of_a_timeline_overlaps_the_next() {
    let history = generate(&messy(50_000, options(100, 20, 14)));
    let end = history.window().end;
    let is_lost = |row| history.losses.contains(row);
    for timeline in &history.rows.timelines {
        for stretches in [timeline.truth(end), timeline.billable(end, is_lost, |_| None)] {
            assert!(stretches.windows(2).all(|pair| pair[0].until <= pair[1].from));
        }
    }
}

#[test]
fn former_accounts_owe_nothing_after_their_removal() {
    let history = generate(&messy(100_000, options(60, 20, 15)));
    let former = &history.accounts.former;
    assert!(!former.is_empty());
    let mut seen = 0;
    for event in well_formed(&history) {
        let removed = history.accounts.removed(u32::try_from(event.account.0).unwrap());
        if let Some(removed) = removed {
            assert!(event.created < removed, "{event:?}");
            seen += 1;
        }
    }
    assert!(seen > 10);
    for row in history.answer_key("UTC").unwrap() {
        let account = u32::try_from(row.account.0).unwrap();
        if let Some(removed) = history.accounts.removed(account) {
            let end = utc_day_end(&row);
            assert!(end - Millis::DAY < removed, "{row:?} after {removed}");
        }
    }
}

fn utc_day_end(row: &KeyRow) -> Instant {
    Instant::parse(&format!("{} 00:00:00", row.day)).unwrap() + Millis::DAY
}

/// A bill made from the samples by the letter of usage rules 5.
fn bytes_of_samples(history: &History) -> BTreeMap<(SeriesKey, i64), (u64, u64)> {
    let mut last: HashMap<SeriesKey, (u64, u64)> = HashMap::new();
    let mut sums = BTreeMap::new();
    for line in history.samples() {
        let EmittedSample::Sample(sample) = line else { panic!("no mess was asked for") };
        let now = (sample.bytes_sent, sample.bytes_received);
        if let Some(before) = last.insert(sample.series.clone(), now) {
            let growth = |now: u64, before| if now < before { now } else { now - before };
            let day = (sample.sampled - Millis(1)).utc_day();
            let key = SeriesKey { address: None, ..sample.series };
            let sum: &mut (u64, u64) = sums.entry((key, day)).or_default();
            (sum.0, sum.1) = (sum.0 + growth(now.0, before.0), sum.1 + growth(now.1, before.1));
        }
    }
    sums.retain(|_, sum| *sum != (0, 0));
    sums
}

#[test]
fn what_the_counters_show_is_what_was_decided() {
    let history = generate(&Options { sample_minutes: 30, ..options(100, 20, 16) });
    let mut key: BTreeMap<(SeriesKey, i64), (u64, u64)> = BTreeMap::new();
    for row in history.answer_key("UTC").unwrap() {
        let Some(device_type) = row.device_type.clone() else { continue };
        let day = (utc_day_end(&row) - Millis(1)).utc_day();
        let series = SeriesKey {
            account: row.account,
            zone: row.zone,
            device_type,
            device: row.resource.0,
            network: row.network,
            address: None,
        };
        let sum = key.entry((series, day)).or_default();
        match row.usage_type.0 {
            4 => sum.0 += row.truth.unwrap(),
            _ => sum.1 += row.truth.unwrap(),
        }
    }
    assert_eq!(key, bytes_of_samples(&history));
}

#[test]
fn samples_have_every_kind_of_device_and_every_turn_of_counters() {
    let history = generate(&options(100, 20, 17));
    let window = history.window();
    let mut devices = BTreeSet::new();
    let mut last: HashMap<SeriesKey, (u64, u64)> = HashMap::new();
    let (mut restarts, mut late_starts, mut on_midnight, mut at_end) = (0, 0, 0, BTreeSet::new());
    for line in history.samples() {
        let EmittedSample::Sample(sample) = line else { panic!("no mess was asked for") };
        devices.insert(sample.series.device_type.as_name().to_owned());
        if sample.series.device_type == cloudtally_model::DeviceType::DirectNetwork {
            assert_eq!(sample.series.network.0, 0);
        }
        if sample.sampled == window.end {
            at_end.insert(sample.series.clone());
        }
        on_midnight += u32::from(sample.sampled.as_millis() % 86_400_000 == 0);
        let now = (sample.bytes_sent, sample.bytes_received);
        match last.insert(sample.series, now) {
            Some(before) if now.0 < before.0 => {
                assert!(now.1 < before.1, "a restart is one of both counters");
                restarts += 1;
            }
            Some(before) => assert!(before.1 <= now.1),
            None => late_starts += u32::from(sample.sampled > window.start + Millis::DAY),
        }
    }
    assert_eq!(
        devices.into_iter().collect::<Vec<_>>(),
        ["", "DirectNetwork", "DomainRouter", "ExternalFirewall", "ExternalLoadBalancer"]
    );
    assert!(restarts > 3 && late_starts > 0 && on_midnight > 0);
    assert_eq!(at_end.len(), last.len(), "every series is read at the end of the window");
    assert!(last.keys().any(|series| series.address.is_some()));
}

#[test]
fn each_kind_of_mess_comes_at_the_rate_asked_for() {
    let millionths = 10_000;
    let history = generate(&messy(millionths, options(900, 20, 18)));
    let rows = [
        (Stream::Events, u64::try_from(history.order.len()).unwrap()),
        (Stream::Samples, u64::try_from(history.samples.len()).unwrap()),
    ];
    for (stream, rows) in rows {
        let expected = rows * u64::from(millionths) / 1_000_000;
        assert!(expected > 150, "{expected} is enough to count");
        for kind in MessKind::ALL {
            let found = history.mess().filter(|m| m.stream == stream && m.kind == kind).count();
            let found = u64::try_from(found).unwrap();
            if stream == Stream::Samples && kind == MessKind::Lost {
                assert_eq!(found, 0);
                continue;
            }
            assert!(
                expected * 7 <= found * 10 && found * 7 <= expected * 10,
                "{found} {} rows of {stream:?}, about {expected} expected",
                kind.name()
            );
        }
    }
}

#[test]
fn the_files_hold_what_the_report_of_mess_says() {
    let history = generate(&messy(20_000, options(100, 10, 19)));
    let clean = generate(&options(100, 10, 19));
    let mut count: BTreeMap<MessKind, usize> = BTreeMap::new();
    for entry in history.mess().filter(|m| m.stream == Stream::Events) {
        *count.entry(entry.kind).or_default() += 1;
        assert!(!entry.what.is_empty() && !entry.row.is_empty());
    }
    let main: Vec<EmittedEvent> = history.events().collect();
    let second: Vec<EmittedEvent> = history.late_events().collect();
    let malformed = main.iter().filter(|l| matches!(l, EmittedEvent::Malformed(_))).count();
    assert_eq!(malformed, count[&MessKind::Malformed]);
    let truth: HashMap<u64, EventRow> = clean
        .events()
        .map(|line| match line {
            EmittedEvent::Event(row) => (row.event.id.0, row),
            EmittedEvent::Malformed(_) => panic!("no mess was asked for"),
        })
        .collect();
    let (mut seen, mut duplicates, mut conflicts) = (BTreeSet::new(), 0, 0);
    for line in main.iter().chain(&second) {
        let EmittedEvent::Event(row) = line else { continue };
        let id = row.event.id.0;
        if *row != truth[&id] {
            conflicts += 1;
            assert!(seen.contains(&id), "the true row of {id} comes first");
        } else if !seen.insert(id) {
            duplicates += 1;
        }
    }
    assert_eq!(duplicates, count[&MessKind::Duplicate]);
    assert_eq!(conflicts, count[&MessKind::Conflict]);
    let lost: BTreeSet<u64> = history
        .mess()
        .filter(|m| m.kind == MessKind::Lost)
        .map(|m| m.row.parse().unwrap())
        .collect();
    let missing: BTreeSet<u64> = truth.keys().filter(|id| !seen.contains(id)).copied().collect();
    assert_eq!(lost, missing);
    assert!(!second.is_empty());
}

#[test]
fn garbage_is_garbage_in_every_spelling() {
    let history = generate(&messy(20_000, options(100, 10, 20)));
    let true_rows = u64::try_from(history.order.len()).unwrap();
    let mut broken = BTreeSet::new();
    for line in history.events() {
        let EmittedEvent::Malformed(row) = line else { continue };
        let field = |name| row.fields.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str());
        let number = |name| field(name).and_then(|v| v.parse::<u64>().ok());
        let is_required_there = number("id").is_some()
            && field("created").is_some_and(|v| Instant::parse(v).is_ok())
            && number("account_id").is_some()
            && number("resource_id").is_some();
        let size_reads = field("size").is_some_and(|v| v.is_empty() || v.parse::<u64>().is_ok());
        assert!(!is_required_there || !size_reads, "{}", row.csv_line());
        assert!(number("id").is_none_or(|id| id > true_rows), "no true id is used up");
        assert!(row.json_line().starts_with("{\"id\":"));
        broken.insert(row.csv_line().matches(',').count());
    }
    assert!(broken.len() > 1, "some are cut short");
}

fn check_against_naive_bill(options: &Options) {
    let history = generate(options);
    let mut key = BTreeMap::new();
    for row in history.answer_key("UTC").unwrap().filter(|row| row.device_type.is_none()) {
        let row = KeyRow { coverage: Coverage::Whole, ..row };
        if let Some(billable) = row.billable {
            let key_row = KeyRow { truth: None, billable: None, ..row };
            key.insert(format!("{key_row:?}"), billable);
        }
    }
    let bill = naive::bill(&history);
    for (row, quantity) in &bill {
        assert_eq!(key.get(row), Some(quantity), "billed: {row}");
    }
    for (row, quantity) in &key {
        assert_eq!(bill.get(row), Some(quantity), "in the key: {row}");
    }
}

#[test]
fn the_key_is_what_the_letter_of_the_rules_makes_of_the_rows() {
    check_against_naive_bill(&options(200, 31, 23));
    for seed in 0..12 {
        check_against_naive_bill(&messy(100_000, options(120, 31, seed)));
        check_against_naive_bill(&messy(100_000, options(1, 3, seed)));
    }
}

#[test]
#[ignore = "a benchmark: 20 000 VMs for a month"]
fn a_month_of_20_000_vms() {
    let began = std::time::Instant::now();
    let history = generate(&messy(1_000, options(20_000, 31, 1)));
    println!("generated in {:?}", began.elapsed());
    let events = history.events().chain(history.late_events()).count();
    println!("{events} events by {:?}", began.elapsed());
    let samples = history.samples().count();
    println!("{samples} samples by {:?}", began.elapsed());
    let key = history.answer_key("America/New_York").unwrap().count();
    println!("{key} rows of the key by {:?}", began.elapsed());
    assert!(events > 500_000 && samples > 500_000 && key > 500_000);
}

#[test]
fn lost_rows_are_billed_on() {
    let history = generate(&messy(50_000, options(600, 20, 21)));
    let (mut more, mut other) = (0, BTreeSet::new());
    for row in history.answer_key("UTC").unwrap() {
        if row.truth != row.billable {
            more += 1;
            other.insert(row.usage_type.0);
        }
        assert!(row.truth.is_some() || row.billable.is_some());
    }
    assert!(more > 100);
    assert_eq!(other.into_iter().collect::<Vec<_>>(), [1, 2, 3, 6, 7, 8, 9, 11, 12, 13, 14]);
    // An account may pay less than the truth where another's stretch is cut short, but
    // never all together: nothing but a close was lost.
    let mut sums: BTreeMap<u16, (u64, u64)> = BTreeMap::new();
    for row in history.answer_key("UTC").unwrap() {
        let sum = sums.entry(row.usage_type.0).or_default();
        sum.0 += row.truth.unwrap_or(0);
        sum.1 += row.billable.unwrap_or(0);
    }
    assert!(sums.values().all(|(truth, billable)| truth <= billable));
}

#[test]
fn the_written_key_reads_back() {
    let history = generate(&options(5, 2, 22));
    let mut csv = Vec::new();
    let zone = "America/New_York";
    let rows = write_key(zone, history.answer_key(zone).unwrap(), &mut csv).unwrap();
    let mut reader = csv::Reader::from_reader(csv.as_slice());
    assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>(), KEY_COLUMNS);
    let records: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(u64::try_from(records.len()).unwrap(), rows);
    assert!(records.iter().all(|record| &record[0] == zone));
    assert!(records.iter().any(|record| &record[2] == "no"), "the window ends at 19:00");
    assert_eq!(key_file_name(zone), "answer_key_America_New_York.csv");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_seed_makes_a_sane_history(
        seed: u64,
        vms in 1..25u32,
        days in 1..12u32,
        millionths in prop::sample::select(vec![0, 1_000, 100_000]),
        // Around the clock changes of 2026, at any second.
        start in 1_772_000_000..1_795_000_000i64,
    ) {
        let start = Instant::from_millis(start * 1_000);
        let options = messy(millionths, Options { start, ..options(vms, days, seed) });
        let history = generate(&options);
        check_running_within_allocated(&history);
        check_days_add_up(&options);
        for (key, (truth, billable)) in by_key(&history, "America/New_York") {
            prop_assert!(millionths > 0 || truth == billable, "{}", key);
        }
    }
}
