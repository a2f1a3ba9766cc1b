//! The state of one run.

use std::collections::BTreeMap;

use cloudtally_model::{Calendar, Instant, Sources, UsageRecord};
use cloudtally_store::{
    Inputs, Publication, Published, PublishedPeriod, SheetFile, Snapshot, Store,
};

use super::{
    carried::Carried,
    corrections::Causes,
    moves::Allowance,
    ready::Completeness,
    report::{RunReport, Target, WindowLimits},
};
use crate::window::{Removals, WindowFolder};

/// The consistent view that a run computes from.
pub(super) struct View<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) calendar: Calendar,
    pub(super) removals: &'a Removals,
    pub(super) completeness: Completeness,
    pub(super) allowance: Allowance<'a>,
    /// The instant under which the run publishes, and its number.
    pub(super) published_as: Published,
}

/// Periods that will be published in one transaction.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) publication: Publication,
    pub(super) counts: RunReport,
}

/// One run of the job.
pub(super) struct Run<'a> {
    pub(super) target: Target<'a>,
    pub(super) limits: WindowLimits,
    pub(super) snapshot: &'a Snapshot,
    pub(super) calendar: Calendar,
    pub(super) completeness: &'a Completeness,
    /// The changes of published numbers that it may publish.
    pub(super) allowance: &'a Allowance<'a>,
    pub(super) published_as: Published,
    pub(super) folder: WindowFolder<'a>,
    /// Why published periods of it change.
    pub(super) causes: Causes<'a>,
    pub(super) published: BTreeMap<Instant, &'a PublishedPeriod>,
    /// The file of the segments that its span began with.
    pub(super) state: Option<SheetFile>,
    /// Periods of this run's earlier windows.
    pub(super) done: BTreeMap<Instant, Inputs>,
    /// By the start of each closed period that this run has restated: its difference that no
    /// closed period carries.
    pub(super) owed: BTreeMap<Instant, Vec<UsageRecord>>,
    /// The adjustments of the first open period, once it is about to be computed.
    pub(super) carried: Carried,
    /// Computed and on disk, and not named by the catalogue yet.
    pub(super) pending: Pending,
    pub(super) report: &'a mut RunReport,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        target: Target<'a>,
        limits: WindowLimits,
        view: &'a View<'a>,
        report: &'a mut RunReport,
    ) -> Self {
        let View { snapshot, calendar, removals, completeness, allowance, published_as } = view;
        Self {
            target,
            limits,
            snapshot,
            calendar: *calendar,
            completeness,
            allowance,
            published_as: *published_as,
            causes: Causes::none(target.store(), snapshot),
            folder: WindowFolder::new(target.store(), snapshot, removals, u64::MAX),
            published: snapshot.periods.iter().map(|p| (p.period.start, p)).collect(),
            state: None,
            done: BTreeMap::new(),
            owed: BTreeMap::new(),
            carried: Carried::default(),
            pending: Pending::default(),
            report,
        }
    }

    pub(super) fn sources(&self) -> &'a Sources {
        &self.snapshot.sources
    }

    pub(super) fn store(&self) -> &'a Store {
        self.target.store()
    }
}
