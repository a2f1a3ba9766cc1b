//! Rows of a history, handed out one by one.
//!
//! Files are written by others; a row that no writer of typed rows can express (a
//! malformed one, or a zone of -1, which is "no zone" and comes back as 0) can
//! spell itself as a line of CSV or of JSON.

use std::fmt::Write as _;

use cloudtally_model::{Instant, NetworkSample, UsageEvent, utc_day_name};

/// One usage event as the source writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// The event; its zone is "no zone" for 0 and for -1.
    pub event: UsageEvent,
    /// The source's number of the zone, -1 for a region-wide copy.
    pub zone_number: i64,
}

/// A row as named fields, which need not be readable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawRow {
    /// Column names and values in file order; a column may be missing.
    pub fields: Vec<(&'static str, String)>,
}

/// One line of the file of usage events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmittedEvent {
    /// A well-formed row: a true event, a duplicate, or other content under an id
    /// already used.
    Event(EventRow),
    /// Garbage: a line that stands for nothing and must be set aside.
    Malformed(RawRow),
}

/// One line of the file of network samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmittedSample {
    /// A well-formed row: a true sample, a duplicate, or other counters of a series
    /// at an instant already used.
    Sample(NetworkSample),
    /// Garbage: a line that stands for nothing and must be set aside.
    Malformed(RawRow),
}

/// The columns of usage events, in the order of the real table.
pub const EVENT_COLUMNS: [&str; 13] = [
    "id",
    "type",
    "created",
    "account_id",
    "zone_id",
    "resource_id",
    "resource_name",
    "offering_id",
    "template_id",
    "size",
    "virtual_size",
    "resource_type",
    "processed",
];

/// The columns of network samples.
pub const SAMPLE_COLUMNS: [&str; 9] = [
    "sampled",
    "account_id",
    "zone_id",
    "device_id",
    "device_type",
    "network_id",
    "bytes_sent",
    "bytes_received",
    "address",
];

/// Columns that JSON quotes even where the value reads as a number (NIC ids).
const TEXT_COLUMNS: [&str; 4] = ["type", "resource_name", "resource_type", "address"];

impl EventRow {
    /// Returns true if a writer of typed rows loses nothing of this row.
    pub fn is_plain(&self) -> bool {
        self.zone_number >= 0
    }

    /// The row as named fields; an absent value is an empty text.
    pub fn fields(&self) -> RawRow {
        let event = &self.event;
        let number = |value: Option<u64>| value.map_or_else(String::new, |n| n.to_string());
        let text = |value: Option<&str>| value.unwrap_or("").to_owned();
        let values = [
            event.id.to_string(),
            event.event_type.to_string(),
            dump_time(event.created),
            event.account.to_string(),
            self.zone_number.to_string(),
            event.resource.to_string(),
            text(event.resource_name.as_deref()),
            number(event.offering.map(|id| id.0)),
            number(event.template.map(|id| id.0)),
            number(event.size),
            number(event.virtual_size),
            text(event.resource_type.as_deref()),
            "0".to_owned(),
        ];
        RawRow { fields: EVENT_COLUMNS.into_iter().zip(values).collect() }
    }
}

/// A sample as named fields; an absent value is an empty text.
pub(crate) fn sample_fields(sample: &NetworkSample) -> RawRow {
    let series = &sample.series;
    let values = [
        dump_time(sample.sampled),
        series.account.to_string(),
        series.zone.number().unwrap_or(0).to_string(),
        series.device.to_string(),
        series.device_type.to_string(),
        series.network.to_string(),
        sample.bytes_sent.to_string(),
        sample.bytes_received.to_string(),
        series.address.as_deref().unwrap_or("").to_owned(),
    ];
    RawRow { fields: SAMPLE_COLUMNS.into_iter().zip(values).collect() }
}

impl RawRow {
    /// The row as a line of CSV, cut short where fields are missing at the end.
    pub fn csv_line(&self) -> String {
        let quoted = self.fields.iter().map(|(_, value)| {
            if value.contains([',', '"', '\n', '\r']) {
                format!("\"{}\"", value.replace('"', "\"\""))
            } else {
                value.clone()
            }
        });
        quoted.collect::<Vec<_>>().join(",")
    }

    /// The row as a line of JSON: numbers where they read as such, an empty value
    /// as null.
    pub fn json_line(&self) -> String {
        let mut line = String::from("{");
        for (index, (name, value)) in self.fields.iter().enumerate() {
            if index > 0 {
                line.push(',');
            }
            let _ = write!(line, "\"{name}\":");
            if value.is_empty() {
                line.push_str("null");
            } else if !TEXT_COLUMNS.contains(name) && is_json_integer(value) {
                line.push_str(value);
            } else {
                line.push('"');
                for c in value.chars() {
                    match c {
                        '"' | '\\' => line.extend(['\\', c]),
                        c if c.is_control() => {
                            let _ = write!(line, "\\u{:04x}", u32::from(c));
                        }
                        c => line.push(c),
                    }
                }
                line.push('"');
            }
        }
        line.push('}');
        line
    }
}

/// Returns true if JSON can write the value as a bare number: no leading zeros.
fn is_json_integer(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    let all_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    all_digits && (digits == "0" || !digits.starts_with('0'))
}

/// `2026-01-31 23:59:59`, with milliseconds only where there are any, in UTC.
pub(crate) fn dump_time(instant: Instant) -> String {
    let millis = instant.as_millis().rem_euclid(86_400_000);
    let (seconds, fraction_ms) = (millis / 1_000, millis % 1_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let day = utc_day_name(instant.utc_day());
    let mut text = format!("{day} {hour:02}:{minute:02}:{second:02}");
    if fraction_ms != 0 {
        let _ = write!(text, ".{fraction_ms:03}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_spell_what_typed_rows_cannot() {
        let row = RawRow {
            fields: vec![
                ("id", "12x".to_owned()),
                ("zone_id", "-1".to_owned()),
                ("resource_name", "a \"b\", c".to_owned()),
                ("size", String::new()),
                ("offering_id", "007".to_owned()),
            ],
        };
        assert_eq!(row.csv_line(), "12x,-1,\"a \"\"b\"\", c\",,007");
        assert_eq!(
            row.json_line(),
            r#"{"id":"12x","zone_id":-1,"resource_name":"a \"b\", c","size":null,"offering_id":"007"}"#
        );
    }

    #[test]
    fn times_as_in_a_dump() {
        let read = |text| dump_time(Instant::parse(text).unwrap());
        assert_eq!(read("2026-01-31T23:59:59Z"), "2026-01-31 23:59:59");
        assert_eq!(read("2026-01-31T23:59:59.007Z"), "2026-01-31 23:59:59.007");
    }
}
