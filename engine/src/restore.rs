//! The look at what a journal has kept, before a cloud is made of it.
//!
//! The engine relies on much of what it has written itself: that ids were given once, that
//! an account is in a domain. A damaged row would break it later, at a call or a due resource,
//! or at once. So each such reliance is held against the rows first, and told with its row.

use std::collections::{HashMap, HashSet};

use cloudtally_model::{
    Instant,
    port::{Kept, LedgerEntry, Row, Value},
    settings::setting,
};

use super::{
    cloud::{CLOCK_MS, IS_SIMULATED, NEXT_EVENT, NEXT_ID},
    col,
    resource::ids_in,
};
use crate::table::{Kind, Tables};

/// Domains that may lie one in the other; more of them are a circle.
const DEPTH_MAX: usize = 4096;

/// Lists what no cloud could have kept, a text a row; empty if a cloud can be made of it.
pub fn faults(tables: &'static Tables, kept: &Kept) -> Vec<String> {
    let mut look = Look { tables, kept, resources: HashMap::new(), next_id: 1, wrong: Vec::new() };
    look.numbers();
    look.settings();
    look.resources();
    look.identity();
    look.ledger();
    look.wrong
}

struct Look<'a> {
    tables: &'static Tables,
    kept: &'a Kept,
    resources: HashMap<u64, (Kind, &'a Row)>,
    next_id: u64,
    wrong: Vec<String>,
}

impl<'a> Look<'a> {
    fn numbers(&mut self) {
        let mut seen: HashMap<&str, i64> = HashMap::new();
        for (name, value) in &self.kept.numbers {
            let least_and_most = match name.as_str() {
                NEXT_ID | NEXT_EVENT => 1..=i64::MAX - 1,
                IS_SIMULATED => 0..=1,
                CLOCK_MS => 0..=Instant::END_OF_TIME.as_millis(),
                _ => i64::MIN..=i64::MAX,
            };
            if !least_and_most.contains(value) {
                let (least, most) = least_and_most.into_inner();
                self.wrong.push(format!(
                    "the number `{name}` of the cloud is {value}; it can be {least} to {most}"
                ));
            }
            if seen.insert(name, *value).is_some() {
                self.wrong.push(format!("the number `{name}` of the cloud is kept twice"));
            }
        }
        let given = seen.get(NEXT_ID);
        self.next_id = given.map_or(1, |number| number.cast_unsigned());
        if self.kept.rows.is_empty() && self.next_id > 1 {
            let last = self.next_id - 1;
            self.wrong
                .push(format!("no thing of the cloud is kept, and ids up to {last} were given"));
        }
        for name in [NEXT_ID, NEXT_EVENT] {
            if !self.kept.rows.is_empty() && !seen.contains_key(name) {
                self.wrong.push(format!("the number `{name}` of the cloud is missing"));
            }
        }
    }

    fn settings(&mut self) {
        for (name, value) in &self.kept.settings {
            // A setting that an earlier version had is not asked for.
            if let Some(Err(why)) = setting(name).map(|row| row.check(value)) {
                self.wrong.push(format!("the setting `{name}` cannot be `{value}`: {why}"));
            }
        }
    }

    /// Each resource by itself, and against what there may be once.
    fn resources(&mut self) {
        let mut uuids: HashMap<u128, u64> = HashMap::new();
        for row in &self.kept.rows {
            let id = row.id;
            if let Some(other) = uuids.insert(row.uuid, id).filter(|other| *other != id) {
                let uuid = super::Uuid(row.uuid);
                self.tell(row, &format!("it has the uuid {uuid}, as the thing {other} has"));
            }
            if id == 0 || id >= self.next_id {
                self.tell(row, &format!("its id was never given; the next is {}", self.next_id));
            }
            let known = Kind::from_name(&row.kind);
            let Some((kind, spec)) =
                known.and_then(|kind| Some((kind, self.tables.spec_if_any(kind)?)))
            else {
                self.tell(row, "nothing is stored of this kind");
                continue;
            };
            // One that was made before its kind had states has none.
            let is_state = row.state.is_empty() || spec.states.names.contains(&row.state.as_str());
            if !is_state {
                self.tell(row, &format!("its state `{}` is none of its kind", row.state));
            }
            let lived = [Some(row.created), row.removed];
            for at in lived.into_iter().flatten().filter(|at| !is_moment(*at)) {
                let ms = at.as_millis();
                self.tell(
                    row,
                    &format!("it was made or removed {ms} ms after 1970, which cannot be"),
                );
            }
            if self.resources.insert(id, (kind, row)).is_some() {
                self.tell(row, "its id is kept twice");
            }
        }
    }

    /// Looks at owners and domains, which most of the engine takes for granted.
    fn identity(&mut self) {
        if self.kept.rows.is_empty() {
            return;
        }
        let resources = std::mem::take(&mut self.resources);
        let is = |id: Option<u64>, wanted: Kind| {
            id.is_some_and(|id| resources.get(&id).is_some_and(|(kind, _)| *kind == wanted))
        };
        for row in &self.kept.rows {
            let Some((kind, _)) = resources.get(&row.id) else { continue };
            if row.owner.is_some() && !is(row.owner, Kind::Account) {
                let owner = row.owner.unwrap_or_default();
                self.tell(row, &format!("its owner is the thing {owner}, which is no account"));
            }
            let never_given = row
                .values
                .iter()
                .flat_map(|(_, value)| ids_in(value))
                .find(|id| *id == 0 || *id >= self.next_id);
            if let Some(id) = never_given {
                self.tell(
                    row,
                    &format!("it refers to the thing {id}, and this id was never given"),
                );
            }
            match kind {
                Kind::Account if !is(reference(row, col::DOMAIN_ID.name()), Kind::Domain) => {
                    self.tell(row, "it is in no domain");
                }
                Kind::Account => {
                    let project = reference(row, col::PROJECT.name());
                    if project.is_some() && !is(project, Kind::Project) {
                        self.tell(row, "it is there for a project that there is not");
                    }
                }
                Kind::User if !is(row.owner, Kind::Account) => self.tell(row, "it has no account"),
                Kind::Domain => {
                    let mut above = reference(row, col::PARENT_DOMAIN_ID.name());
                    for _ in 0..DEPTH_MAX {
                        let Some(id) = above.filter(|_| is(above, Kind::Domain)) else { break };
                        above = resources
                            .get(&id)
                            .and_then(|(_, row)| reference(row, col::PARENT_DOMAIN_ID.name()));
                    }
                    if above.is_some() {
                        self.tell(row, "the domains above it do not end at ROOT");
                    }
                }
                _ => {}
            }
        }
        self.own(&resources);
        self.resources = resources;
    }

    /// The domain and the users that every cloud has.
    fn own(&mut self, resources: &HashMap<u64, (Kind, &Row)>) {
        let mut live: Vec<(u64, Kind, &Row)> = resources
            .iter()
            .filter(|(_, (_, row))| row.removed.is_none())
            .map(|(id, (kind, row))| (*id, *kind, *row))
            .collect();
        live.sort_unstable_by_key(|(id, ..)| *id);
        let root = live.iter().find(|(_, kind, _)| *kind == Kind::Domain);
        match root {
            None => self.wrong.push("the domain ROOT of the cloud is missing".to_owned()),
            Some((_, _, row)) if reference(row, col::PARENT_DOMAIN_ID.name()).is_some() => {
                self.tell(row, "the first domain is ROOT, and this one lies in another");
            }
            Some(_) => {}
        }
        let is_own = |row: &Row| value(row, col::IS_DEFAULT.name()) == Some(&Value::Bool(true));
        let own = live.iter().filter(|(_, kind, row)| *kind == Kind::User && is_own(row)).count();
        if own < 2 {
            self.wrong.push(format!(
                "of the cloud's own users, the system's and the root admin's, {own} are kept"
            ));
        }
    }

    fn ledger(&mut self) {
        let mut numbers = HashSet::new();
        for entry in &self.kept.ledger {
            let LedgerEntry { number, thing: resource, start, end, .. } = entry;
            let why = if !numbers.insert(number) {
                "it is kept twice".to_owned()
            } else if *number == 0 || *number >= u64::MAX / 2 {
                "no entry gets this number".to_owned()
            } else if *resource == 0 || *resource >= self.next_id {
                format!("it is of the thing {resource}, and this id was never given")
            } else if !is_moment(*start) || end.is_some_and(|end| !is_moment(end) || end < *start) {
                let end = end.map(|end| format!(" to {} ms", end.as_millis())).unwrap_or_default();
                format!("it lasts from {} ms{end} after 1970, which cannot be", start.as_millis())
            } else {
                continue;
            };
            self.wrong.push(format!("the entry {number} of the ledger cannot be right: {why}"));
        }
    }

    fn tell(&mut self, row: &Row, why: &str) {
        let (id, kind) = (row.id, &row.kind);
        self.wrong.push(format!("the thing {id} of the cloud (`{kind}`) cannot be right: {why}"));
    }
}

fn is_moment(at: Instant) -> bool {
    (Instant::EPOCH..=Instant::END_OF_TIME).contains(&at)
}

fn value<'a>(row: &'a Row, name: &str) -> Option<&'a Value> {
    row.values.iter().find(|(column, _)| *column == name).map(|(_, value)| value)
}

fn reference(row: &Row, name: &str) -> Option<u64> {
    match value(row, name) {
        Some(Value::Ref(id)) => Some(*id),
        _ => None,
    }
}
