//! The context of a command that the front answers itself.

use std::sync::Arc;

use cloudtally_model::{ApiError, Instant};
use cloudtally_platform::{
    engine::{Args, Caller, Cloud, Page, Query, invalid},
    table::Command,
};
use cloudtally_store::Store;

/// One call of a command that the front answers itself.
pub(crate) struct FrontCall<'a> {
    pub(crate) store: &'a Store,
    pub(crate) cloud: &'a Arc<Cloud>,
    pub(crate) caller: Caller,
    /// Its parameters, decoded by its row.
    pub(crate) args: &'a Args,
    /// The row of the command.
    pub(crate) command: &'static Command,
    /// The present of the cloud.
    pub(crate) now: Instant,
}

impl FrontCall<'_> {
    /// The part of a list that is asked for.
    pub(crate) fn page(&self) -> Result<Page, ApiError> {
        let (world, caller) = (self.cloud.world(), &self.caller);
        let Self { command, args, now, .. } = *self;
        Page::of(&Query { command, caller, args, world: &world, now })
    }

    /// A parameter that cannot be what it should be.
    pub(crate) fn invalid(&self, name: &str, value: &str, expected: &str) -> ApiError {
        invalid(self.command, name, value, expected)
    }
}
