//! VMs that run for longer than they are allocated.
//!
//! A VM has one owner as a rule, and records of one account lie together: running ones, then
//! allocated ones, each in the order of VMs. So they are compared as they come by; only where
//! a VM runs for longer than its own account has it allocated, all accounts are joined.

use cloudtally_model::{
    AccountId, Period, RecordRow, ResourceId, SourceId, SourceName, Sources, UsageTypeId,
};
use cloudtally_store::{PublishedPeriod, Severity, Store};
use polars::prelude::{
    Column, DataFrame, IntoLazy, JoinArgs, JoinType, NamedFrom, PolarsError, Series, col, lit,
};

use super::SanityFinding;
use crate::AggregateError;

/// The VMs of an account, as the records of a period come by.
#[derive(Default)]
pub(super) struct Accounts {
    account: Option<(SourceId, AccountId)>,
    running: Vec<(ResourceId, u64)>,
    allocated: Vec<(ResourceId, u64)>,
    one_is_over: bool,
}

impl Accounts {
    /// Takes the next record.
    pub(super) fn push(&mut self, record: &RecordRow<'_>) {
        let account = Some((record.source, record.account));
        if self.account != account {
            self.settle();
            self.account = account;
        }
        let vm = (record.resource, record.quantity.unsigned_abs());
        match record.usage_type {
            UsageTypeId::RUNNING_VM => self.running.push(vm),
            UsageTypeId::ALLOCATED_VM => self.allocated.push(vm),
            _ => {}
        }
    }

    /// Tells whether a VM ran for longer than its account had it allocated.
    pub(super) fn finds_one_over(mut self) -> bool {
        self.settle();
        self.one_is_over
    }

    fn settle(&mut self) {
        let sum = |records: &[(ResourceId, u64)]| {
            records.iter().map(|(_, used)| u128::from(*used)).sum::<u128>()
        };
        let mut allocated = self.allocated.chunk_by(|a, b| a.0 == b.0).peekable();
        for running in self.running.chunk_by(|a, b| a.0 == b.0) {
            while allocated.next_if(|of| of[0].0 < running[0].0).is_some() {}
            let of_vm = allocated.peek().filter(|of| of[0].0 == running[0].0);
            self.one_is_over |= sum(running) > of_vm.map_or(0, |of| sum(of));
        }
        self.running.clear();
        self.allocated.clear();
    }
}

/// The use of VMs, as columns.
#[derive(Default)]
struct Vms {
    sources: Vec<u32>,
    ids: Vec<u64>,
    used_ms: Vec<u64>,
}

impl Vms {
    fn push(&mut self, record: &RecordRow<'_>) {
        self.sources.push(u32::from(record.source.0));
        self.ids.push(record.resource.0);
        self.used_ms.push(record.quantity.unsigned_abs());
    }

    /// Sums the use of each VM.
    fn sums(self, name: &str) -> Result<DataFrame, PolarsError> {
        let height = self.ids.len();
        let columns: Vec<Column> = vec![
            Series::new("source".into(), self.sources).into(),
            Series::new("vm".into(), self.ids).into(),
            Series::new(name.into(), self.used_ms).into(),
        ];
        DataFrame::new(height, columns)?
            .lazy()
            .group_by([col("source"), col("vm")])
            .agg([col(name).sum()])
            .collect()
    }
}

/// Finds the VMs of a period that run for longer than they are allocated, by a join of the one
/// with the other over all accounts.
pub(super) fn running_over(
    store: &Store,
    known: &PublishedPeriod,
    sources: &Sources,
) -> Result<Vec<SanityFinding>, AggregateError> {
    let (mut running, mut allocated) = (Vms::default(), Vms::default());
    for columns in store.record_columns(known, sources)? {
        // What adjustments add was used in other periods.
        for row in columns?.rows().filter(|row| row.corrects.is_none()) {
            match row.usage_type {
                UsageTypeId::RUNNING_VM => running.push(&row),
                UsageTypeId::ALLOCATED_VM => allocated.push(&row),
                _ => {}
            }
        }
    }
    joined(known.period, running, allocated, sources)
        .map_err(|cause| AggregateError::Group(Box::new(cause)))
}

/// Running time of each VM joined with its allocated time.
fn joined(
    period: Period,
    running: Vms,
    allocated: Vms,
    sources: &Sources,
) -> Result<Vec<SanityFinding>, PolarsError> {
    // Our own cloud tells all there is; dumps of others may lack a creation.
    let own = SourceName::new(SourceName::PLATFORM).ok().and_then(|own| sources.id(own.as_str()));
    let own = own.map(|own| u32::from(own.0));
    let (running, allocated) = (running.sums("running_ms")?, allocated.sums("allocated_ms")?);
    let keys = [col("source"), col("vm")];
    let over = running
        .lazy()
        .join(allocated.lazy(), keys.clone(), keys, JoinArgs::new(JoinType::Left))
        // A VM that runs and is not allocated at all is over as well.
        .with_column(col("allocated_ms").fill_null(lit(0u64)))
        .filter(col("running_ms").gt(col("allocated_ms")))
        .sort(["source", "vm"], Default::default())
        .collect()?;
    let (owners, vms, running, allocated) = (
        over.column("source")?.u32()?,
        over.column("vm")?.u64()?,
        over.column("running_ms")?.u64()?,
        over.column("allocated_ms")?.u64()?,
    );
    Ok((0..over.height())
        .map(|row| {
            let value = |option: Option<u64>| option.unwrap_or(0);
            SanityFinding {
                severity: match owners.get(row) {
                    source if source.is_some() && source == own => Severity::Error,
                    _ => Severity::Warning,
                },
                subject: format!("VM {} in {period}", value(vms.get(row))),
                problem: format!(
                    "running {} ms, allocated only {} ms",
                    value(running.get(row)),
                    value(allocated.get(row))
                ),
                remedy: "its creation is missing from the events, or its account differs; \
                         ingest the missing events"
                    .to_owned(),
            }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use cloudtally_model::{Calendar, Instant, UsageRecord, ZoneId};

    use super::*;

    fn record(account: u64, usage_type: UsageTypeId, vm: u64, quantity: u64) -> UsageRecord {
        let period = Calendar::utc_days().period_at(Instant::EPOCH);
        UsageRecord {
            source: SourceId(0),
            account: AccountId(account),
            usage_type,
            resource: ResourceId(vm),
            zone: ZoneId::from_source(1),
            nic: cloudtally_model::NicId(0),
            offering: None,
            template: None,
            size: None,
            network: cloudtally_model::NetworkId(0),
            resource_type: None,
            start: period.start,
            corrects: None,
            virtual_size: None,
            name: None,
            is_source_nat: None,
            is_elastic: None,
            is_default: None,
            quantity: quantity.cast_signed(),
        }
    }

    #[test]
    fn a_vm_over_its_account_is_seen_and_others_are_not() {
        let (running, allocated) = (UsageTypeId::RUNNING_VM, UsageTypeId::ALLOCATED_VM);
        let is_over = |records: &[(u64, UsageTypeId, u64, u64)]| {
            let mut accounts = Accounts::default();
            for (account, usage_type, vm, quantity) in records {
                accounts.push(&record(*account, *usage_type, *vm, *quantity).as_row());
            }
            accounts.finds_one_over()
        };
        // Two records of a VM that was scaled are one use.
        let scaled =
            [(1, running, 4, 5), (1, running, 4, 6), (1, allocated, 4, 3), (1, allocated, 4, 8)];
        assert!(!is_over(&scaled));
        assert!(!is_over(&[(1, allocated, 3, 1), (1, running, 4, 0)]));
        assert!(is_over(&[(1, running, 4, 5), (1, allocated, 4, 4), (2, allocated, 4, 1)]));
        assert!(is_over(&[(1, running, 4, 5), (1, allocated, 3, 9), (1, allocated, 5, 9)]));
        assert!(is_over(&[(1, running, 4, 1), (1, running, 5, 2), (1, allocated, 4, 1)]));
        assert!(!is_over(&[]));
    }
}
