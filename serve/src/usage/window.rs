//! `startdate` and `enddate`.

use cloudtally_model::{ApiError, Instant, Millis};
use cloudtally_store::RecordWindow;

use crate::{command::FrontCall, error::internal};

/// The window between the two dates, its end inclusive to the second; one that is not given
/// bounds nothing.
pub(super) fn optional_window(call: &FrontCall<'_>) -> Result<RecordWindow, ApiError> {
    window_or(call, Some((Instant::EPOCH, Instant::END_OF_TIME - Millis::SECOND)))
}

/// The window between the two dates, its end inclusive to the second.
pub(super) fn window(call: &FrontCall<'_>) -> Result<RecordWindow, ApiError> {
    window_or(call, None)
}

fn window_or(
    call: &FrontCall<'_>,
    all: Option<(Instant, Instant)>,
) -> Result<RecordWindow, ApiError> {
    let calendar = call.store.calendar().map_err(|e| internal("read the calendar", &e))?;
    let bound = |name: &str| {
        let given = call.args.text(name);
        if let (None, Some(all)) = (given, all) {
            return Ok(all);
        }
        let text = given.unwrap_or_default();
        calendar.query_bound(text).ok_or_else(|| {
            ApiError::parameter(format!(
                "Unable to parse date {text} for command {}, please pass dates in the format yyyy-MM-dd, \"yyyy-MM-dd HH:mm:ss\" or ISO 8601 with an offset",
                call.command.name.to_lowercase()
            ))
        })
    };
    let (start, end) = (bound("startdate")?, bound("enddate")?);
    let window = RecordWindow { from: start.0, to: end.1 };
    // A day that the clocks skipped is an empty window, not a reversed one.
    if window.from > window.to && start.0 > end.0 {
        return Err(ApiError::value(format!(
            "Incorrect Date Range. Start date: {} is after end date:{}",
            calendar.show(window.from),
            calendar.show(window.to)
        )));
    }
    Ok(window)
}
