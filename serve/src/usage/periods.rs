//! `listUsagePeriods`: an extension that tells which periods are final.

use cloudtally_aggregate::{PeriodRow, periods};
use cloudtally_model::{ApiError, Calendar, Instant, Millis, Period};
use cloudtally_platform::engine::{Answer as Tree, Node};

use super::window::optional_window;
use crate::{answer::Answer, command::FrontCall, error::internal};

/// Periods and their states, the first one first.
pub(crate) fn list_periods(call: &FrontCall<'_>) -> Result<Answer, ApiError> {
    let failed = |cause| internal("list usage periods", &cause);
    let page = call.page()?;
    let window = optional_window(call)?;
    let window = Period { start: window.from, end: window.to + Millis::SECOND };
    let calendar = call.store.calendar().map_err(failed)?;
    let rows = periods(call.store, call.now, window).map_err(failed)?;
    let items = rows.iter().skip(page.skip).take(page.size);
    let items = items.map(|row| shown(row, calendar)).collect();
    Ok(Answer::Tree(Tree::List { count: rows.len(), item: "usageperiod", items }))
}

fn shown(row: &PeriodRow, calendar: Calendar) -> Node {
    let date = |at: Instant| Node::text(calendar.show(at));
    let number = |number: u64| Node::Int(i64::try_from(number).unwrap_or(i64::MAX));
    let optional = |generation: Option<u32>| generation.map_or(Node::Null, |n| number(n.into()));
    let corrects: Vec<String> = row.corrects.iter().map(|at| calendar.show(*at)).collect();
    let closing = row.closing.as_ref();
    let text = |text: Option<&str>| text.map_or(Node::Null, Node::text);
    Node::Object(vec![
        ("startdate", date(row.extent.start)),
        ("enddate", date(row.extent.end - Millis::SECOND)),
        ("periods", number(row.periods)),
        ("state", Node::text(row.state.as_name())),
        ("generation", optional(row.generation)),
        ("restated", optional(row.restated)),
        ("records", number(row.records)),
        ("waits", Node::Bool(row.waits)),
        ("corrects", text(Some(&*corrects.join(",")).filter(|dates| !dates.is_empty()))),
        ("closedby", text(closing.map(|closing| &*closing.by))),
        ("closed", closing.map_or(Node::Null, |of| Node::Date(Instant::from_millis(of.closed_ms)))),
        ("reason", text(closing.and_then(|closing| closing.reason.as_deref()))),
    ])
}
