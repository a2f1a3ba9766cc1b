//! One resource of the cloud: a row of a kind, with its owner, its state and its attributes
//! by column.

use std::fmt;

use cloudtally_model::{
    Instant, Text,
    port::{Row, Value},
};

use super::{
    col,
    column::{Column, ColumnKey, Pairs, Stored},
    ids::{ResourceId, Uuid},
    state::{Move, State},
};
use crate::table::{Kind, KindSpec, Tables};

/// One resource of the cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its number.
    pub id: ResourceId,
    /// Its kind.
    pub kind: Kind,
    spec: Spec,
    /// Its id in the API.
    pub uuid: Uuid,
    /// The account it belongs to.
    pub owner: Option<ResourceId>,
    /// The name of its state, empty if it has none.
    state: &'static str,
    /// The instant it was made.
    pub created: Instant,
    /// The instant it was removed.
    pub removed: Option<Instant>,
    /// Attributes by column, sorted; absent ones are left out.
    values: Vec<(ColumnKey, Value)>,
}

/// The row of a resource's kind; there is one a kind, so that all of a kind are equal.
#[derive(Clone, Copy)]
struct Spec(&'static KindSpec);

impl PartialEq for Spec {
    fn eq(&self, other: &Self) -> bool {
        self.0.kind == other.0.kind
    }
}

impl Eq for Spec {}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.kind.fmt(f)
    }
}

impl Resource {
    pub(super) fn new(
        id: ResourceId,
        spec: &'static KindSpec,
        uuid: Uuid,
        created: Instant,
    ) -> Self {
        let state = spec.states.names.first().copied().unwrap_or_default();
        let (kind, spec) = (spec.kind, Spec(spec));
        Self {
            id,
            kind,
            spec,
            uuid,
            owner: None,
            state,
            created,
            removed: None,
            values: Vec::new(),
        }
    }

    /// The name of its state, as answers show it; empty if its kind has none.
    pub fn state(&self) -> &'static str {
        self.state
    }

    /// Tells whether it is in a state.
    pub fn is(&self, state: impl State) -> bool {
        debug_assert!(
            self.spec().states.names.contains(&state.name()),
            "{:?} has no state {}",
            self.kind,
            state.name()
        );
        self.state == state.name()
    }

    /// Tells whether it is in one of several states.
    pub fn is_any<S: State>(&self, states: &[S]) -> bool {
        states.iter().any(|state| self.state == state.name())
    }

    /// Its state as one of an enum's; none if it is another.
    pub fn state_as<S: State>(&self) -> Option<S> {
        S::named(self.state)
    }

    /// Tells whether it may move to a state from the one that it is in.
    pub fn may_move_to(&self, state: impl State) -> bool {
        self.move_to(state.name()).is_some()
    }

    /// The row of the move from its state to another.
    pub(super) fn move_to(&self, to: &str) -> Option<Move> {
        let moves = self.spec().states.moves.iter();
        moves.copied().find(|row| row.from == self.state && row.to == to)
    }

    /// Sets the state of a resource that is being made; later ones are moved to.
    ///
    /// # Panics
    /// If the kind has no such state: a mistake in our code.
    pub fn set_state(&mut self, state: impl State) {
        self.put_state(state.name());
    }

    /// Sets the state to a name that its kind has.
    pub(super) fn put_state(&mut self, name: &'static str) {
        assert!(self.spec().states.names.contains(&name), "{:?} has no state {name}", self.kind);
        self.state = name;
    }

    /// The row of its kind.
    pub fn spec(&self) -> &'static KindSpec {
        self.spec.0
    }

    /// The value under a key, of whatever type.
    pub(super) fn value(&self, key: ColumnKey) -> Option<&Value> {
        debug_assert!(self.spec().stores(key), "{:?} has no such column", self.kind);
        let at = self.values.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        Some(&self.values[at].1)
    }

    /// Sets or clears the value under a key.
    ///
    /// # Panics
    /// If the kind has no such column: a mistake in our code.
    pub(super) fn set_value(&mut self, key: ColumnKey, value: Option<Value>) -> &mut Self {
        assert!(self.spec().stores(key), "{:?} has no such column", self.kind);
        let place = self.values.binary_search_by_key(&key, |(key, _)| *key);
        match (place, value) {
            (Ok(at), Some(value)) => self.values[at].1 = value,
            (Ok(at), None) => drop(self.values.remove(at)),
            (Err(at), Some(value)) => self.values.insert(at, (key, value)),
            (Err(_), None) => {}
        }
        self
    }

    /// Tells whether its kind has a column.
    pub fn stores<T: Stored>(&self, column: Column<T>) -> bool {
        self.spec().stores(column.key())
    }

    /// Tells whether anything is stored in a column.
    pub fn has<T: Stored>(&self, column: Column<T>) -> bool {
        self.value(column.key()).is_some()
    }

    /// Clears an attribute.
    pub fn clear<T: Stored>(&mut self, column: Column<T>) -> &mut Self {
        self.set_value(column.key(), None)
    }

    /// Sets the id by which the API is to know it: a uuid becomes its own, any other text is
    /// shown and taken in the place of its uuid.
    pub fn set_id(&mut self, id: &str) {
        match Uuid::parse(id) {
            Some(uuid) => self.uuid = uuid,
            None => drop(self.set_text(col::GIVEN_ID, id)),
        }
    }

    /// The id that its maker has given to it, if that is no uuid.
    pub fn given_id(&self) -> Option<&str> {
        if !self.stores(col::GIVEN_ID) {
            return None;
        }
        Some(self.text(col::GIVEN_ID)).filter(|id| !id.is_empty())
    }

    /// The id by which the API knows it.
    pub fn shown_id(&self) -> String {
        self.given_id().map_or_else(|| self.uuid.to_string(), str::to_owned)
    }

    /// Sets a text.
    pub fn set_text(&mut self, column: Column<Text>, text: &str) -> &mut Self {
        self.set_value(column.key(), Some(Value::Text(text.into())))
    }

    /// Sets a text; none clears it.
    pub fn set_text_if(&mut self, column: Column<Text>, text: Option<&str>) -> &mut Self {
        self.set_value(column.key(), text.map(|text| Value::Text(text.into())))
    }

    /// Sets a number.
    pub fn set_int(&mut self, column: Column<i64>, number: i64) -> &mut Self {
        self.set_value(column.key(), Some(Value::Int(number)))
    }

    /// Sets a number; none clears it.
    pub fn set_int_if(&mut self, column: Column<i64>, number: Option<i64>) -> &mut Self {
        self.set_value(column.key(), number.map(Value::Int))
    }

    /// Sets a flag.
    pub fn set_flag(&mut self, column: Column<bool>, flag: bool) -> &mut Self {
        self.set_value(column.key(), Some(Value::Bool(flag)))
    }

    /// Sets a reference.
    pub fn set_ref(
        &mut self,
        column: Column<ResourceId>,
        id: impl Into<Option<ResourceId>>,
    ) -> &mut Self {
        self.set_value(column.key(), id.into().map(|id| Value::Ref(id.0)))
    }

    /// Sets references; none of them is none at all.
    pub fn set_refs(&mut self, column: Column<Vec<ResourceId>>, ids: Vec<ResourceId>) -> &mut Self {
        let refs: Vec<Value> = ids.into_iter().map(|id| Value::Ref(id.0)).collect();
        self.set_value(column.key(), (!refs.is_empty()).then_some(Value::List(refs)))
    }

    /// Sets texts in their order.
    pub fn set_texts(&mut self, column: Column<Vec<Text>>, texts: Vec<Text>) -> &mut Self {
        let texts = texts.into_iter().map(Value::Text).collect();
        self.set_value(column.key(), Some(Value::List(texts)))
    }

    /// Sets a moment.
    pub fn set_time(
        &mut self,
        column: Column<Instant>,
        at: impl Into<Option<Instant>>,
    ) -> &mut Self {
        self.set_value(column.key(), at.into().map(Value::Time))
    }

    /// Sets keys and values.
    pub fn set_map(&mut self, column: Column<Pairs>, pairs: impl Into<Option<Pairs>>) -> &mut Self {
        self.set_value(column.key(), pairs.into().map(Value::Map))
    }

    /// A text; empty if absent.
    pub fn text(&self, column: Column<Text>) -> &str {
        match self.value(column.key()) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// A text of a column that the kind may not have.
    pub(super) fn text_if_any(&self, column: Column<Text>) -> &str {
        if self.stores(column) { self.text(column) } else { "" }
    }

    /// A number; 0 if absent.
    pub fn int(&self, column: Column<i64>) -> i64 {
        self.int_if(column).unwrap_or_default()
    }

    /// A number, if there.
    pub fn int_if(&self, column: Column<i64>) -> Option<i64> {
        match self.value(column.key()) {
            Some(Value::Int(number)) => Some(*number),
            _ => None,
        }
    }

    /// A flag; false if absent.
    pub fn flag(&self, column: Column<bool>) -> bool {
        matches!(self.value(column.key()), Some(Value::Bool(true)))
    }

    /// A reference.
    pub fn id_of(&self, column: Column<ResourceId>) -> Option<ResourceId> {
        match self.value(column.key()) {
            Some(Value::Ref(id)) => Some(ResourceId(*id)),
            _ => None,
        }
    }

    /// A moment.
    pub fn time(&self, column: Column<Instant>) -> Option<Instant> {
        match self.value(column.key()) {
            Some(Value::Time(at)) => Some(*at),
            _ => None,
        }
    }

    /// Keys and values.
    pub fn map(&self, column: Column<Pairs>) -> &[(Text, Text)] {
        match self.value(column.key()) {
            Some(Value::Map(pairs)) => pairs,
            _ => &[],
        }
    }

    /// Several references.
    pub fn ids_of(&self, column: Column<Vec<ResourceId>>) -> Vec<ResourceId> {
        let Some(Value::List(values)) = self.value(column.key()) else { return Vec::new() };
        let id =
            |value: &Value| if let Value::Ref(id) = value { Some(ResourceId(*id)) } else { None };
        values.iter().filter_map(id).collect()
    }

    pub(super) fn to_row(&self) -> Row {
        // In the order of the kind's rows, whatever the order of the keys.
        let mut values: Vec<_> = self
            .values
            .iter()
            .filter_map(|(key, value)| Some((self.spec().position_of(*key)?, value)))
            .collect();
        values.sort_by_key(|(position, _)| *position);
        Row {
            id: self.id.0,
            kind: self.kind.name().into(),
            uuid: self.uuid.0,
            owner: self.owner.map(|id| id.0),
            state: self.state.into(),
            created: self.created,
            removed: self.removed,
            values: values
                .into_iter()
                .map(|(position, value)| (self.spec().column_at(position).0.into(), value.clone()))
                .collect(),
        }
    }

    /// Reads a kept row; columns that the kind no longer has are left behind.
    pub(super) fn from_row(tables: &'static Tables, row: Row) -> Option<Self> {
        let kind = Kind::from_name(&row.kind)?;
        let spec = tables.spec(kind);
        let mut values: Vec<(ColumnKey, Value)> = row
            .values
            .into_iter()
            .map(|(name, value)| (ColumnKey::of(&name), value))
            .filter(|(key, _)| spec.stores(*key))
            .collect();
        values.sort_by_key(|(key, _)| *key);
        Some(Self {
            id: ResourceId(row.id),
            kind,
            spec: Spec(spec),
            uuid: Uuid(row.uuid),
            owner: row.owner.map(ResourceId),
            state: spec.states.names.iter().copied().find(|s| *s == row.state).unwrap_or_default(),
            created: row.created,
            removed: row.removed,
            values,
        })
    }

    pub(super) fn references(&self) -> impl Iterator<Item = (ColumnKey, u64)> + '_ {
        self.values.iter().flat_map(|(column, value)| ids_in(value).map(|id| (*column, id)))
    }
}

/// The ids of the resources that a value refers to: of one, or of each in a list.
pub(super) fn ids_in(value: &Value) -> impl Iterator<Item = u64> + '_ {
    let values = match value {
        Value::List(values) => values.as_slice(),
        one => std::slice::from_ref(one),
    };
    values.iter().filter_map(|one| if let Value::Ref(id) = one { Some(*id) } else { None })
}
