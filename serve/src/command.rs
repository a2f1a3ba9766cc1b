//! The commands that are served, one row each.

use cloudtally_model::Instant;
use cloudtally_store::Store;

use crate::{answer::Answer, error::ApiError, params::Params, usage};

/// What a command gets.
pub(crate) struct Call<'a> {
    pub(crate) store: &'a Store,
    pub(crate) params: &'a Params,
    /// The row of the command, for its name in messages.
    pub(crate) command: &'static Command,
    /// The present of the cloud.
    pub(crate) now: Instant,
}

/// One command.
pub(crate) struct Command {
    /// As in `command=`; matched exactly.
    pub(crate) name: &'static str,
    /// Parameters that must be given.
    pub(crate) required: &'static [&'static str],
    /// What it does. Called where blocking is allowed.
    pub(crate) run: fn(&Call<'_>) -> Result<Answer, ApiError>,
}

static COMMANDS: &[Command] = &[
    Command {
        name: "generateUsageRecords",
        required: &["startdate", "enddate"],
        run: usage::generate_records,
    },
    Command {
        name: "listUsageRecords",
        required: &["startdate", "enddate"],
        run: usage::list_records,
    },
    Command { name: "listUsageTypes", required: &[], run: usage::list_types },
];

/// The row of a command.
pub(crate) fn command(name: &str) -> Result<&'static Command, ApiError> {
    COMMANDS.iter().find(|row| row.name == name).ok_or_else(|| {
        let known: Vec<&str> = COMMANDS.iter().map(|row| row.name).collect();
        ApiError::unknown_command(name, &known)
    })
}

impl Command {
    /// The outer element of its answers: lower case and `response`.
    pub(crate) fn outer(&self) -> String {
        format!("{}response", self.name.to_lowercase())
    }

    /// Refuses a call without a required parameter, naming it.
    pub(crate) fn check_required(&self, params: &Params) -> Result<(), ApiError> {
        match self.required.iter().find(|name| params.given(name).is_none()) {
            Some(missing) => Err(ApiError::parameter(format!(
                "Unable to execute API command {} due to missing parameter {missing}",
                self.name.to_lowercase()
            ))),
            None => Ok(()),
        }
    }
}

impl Call<'_> {
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
