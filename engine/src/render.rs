//! Resources as answers show them.

use cloudtally_model::{Instant, port::Value};

use super::{
    caller::Caller,
    col,
    column::{Column, ColumnKey},
    ids::ResourceId,
    node::{Fields, Node},
    resource::Resource,
    world::World,
};
use crate::table::{Audience, Field, Kind, Object, Source, WireType};

/// The depth to which objects stand within one another: a VM shows its NICs, and a NIC
/// must not show its VM again.
const DEPTH_MAX: usize = 4;

/// A resource, and who looks at it.
pub struct View<'a> {
    /// The cloud.
    pub world: &'a World,
    /// The caller.
    pub caller: &'a Caller,
    /// At what.
    pub resource: &'a Resource,
    /// The present of the cloud.
    pub now: Instant,
    depth: usize,
}

impl<'a> View<'a> {
    /// A look at a resource.
    pub fn new(world: &'a World, caller: &'a Caller, resource: &'a Resource, now: Instant) -> Self {
        Self { world, caller, resource, now, depth: 0 }
    }

    /// The same look at another resource.
    pub fn of(&self, id: ResourceId) -> View<'a> {
        View { resource: self.world.resource(id), ..*self }
    }

    /// The object shown of the resource.
    pub fn object(&self, object: &Object) -> Node {
        let mut fields: Fields = Vec::with_capacity(object.fields.len());
        let is_shown = |field: &&Field| field.audience == Audience::All || self.caller.is_root();
        for field in object.fields.iter().filter(is_shown) {
            match self.field(field) {
                Node::Null => {}
                node => fields.push((field.name, node)),
            }
        }
        Node::Object(fields)
    }

    /// The value of a field.
    pub fn field(&self, field: &Field) -> Node {
        let (world, resource) = (self.world, self.resource);
        let owner = || resource.owner.map(|owner| world.resource(owner));
        let project = || resource.owner.and_then(|owner| world.project_of(owner));
        let domain = || world.domain_of_resource(resource).map(|id| world.resource(id));
        let uuid = |resource: Option<&Resource>| {
            Node::text_if(resource.map(|resource| resource.uuid.to_string()))
        };
        let name = |resource: Option<&Resource>| {
            Node::text_if(resource.map(|resource| resource.text(col::NAME)))
        };
        match field.source {
            Source::Stored => self.stored(field.key, field.ty),
            Source::Uuid => Node::text(resource.uuid.to_string()),
            Source::State if resource.state().is_empty() => Node::Null,
            Source::State => Node::text(resource.state()),
            Source::Created => Node::Date(resource.created),
            Source::Removed => resource.removed.map_or(Node::Null, Node::Date),
            Source::Account if project().is_some() => Node::Null,
            Source::Account => name(owner()),
            Source::AccountId => uuid(owner()),
            Source::DomainId => uuid(domain()),
            Source::Domain => name(domain()),
            Source::ProjectId => uuid(project()),
            Source::Project => name(project()),
            // Clients look into the list without asking whether there is one.
            Source::Tags => match self.children(Kind::Tag, col::RESOURCE) {
                Node::Null => Node::List(Vec::new()),
                tags => tags,
            },
            Source::JobId => uuid(world.pending_job(resource.id)),
            Source::JobStatus => world
                .pending_job(resource.id)
                .map_or(Node::Null, |job| Node::Int(job.int(col::JOB_STATUS))),
            Source::Join { of, field } => self.joined(of, field),
            Source::Children { kind, by } => self.children(kind, by),
            Source::By(compute) => compute(self),
        }
    }

    fn stored(&self, key: ColumnKey, ty: WireType) -> Node {
        self.resource.value(key).map_or(Node::Null, |value| self.value(value, ty))
    }

    fn value(&self, value: &Value, ty: WireType) -> Node {
        match value {
            Value::Bool(flag) => Node::Bool(*flag),
            Value::Int(number) if matches!(ty, WireType::Str) => Node::text(number.to_string()),
            Value::Int(number) => Node::Int(*number),
            Value::Text(text) => Node::Text(text.clone()),
            Value::Ref(id) => Node::text_if(
                self.world.any(ResourceId(*id)).map(|resource| resource.uuid.to_string()),
            ),
            Value::Time(at) => Node::Date(*at),
            Value::List(values) => {
                let item = if ty == WireType::List { WireType::Str } else { ty };
                Node::List(values.iter().map(|value| self.value(value, item)).collect())
            }
            Value::Map(pairs) => Node::Map(pairs.clone()),
        }
    }

    /// A field of the resource that a reference names; what is removed still tells.
    fn joined(&self, of: Column<ResourceId>, field: &str) -> Node {
        let Some(id) = self.resource.id_of(of) else { return Node::Null };
        let view = self.of(id);
        let spec = view.resource.spec();
        match spec.object.position(field) {
            Some(at) => view.field(&spec.object.fields[at]),
            None => view.stored(ColumnKey::of(field), WireType::Str),
        }
    }

    /// The resources of a kind that this account owns, the oldest first.
    pub fn owned(&self, kind: Kind) -> Node {
        if self.depth >= DEPTH_MAX {
            return Node::Null;
        }
        let object = self.world.spec(kind).object;
        let show = |resource| View { resource, depth: self.depth + 1, ..*self }.object(object);
        Node::List(self.world.owned_by(self.resource.id, kind).map(show).collect())
    }

    /// The resources of a kind that refer to this one, the oldest first.
    pub fn children(&self, kind: Kind, by: Column<ResourceId>) -> Node {
        if self.depth >= DEPTH_MAX || self.world.tables().spec_if_any(kind).is_none() {
            return Node::Null;
        }
        let object = self.world.spec(kind).object;
        let items: Vec<Node> = self
            .world
            .referring(self.resource.id, kind, by)
            .map(|resource| View { resource, depth: self.depth + 1, ..*self }.object(object))
            .collect();
        if items.is_empty() { Node::Null } else { Node::List(items) }
    }
}
