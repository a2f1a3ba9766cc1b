//! Totals for people: records grouped by day, account, type, zone or offering.
//!
//! Accounts, domains, zones, offerings and resources are told apart by their id in
//! their source; a name is only what is shown (`labels`).
//!
//! Only the columns that are asked for are decoded, period by period on all cores, and a
//! line is looked for once for each run of neighbours that belong to it. Sums have 128 bits.

use std::collections::HashMap;

use chrono::{Datelike, NaiveDate};
use cloudtally_model::{AccountId, Calendar, SourceId, SourceName, UsageTypeId, hours, usage_type};
use cloudtally_store::{Accounts, RecordField, RecordSet, StoreError};
use rayon::prelude::*;

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
    /// The values of the columns grouped by, in their order; empty where a record has
    /// none. Different things never show the same.
    pub group: Vec<String>,
    /// Their identities: ids of accounts, domains, zones, offerings and resources,
    /// and what is shown of anything else.
    pub keys: Vec<String>,
    /// The source whose ids they are; `None` if none of the columns has ids.
    pub source: Option<SourceName>,
    /// The usage type; quantities of different types are never added up.
    pub usage_type: UsageTypeId,
    /// The number of records.
    pub records: u64,
    /// The exact sum, in milliseconds or bytes as the type says.
    pub quantity: i128,
}

impl Total {
    /// The sum for people: hours or bytes, with the unit.
    pub fn usage(&self) -> String {
        let row = usage_type(self.usage_type).expect("totals are made of records");
        match row.unit {
            cloudtally_model::Unit::Milliseconds => format!("{} Hrs", hours(self.quantity)),
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
    let partial: Vec<Sums> = (0..records.periods())
        .into_par_iter()
        .map(|period| sums_of_period(records, period, calendar, groups, has_ids))
        .collect::<Result<_, StoreError>>()?;
    let sums = partial.into_iter().reduce(plus).unwrap_or_default();

    let sources = records.sources();
    let mut totals: HashMap<(Vec<String>, Option<SourceName>, UsageTypeId), Sum> = HashMap::new();
    for (key, sum) in sums {
        let keys = groups.iter().zip(key.values).map(|(group, value)| match group {
            GroupBy::Day => day_of(value).to_string(),
            GroupBy::Type => format!("{value:02}"),
            GroupBy::Source => sources.name(rank(value)).to_string(),
            // Several accounts may be of one domain.
            GroupBy::Domain => accounts
                .get(sources.name(SourceId(key.source)), AccountId(value))
                .map(labels::domain_key)
                .unwrap_or_default(),
            _ if value == NONE => String::new(),
            _ => value.to_string(),
        });
        let source = has_ids.then(|| sources.name(SourceId(key.source)).clone());
        totals.entry((keys.collect(), source, key.usage_type)).or_default().add(sum);
    }
    let total = |((keys, source, usage_type), sum): (_, Sum)| Total {
        group: Vec::new(),
        keys,
        source,
        usage_type,
        records: sum.records,
        quantity: sum.quantity,
    };
    let mut totals: Vec<Total> = totals.into_iter().map(total).collect();
    // Labels are told apart in a defined order.
    totals.sort_by(|a, b| {
        (&a.keys, a.usage_type, &a.source).cmp(&(&b.keys, b.usage_type, &b.source))
    });
    labels::label(&mut totals, groups, accounts);
    totals.sort_by(|a, b| {
        (&a.group, a.usage_type, &a.source).cmp(&(&b.group, b.usage_type, &b.source))
    });
    Ok(totals)
}

/// Stands for no zone and no offering: ids are 63 bits.
const NONE: u64 = u64::MAX;

/// The key of records that are added up: the values of the groups in their order,
/// the rank of the source if one of them is of it, and the type.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    values: [u64; GROUPS.len()],
    source: u16,
    usage_type: UsageTypeId,
}

#[derive(Clone, Copy, Default)]
struct Sum {
    records: u64,
    quantity: i128,
}

impl Sum {
    fn add(&mut self, more: Self) {
        self.records += more.records;
        self.quantity += more.quantity;
    }
}

type Sums = HashMap<Key, Sum>;

fn plus(mut a: Sums, b: Sums) -> Sums {
    if a.len() < b.len() {
        return plus(b, a);
    }
    for (key, sum) in b {
        a.entry(key).or_default().add(sum);
    }
    a
}

/// Sums the records of one period. They are in order of accounts and types, so neighbours
/// mostly belong to one line and are added up before it is looked for.
fn sums_of_period(
    records: &RecordSet,
    period: usize,
    calendar: Calendar,
    groups: &[GroupBy],
    has_ids: bool,
) -> Result<Sums, StoreError> {
    use RecordField::{Source, UsageType};
    let of_groups = groups.iter().filter_map(|group| group.field());
    let mut wanted: Vec<RecordField> = vec![UsageType];
    wanted.extend(has_ids.then_some(Source));
    wanted.extend(of_groups.filter(|field| !matches!(field, UsageType | Source)));
    if groups.contains(&GroupBy::Source) && !has_ids {
        wanted.push(Source);
    }
    let mut sums = Sums::new();
    let mut run: Option<(Key, Sum)> = None;
    records.scan(period, &wanted, &mut |period, scan| {
        let day = day_number(calendar.date_of(period.start));
        let columns: Vec<Option<Vec<Option<u64>>>> = groups
            .iter()
            .map(|group| group.field().map(|field| scan.values(field)).transpose())
            .collect::<Result<_, StoreError>>()?;
        let types = scan.values(UsageType)?;
        let sources = if has_ids { scan.values(Source)? } else { vec![Some(0); types.len()] };
        for (row, quantity) in scan.quantities().into_iter().enumerate() {
            let mut values = [0; GROUPS.len()];
            for (value, column) in values.iter_mut().zip(&columns) {
                *value = column.as_ref().map_or(day, |column| column[row].unwrap_or(NONE));
            }
            let usage_type = UsageTypeId(narrow(types[row]));
            let key = Key { values, source: narrow(sources[row]), usage_type };
            let sum = Sum { records: 1, quantity: quantity.into() };
            match &mut run {
                Some((known, total)) if *known == key => total.add(sum),
                _ => {
                    if let Some((known, total)) = run.replace((key, sum)) {
                        sums.entry(known).or_default().add(total);
                    }
                }
            }
        }
        Ok(())
    })?;
    if let Some((key, sum)) = run {
        sums.entry(key).or_default().add(sum);
    }
    Ok(sums)
}

impl GroupBy {
    /// The column of records that says it; `None` for days, which are the period's.
    fn field(self) -> Option<RecordField> {
        Some(match self {
            Self::Day => return None,
            Self::Account | Self::Domain => RecordField::Account,
            Self::Type => RecordField::UsageType,
            Self::Zone => RecordField::Zone,
            Self::Offering => RecordField::Offering,
            Self::Source => RecordField::Source,
            Self::Resource => RecordField::Resource,
        })
    }
}

fn narrow(value: Option<u64>) -> u16 {
    u16::try_from(value.unwrap_or(0)).expect("types and ranks are 16 bits")
}

fn rank(value: u64) -> SourceId {
    SourceId(narrow(Some(value)))
}

fn day_number(date: NaiveDate) -> u64 {
    u64::try_from(date.num_days_from_ce()).expect("days of bills are of our era")
}

fn day_of(number: u64) -> NaiveDate {
    let days = i32::try_from(number).expect("days of bills are of our era");
    NaiveDate::from_num_days_from_ce_opt(days).expect("it was made of a date")
}
