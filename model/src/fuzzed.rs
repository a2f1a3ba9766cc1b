//! Dates that nobody wrote, from the corpus in `tests/corpus`.

use chrono::{DateTime, NaiveDate};
use cloudtally_fuzz::{Choices, Target, Unstructured, kind_of};

use crate::{AggregationRange, Calendar, Instant, calendar};

const CORPORA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");

const WORDS: &[&str] = &[
    "2026-01-31",
    "23:59:59",
    "24:00:00",
    "1970-01-01",
    "9999-12-31",
    "2024-02-29",
    "2023-02-29",
    "0000-00-00",
    "2011-12-30",
    "2026-03-08 02:30:00",
    "T",
    "Z",
    " UTC",
    "+05:30",
    "-1800",
    "+18:00",
    ".999",
    ",5",
    "-00:00",
    "\u{e9}",
];

/// Zones with dates that were skipped, or shown twice, and one that changed by minutes.
const ZONES: [&str; 5] =
    ["UTC", "America/New_York", "Pacific/Apia", "America/St_Johns", "Africa/Monrovia"];

fn calendars() -> Vec<Calendar> {
    let range: AggregationRange = "1440".parse().unwrap();
    ZONES.iter().map(|name| Calendar::new(calendar::time_zone(name).unwrap(), range)).collect()
}

/// A sound text of an instant, and what it means by chrono's calendar.
fn sound(choices: &mut Unstructured<'_>) -> Choices<(String, Option<i64>)> {
    let mut number = |least: u32, most: u32| choices.int_in_range(least..=most);
    let (year, month, day) = (number(1960, 9999)?, number(1, 12)?, number(1, 31)?);
    let (hour, minute, second) = (number(0, 23)?, number(0, 59)?, number(0, 59)?);
    let (millis, hours, minutes) = (number(0, 999)?, number(0, 18)?, number(0, 59)?);
    let separator = [" ", "T", "t"][number(0, 2)? as usize];
    let (sign, by) = [("+", -1), ("-", 1)][number(0, 1)? as usize];
    let (offset, is_offset) = match number(0, 4)? {
        0 => (String::new(), false),
        1 => ("Z".to_owned(), false),
        2 => (format!("{sign}{hours:02}{minutes:02}"), true),
        3 => (format!("{sign}{hours:02}:{minutes:02}"), true),
        _ => (" UTC".to_owned(), false),
    };
    let text = format!(
        "{year:04}-{month:02}-{day:02}{separator}{hour:02}:{minute:02}:{second:02}.{millis:03}{offset}"
    );
    let date = NaiveDate::from_ymd_opt(year.cast_signed(), month, day);
    let time = date.and_then(|date| date.and_hms_milli_opt(hour, minute, second, millis));
    let shift = if is_offset { by * i64::from((hours * 60 + minutes) * 60_000) } else { 0 };
    let millis = time.map(|time| time.and_utc().timestamp_millis() + shift);
    let billed = Instant::EPOCH.as_millis()..Instant::END_OF_TIME.as_millis();
    Ok((text, millis.filter(|millis| billed.contains(millis))))
}

#[test]
fn dates() {
    let calendars = calendars();
    let target = Target { name: "dates", corpora: CORPORA, rounds: 60_000, words: WORDS };
    target.run(|input| {
        // 1. Choices out of the bytes: what is sound is read as the calendar says.
        let mut choices = Unstructured::new(input);
        let (text, expected) = sound(&mut choices).expect("choices never run out");
        assert_eq!(Instant::parse(&text).ok().map(Instant::as_millis), expected, "{text}");

        // 2. The bytes as a text.
        let Ok(text) = std::str::from_utf8(input) else { return None };
        let read = Instant::parse(text);
        if let Ok(instant) = read {
            assert_eq!(Instant::parse(&instant.to_string()), Ok(instant), "{text}");
            if let Ok(theirs) = DateTime::parse_from_rfc3339(text) {
                assert_eq!(instant.as_millis(), theirs.timestamp_millis(), "{text}");
            }
        }
        if let Ok(day) = calendar::day(text) {
            assert_eq!(day.to_string(), text);
        }
        let bounds = calendars.iter().map(|calendar| bound(calendar, text));
        Some((read.map(drop).map_err(|e| kind_of(&e.to_string())), bounds.collect::<Vec<_>>()))
    });
}

/// Reads a bound of a query, which lies in the years that there can be usage in, in order.
fn bound(calendar: &Calendar, text: &str) -> bool {
    let Some((first, last)) = calendar.query_bound(text) else { return false };
    assert!(Instant::EPOCH <= first && first < Instant::END_OF_TIME, "{text}: {first}");
    assert!(Instant::EPOCH <= last && last < Instant::END_OF_TIME, "{text}: {last}");
    // A day that the clocks skipped is shorter than the second that a bound cuts off.
    assert!(last.since(first).0 >= -1000, "{text}: {first} to {last}");
    true
}
