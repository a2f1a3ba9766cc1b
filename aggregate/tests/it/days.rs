//! Every clock change of a dozen zones between 2005 and 2037: a VM that runs
//! throughout is billed for exactly the time that passed, one record a local date
//! that exists, each as long as the date is.
//!
//! The length of a date is found by walking time and asking the zone for the date
//! shown; a date begins when it is shown for the first time.

use chrono::{DateTime, Datelike, NaiveDate, TimeZone};
use cloudtally_aggregate::{add_resource, fold::Fold};
use cloudtally_model::{
    AggregationRange, Calendar, Instant, Millis, Period, ResourceKind, SourceId, UsageRecord,
    calendar::time_zone, event_code,
};

use crate::support::{World, at, events, trimmed};

const ZONES: [&str; 14] = [
    "UTC",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Europe/Paris",
    "Asia/Beirut",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Africa/Casablanca",
    "Antarctica/Troll",
];

/// The instants at which local dates are shown for the first time, by walking minutes where the
/// offset changes and hours elsewhere.
fn first_instants(zone: &impl TimeZone, from: Instant, to: Instant) -> Vec<(NaiveDate, Instant)> {
    let shown = |at: Instant| {
        let utc = DateTime::from_timestamp_millis(at.as_millis()).unwrap();
        zone.from_utc_datetime(&utc.naive_utc())
    };
    let mut dates: Vec<(NaiveDate, Instant)> = Vec::new();
    let mut hour = from;
    while hour < to {
        let next = hour + Millis::HOUR;
        // All offsets are whole minutes since 2005, and so are all changes.
        if shown(hour).date_naive() != shown(next).date_naive()
            || shown(hour).naive_local() + chrono::TimeDelta::hours(1) != shown(next).naive_local()
        {
            let mut minute = hour;
            while minute < next {
                minute = minute + Millis::MINUTE;
                let date = shown(minute).date_naive();
                if dates.last().is_none_or(|(last, _)| *last < date) {
                    dates.push((date, minute));
                }
            }
        }
        hour = next;
    }
    dates
}

#[test]
fn each_date_of_33_years_is_billed_for_as_long_as_it_is() {
    for name in ZONES {
        let zone = time_zone(name).unwrap();
        let calendar = Calendar::new(zone, AggregationRange::DAY);
        let dates = first_instants(&zone, at("2004-12-30 00:00:00"), at("2038-01-03 00:00:00"));
        let dates: Vec<_> = dates.windows(2).map(|w| (w[0].0, w[0].1, w[1].1)).collect();
        let dates: Vec<_> =
            dates.into_iter().filter(|(date, ..)| (2005..2038).contains(&date.year())).collect();
        let (start, end) = (dates[0].1, dates.last().unwrap().2);

        let periods: Vec<Period> = calendar.complete_periods(start, end).collect();
        let mut fold = Fold::resume(SourceId(0), ResourceKind::Vm, 4.into(), Vec::new());
        for mut event in events("2004-12-01 00:00:00 VM.CREATE 4\n2004-12-01 00:00:00 VM.START 4") {
            event.created = start;
            fold.apply(event_code(&event.event_type).unwrap(), &event, &|_| None);
        }
        let segments = fold.finish(end, &|_| None).segments;
        let mut records: Vec<Vec<UsageRecord>> = vec![Vec::new(); periods.len()];
        add_resource(&segments, &periods, &mut records);

        assert_eq!(periods.len(), dates.len(), "{name}: one period a date that exists");
        let mut sum = 0;
        for ((records, period), (date, start, end)) in records.iter().zip(&periods).zip(&dates) {
            assert_eq!((period.start, period.end), (*start, *end), "{name} {date}");
            assert_eq!(calendar.date_of(period.start), *date, "{name}");
            let length = u64::try_from(end.since(*start).0).unwrap();
            let used: Vec<_> =
                records.iter().map(|r| (r.usage_type.0, r.quantity.unsigned_abs())).collect();
            assert_eq!(used, [(1, length), (2, length)], "{name} {date}");
            sum += length;
        }
        assert_eq!(sum, u64::try_from(end.since(start).0).unwrap(), "{name}");
    }
}

/// The same through the store, around changes known from the news.
fn check(zone: &str, from_utc: &str, until_utc: &str, expected: &str) {
    let world = World::new(zone, "1440");
    world.events("default", &events(&format!("{from_utc} VM.START 4")));
    world.job(at(until_utc));
    let lines: String =
        world.lines().lines().map(|line| line.replace(" 1 4 a2 z1", "") + "\n").collect();
    assert_eq!(lines, trimmed(expected), "{zone}");
}

#[test]
fn known_changes_through_the_store() {
    check(
        "Pacific/Apia",
        "2011-12-29 10:00:00",
        "2012-01-01 10:00:00",
        "2011-12-29 = 24h
         2011-12-31 = 24h
         2012-01-01 = 24h",
    );
    check(
        "America/Sao_Paulo",
        "2018-11-03 03:00:00",
        "2018-11-05 02:00:00",
        "2018-11-03 = 24h
         2018-11-04 = 23h",
    );
    check(
        "America/St_Johns",
        "2006-10-28 02:30:00",
        "2006-10-30 03:30:00",
        "2006-10-28 = 24h
         2006-10-29 = 25h",
    );
    check(
        "Asia/Beirut",
        "2022-03-25 22:00:00",
        "2022-03-27 21:00:00",
        "2022-03-26 = 24h
         2022-03-27 = 23h",
    );
    check(
        "Africa/Cairo",
        "2024-04-24 22:00:00",
        "2024-04-26 21:00:00",
        "2024-04-25 = 24h
         2024-04-26 = 23h",
    );
    // Troll changes by two hours.
    check(
        "Antarctica/Troll",
        "2026-03-28 00:00:00",
        "2026-03-29 22:00:00",
        "2026-03-28 = 24h
         2026-03-29 = 22h",
    );
    check("Asia/Kathmandu", "2026-02-28 18:15:00", "2026-03-01 18:15:00", "2026-03-01 = 24h");
}
