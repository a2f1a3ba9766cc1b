//! `listUsageCorrections`: an extension that tells what changed when days were published
//! again.

use cloudtally_model::{ApiError, Millis, SourceName};
use cloudtally_platform::engine::{Answer as Tree, Node, ResourceId, World};
use cloudtally_store::{Accounts, RecordFilter, ServedCorrection, StoreError};

use super::{OUR_SOURCE, scope::chosen_accounts, usage_type, window::window};
use crate::{answer::Answer, command::FrontCall, error::internal};

/// Lists the corrections of some days, of the accounts whose records the caller may list.
pub(crate) fn list_corrections(call: &FrontCall<'_>) -> Result<Answer, ApiError> {
    let failed = |cause: StoreError| internal("list usage corrections", &cause);
    let window = window(call)?;
    let page = call.page()?;
    let accounts = call.store.accounts().map_err(failed)?;
    let filter = RecordFilter {
        source: None,
        accounts: chosen_accounts(call, &accounts)?,
        usage_type: usage_type(call)?,
    };
    let set = call.store.corrections(window, &filter).map_err(failed)?;
    let calendar = call.store.calendar().map_err(failed)?;
    let [skip, size] = [page.skip, page.size].map(|n| u64::try_from(n).unwrap_or(u64::MAX));
    let (found, count) = set.page(skip..skip.saturating_add(size)).map_err(failed)?;
    let world = call.cloud.world();
    let shown = |served: &ServedCorrection| {
        let source = set.sources().name(served.correction.record.source);
        let mut fields = vec![
            ("recordid", Node::text(served.correction.id.to_string())),
            ("startdate", Node::text(calendar.show(served.period.start))),
            ("enddate", Node::text(calendar.show(served.period.end - Millis::SECOND))),
            ("generation", Node::Int(served.generation.into())),
            ("published", served.published.map_or(Node::Null, Node::Date)),
        ];
        let ours = (source.as_str() == OUR_SOURCE).then_some(&*world);
        fields.extend(of_record(served, &accounts, source, ours));
        fields.push(("source", Node::text(source.as_str())));
        let corrects = served.correction.record.corrects;
        fields.push(("corrects", Node::text_if(corrects.map(|start| calendar.show(start)))));
        Node::Object(fields)
    };
    let items = found.iter().map(shown).collect();
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    Ok(Answer::Tree(Tree::List { count, item: "usagecorrection", items }))
}

/// The fields about the record and what changed of it.
fn of_record(
    served: &ServedCorrection,
    accounts: &Accounts,
    source: &SourceName,
    ours: Option<&World>,
) -> Vec<(&'static str, Node)> {
    let found = &served.correction;
    let record = &found.record;
    let quantity = |quantity: Option<i64>| Node::text_if(quantity.map(|number| number.to_string()));
    let ids: Vec<Node> = found.events.iter().map(|id| Node::text(id.to_string())).collect();
    vec![
        ("account", Node::text(accounts.shown_name(source, record.account).as_str())),
        ("accountid", Node::text(shown_id(ours, record.account.0))),
        ("description", Node::text(record.description())),
        ("usagetype", Node::Int(record.usage_type.0.into())),
        ("resourceid", Node::text(shown_id(ours, record.resource.0))),
        ("before", quantity(found.before)),
        ("after", quantity(found.after)),
        ("difference", Node::text(found.difference().to_string())),
        ("unit", Node::text(record.row().unit.name())),
        ("changes", Node::text_if(found.changes.as_deref())),
        ("cause", Node::text(found.cause.as_name())),
        ("eventids", if ids.is_empty() { Node::Null } else { Node::List(ids) }),
    ]
}

/// The id by which the API knows something: that of our own cloud, or the source's number.
pub(super) fn shown_id(ours: Option<&World>, number: u64) -> String {
    let own = ours.and_then(|world| world.any(ResourceId(number)));
    own.map_or_else(|| number.to_string(), |resource| resource.shown_id())
}
