//! Corrections by window, account and type.
//!
//! They are few beside records, so they have no index: whoever filters them reads those of
//! the window, a file at a time.

use std::{
    collections::HashSet,
    ops::{ControlFlow, Range},
};

use cloudtally_model::{AccountId, Instant, Period, SourceId, Sources, UsageTypeId};
use rusqlite::params;

use super::{RecordFilter, RecordWindow};
use crate::{
    Correction, LakeFile, Store, StoreError,
    catalogue::{checksums, history, load, sql},
    lake,
};

/// A correction with what it takes to show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedCorrection {
    /// The period that was published again.
    pub period: Period,
    /// The generation that replaced the one before.
    pub generation: u32,
    /// The instant of its publication, if it is known.
    pub published: Option<Instant>,
    /// The correction; the source of its record is a rank in [`CorrectionSet::sources`].
    pub correction: Correction,
}

/// The corrections of one query: a consistent set, whatever is published meanwhile.
#[derive(Debug)]
pub struct CorrectionSet {
    store: Store,
    sources: Sources,
    filter: Chosen,
    /// By the start of their period and their generation.
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    period: Period,
    generation: u32,
    published: Option<Instant>,
    file: LakeFile,
}

/// A filter by ranks.
#[derive(Debug)]
struct Chosen {
    /// False if nothing can be of it.
    is_possible: bool,
    source: Option<SourceId>,
    accounts: Option<HashSet<(SourceId, AccountId)>>,
    usage_type: Option<UsageTypeId>,
}

impl Chosen {
    fn of(filter: &RecordFilter, sources: &Sources) -> Self {
        let source = filter.source.as_ref().map(|name| sources.id(name.as_str()));
        let accounts = filter.accounts.as_ref().map(|accounts| {
            let known = accounts.iter().filter_map(|(name, id)| {
                let source = sources.id(name.as_str())?;
                Some((source, *id))
            });
            known.collect::<HashSet<_>>()
        });
        Self {
            is_possible: source != Some(None),
            source: source.flatten(),
            accounts,
            usage_type: filter.usage_type,
        }
    }

    fn is_everything(&self) -> bool {
        self.is_possible
            && self.source.is_none()
            && self.accounts.is_none()
            && self.usage_type.is_none()
    }

    fn has(&self, correction: &Correction) -> bool {
        let record = &correction.record;
        let account = (record.source, record.account);
        self.is_possible
            && self.source.is_none_or(|source| source == record.source)
            && self.accounts.as_ref().is_none_or(|accounts| accounts.contains(&account))
            && self.usage_type.is_none_or(|id| id == record.usage_type)
    }
}

impl Store {
    /// The corrections of the periods of a window.
    pub fn corrections(
        &self,
        window: RecordWindow,
        filter: &RecordFilter,
    ) -> Result<CorrectionSet, StoreError> {
        self.db()?.read(|db| {
            checksums::refuse_untrusted(db, checksums::OF_CORRECTIONS)?;
            let bounds = params![window.from.as_millis(), window.to.as_millis()];
            let periods = db.rows(sql::periods::IN_WINDOW, bounds, |row| load::period(row, 0))?;
            let files = db.rows(sql::periods::CORRECTIONS, [], |row| {
                Ok((load::at(row, 0)?, row.get::<_, u32>(1)?, load::file(row, 2)?))
            })?;
            let instants = history::instants(db)?;
            let part = |(start, generation, file): (Instant, u32, LakeFile)| {
                let at = periods.binary_search_by_key(&start, |period| period.start).ok()?;
                let published = instants.get(&(start, generation)).copied();
                Some(Part { period: periods[at], generation, published, file })
            };
            let parts = files.into_iter().filter_map(part).collect();
            let sources = load::sources(db)?;
            let filter = Chosen::of(filter, &sources);
            Ok(CorrectionSet { store: self.clone(), sources, filter, parts })
        })
    }
}

impl CorrectionSet {
    /// The sources whose ranks the records carry.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Calls `each` with all corrections, by period, generation and record; memory does not
    /// grow with their number.
    pub fn for_each(
        &self,
        each: &mut dyn FnMut(ServedCorrection) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.parts.iter().try_for_each(|part| self.read(part, each))
    }

    /// Corrections number `wanted`, and the number of all.
    pub fn page(&self, wanted: Range<u64>) -> Result<(Vec<ServedCorrection>, u64), StoreError> {
        let (mut page, mut count) = (Vec::new(), 0);
        for part in &self.parts {
            let is_beside = count >= wanted.end || count + part.file.rows <= wanted.start;
            if self.filter.is_everything() && is_beside {
                count += part.file.rows;
                continue;
            }
            self.read(part, &mut |served| {
                if wanted.contains(&count) {
                    page.push(served);
                }
                count += 1;
                Ok(())
            })?;
        }
        Ok((page, count))
    }

    fn read(
        &self,
        part: &Part,
        each: &mut dyn FnMut(ServedCorrection) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let LakeFile { rows, bytes, path, .. } = &part.file;
        let path = self.store.dir().join(path);
        let named = self.store.named(&path, *rows, *bytes);
        let Part { period, generation, published, .. } = *part;
        let _ = lake::corrections::read(&named, &self.sources, &mut |correction| {
            if self.filter.has(&correction) {
                each(ServedCorrection { period, generation, published, correction })?;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(())
    }
}
