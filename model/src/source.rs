//! Source of an input. Ids, resources, accounts and zones of different
//! sources never meet.

use std::{fmt, sync::Arc};

use thiserror::Error;

/// A source's name as given with `--source`: `platform` for our own cloud,
/// `default` when nothing was said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceName(Arc<str>);

/// Why a text cannot name a source.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{0}` cannot name a source; use 1 to 64 letters, digits, `.`, `_` or `-`, such as `zone-eu1`"
)]
pub struct SourceNameError(String);

impl SourceName {
    /// The name of our own simulated cloud.
    pub const PLATFORM: &'static str = "platform";
    /// The source of an ingest that names none.
    pub const DEFAULT: &'static str = "default";

    /// Checks a name: 1 to 64 letters, digits, `.`, `_` or `-`.
    pub fn new(name: &str) -> Result<Self, SourceNameError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if name.is_empty() || name.len() > 64 || !name.bytes().all(allowed) {
            return Err(SourceNameError(name.to_owned()));
        }
        Ok(Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A source inside one run: its rank among [`Sources`], never written to disk.
///
/// Ranks follow the order of names, so sorting by rank is sorting by name and
/// results do not depend on which source was ingested first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u16);

/// The sources of a run, sorted by name.
#[derive(Clone, Debug, Default)]
pub struct Sources(Vec<SourceName>);

impl Sources {
    /// Sorts and numbers the names.
    pub fn new(mut names: Vec<SourceName>) -> Self {
        names.sort();
        names.dedup();
        Self(names)
    }

    /// The rank of a name.
    pub fn id(&self, name: &str) -> Option<SourceId> {
        let rank = self.0.binary_search_by(|known| known.as_str().cmp(name)).ok()?;
        u16::try_from(rank).ok().map(SourceId)
    }

    /// The name behind a rank that came from this list.
    pub fn name(&self, id: SourceId) -> &SourceName {
        &self.0[usize::from(id.0)]
    }

    /// All names in order of rank.
    pub fn names(&self) -> &[SourceName] {
        &self.0
    }
}
