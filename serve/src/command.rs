//! What a command that the front answers itself is given.

use std::sync::Arc;

use cloudtally_model::{ApiError, Instant};
use cloudtally_platform::{
    engine::{Caller, Cloud},
    table::Command,
};
use cloudtally_store::Store;

use crate::params::Params;

/// One call.
pub(crate) struct Call<'a> {
    pub(crate) store: &'a Store,
    pub(crate) cloud: &'a Arc<Cloud>,
    pub(crate) caller: Caller,
    pub(crate) params: &'a Params,
    /// The row of the command.
    pub(crate) command: &'static Command,
    /// The present of the cloud.
    pub(crate) now: Instant,
}

impl Call<'_> {
    /// Refuses a call without a required parameter, naming it.
    pub(crate) fn check_required(&self) -> Result<(), ApiError> {
        let mut required: Vec<&str> =
            self.command.params_all().filter(|p| p.required).map(|p| p.name).collect();
        // The dates in the order people write them.
        required.sort_by_key(|name| *name == "enddate");
        match required.into_iter().find(|name| self.params.given(name).is_none()) {
            Some(missing) => Err(ApiError::parameter(format!(
                "Unable to execute API command {} due to missing parameter {missing}",
                self.command.name.to_lowercase()
            ))),
            None => Ok(()),
        }
    }

    /// A whole number, if given.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.params.given(name) else { return Ok(None) };
        let number = text.trim().parse();
        number.map(Some).map_err(|_| self.invalid(name, text, "expected a whole number"))
    }

    /// A parameter that cannot be what it should be.
    pub(crate) fn invalid(&self, name: &str, value: &str, expected: &str) -> ApiError {
        ApiError::parameter(format!(
            "Unable to execute API command {} due to invalid value. Invalid parameter {name} value={value}: {expected}",
            self.command.name.to_lowercase()
        ))
    }
}
