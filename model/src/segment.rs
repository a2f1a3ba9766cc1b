//! Segments: stretches of use with constant attributes.

use crate::{
    AccountId, EventId, Instant, NicId, OfferingId, Period, ResourceId, SourceId, TemplateId, Text,
    UsageTypeId, ZoneId,
    columns::{Numbers, Texts, gather},
};

/// The attributes of a resource in an event, besides its id and owner.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attributes {
    /// The resource's zone.
    pub zone: ZoneId,
    /// Service, disk or network offering.
    pub offering: Option<OfferingId>,
    /// Template; 1 marks a system address.
    pub template: Option<TemplateId>,
    /// Bytes; a flag for addresses and network offerings.
    pub size: Option<u64>,
    /// Bytes the guest sees.
    pub virtual_size: Option<u64>,
    /// The resource's name.
    pub name: Option<Text>,
    /// Hypervisor, VLAN type, ...
    pub resource_type: Option<Text>,
}

/// A stretch of use with constant attributes: what an opening or splitting event
/// began and the next closing or splitting event ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment {
    /// The source of the ids.
    pub source: SourceId,
    /// The usage type it counts for.
    pub usage_type: UsageTypeId,
    /// The thing used.
    pub resource: ResourceId,
    /// The NIC, for network offerings; 0 elsewhere.
    pub nic: NicId,
    /// Its first instant.
    pub start: Instant,
    /// Its end; `None` while it is open.
    pub end: Option<Instant>,
    /// The account that pays.
    pub account: AccountId,
    /// The attributes of the whole stretch.
    pub attributes: Attributes,
    /// The event that opened or split it.
    pub opened_by: EventId,
    /// The event that closed or split it; `None` while open, and where the
    /// removal of its account ended it.
    pub closed_by: Option<EventId>,
}

impl Segment {
    /// The part of the segment inside `period`, if any.
    pub fn clip(&self, period: Period) -> Option<(Instant, Instant)> {
        let start = self.start.max(period.start);
        let end = self.end.unwrap_or(period.end).min(period.end);
        (start < end).then_some((start, end))
    }
}

/// Segments as columns: row by row what a [`Segment`] has. A window's segments are kept
/// and moved like this, and become a [`Segment`] only where something happens to them.
#[derive(Clone, Debug, Default)]
pub struct SegmentColumns {
    /// The sources of the ids.
    pub source: Vec<SourceId>,
    /// The usage types they count for.
    pub usage_type: Vec<UsageTypeId>,
    /// The things used.
    pub resource: Vec<ResourceId>,
    /// The NICs, for network offerings; 0 elsewhere.
    pub nic: Vec<NicId>,
    /// First instants.
    pub start: Vec<Instant>,
    /// Ends; [`Instant::END_OF_TIME`] while open.
    pub end: Vec<Instant>,
    /// The accounts that pay.
    pub account: Vec<AccountId>,
    /// The resources' zones.
    pub zone: Vec<ZoneId>,
    /// Service, disk or network offerings.
    pub offering: Numbers,
    /// Templates.
    pub template: Numbers,
    /// Bytes, or flags.
    pub size: Numbers,
    /// Bytes the guests see.
    pub virtual_size: Numbers,
    /// The resources' names.
    pub name: Texts,
    /// Hypervisors, VLAN types, ...
    pub resource_type: Texts,
    /// The events that opened or split them.
    pub opened_by: Vec<EventId>,
    /// The events that closed or split them.
    pub closed_by: Numbers,
}

/// One row of [`SegmentColumns`], with its texts borrowed.
#[derive(Clone, Copy)]
pub struct SegmentRow<'a> {
    columns: &'a SegmentColumns,
    row: usize,
}

macro_rules! values {
    ($($(#[$doc:meta])* $name:ident: $type:ty),* $(,)?) => { $(
        $(#[$doc])*
        #[inline]
        pub fn $name(self) -> $type {
            self.columns.$name[self.row]
        }
    )* };
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => { $(
        $(#[$doc])*
        #[inline]
        pub fn $name(self) -> Option<u64> {
            self.columns.$name.get(self.row)
        }
    )* };
}

impl<'a> SegmentRow<'a> {
    values! {
        /// The source of the ids.
        source: SourceId,
        /// The usage type it counts for.
        usage_type: UsageTypeId,
        /// The thing used.
        resource: ResourceId,
        /// The NIC, for network offerings; 0 elsewhere.
        nic: NicId,
        /// Its first instant.
        start: Instant,
        /// Its end; [`Instant::END_OF_TIME`] while it is open.
        end: Instant,
        /// The account that pays.
        account: AccountId,
        /// The resource's zone.
        zone: ZoneId,
        /// The event that opened or split it.
        opened_by: EventId,
    }

    numbers! {
        /// Service, disk or network offering.
        offering,
        /// Template.
        template,
        /// Bytes, or a flag.
        size,
        /// Bytes the guest sees.
        virtual_size,
        /// The event that closed or split it.
        closed_by,
    }

    /// The resource's name.
    #[inline]
    pub fn name(self) -> Option<&'a str> {
        self.columns.name.get(self.row)
    }

    /// Hypervisor, VLAN type, ...
    #[inline]
    pub fn resource_type(self) -> Option<&'a str> {
        self.columns.resource_type.get(self.row)
    }

    /// The segment on its own.
    pub fn to_segment(self) -> Segment {
        Segment {
            source: self.source(),
            usage_type: self.usage_type(),
            resource: self.resource(),
            nic: self.nic(),
            start: self.start(),
            end: Some(self.end()).filter(|end| *end != Instant::END_OF_TIME),
            account: self.account(),
            attributes: Attributes {
                zone: self.zone(),
                offering: self.offering().map(OfferingId),
                template: self.template().map(TemplateId),
                size: self.size(),
                virtual_size: self.virtual_size(),
                name: self.name().map(Text::new),
                resource_type: self.resource_type().map(Text::new),
            },
            opened_by: self.opened_by(),
            closed_by: self.closed_by().map(EventId),
        }
    }
}

impl SegmentColumns {
    /// The number of rows.
    pub fn height(&self) -> usize {
        self.start.len()
    }

    /// One row.
    #[inline]
    pub fn row(&self, row: usize) -> SegmentRow<'_> {
        SegmentRow { columns: self, row }
    }

    /// All rows, in order.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = SegmentRow<'_>> + ExactSizeIterator {
        (0..self.height()).map(|row| self.row(row))
    }

    /// Adds a segment.
    pub fn push(&mut self, segment: &Segment) {
        let attributes = &segment.attributes;
        self.source.push(segment.source);
        self.usage_type.push(segment.usage_type);
        self.resource.push(segment.resource);
        self.nic.push(segment.nic);
        self.start.push(segment.start);
        self.end.push(segment.end.unwrap_or(Instant::END_OF_TIME));
        self.account.push(segment.account);
        self.zone.push(attributes.zone);
        self.offering.push(attributes.offering.map(|offering| offering.0));
        self.template.push(attributes.template.map(|template| template.0));
        self.size.push(attributes.size);
        self.virtual_size.push(attributes.virtual_size);
        self.name.push(attributes.name.as_deref());
        self.resource_type.push(attributes.resource_type.as_deref());
        self.opened_by.push(segment.opened_by);
        self.closed_by.push(segment.closed_by.map(|event| event.0));
    }

    /// Adds rows of other columns, in the order of `rows`.
    pub fn gather(&mut self, other: &Self, rows: &[u32]) {
        gather(&mut self.source, &other.source, rows);
        gather(&mut self.usage_type, &other.usage_type, rows);
        gather(&mut self.resource, &other.resource, rows);
        gather(&mut self.nic, &other.nic, rows);
        gather(&mut self.start, &other.start, rows);
        gather(&mut self.end, &other.end, rows);
        gather(&mut self.account, &other.account, rows);
        gather(&mut self.zone, &other.zone, rows);
        self.offering.gather(&other.offering, rows);
        self.template.gather(&other.template, rows);
        self.size.gather(&other.size, rows);
        self.virtual_size.gather(&other.virtual_size, rows);
        self.name.gather(&other.name, rows);
        self.resource_type.gather(&other.resource_type, rows);
        gather(&mut self.opened_by, &other.opened_by, rows);
        self.closed_by.gather(&other.closed_by, rows);
    }

    /// The same segments as if none had ended.
    pub fn unended(mut self) -> Self {
        let height = self.height();
        self.end = vec![Instant::END_OF_TIME; height];
        self.closed_by = Numbers::new(vec![0; height], vec![false; height]);
        self
    }
}

impl<'a> FromIterator<&'a Segment> for SegmentColumns {
    fn from_iter<I: IntoIterator<Item = &'a Segment>>(segments: I) -> Self {
        let mut columns = Self::default();
        segments.into_iter().for_each(|segment| columns.push(segment));
        columns
    }
}
