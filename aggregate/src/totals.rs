//! Totals for people: records grouped by day, account, type, zone or offering.
//!
//! The one place where ad-hoc grouping is wanted, and so the place for polars:
//! the wanted columns of the records become a data frame and one `group_by`
//! does the rest. Sums stay exact: a quantity is split into its high and low 32
//! bits, whose sums cannot overflow, and put together again in 128 bits.

use cloudtally_model::{Calendar, UsageTypeId, hours, usage_type};
use cloudtally_store::{Accounts, RecordSet};
use polars::prelude::{
    Column, DataFrame, IntoLazy, NamedFrom, PlSmallStr, PolarsError, Series, SortMultipleOptions,
    col,
};

use crate::AggregateError;

/// Something records can be grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// The local day the record's period ends in.
    Day,
    /// The account's name.
    Account,
    /// The domain's path, or its number.
    Domain,
    /// The usage type.
    Type,
    /// The zone.
    Zone,
    /// The offering.
    Offering,
    /// The source.
    Source,
    /// The resource: VM, volume, address, ...
    Resource,
}

const GROUPS: &[(&str, GroupBy)] = &[
    ("day", GroupBy::Day),
    ("account", GroupBy::Account),
    ("domain", GroupBy::Domain),
    ("type", GroupBy::Type),
    ("zone", GroupBy::Zone),
    ("offering", GroupBy::Offering),
    ("source", GroupBy::Source),
    ("resource", GroupBy::Resource),
];

impl GroupBy {
    /// Reads a column name of `--group-by`.
    pub fn from_name(name: &str) -> Result<Self, AggregateError> {
        let known = GROUPS.iter().find(|(known, _)| *known == name).map(|(_, group)| *group);
        known.ok_or_else(|| AggregateError::UnknownGroup {
            name: name.to_owned(),
            allowed: GROUPS.iter().map(|(name, _)| *name).collect(),
        })
    }

    /// The column's name.
    pub fn name(self) -> &'static str {
        let found = GROUPS.iter().find(|(_, group)| *group == self);
        found.map_or("", |(name, _)| name)
    }
}

/// One line of totals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    /// The values of the columns grouped by, in their order; empty where a
    /// record has none.
    pub group: Vec<String>,
    /// The usage type; quantities of different types are never added up.
    pub usage_type: UsageTypeId,
    /// How many records.
    pub records: u64,
    /// The exact sum, in milliseconds or bytes as the type says.
    pub quantity: u128,
}

impl Total {
    /// The sum for people: hours or bytes, with the unit.
    pub fn usage(&self) -> String {
        let row = usage_type(self.usage_type).expect("totals are made of records");
        match row.unit {
            cloudtally_model::Unit::Milliseconds => {
                // Beyond 64 bits of milliseconds hours are whole ones for any reader.
                let text = u64::try_from(self.quantity)
                    .map_or_else(|_| (self.quantity / 3_600_000).to_string(), hours);
                format!("{text} Hrs")
            }
            cloudtally_model::Unit::BytesSent => format!("{} bytes sent", self.quantity),
            cloudtally_model::Unit::BytesReceived => format!("{} bytes received", self.quantity),
        }
    }
}

/// Groups records; the usage type is always among the columns, last if it was
/// not asked for. Lines are sorted by their columns.
pub fn totals(
    records: &RecordSet,
    accounts: &Accounts,
    calendar: Calendar,
    groups: &[GroupBy],
) -> Result<Vec<Total>, AggregateError> {
    let mut columns: Vec<Vec<String>> = vec![Vec::new(); groups.len()];
    let (mut types, mut low, mut high) = (Vec::new(), Vec::new(), Vec::new());
    let mut partial: Vec<DataFrame> = Vec::new();
    let mut failed = None;
    let sources = records.sources().clone();
    records.for_each(&mut |served| {
        let record = &served.record;
        let source = sources.name(record.source);
        let account = accounts.get(source, record.account);
        for (column, group) in columns.iter_mut().zip(groups) {
            column.push(match group {
                GroupBy::Day => calendar.date_of(served.period.start).to_string(),
                GroupBy::Account => account
                    .map_or_else(|| record.account.to_string(), |account| account.name.to_string()),
                GroupBy::Domain => account
                    .and_then(|account| {
                        let number = account.domain.map(|domain| domain.to_string());
                        account.domain_path.as_ref().map(ToString::to_string).or(number)
                    })
                    .unwrap_or_default(),
                GroupBy::Type => format!("{:02}", record.usage_type.0),
                GroupBy::Zone => {
                    record.zone.number().map(|zone| zone.to_string()).unwrap_or_default()
                }
                GroupBy::Offering => {
                    record.offering.map(|offering| offering.to_string()).unwrap_or_default()
                }
                GroupBy::Source => source.to_string(),
                GroupBy::Resource => record.resource.to_string(),
            });
        }
        types.push(u32::from(record.usage_type.0));
        low.push(record.quantity & 0xffff_ffff);
        high.push(record.quantity >> 32);
        if types.len() == BATCH && failed.is_none() {
            let batch =
                Batch { columns: &mut columns, types: &mut types, low: &mut low, high: &mut high };
            match batch.sums(groups) {
                Ok(frame) => partial.push(frame),
                Err(error) => failed = Some(error),
            }
        }
        Ok(())
    })?;
    if let Some(error) = failed {
        return Err(group_error(error));
    }
    let last = Batch { columns: &mut columns, types: &mut types, low: &mut low, high: &mut high };
    partial.push(last.sums(groups).map_err(group_error)?);
    combine(partial, groups).map_err(group_error)
}

/// Records summed at a time, so that memory does not grow with the window.
const BATCH: usize = 1 << 19;

fn group_error(error: PolarsError) -> AggregateError {
    AggregateError::Group(Box::new(error))
}

struct Batch<'a> {
    columns: &'a mut [Vec<String>],
    types: &'a mut Vec<u32>,
    low: &'a mut Vec<u64>,
    high: &'a mut Vec<u64>,
}

impl Batch<'_> {
    /// Sums the batch and empties it.
    fn sums(self, groups: &[GroupBy]) -> Result<DataFrame, PolarsError> {
        let height = self.types.len();
        let mut columns: Vec<Column> = Vec::new();
        for (values, group) in self.columns.iter_mut().zip(groups) {
            let values = std::mem::take(values);
            columns.push(Series::new(group.name().into(), values).into());
        }
        columns.push(Series::new("usagetype".into(), std::mem::take(self.types)).into());
        columns.push(Series::new("records".into(), vec![1u64; height]).into());
        columns.push(Series::new("low".into(), std::mem::take(self.low)).into());
        columns.push(Series::new("high".into(), std::mem::take(self.high)).into());
        grouped(DataFrame::new(height, columns)?, groups)
    }
}

fn grouped(frame: DataFrame, groups: &[GroupBy]) -> Result<DataFrame, PolarsError> {
    let mut keys: Vec<PlSmallStr> = groups.iter().map(|group| group.name().into()).collect();
    keys.push("usagetype".into());
    let by: Vec<_> = keys.iter().map(|key| col(key.clone())).collect();
    frame
        .lazy()
        .group_by(by)
        .agg([col("records").sum(), col("low").sum(), col("high").sum()])
        .sort(keys, SortMultipleOptions::default())
        .collect()
}

fn combine(partial: Vec<DataFrame>, groups: &[GroupBy]) -> Result<Vec<Total>, PolarsError> {
    let mut all: Option<DataFrame> = None;
    for frame in partial {
        match &mut all {
            Some(all) => all.vstack_mut(&frame).map(drop)?,
            None => all = Some(frame),
        }
    }
    let Some(frame) = all else { return Ok(Vec::new()) };
    let frame = grouped(frame, groups)?;
    let texts: Vec<_> = groups
        .iter()
        .map(|group| frame.column(group.name())?.str())
        .collect::<Result<_, PolarsError>>()?;
    let types = frame.column("usagetype")?.u32()?;
    let records = frame.column("records")?.u64()?;
    let (low, high) = (frame.column("low")?.u64()?, frame.column("high")?.u64()?);
    let row = |index: usize| {
        let number = |value: Option<u64>| value.unwrap_or(0);
        Total {
            group: texts
                .iter()
                .map(|text| text.get(index).unwrap_or_default().to_owned())
                .collect(),
            usage_type: UsageTypeId(
                u16::try_from(types.get(index).unwrap_or(0)).expect("types are 16 bits"),
            ),
            records: number(records.get(index)),
            quantity: (u128::from(number(high.get(index))) << 32)
                + u128::from(number(low.get(index))),
        }
    };
    Ok((0..frame.height()).map(row).collect())
}
