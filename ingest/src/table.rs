//! The columns of each stream, once for every format: CSV headers, JSON keys
//! and Parquet columns are read by these names and written in this order.
//!
//! A column knows how to take its value out of a row ([`Column::cell`]), which
//! serves the writers and the comparison of two rows with the same identity.
//! The way back, from values to rows, is in `decode`.
//!
//! # Source
//! Usage rules 1.

use std::fmt;

use cloudtally_model::{
    Account, CorrectiveEvent, Instant, LiveUse, NetworkSample, UsageEvent, names_a_nic, usage_type,
    utc_day_name,
};

/// One column of a stream.
#[derive(Debug)]
pub struct Column<T> {
    /// The name in a CSV header, a JSON object or a Parquet schema.
    pub name: &'static str,
    /// The kind of its values.
    pub kind: Kind,
    /// Its presence in an input: required or not.
    pub need: Need,
    /// The value of a row.
    pub cell: fn(&T) -> Cell<'_>,
}

impl<T> Column<T> {
    /// True of a column of names that matter and may be any word.
    pub(crate) fn holds_names(&self) -> bool {
        matches!(self.name, "account_name" | "name" | "author")
    }
}

/// The kind of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number from 0 to 2^63 - 1.
    Unsigned,
    /// A whole number from -2^63 to 2^63 - 1.
    Signed,
    /// UTF-8.
    Text,
    /// A point in time.
    Instant,
    /// True or false; absent is false.
    Flag,
}

/// The presence of a column in an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The column must be there and every row must fill it.
    Required,
    /// The column may be missing or empty.
    Optional,
    /// The column may be there; its values are not looked at.
    Ignored,
}

/// One value of a row, as the writers spell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    /// No value.
    Absent,
    /// A value of a [`Kind::Unsigned`] column.
    Unsigned(u64),
    /// A value of a [`Kind::Signed`] column.
    Signed(i64),
    /// A value of a [`Kind::Text`] column.
    Text(&'a str),
    /// A value of a [`Kind::Instant`] column.
    Instant(Instant),
    /// True in a [`Kind::Flag`] column; false is written as absent.
    Set,
}

/// A row of one of the three streams.
pub trait Row: Clone + PartialEq + fmt::Debug + Send + Sync + Sized + 'static {
    /// The stream's name in messages.
    const STREAM: &'static str;

    /// The columns in the order in which they are written.
    fn columns() -> &'static [Column<Self>];

    /// False for a column whose value may differ between two exports of one row.
    fn counts(&self, _column: &Column<Self>) -> bool {
        true
    }
}

impl<'a> Cell<'a> {
    fn unsigned<T: Into<u64>>(value: Option<T>) -> Self {
        value.map_or(Self::Absent, |value| Self::Unsigned(value.into()))
    }

    fn text(value: Option<&'a impl AsRef<str>>) -> Self {
        value.map_or(Self::Absent, |value| Self::Text(value.as_ref()))
    }

    fn instant(value: Option<Instant>) -> Self {
        value.map_or(Self::Absent, Self::Instant)
    }
}

/// As CSV spells it, without quotes; an absent value is empty.
impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => Ok(()),
            Self::Unsigned(number) => number.fmt(f),
            Self::Signed(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
            Self::Set => f.write_str("true"),
            Self::Instant(instant) => {
                f.write_str(&utc_day_name(instant.utc_day()))?;
                f.write_str(&time_of_day(*instant))
            }
        }
    }
}

/// ` 23:59:59`, or ` 23:59:59.500` where there are milliseconds.
pub(crate) fn time_of_day(instant: Instant) -> String {
    let millis = instant.as_millis().rem_euclid(86_400_000);
    let (seconds, fraction_ms) = (millis / 1000, millis % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction_ms == 0 {
        format!(" {hour:02}:{minute:02}:{second:02}")
    } else {
        format!(" {hour:02}:{minute:02}:{second:02}.{fraction_ms:03}")
    }
}

const fn column<T>(
    name: &'static str,
    kind: Kind,
    need: Need,
    cell: fn(&T) -> Cell<'_>,
) -> Column<T> {
    Column { name, kind, need, cell }
}

use Kind::{Flag, Signed, Text, Unsigned};
use Need::{Ignored, Optional, Required};

/// The source's "no zone" is written as 0.
fn zone_cell(zone: cloudtally_model::ZoneId) -> Cell<'static> {
    Cell::Signed(zone.number().and_then(|number| i64::try_from(number).ok()).unwrap_or(0))
}

static EVENT_COLUMNS: [Column<UsageEvent>; 13] = [
    column("id", Unsigned, Required, |e| Cell::Unsigned(e.id.0)),
    column("type", Text, Required, |e| Cell::Text(&e.event_type)),
    column("created", Kind::Instant, Required, |e| Cell::Instant(e.created)),
    column("account_id", Unsigned, Required, |e| Cell::Unsigned(e.account.0)),
    column("zone_id", Signed, Required, |e| zone_cell(e.zone)),
    column("resource_id", Unsigned, Required, |e| Cell::Unsigned(e.resource.0)),
    column("resource_name", Text, Optional, |e| Cell::text(e.resource_name.as_ref())),
    column("offering_id", Unsigned, Optional, |e| Cell::unsigned(e.offering.map(|id| id.0))),
    column("template_id", Unsigned, Optional, |e| Cell::unsigned(e.template.map(|id| id.0))),
    column("size", Unsigned, Optional, |e| Cell::unsigned(e.size)),
    column("virtual_size", Unsigned, Optional, |e| Cell::unsigned(e.virtual_size)),
    column("resource_type", Text, Optional, |e| Cell::text(e.resource_type.as_ref())),
    column("processed", Unsigned, Ignored, |_| Cell::Unsigned(0)),
];

static SAMPLE_COLUMNS: [Column<NetworkSample>; 10] = [
    column("sampled", Kind::Instant, Required, |s| Cell::Instant(s.sampled)),
    column("account_id", Unsigned, Required, |s| Cell::Unsigned(s.series.account.0)),
    column("zone_id", Signed, Required, |s| zone_cell(s.series.zone)),
    column("device_id", Unsigned, Required, |s| Cell::Unsigned(s.series.device)),
    column("device_type", Text, Optional, |s| match s.series.device_type.as_name() {
        "" => Cell::Absent,
        name => Cell::Text(name),
    }),
    column("network_id", Unsigned, Optional, |s| Cell::Unsigned(s.series.network.0)),
    column("bytes_sent", Unsigned, Required, |s| Cell::Unsigned(s.bytes_sent)),
    column("bytes_received", Unsigned, Required, |s| Cell::Unsigned(s.bytes_received)),
    column("address", Text, Optional, |s| Cell::text(s.series.address.as_ref())),
    column("restarted", Flag, Optional, |s| if s.restarted { Cell::Set } else { Cell::Absent }),
];

static ACCOUNT_COLUMNS: [Column<Account>; 9] = [
    column("id", Unsigned, Required, |a| Cell::Unsigned(a.id.0)),
    column("account_name", Text, Required, |a| Cell::Text(&a.name)),
    column("uuid", Text, Optional, |a| Cell::text(a.uuid.as_ref())),
    column("type", Unsigned, Optional, |a| Cell::unsigned(a.account_type.map(|t| t.number()))),
    column("domain_id", Unsigned, Optional, |a| Cell::unsigned(a.domain.map(|id| id.0))),
    column("domain_path", Text, Optional, |a| Cell::text(a.domain_path.as_ref())),
    column("state", Text, Optional, |a| Cell::text(a.state.as_ref())),
    column("created", Kind::Instant, Optional, |a| Cell::instant(a.created)),
    column("removed", Kind::Instant, Optional, |a| Cell::instant(a.removed)),
];

static CORRECTIVE_COLUMNS: [Column<CorrectiveEvent>; 14] = [
    column("id", Unsigned, Required, |c| {
        Cell::Unsigned(c.event.id.0.saturating_sub(CorrectiveEvent::FIRST_ID))
    }),
    column("type", Text, Required, |c| Cell::Text(&c.event.event_type)),
    column("created", Kind::Instant, Required, |c| Cell::Instant(c.event.created)),
    column("account_id", Unsigned, Required, |c| Cell::Unsigned(c.event.account.0)),
    column("zone_id", Signed, Required, |c| zone_cell(c.event.zone)),
    column("resource_id", Unsigned, Required, |c| Cell::Unsigned(c.event.resource.0)),
    column("resource_name", Text, Optional, |c| Cell::text(c.event.resource_name.as_ref())),
    column("offering_id", Unsigned, Optional, |c| Cell::unsigned(c.event.offering.map(|id| id.0))),
    column("template_id", Unsigned, Optional, |c| Cell::unsigned(c.event.template.map(|id| id.0))),
    column("size", Unsigned, Optional, |c| Cell::unsigned(c.event.size)),
    column("virtual_size", Unsigned, Optional, |c| Cell::unsigned(c.event.virtual_size)),
    column("resource_type", Text, Optional, |c| Cell::text(c.event.resource_type.as_ref())),
    column("author", Text, Required, |c| Cell::Text(&c.author)),
    column("reason", Text, Required, |c| Cell::Text(&c.reason)),
];

static INVENTORY_COLUMNS: [Column<LiveUse>; 6] = [
    column("usage_type", Text, Required, |u| {
        Cell::Text(usage_type(u.usage_type).map_or("", |row| row.constant))
    }),
    column("resource_id", Unsigned, Required, |u| Cell::Unsigned(u.resource.0)),
    column("zone_id", Signed, Optional, |u| u.zone.map_or(Cell::Absent, zone_cell)),
    column("nic_id", Unsigned, Optional, |u| Cell::unsigned(u.nic.map(|id| id.0))),
    column("account_id", Unsigned, Optional, |u| Cell::unsigned(u.account.map(|id| id.0))),
    column("name", Text, Optional, |u| Cell::text(u.name.as_ref())),
];

impl Row for CorrectiveEvent {
    const STREAM: &'static str = "corrections";
    fn columns() -> &'static [Column<Self>] {
        &CORRECTIVE_COLUMNS
    }
}

impl Row for LiveUse {
    const STREAM: &'static str = "inventory";
    fn columns() -> &'static [Column<Self>] {
        &INVENTORY_COLUMNS
    }
}

impl Row for UsageEvent {
    const STREAM: &'static str = "usage events";
    fn columns() -> &'static [Column<Self>] {
        &EVENT_COLUMNS
    }

    /// Names pass through terminals, spreadsheets and dumps that render them
    /// differently; the name of a NIC is its number and tells stretches apart.
    fn counts(&self, column: &Column<Self>) -> bool {
        column.name != "resource_name" || names_a_nic(&self.event_type)
    }
}

impl Row for NetworkSample {
    const STREAM: &'static str = "network samples";
    fn columns() -> &'static [Column<Self>] {
        &SAMPLE_COLUMNS
    }
}

impl Row for Account {
    const STREAM: &'static str = "accounts";
    fn columns() -> &'static [Column<Self>] {
        &ACCOUNT_COLUMNS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_spelt_as_in_a_dump() {
        for (millis, expected) in [
            (0, "1970-01-01 00:00:00"),
            (1_769_903_999_000, "2026-01-31 23:59:59"),
            (1_769_903_999_007, "2026-01-31 23:59:59.007"),
        ] {
            let instant = Instant::from_millis(millis);
            assert_eq!(Cell::Instant(instant).to_string(), expected);
            assert_eq!(Instant::parse(expected), Ok(instant));
        }
    }
}
