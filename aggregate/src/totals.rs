//! Totals for people: records grouped by day, account, type, zone or offering.
//!
//! Accounts, domains, zones, offerings and resources are told apart by their id in
//! their source; a name is only what is shown (`labels`).
//!
//! Only the columns that are asked for are decoded, period by period on all cores, and a
//! line is looked for once for each run of neighbours that belong to it. Sums have 128 bits.

use std::collections::{BTreeMap, HashMap};

use chrono::{Datelike, NaiveDate};
use cloudtally_model::{
    AccountId, Calendar, SourceId, SourceName, Sources, UsageTypeId, hours, row_index, row_number,
    usage_type,
};
use cloudtally_store::{Accounts, RecordField, RecordSet, StoreError};
use foldhash::fast::RandomState;
use rayon::prelude::*;

use crate::{
    AggregateError,
    labels::{self, Thing},
};

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

/// Totals of records, a line for each usage type of each group.
///
/// Lines are sorted by what their columns show, then by type and source. Each column has its
/// labels and keys once, in the order of labels, and a line has their numbers.
#[derive(Debug)]
pub struct Totals {
    groups: Vec<GroupBy>,
    columns: Vec<Column>,
    sources: Sources,
    lines: Vec<Line>,
    /// The codes of all lines, those of one after those of the other.
    codes: Vec<u32>,
}

impl Totals {
    /// The columns grouped by, in their order.
    pub fn groups(&self) -> &[GroupBy] {
        &self.groups
    }

    /// The number of lines.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// True if there are no lines.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The lines of each usage type added up, by type; without columns and sources.
    pub fn by_type(&self) -> Self {
        let mut sums: BTreeMap<UsageTypeId, Sum> = BTreeMap::new();
        for line in &self.lines {
            sums.entry(line.usage_type).or_default().add(line.sum);
        }
        let line = |(usage_type, sum)| Line { source: None, usage_type, sum };
        Self {
            groups: Vec::new(),
            columns: Vec::new(),
            sources: self.sources.clone(),
            lines: sums.into_iter().map(line).collect(),
            codes: Vec::new(),
        }
    }

    /// The lines in order.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = Total<'_>> + Clone {
        (0..self.lines.len()).map(|at| Total { totals: self, at })
    }
}

/// One line of totals.
#[derive(Clone, Copy, Debug)]
pub struct Total<'a> {
    totals: &'a Totals,
    at: usize,
}

impl<'a> Total<'a> {
    fn line(self) -> &'a Line {
        &self.totals.lines[self.at]
    }

    fn codes(self) -> &'a [u32] {
        let width = self.totals.columns.len();
        &self.totals.codes[self.at * width..][..width]
    }

    /// The text of a column, by its place among the groups; empty where a record has no such
    /// value. Different things never show the same.
    pub fn label(self, column: usize) -> &'a str {
        &self.totals.columns[column].labels[row_index(self.codes()[column])]
    }

    /// The identity behind a column's text: the id of an account, domain, zone, offering or
    /// resource, and the text itself of anything else.
    pub fn key(self, column: usize) -> &'a str {
        &self.totals.columns[column].keys[row_index(self.codes()[column])]
    }

    /// The source whose ids they are; `None` if none of the columns has ids.
    pub fn source(self) -> Option<&'a SourceName> {
        self.line().source.map(|source| self.totals.sources.name(source))
    }

    /// The usage type; quantities of different types are never added up.
    pub fn usage_type(self) -> UsageTypeId {
        self.line().usage_type
    }

    /// The number of records.
    pub fn records(self) -> u64 {
        self.line().sum.records
    }

    /// The exact sum, in milliseconds or bytes as the type says.
    pub fn quantity(self) -> i128 {
        self.line().sum.quantity
    }

    /// The sum for people: hours or bytes, with the unit.
    pub fn usage(self) -> String {
        let row = usage_type(self.usage_type()).expect("totals are made of records");
        match row.unit {
            cloudtally_model::Unit::Milliseconds => format!("{} Hrs", hours(self.quantity())),
            cloudtally_model::Unit::BytesSent => format!("{} bytes sent", self.quantity()),
            cloudtally_model::Unit::BytesReceived => format!("{} bytes received", self.quantity()),
        }
    }
}

/// The different values of a column, in the order of their labels.
#[derive(Debug)]
struct Column {
    labels: Vec<String>,
    keys: Vec<String>,
}

#[derive(Debug)]
struct Line {
    source: Option<SourceId>,
    usage_type: UsageTypeId,
    sum: Sum,
}

/// Groups records; lines of different usage types are never added up.
///
/// # Errors
/// `GroupTwice` if a column is asked for twice.
pub fn totals(
    records: &RecordSet,
    accounts: &Accounts,
    calendar: Calendar,
    groups: &[GroupBy],
) -> Result<Totals, AggregateError> {
    if let Some(at) = (1..groups.len()).find(|at| groups[..*at].contains(&groups[*at])) {
        return Err(AggregateError::GroupTwice { name: groups[at].name() });
    }
    // Keys are as wide as the groups are many.
    let of_width = match groups.len() {
        0 => totals_of::<0>,
        1 => totals_of::<1>,
        2 => totals_of::<2>,
        3 => totals_of::<3>,
        4 => totals_of::<4>,
        5 => totals_of::<5>,
        6 => totals_of::<6>,
        7 => totals_of::<7>,
        _ => totals_of::<{ GROUPS.len() }>,
    };
    of_width(records, accounts, calendar, groups)
}

fn totals_of<const N: usize>(
    records: &RecordSet,
    accounts: &Accounts,
    calendar: Calendar,
    groups: &[GroupBy],
) -> Result<Totals, AggregateError> {
    let has_ids = groups.iter().any(|group| group.is_of_a_source());
    let of_period = |period| sums_of_period::<N>(records, period, calendar, groups, has_ids);
    let periods = (0..records.periods()).into_par_iter();
    let sums: Vec<(Key<N>, Sum)> = if groups.contains(&GroupBy::Day) {
        // Periods of different days share no line, so there is nothing to look for.
        let partial: Vec<Sums<N>> = periods.map(of_period).collect::<Result<_, _>>()?;
        partial.into_iter().flatten().collect()
    } else {
        let sums = periods.map(of_period).try_reduce(Sums::default, |a, b| Ok(plus(a, b)))?;
        sums.into_iter().collect()
    };

    let sources = records.sources();
    let mut columns = Vec::with_capacity(N);
    let mut codes_of = Vec::with_capacity(N);
    for (at, group) in groups.iter().enumerate() {
        let (column, codes) = column(*group, at, &sums, sources, accounts);
        columns.push(column);
        codes_of.push(codes);
    }
    let mut coded: Vec<([u32; N], UsageTypeId, SourceId, Sum)> = sums
        .into_par_iter()
        .map(|(key, sum)| {
            let code = |at: usize| codes_of[at][&of_column(groups[at], &key, at)];
            (std::array::from_fn(code), key.usage_type, SourceId(key.source), sum)
        })
        .collect();
    // Ranks of sources follow their names.
    coded.par_sort_unstable_by_key(|(codes, usage_type, source, _)| (*codes, *usage_type, *source));
    let mut totals = Totals {
        groups: groups.to_vec(),
        columns,
        sources: sources.clone(),
        lines: Vec::with_capacity(coded.len()),
        codes: Vec::with_capacity(coded.len() * N),
    };
    let mut last = None;
    for (codes, usage_type, source, sum) in coded {
        match totals.lines.last_mut() {
            // Several accounts may be of one domain, several periods of one day.
            Some(line) if last == Some((codes, usage_type, source)) => line.sum.add(sum),
            _ => {
                totals.lines.push(Line { source: has_ids.then_some(source), usage_type, sum });
                totals.codes.extend_from_slice(&codes);
                last = Some((codes, usage_type, source));
            }
        }
    }
    Ok(totals)
}

/// The source and the value of a column of a key. Values that are of no source have none.
fn of_column<const N: usize>(group: GroupBy, key: &Key<N>, at: usize) -> (u16, u64) {
    (if group.is_of_a_source() { key.source } else { 0 }, key.values[at])
}

/// The numbers of the values of a column, by source and value.
type Codes = HashMap<(u16, u64), u32, RandomState>;

/// The different values of a column, and their numbers.
fn column<const N: usize>(
    group: GroupBy,
    at: usize,
    sums: &[(Key<N>, Sum)],
    sources: &Sources,
    accounts: &Accounts,
) -> (Column, Codes) {
    let mut codes: Codes = sums.iter().map(|(key, _)| (of_column(group, key, at), 0)).collect();
    let mut things: Vec<((u16, u64), Thing)> = codes
        .keys()
        .map(|&(source, value)| {
            let source = SourceId(source);
            let key = match group {
                GroupBy::Day => day_of(value).to_string(),
                GroupBy::Type => format!("{value:02}"),
                GroupBy::Source => sources.name(rank(value)).to_string(),
                GroupBy::Domain => accounts
                    .get(sources.name(source), AccountId(value))
                    .map(labels::domain_key)
                    .unwrap_or_default(),
                _ if value == NONE => String::new(),
                _ => value.to_string(),
            };
            ((source.0, value), Thing { source, key })
        })
        .collect();
    things.sort_unstable_by(|(_, a), (_, b)| a.cmp(b));
    // Several accounts may be of one domain.
    let mut different: Vec<&Thing> = things.iter().map(|(_, thing)| thing).collect();
    different.dedup();
    let labels = labels::labels(group, &different, sources, accounts);
    let mut order: Vec<usize> = (0..different.len()).collect();
    order.sort_unstable_by(|a, b| labels[*a].cmp(&labels[*b]));
    let mut code_of = vec![0; order.len()];
    for (code, at) in order.iter().enumerate() {
        code_of[*at] = row_number(code);
    }
    let column = Column {
        labels: order.iter().map(|at| labels[*at].clone()).collect(),
        keys: order.iter().map(|at| different[*at].key.clone()).collect(),
    };
    let mut at = 0;
    for (value, thing) in &things {
        at += usize::from(different[at] != thing);
        codes.insert(*value, code_of[at]);
    }
    (column, codes)
}

/// Stands for no zone and no offering: ids are 63 bits.
const NONE: u64 = u64::MAX;

/// The key of records that are added up: the values of the groups in their order,
/// the rank of the source if one of them is of it, and the type.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key<const N: usize> {
    values: [u64; N],
    source: u16,
    usage_type: UsageTypeId,
}

#[derive(Clone, Copy, Debug, Default)]
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

type Sums<const N: usize> = HashMap<Key<N>, Sum, RandomState>;

fn plus<const N: usize>(mut a: Sums<N>, b: Sums<N>) -> Sums<N> {
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
fn sums_of_period<const N: usize>(
    records: &RecordSet,
    period: usize,
    calendar: Calendar,
    groups: &[GroupBy],
    has_ids: bool,
) -> Result<Sums<N>, StoreError> {
    use RecordField::{Source, UsageType};
    let of_groups = groups.iter().filter_map(|group| group.field());
    let mut wanted: Vec<RecordField> = vec![UsageType];
    wanted.extend(has_ids.then_some(Source));
    wanted.extend(of_groups.filter(|field| !matches!(field, UsageType | Source)));
    if groups.contains(&GroupBy::Source) && !has_ids {
        wanted.push(Source);
    }
    let mut sums = Sums::default();
    let mut run: Option<(Key<N>, Sum)> = None;
    records.scan(period, &wanted, &mut |period, scan| {
        let day = day_number(calendar.date_of(period.start));
        let columns: Vec<Option<Vec<Option<u64>>>> = groups
            .iter()
            .map(|group| group.field().map(|field| scan.values(field)).transpose())
            .collect::<Result<_, StoreError>>()?;
        let types = scan.values(UsageType)?;
        let sources = if has_ids { scan.values(Source)? } else { vec![Some(0); types.len()] };
        for (row, quantity) in scan.quantities().into_iter().enumerate() {
            let mut values = [0; N];
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
