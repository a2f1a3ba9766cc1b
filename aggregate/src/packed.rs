//! Events of a window, packed: what the fold asks of one lies side by side.
//!
//! Columns are the right shape to read and to select; but the fold takes events in the
//! order of resources, which is scattered over all columns of all files. So each metered
//! event is packed once, while its columns are read from front to back.

use cloudtally_model::{
    AccountId, EventCode, EventId, Instant, OfferingId, ResourceId, TemplateId, Text, UsageEvent,
    ZoneId, event_code, event_name, row_index, row_number,
};
use cloudtally_store::EventColumns;

/// Stands for "none". No number of a source is as large: those beyond `i64::MAX` are refused
/// when they come in.
const NONE: u64 = u64::MAX;

/// Some metered events, in the order of their file.
pub(crate) struct PackedEvents {
    events: Vec<Packed>,
    /// All their texts, one behind the other.
    texts: String,
}

struct Packed {
    id: EventId,
    created: Instant,
    account: AccountId,
    zone: ZoneId,
    resource: ResourceId,
    offering: u64,
    template: u64,
    size: u64,
    virtual_size: u64,
    name: Span,
    resource_type: Span,
    code: EventCode,
}

/// The place of a text; none has no place.
#[derive(Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
}

impl Span {
    const NONE: Self = Self { start: u32::MAX, end: 0 };
}

impl PackedEvents {
    /// Packs the metered ones of some rows.
    pub(crate) fn of(columns: &EventColumns) -> Self {
        let mut packed =
            Self { events: Vec::with_capacity(columns.height()), texts: String::new() };
        for (row, code) in columns.by_type(event_code).enumerate() {
            let Some(code) = code else { continue };
            let number = |number: Option<u64>| number.unwrap_or(NONE);
            packed.events.push(Packed {
                id: columns.id(row),
                created: columns.created(row),
                account: columns.account(row),
                zone: columns.zone(row),
                resource: columns.resource(row),
                offering: number(columns.offering(row)),
                template: number(columns.template(row)),
                size: number(columns.size(row)),
                virtual_size: number(columns.virtual_size(row)),
                name: span(&mut packed.texts, columns.name(row)),
                resource_type: span(&mut packed.texts, columns.resource_type(row)),
                code,
            });
        }
        packed
    }

    /// The type, resource, instant and id of each, in order.
    pub(crate) fn keys(
        &self,
    ) -> impl Iterator<Item = (EventCode, ResourceId, Instant, EventId)> + '_ {
        self.events.iter().map(|event| (event.code, event.resource, event.created, event.id))
    }

    /// One of them, by its position.
    pub(crate) fn event(&self, at: usize) -> UsageEvent {
        let event = &self.events[at];
        let number = |number: u64| (number != NONE).then_some(number);
        let text = |Span { start, end }: Span| {
            (start <= end).then(|| Text::new(&self.texts[row_index(start)..row_index(end)]))
        };
        UsageEvent {
            id: event.id,
            event_type: Text::const_new(event_name(event.code)),
            created: event.created,
            account: event.account,
            zone: event.zone,
            resource: event.resource,
            resource_name: text(event.name),
            offering: number(event.offering).map(OfferingId),
            template: number(event.template).map(TemplateId),
            size: number(event.size),
            virtual_size: number(event.virtual_size),
            resource_type: text(event.resource_type),
        }
    }
}

fn span(texts: &mut String, text: Option<&str>) -> Span {
    let Some(text) = text else { return Span::NONE };
    let start = row_number(texts.len());
    texts.push_str(text);
    Span { start, end: row_number(texts.len()) }
}
