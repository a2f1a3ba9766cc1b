//! `asof`: the instant whose answer is wanted.

use cloudtally_model::ApiError;
use cloudtally_store::{StoreError, View};

use crate::{command::FrontCall, error::internal};

/// The folder as it is, or as it was at the instant asked for.
pub(super) fn view(call: &FrontCall<'_>) -> Result<View, ApiError> {
    let Some(text) = call.args.text("asof") else { return Ok(call.store.current()) };
    let calendar = call.store.calendar().map_err(|e| internal("read the calendar", &e))?;
    let expected = "yyyy-MM-dd, \"yyyy-MM-dd HH:mm:ss\" or ISO 8601 with an offset";
    let (instant, _) =
        calendar.query_bound(text).ok_or_else(|| call.invalid("asof", text, expected))?;
    call.store.view(Some(instant), call.now).map_err(|error| match error {
        StoreError::AsOfAhead { .. }
        | StoreError::AsOfUnknown { .. }
        | StoreError::AsOfPruned { .. } => ApiError::value(format!("`asof`: {error}")),
        error => internal("look at that instant", &error),
    })
}
