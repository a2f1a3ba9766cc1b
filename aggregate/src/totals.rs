//! Totals for people: records grouped by day, account, type, zone or offering.
//!
//! Accounts, domains, zones, offerings and resources are told apart by their id in
//! their source; a name is only what is shown (`labels`).
//!
//! The one place where ad-hoc grouping is wanted, and so the place for polars:
//! the wanted columns of the records become a data frame and one `group_by`
//! does the rest. Sums stay exact: a quantity is split into its high and low 32
//! bits, whose sums cannot overflow, and put together again in 128 bits.

use cloudtally_model::{Calendar, SourceId, SourceName, UsageTypeId, hours, usage_type};
use cloudtally_store::{Accounts, RecordSet};
use polars::prelude::{
    Column, DataFrame, IntoLazy, NamedFrom, PlSmallStr, PolarsError, Series, SortMultipleOptions,
    col,
};

use crate::{AggregateError, labels};

/// Something records can be grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// The local day the record's period ends in.
    Day,
    /// The account, shown by its name.
    Account,
    /// The domain, shown by its path.
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

    /// True of what has ids of its own in each source.
    pub fn is_of_a_source(self) -> bool {
        match self {
            Self::Account | Self::Domain | Self::Zone | Self::Offering | Self::Resource => true,
            Self::Day | Self::Type | Self::Source => false,
        }
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
    /// What the columns grouped by show, in their order; empty where a record has
    /// none. Different things never show the same.
    pub group: Vec<String>,
    /// Their identities: ids of accounts, domains, zones, offerings and resources,
    /// and what is shown of anything else.
    pub keys: Vec<String>,
    /// The source whose ids they are; `None` if none of the columns has ids.
    pub source: Option<SourceName>,
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
/// not asked for. Lines are sorted by what their columns show.
///
/// # Errors
/// `GroupTwice` if a column is asked for twice.
pub fn totals(
    records: &RecordSet,
    accounts: &Accounts,
    calendar: Calendar,
    groups: &[GroupBy],
) -> Result<Vec<Total>, AggregateError> {
    if let Some(at) = (1..groups.len()).find(|at| groups[..*at].contains(&groups[*at])) {
        return Err(AggregateError::GroupTwice { name: groups[at].name() });
    }
    let has_ids = groups.iter().any(|group| group.is_of_a_source());
    let mut batch = Batch::new(groups);
    let mut partial: Vec<DataFrame> = Vec::new();
    let mut failed = None;
    let sources = records.sources().clone();
    records.for_each(&mut |served| {
        let record = &served.record;
        let source = sources.name(record.source);
        let id = |number: Option<u64>| number.map(|id| id.to_string()).unwrap_or_default();
        for (column, group) in batch.columns.iter_mut().zip(groups) {
            column.push(match group {
                GroupBy::Day => calendar.date_of(served.period.start).to_string(),
                GroupBy::Account => record.account.to_string(),
                GroupBy::Domain => {
                    accounts.get(source, record.account).map(labels::domain_key).unwrap_or_default()
                }
                GroupBy::Type => format!("{:02}", record.usage_type.0),
                GroupBy::Zone => id(record.zone.number()),
                GroupBy::Offering => id(record.offering.map(|offering| offering.0)),
                GroupBy::Source => source.to_string(),
                GroupBy::Resource => record.resource.to_string(),
            });
        }
        batch.sources.push(if has_ids { u32::from(record.source.0) } else { 0 });
        batch.types.push(u32::from(record.usage_type.0));
        batch.low.push(record.quantity & 0xffff_ffff);
        batch.high.push(record.quantity >> 32);
        if batch.types.len() == BATCH && failed.is_none() {
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
    partial.push(batch.sums(groups).map_err(group_error)?);
    let totals = combine(partial, groups).map_err(group_error)?;
    let named = |(rank, total)| {
        let source = has_ids.then(|| sources.name(SourceId(rank)).clone());
        Total { source, ..total }
    };
    let mut totals: Vec<Total> = totals.into_iter().map(named).collect();
    labels::label(&mut totals, groups, accounts);
    totals.sort_by(|a, b| {
        (&a.group, a.usage_type, &a.source).cmp(&(&b.group, b.usage_type, &b.source))
    });
    Ok(totals)
}

/// Records summed at a time, so that memory does not grow with the window.
const BATCH: usize = 1 << 19;

/// The column with the ranks of sources.
const RANK: &str = "rank of the source";

fn group_error(error: PolarsError) -> AggregateError {
    AggregateError::Group(Box::new(error))
}

/// The wanted columns of some records.
struct Batch {
    columns: Vec<Vec<String>>,
    sources: Vec<u32>,
    types: Vec<u32>,
    low: Vec<u64>,
    high: Vec<u64>,
}

impl Batch {
    fn new(groups: &[GroupBy]) -> Self {
        Self {
            columns: vec![Vec::new(); groups.len()],
            sources: Vec::new(),
            types: Vec::new(),
            low: Vec::new(),
            high: Vec::new(),
        }
    }

    /// Sums the batch and empties it.
    fn sums(&mut self, groups: &[GroupBy]) -> Result<DataFrame, PolarsError> {
        let height = self.types.len();
        let Self { columns, sources, types, low, high } =
            std::mem::replace(self, Self::new(groups));
        let mut series: Vec<Column> = Vec::new();
        for (values, group) in columns.into_iter().zip(groups) {
            series.push(Series::new(group.name().into(), values).into());
        }
        series.push(Series::new(RANK.into(), sources).into());
        series.push(Series::new("usagetype".into(), types).into());
        series.push(Series::new("records".into(), vec![1u64; height]).into());
        series.push(Series::new("low".into(), low).into());
        series.push(Series::new("high".into(), high).into());
        grouped(DataFrame::new(height, series)?, groups)
    }
}

fn grouped(frame: DataFrame, groups: &[GroupBy]) -> Result<DataFrame, PolarsError> {
    let mut keys: Vec<PlSmallStr> = groups.iter().map(|group| group.name().into()).collect();
    keys.extend([RANK.into(), "usagetype".into()]);
    let by: Vec<_> = keys.iter().map(|key| col(key.clone())).collect();
    frame
        .lazy()
        .group_by(by)
        .agg([col("records").sum(), col("low").sum(), col("high").sum()])
        .sort(keys, SortMultipleOptions::default())
        .collect()
}

/// The sums of all batches, each with the rank of its source.
fn combine(partial: Vec<DataFrame>, groups: &[GroupBy]) -> Result<Vec<(u16, Total)>, PolarsError> {
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
    let ranks = frame.column(RANK)?.u32()?;
    let types = frame.column("usagetype")?.u32()?;
    let records = frame.column("records")?.u64()?;
    let (low, high) = (frame.column("low")?.u64()?, frame.column("high")?.u64()?);
    let row = |index: usize| {
        let number = |value: Option<u64>| value.unwrap_or(0);
        let short = |value: Option<u32>| {
            u16::try_from(value.unwrap_or(0)).expect("types and ranks are 16 bits")
        };
        let total = Total {
            group: Vec::new(),
            keys: texts.iter().map(|text| text.get(index).unwrap_or_default().to_owned()).collect(),
            source: None,
            usage_type: UsageTypeId(short(types.get(index))),
            records: number(records.get(index)),
            quantity: (u128::from(number(high.get(index))) << 32)
                + u128::from(number(low.get(index))),
        };
        (short(ranks.get(index)), total)
    };
    Ok((0..frame.height()).map(row).collect())
}
