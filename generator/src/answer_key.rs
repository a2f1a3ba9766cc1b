//! The answer key: what a bill must say, local day by local day.
//!
//! It is computed from what the simulated cloud decided (timelines and traffic), not
//! from the rows it wrote, so that it is a second opinion on the aggregation and not
//! an echo of it. A row stands for one usage record:
//!
//! - `truth` is what happened, `billable` what can be known from the rows that are
//!   left; they differ only where a closing event was lost. An empty cell means that
//!   no record is right.
//! - Quantities are exact: milliseconds, or bytes for types 4 and 5.
//! - The key is the usage type's: what a type does not tell records apart by is empty.
//! - `complete` is `no` for a last day that the window does not cover to its end: a
//!   bill of the whole day adds what was still open, so compare only `yes` days.

use std::{collections::BTreeMap, io};

use cloudtally_model::{
    AccountId, DeviceType, NetworkId, NicId, OfferingId, ResourceId, TemplateId, Text, UsageTypeId,
    ZoneId,
};
use cloudtally_oracle::{Coverage, LocalDay};
use thiserror::Error;

use crate::{
    MessEntry, Options,
    timeline::{Key, Quantities, Timeline},
    traffic::Group,
};

/// The values that one usage record must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// The local day, `2026-01-31`.
    pub day: Text,
    /// The coverage: complete, or cut by the window's end.
    pub coverage: Coverage,
    /// The account that pays.
    pub account: AccountId,
    /// The usage type.
    pub usage_type: UsageTypeId,
    /// The zone; "no zone" for VPN users, static NAT rules and region-wide images.
    pub zone: ZoneId,
    /// The thing used; the device for bytes.
    pub resource: ResourceId,
    /// The NIC, for network offerings; 0 elsewhere.
    pub nic: NicId,
    /// Offering, where it is part of the key.
    pub offering: Option<OfferingId>,
    /// Template, where it is part of the key.
    pub template: Option<TemplateId>,
    /// Bytes of storage, where they are part of the key.
    pub size: Option<u64>,
    /// The device, for bytes.
    pub device_type: Option<DeviceType>,
    /// The guest network, for bytes; 0 is none.
    pub network: NetworkId,
    /// The true use: milliseconds or bytes.
    pub truth: Option<u64>,
    /// The billable use, as far as the stream tells: milliseconds or bytes.
    pub billable: Option<u64>,
}

/// The rows of one timeline, by day and key.
pub(crate) fn timeline_rows(
    timeline: &Timeline,
    days: &[LocalDay],
    sums: BTreeMap<(usize, Key), Quantities>,
) -> Vec<KeyRow> {
    let row = |((day, key), quantities): ((usize, Key), Quantities)| KeyRow {
        day: days[day].name.clone(),
        coverage: days[day].coverage,
        account: AccountId(key.account.into()),
        usage_type: timeline.usage_type,
        zone: ZoneId::from_source(key.zone.into()),
        resource: ResourceId(timeline.resource.into()),
        nic: NicId(timeline.nic.into()),
        offering: key.offering.map(|id| OfferingId(id.into())),
        template: key.template.map(|id| TemplateId(id.into())),
        size: key.size,
        device_type: None,
        network: NetworkId(0),
        truth: quantities.truth,
        billable: quantities.billable,
    };
    sums.into_iter().map(row).collect()
}

/// The rows of one group of series: types 4 and 5 both, or none where both are zero.
pub(crate) fn traffic_rows(group: &Group, options: &Options, days: &[LocalDay]) -> Vec<KeyRow> {
    let mut sums: BTreeMap<usize, (u64, u64)> = BTreeMap::new();
    for series in &group.series {
        series.play(options, |reading| {
            let Some((sent, received)) = reading.moved else { return };
            // The day that ends at or after the reading: on a boundary, the one that
            // ends there.
            let day = days.partition_point(|day| day.end < reading.at);
            let sum = sums.entry(day).or_default();
            (sum.0, sum.1) = (sum.0 + sent, sum.1 + received);
        });
    }
    let mut rows = Vec::new();
    for (day, (sent, received)) in sums {
        if sent == 0 && received == 0 {
            continue;
        }
        for (usage_type, bytes) in [
            (UsageTypeId::NETWORK_BYTES_SENT, sent),
            (UsageTypeId::NETWORK_BYTES_RECEIVED, received),
        ] {
            rows.push(KeyRow {
                day: days[day].name.clone(),
                coverage: days[day].coverage,
                account: AccountId(group.account.into()),
                usage_type,
                zone: ZoneId::from_source(group.zone.into()),
                resource: ResourceId(group.device.into()),
                nic: NicId(0),
                offering: None,
                template: None,
                size: None,
                device_type: Some(group.device_type.clone()),
                network: NetworkId(group.network.into()),
                truth: Some(bytes),
                billable: Some(bytes),
            });
        }
    }
    rows
}

/// Why an answer key could not be written.
#[derive(Debug, Error)]
#[error("cannot write the answer key")]
pub struct KeyError(#[from] csv::Error);

/// The columns of an answer key.
pub const KEY_COLUMNS: [&str; 16] = [
    "timezone",
    "day",
    "complete",
    "accountid",
    "usagetype",
    "zoneid",
    "resourceid",
    "nicid",
    "offeringid",
    "templateid",
    "size",
    "devicetype",
    "networkid",
    "truth",
    "billable",
    "unit",
];

/// The name of a zone's answer key: `answer_key_America_New_York.csv`.
pub fn key_file_name(timezone: &str) -> String {
    format!("answer_key_{}.csv", timezone.replace('/', "_"))
}

/// The name of the report of mess.
pub const MESS_FILE_NAME: &str = "mess.csv";

/// Writes the rows of one zone as CSV. Returns how many there are.
pub fn write_key(
    timezone: &str,
    rows: impl IntoIterator<Item = KeyRow>,
    out: impl io::Write,
) -> Result<u64, KeyError> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(KEY_COLUMNS)?;
    let number = |value: u64| if value == 0 { String::new() } else { value.to_string() };
    let optional = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
    let mut count = 0;
    for row in rows {
        let is_bytes = row.device_type.is_some();
        writer.write_record([
            timezone,
            &row.day,
            match row.coverage {
                Coverage::Whole => "yes",
                Coverage::Partial => "no",
            },
            &row.account.to_string(),
            &row.usage_type.to_string(),
            &optional(row.zone.number()),
            &row.resource.to_string(),
            &number(row.nic.0),
            &optional(row.offering.map(|id| id.0)),
            &optional(row.template.map(|id| id.0)),
            &optional(row.size),
            row.device_type.as_ref().map_or("", DeviceType::as_name),
            &number(row.network.0),
            &optional(row.truth),
            &optional(row.billable),
            if is_bytes { "bytes" } else { "ms" },
        ])?;
        count += 1;
    }
    writer.flush().map_err(csv::Error::from)?;
    Ok(count)
}

/// Writes the report of mess as CSV: `stream,kind,row,what`. Returns how many entries.
pub fn write_mess(
    entries: impl IntoIterator<Item = MessEntry>,
    out: impl io::Write,
) -> Result<u64, KeyError> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(["stream", "kind", "row", "what"])?;
    let mut count = 0;
    for entry in entries {
        writer.write_record([entry.stream.name(), entry.kind.name(), &entry.row, &entry.what])?;
        count += 1;
    }
    writer.flush().map_err(csv::Error::from)?;
    Ok(count)
}
