//! The cloud in memory: every thing there is, and the indexes that find it.
//!
//! A [`Thing`] is a row of a kind: who owns it, its state, and its attributes by
//! column. Things are shared and never changed in place: a change replaces the
//! thing, so undoing it is putting the old one back (see [`super::Tx`]).
//!
//! Removed things stay, so that their uuids and names still resolve in events
//! and bills, but only [`World::any`] and uuids find them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::Arc,
};

use cloudtally_model::{
    Instant, Millis, Text,
    port::{Row, Value},
    settings::setting,
};

use super::{
    col,
    column::{Column, ColumnKey, Pairs, Reference, Stored},
    node::Answer,
    state::{Move, State},
    tables::Tables,
};
use crate::{
    ledger::Ledger,
    table::{Kind, KindSpec, Role},
};

/// The number of a thing, unique over all kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThingId(pub u64);

impl fmt::Display for ThingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What the API calls a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub u128);

impl Uuid {
    /// Reads the usual form, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        uuid::Uuid::try_parse(text).ok().filter(|_| text.len() == 36).map(|u| Self(u.as_u128()))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_u128(self.0).hyphenated().fmt(f)
    }
}

/// One thing of the cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thing {
    /// Its number.
    pub id: ThingId,
    /// What it is.
    pub kind: Kind,
    spec: Spec,
    /// What the API calls it.
    pub uuid: Uuid,
    /// The account it belongs to.
    pub owner: Option<ThingId>,
    /// The name of its state, empty if it has none.
    state: &'static str,
    /// When it was made.
    pub created: Instant,
    /// When it was removed.
    pub removed: Option<Instant>,
    /// Attributes by column, sorted; absent ones are left out.
    values: Vec<(ColumnKey, Value)>,
}

/// The row of a thing's kind; there is one a kind, so that all of a kind are equal.
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

impl Thing {
    pub(super) fn new(id: ThingId, spec: &'static KindSpec, uuid: Uuid, created: Instant) -> Self {
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

    /// Sets the state of a thing that is being made; later ones are moved to.
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

    /// What is stored of its kind.
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
        column: Column<ThingId>,
        id: impl Into<Option<ThingId>>,
    ) -> &mut Self {
        self.set_value(column.key(), id.into().map(|id| Value::Ref(id.0)))
    }

    /// Sets references; none of them is none at all.
    pub fn set_refs(&mut self, column: Column<Vec<ThingId>>, ids: Vec<ThingId>) -> &mut Self {
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
    pub fn id_of(&self, column: Column<ThingId>) -> Option<ThingId> {
        match self.value(column.key()) {
            Some(Value::Ref(id)) => Some(ThingId(*id)),
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
    pub fn ids_of(&self, column: Column<Vec<ThingId>>) -> Vec<ThingId> {
        let Some(Value::List(values)) = self.value(column.key()) else { return Vec::new() };
        let id = |value: &Value| if let Value::Ref(id) = value { Some(ThingId(*id)) } else { None };
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
            id: ThingId(row.id),
            kind,
            spec: Spec(spec),
            uuid: Uuid(row.uuid),
            owner: row.owner.map(ThingId),
            state: spec.states.names.iter().copied().find(|s| *s == row.state).unwrap_or_default(),
            created: row.created,
            removed: row.removed,
            values,
        })
    }

    fn references(&self) -> impl Iterator<Item = (ColumnKey, u64)> + '_ {
        self.values.iter().flat_map(|(column, value)| ids_in(value).map(|id| (*column, id)))
    }
}

/// The ids of the things that a value refers to: of one, or of each in a list.
pub(super) fn ids_in(value: &Value) -> impl Iterator<Item = u64> + '_ {
    let values = match value {
        Value::List(values) => values.as_slice(),
        one => std::slice::from_ref(one),
    };
    values.iter().filter_map(|one| if let Value::Ref(id) = one { Some(*id) } else { None })
}

/// The cloud.
#[derive(Debug)]
pub struct World {
    tables: &'static Tables,
    things: BTreeMap<ThingId, Arc<Thing>>,
    by_uuid: HashMap<Uuid, ThingId>,
    /// By the id that its maker has given to a thing, and its kind.
    by_given_id: BTreeMap<(String, Kind), ThingId>,
    live: BTreeSet<(Kind, ThingId)>,
    owned: BTreeSet<(ThingId, Kind, ThingId)>,
    /// (referred to, kind of the referrer, its column, the referrer)
    referrers: BTreeSet<(ThingId, Kind, ColumnKey, ThingId)>,
    due: BTreeSet<(Instant, ThingId)>,
    by_key: HashMap<String, ThingId>,
    settings: BTreeMap<String, String>,
    ledger: Ledger,
}

impl World {
    /// A world in which nothing is yet.
    pub(super) fn new(tables: &'static Tables) -> Self {
        Self {
            tables,
            things: BTreeMap::new(),
            by_uuid: HashMap::new(),
            by_given_id: BTreeMap::new(),
            live: BTreeSet::new(),
            owned: BTreeSet::new(),
            referrers: BTreeSet::new(),
            due: BTreeSet::new(),
            by_key: HashMap::new(),
            settings: BTreeMap::new(),
            ledger: Ledger::default(),
        }
    }

    /// The rows of the cloud.
    pub fn tables(&self) -> &'static Tables {
        self.tables
    }

    /// What is stored of a kind.
    ///
    /// # Panics
    /// If nothing is: a mistake in the tables.
    pub fn spec(&self, kind: Kind) -> &'static KindSpec {
        self.tables.spec(kind)
    }

    /// A live thing of a kind.
    pub fn get(&self, kind: Kind, id: ThingId) -> Option<&Thing> {
        self.any(id).filter(|thing| thing.kind == kind && thing.removed.is_none())
    }

    /// A thing, removed or not.
    pub fn any(&self, id: ThingId) -> Option<&Thing> {
        self.things.get(&id).map(Arc::as_ref)
    }

    /// A thing that must be there.
    ///
    /// # Panics
    /// If it is not: ids we hold are of things that stay.
    pub fn thing(&self, id: ThingId) -> &Thing {
        self.any(id).unwrap_or_else(|| panic!("there is no thing {id}"))
    }

    /// A thing of one of several kinds, or of any, by its id as the API writes it; removed or
    /// not.
    pub fn by_id(&self, text: &str, kinds: &[Kind]) -> Option<&Thing> {
        let is_it = |thing: &&Thing| kinds.is_empty() || kinds.contains(&thing.kind);
        if let Some(uuid) = Uuid::parse(text) {
            return self.by_uuid(uuid).filter(is_it);
        }
        if self.by_given_id.is_empty() {
            return None;
        }
        let from = (text.to_owned(), Kind::ALL[0]);
        let mut given = self.by_given_id.range(from..).take_while(|((id, _), _)| id == text);
        given.find_map(|(_, id)| self.any(*id).filter(is_it))
    }

    /// Puts ids that makers have given in the places of the uuids that stand for them.
    pub(super) fn show_given_ids(&self, answer: &mut Answer) {
        if self.by_given_id.is_empty() {
            return;
        }
        let shown = |uuid: &str| {
            let thing = self.by_uuid(Uuid::parse(uuid)?)?;
            thing.given_id().map(str::to_owned)
        };
        answer.each_text(&mut |text| {
            if let Some(id) = shown(text) {
                *text = id.into();
            }
        });
    }

    /// A thing by uuid, removed or not.
    pub fn by_uuid(&self, uuid: Uuid) -> Option<&Thing> {
        self.by_uuid.get(&uuid).and_then(|id| self.any(*id))
    }

    /// All live things of a kind, the oldest first.
    pub fn all(&self, kind: Kind) -> impl DoubleEndedIterator<Item = &Thing> + '_ {
        let range = (kind, ThingId(0))..=(kind, ThingId(u64::MAX));
        self.live.range(range).map(|(_, id)| self.thing(*id))
    }

    /// All things of a kind, removed ones too, the oldest first.
    pub fn removed_too(&self, kind: Kind) -> impl Iterator<Item = &Thing> + '_ {
        self.things.values().map(Arc::as_ref).filter(move |thing| thing.kind == kind)
    }

    /// The live things of a kind that an account owns, the oldest first.
    pub fn owned_by(
        &self,
        account: ThingId,
        kind: Kind,
    ) -> impl DoubleEndedIterator<Item = &Thing> + '_ {
        let range = (account, kind, ThingId(0))..=(account, kind, ThingId(u64::MAX));
        self.owned.range(range).map(|(_, _, id)| self.thing(*id))
    }

    /// The live things of a kind whose reference in `column` is `target`.
    pub fn referring(
        &self,
        target: ThingId,
        kind: Kind,
        column: impl Into<Reference>,
    ) -> impl DoubleEndedIterator<Item = &Thing> + '_ {
        let key = column.into().key();
        // Of a kind that nothing is stored of yet there are no things.
        debug_assert!(
            self.tables.spec_if_any(kind).is_none_or(|spec| spec.stores(key)),
            "{kind:?} has no such column"
        );
        let first = (target, kind, key, ThingId(0));
        let last = (target, kind, key, ThingId(u64::MAX));
        self.referrers.range(first..=last).map(|(_, _, _, id)| self.thing(*id))
    }

    /// The ids of the live things of a kind whose reference in `column` is `target`.
    pub fn ids_referring(
        &self,
        target: ThingId,
        kind: Kind,
        column: impl Into<Reference>,
    ) -> Vec<ThingId> {
        self.referring(target, kind, column).map(|thing| thing.id).collect()
    }

    /// The thing that must be looked at first, and when.
    pub fn next_due(&self) -> Option<(Instant, ThingId)> {
        self.due.first().copied()
    }

    /// What each tenant really had.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(super) fn ledger_mut(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    /// The numbers of all things, removed ones too.
    pub(super) fn ids(&self) -> Vec<ThingId> {
        self.things.keys().copied().collect()
    }

    /// How many things there are, removed ones too.
    pub fn len(&self) -> usize {
        self.things.len()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.things.is_empty()
    }

    /// The value of a global setting.
    ///
    /// # Panics
    /// If there is no such setting: a mistake in our code.
    pub fn setting(&self, name: &str) -> &str {
        let row = setting(name).unwrap_or_else(|| panic!("there is no setting {name}"));
        self.settings.get(name).map_or(row.default, String::as_str)
    }

    /// The value of a setting for a zone, a cluster, a storage pool or an account:
    /// its own where it has one, else the global one.
    ///
    /// # Panics
    /// If there is no such setting: a mistake in our code.
    pub fn scoped_setting(&self, of: ThingId, name: &str) -> &str {
        match self.own_setting_of(of, name) {
            Some(row) => row.text(col::VALUE),
            None => self.setting(name),
        }
    }

    /// The row that holds a setting's own value for a thing.
    pub fn own_setting_of(&self, of: ThingId, name: &str) -> Option<&Thing> {
        self.referring(of, Kind::Setting, col::OF).find(|row| row.text(col::NAME) == name)
    }

    /// The value of a global setting that is a whole number.
    pub fn setting_number(&self, name: &str) -> i64 {
        let value = self.setting(name);
        value.parse().unwrap_or_else(|_| panic!("the setting {name} is no number: {value}"))
    }

    /// A global setting that is a length of time, in units of so many milliseconds; at
    /// most a hundred years, which is as good as never.
    pub fn setting_time(&self, name: &str, unit_ms: i64) -> Millis {
        const LONGEST_MS: i64 = 100 * 366 * 86_400_000;
        Millis(self.setting_number(name).saturating_mul(unit_ms).min(LONGEST_MS))
    }

    /// Whether a global setting is `true`.
    pub fn setting_flag(&self, name: &str) -> bool {
        self.setting(name) == "true"
    }

    /// The value of a global setting where it is not the default.
    pub(super) fn own_setting(&self, name: &str) -> Option<String> {
        self.settings.get(name).cloned()
    }

    pub(super) fn set_setting(&mut self, name: &str, value: Option<String>) -> Option<String> {
        match value {
            Some(value) => self.settings.insert(name.to_owned(), value),
            None => self.settings.remove(name),
        }
    }

    /// Puts a thing in the place of what had its id; none takes it away.
    /// Returns what was there.
    pub(super) fn put(&mut self, id: ThingId, thing: Option<Arc<Thing>>) -> Option<Arc<Thing>> {
        let before = self.things.remove(&id);
        if let Some(before) = &before {
            self.index(before, Indexed::No);
        }
        if let Some(thing) = thing {
            self.index(&thing, Indexed::Yes);
            self.things.insert(id, thing);
        }
        before
    }

    fn index(&mut self, thing: &Thing, indexed: Indexed) {
        match indexed {
            Indexed::Yes => drop(self.by_uuid.insert(thing.uuid, thing.id)),
            Indexed::No => drop(self.by_uuid.remove(&thing.uuid)),
        }
        if let Some(given) = thing.given_id() {
            let key = (given.to_owned(), thing.kind);
            match indexed {
                Indexed::Yes => self.by_given_id.insert(key, thing.id),
                Indexed::No => self.by_given_id.remove(&key),
            };
        }
        if thing.removed.is_some() {
            return;
        }
        fn keep<T: Ord>(set: &mut BTreeSet<T>, entry: T, indexed: Indexed) {
            match indexed {
                Indexed::Yes => set.insert(entry),
                Indexed::No => set.remove(&entry),
            };
        }
        keep(&mut self.live, (thing.kind, thing.id), indexed);
        if let Some(owner) = thing.owner {
            keep(&mut self.owned, (owner, thing.kind, thing.id), indexed);
        }
        if thing.kind == Kind::User && !thing.text(col::API_KEY).is_empty() {
            match indexed {
                Indexed::Yes => {
                    self.by_key.insert(thing.text(col::API_KEY).to_owned(), thing.id);
                }
                Indexed::No => {
                    self.by_key.remove(thing.text(col::API_KEY));
                }
            }
        }
        for (column, target) in thing.references() {
            keep(&mut self.referrers, (ThingId(target), thing.kind, column, thing.id), indexed);
        }
        if thing.stores(col::DUE)
            && let Some(due) = thing.time(col::DUE)
        {
            keep(&mut self.due, (due, thing.id), indexed);
        }
    }
}

#[derive(Clone, Copy)]
enum Indexed {
    Yes,
    No,
}

/// Identity: who owns what, and what lies below what.
impl World {
    /// The domain of an account.
    pub fn domain_of(&self, account: ThingId) -> ThingId {
        self.thing(account).id_of(col::DOMAIN_ID).expect("accounts are in a domain")
    }

    /// The domain that a thing belongs to through its owner.
    pub fn domain_of_thing(&self, thing: &Thing) -> Option<ThingId> {
        thing.owner.map(|owner| self.domain_of(owner))
    }

    /// The ROOT domain.
    pub fn root_domain(&self) -> ThingId {
        self.all(Kind::Domain).next().expect("the first domain is ROOT").id
    }

    /// A domain and those above it, up to ROOT.
    pub fn lineage(&self, domain: ThingId) -> impl Iterator<Item = ThingId> + '_ {
        std::iter::successors(Some(domain), |id| self.thing(*id).id_of(col::PARENT_DOMAIN_ID))
    }

    /// Whether a domain is `top` or lies below it.
    pub fn is_within(&self, domain: ThingId, top: ThingId) -> bool {
        self.lineage(domain).any(|id| id == top)
    }

    /// The path of a domain as logins write it: `/` for ROOT, `/acme/dev/` below.
    pub fn login_path(&self, domain: ThingId) -> String {
        let names: Vec<&str> =
            self.lineage(domain).map(|id| self.thing(id).text(col::NAME)).collect();
        let mut path = "/".to_owned();
        for name in names.iter().rev().skip(1) {
            path.push_str(name);
            path.push('/');
        }
        path
    }

    /// The path of a domain as answers show it: `ROOT/acme/dev`.
    pub fn domain_path(&self, domain: ThingId) -> String {
        let names: Vec<&str> =
            self.lineage(domain).map(|id| self.thing(id).text(col::NAME)).collect();
        names.into_iter().rev().collect::<Vec<_>>().join("/")
    }

    /// The domain of a path as logins write it: with or without slashes at its
    /// ends; empty is ROOT.
    pub fn domain_at(&self, path: &str) -> Option<ThingId> {
        let mut domain = self.root_domain();
        let names = path.split('/').filter(|name| !name.is_empty());
        for (at, name) in names.enumerate() {
            // A path may begin with ROOT itself.
            if at == 0 && name.eq_ignore_ascii_case(self.thing(domain).text(col::NAME)) {
                continue;
            }
            domain = self
                .referring(domain, Kind::Domain, col::PARENT_DOMAIN_ID)
                .find(|child| child.text(col::NAME).eq_ignore_ascii_case(name))?
                .id;
        }
        Some(domain)
    }

    /// The live user of this name in a domain.
    pub fn user_named(&self, domain: ThingId, username: &str) -> Option<&Thing> {
        self.referring(domain, Kind::Account, col::DOMAIN_ID)
            .flat_map(|account| self.owned_by(account.id, Kind::User))
            .find(|user| user.text(col::USERNAME).eq_ignore_ascii_case(username))
    }

    /// The live user of an API key.
    pub fn user_of_key(&self, api_key: &str) -> Option<&Thing> {
        self.by_key.get(api_key).map(|id| self.thing(*id))
    }

    /// The role of an account.
    pub fn role_of(&self, account: ThingId) -> Option<Role> {
        Role::from_number(self.thing(account).int(col::ACCOUNT_TYPE))
    }

    /// The live account of this name in a domain.
    pub fn account_named(&self, domain: ThingId, name: &str) -> Option<&Thing> {
        self.referring(domain, Kind::Account, col::DOMAIN_ID)
            .find(|account| account.text(col::NAME).eq_ignore_ascii_case(name))
    }

    /// The project that an account is there for.
    pub fn project_of(&self, account: ThingId) -> Option<&Thing> {
        self.thing(account).id_of(col::PROJECT).map(|id| self.thing(id))
    }
}
