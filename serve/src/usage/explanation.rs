//! `explainUsageRecord`: an extension that tells what a record is made of.

use cloudtally_aggregate::{
    AggregateError, ClippedSegment, Difference, KnownRemoval, Lines, Parts, explain_for,
};
use cloudtally_model::{AccountId, ApiError, Calendar, Instant, RecordId, SourceName};
use cloudtally_platform::{
    engine::{Answer as Tree, Node, ResourceId, unknown},
    table::Kind,
};

use super::{OUR_SOURCE, corrections::shown_id, view::view};
use crate::{answer::Answer, command::FrontCall, error::internal};

/// The word for what the id should be of.
const NOUN: &str = "usage record";

/// Explains a record of an account whose records the caller may list. One of somebody else
/// reads like one that nothing has.
pub(crate) fn explain_record(call: &FrontCall<'_>) -> Result<Answer, ApiError> {
    let text = call.args.text("id").unwrap_or_default();
    let nothing = || unknown("id", text, NOUN);
    let id: RecordId = text.parse().map_err(|_| nothing())?;
    let view = view(call)?;
    let failed = |cause: &dyn std::error::Error| internal("explain a usage record", cause);
    let may_see = |source: &SourceName, account| may_see(call, source, account);
    let explanation = explain_for(&view, id, &may_see).map_err(|error| match error {
        AggregateError::NoSuchRecord { .. } => nothing(),
        AggregateError::InputsNotKept { .. } | AggregateError::Pruned { .. } => {
            ApiError::value(error.to_string())
        }
        error => failed(&error),
    })?;
    let source = explanation.sources.name(explanation.served.record.source).clone();
    let calendar = view.store().calendar().map_err(|e| failed(&e))?;
    let accounts = view.accounts().map_err(|e| failed(&e))?;
    let mut lines = Lines::new(calendar, explanation.sources.clone(), accounts);
    let line = lines.line(&explanation.served);
    let world = call.cloud.world();
    let ours = (source.as_str() == OUR_SOURCE).then_some(&*world);
    let ids = explanation.events();
    let ids: Vec<Node> = ids.iter().map(|event| Node::text(event.to_string())).collect();
    let mut object = vec![
        ("recordid", Node::text(id.to_string())),
        ("startdate", Node::text(&*line.start.1)),
        ("enddate", Node::text(&*line.end.1)),
        ("generation", Node::Int(line.generation.into())),
        ("account", Node::text(&*line.account)),
        ("accountid", Node::text(shown_id(ours, line.account_id))),
        ("description", Node::text(&line.description)),
        ("usagetype", Node::Int(line.usage_type.0.into())),
        ("usage", Node::text(&line.usage)),
        ("quantity", Node::text(line.quantity.to_string())),
        ("unit", Node::text(line.unit)),
        ("sum", Node::text(explanation.sum.to_string())),
        ("addsup", Node::Bool(explanation.adds_up())),
        ("waits", Node::Bool(explanation.waits)),
        ("eventids", if ids.is_empty() { Node::Null } else { Node::List(ids) }),
    ];
    match &explanation.parts {
        Parts::Segments(clipped) => {
            let items = clipped.iter().map(|part| segment(part, calendar));
            object.push(("segments", Node::List(items.collect())));
        }
        Parts::Samples { differences, billed_before } => {
            let items = differences.iter().map(|part| sample(part, calendar));
            object.push(("samples", Node::List(items.collect())));
            object.push(("billedbefore", Node::text(billed_before.to_string())));
        }
    }
    object.push(("source", Node::text(source.as_str())));
    if let Some(corrects) = explanation.served.record.corrects {
        object.push(("corrects", Node::text(calendar.show(corrects))));
    }
    if let Some(adjusted) = &explanation.adjusted {
        let quantity = |quantity: i64| Node::text(quantity.to_string());
        object.extend([
            ("closedquantity", quantity(adjusted.served)),
            ("quantitybefore", quantity(adjusted.before)),
            ("quantityafter", quantity(adjusted.after)),
            ("restatedquantity", quantity(adjusted.restated)),
        ]);
        if let Some(KnownRemoval { before, after }) = adjusted.removal {
            let instant = |at: Option<Instant>| Node::text_if(at.map(|at| calendar.show(at)));
            let told = vec![("before", instant(before)), ("after", instant(after))];
            object.push(("accountremoval", Node::Object(told)));
        }
    }
    let object = Node::Object(object);
    Ok(Answer::Tree(Tree::Object { item: "usageexplanation", object }))
}

/// Tells whether the caller may list the records of the account: the root admin those of all
/// clouds, others those of accounts of our own cloud that they may act for.
fn may_see(call: &FrontCall<'_>, source: &SourceName, account: AccountId) -> bool {
    if call.caller.is_root() {
        return true;
    }
    let (world, account) = (call.cloud.world(), ResourceId(account.0));
    source.as_str() == OUR_SOURCE
        && world.any(account).is_some_and(|account| account.kind == Kind::Account)
        && world.may_act_for(&call.caller, account)
}

fn segment(part: &ClippedSegment, calendar: Calendar) -> Node {
    let ClippedSegment { segment, start, end, used_ms } = part;
    Node::Object(vec![
        ("start", Node::text(calendar.show(*start))),
        ("end", Node::text(calendar.show(*end))),
        ("ms", Node::text(used_ms.to_string())),
        ("segmentstart", Node::text(calendar.show(segment.start))),
        ("segmentend", Node::text_if(segment.end.map(|end| calendar.show(end)))),
        ("openedby", Node::text(segment.opened_by.to_string())),
        ("closedby", Node::text_if(segment.closed_by.map(|event| event.to_string()))),
    ])
}

fn sample(part: &Difference, calendar: Calendar) -> Node {
    Node::Object(vec![
        ("sampled", Node::text(calendar.show(part.to.0))),
        ("counter", Node::text(part.to.1.to_string())),
        ("before", Node::text_if(part.from.map(|(_, before)| before.to_string()))),
        ("bytes", Node::text(part.bytes.to_string())),
        ("restarted", Node::Bool(part.restarted)),
    ])
}
