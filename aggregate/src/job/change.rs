//! The numbers of what a computed period changes.

/// A computed period beside what is published.
#[derive(Clone, Copy, Default)]
pub(super) struct Change {
    pub(super) kind: ChangeKind,
    pub(super) added: u64,
    pub(super) changed: u64,
    pub(super) removed: u64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum ChangeKind {
    #[default]
    New,
    Replaced,
    Unchanged,
}
