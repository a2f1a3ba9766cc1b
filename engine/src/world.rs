//! The cloud in memory: every resource there is, and the indexes that find it.
//!
//! A [`Resource`] is a row of a kind: who owns it, its state, and its attributes by
//! column. Resources are shared and never changed in place: a change replaces the
//! resource, so undoing it is putting the old one back (see [`super::Tx`]).
//!
//! Removed resources stay, so that their uuids and names still resolve in events
//! and bills, but only [`World::any`] and uuids find them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use cloudtally_model::{Instant, Millis, settings::setting};

use super::{
    col,
    column::{ColumnKey, Reference},
    ids::{ResourceId, Uuid},
    node::Answer,
    resource::Resource,
    state::JobStatus,
};
use crate::{
    ledger::Ledger,
    table::{Kind, KindSpec, Role, Tables},
};

/// The cloud.
#[derive(Debug)]
pub struct World {
    tables: &'static Tables,
    resources: BTreeMap<ResourceId, Arc<Resource>>,
    by_uuid: HashMap<Uuid, ResourceId>,
    /// By the id that its maker has given to a resource, and its kind.
    by_given_id: BTreeMap<(String, Kind), ResourceId>,
    live: BTreeSet<(Kind, ResourceId)>,
    owned: BTreeSet<(ResourceId, Kind, ResourceId)>,
    /// (referred to, kind of the referrer, its column, the referrer)
    referrers: BTreeSet<(ResourceId, Kind, ColumnKey, ResourceId)>,
    due: BTreeSet<(Instant, ResourceId)>,
    by_key: HashMap<String, ResourceId>,
    settings: BTreeMap<String, String>,
    ledger: Ledger,
}

impl World {
    /// A world in which nothing is yet.
    pub(super) fn new(tables: &'static Tables) -> Self {
        Self {
            tables,
            resources: BTreeMap::new(),
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

    /// The row of a kind.
    ///
    /// # Panics
    /// If nothing is: a mistake in the tables.
    pub fn spec(&self, kind: Kind) -> &'static KindSpec {
        self.tables.spec(kind)
    }

    /// A live resource of a kind.
    pub fn get(&self, kind: Kind, id: ResourceId) -> Option<&Resource> {
        self.any(id).filter(|resource| resource.kind == kind && resource.removed.is_none())
    }

    /// A resource, removed or not.
    pub fn any(&self, id: ResourceId) -> Option<&Resource> {
        self.resources.get(&id).map(Arc::as_ref)
    }

    /// A resource that must be there.
    ///
    /// # Panics
    /// If it is not: ids we hold are of resources that stay.
    pub fn resource(&self, id: ResourceId) -> &Resource {
        self.any(id).unwrap_or_else(|| panic!("there is no thing {id}"))
    }

    /// A resource of one of several kinds, or of any, by its id as the API writes it; removed or
    /// not.
    pub fn by_id(&self, text: &str, kinds: &[Kind]) -> Option<&Resource> {
        let is_it = |resource: &&Resource| kinds.is_empty() || kinds.contains(&resource.kind);
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
            let resource = self.by_uuid(Uuid::parse(uuid)?)?;
            resource.given_id().map(str::to_owned)
        };
        answer.each_text(&mut |text| {
            if let Some(id) = shown(text) {
                *text = id.into();
            }
        });
    }

    /// A resource by uuid, removed or not.
    pub fn by_uuid(&self, uuid: Uuid) -> Option<&Resource> {
        self.by_uuid.get(&uuid).and_then(|id| self.any(*id))
    }

    /// All live resources of a kind, the oldest first.
    pub fn all(&self, kind: Kind) -> impl DoubleEndedIterator<Item = &Resource> + '_ {
        let range = (kind, ResourceId(0))..=(kind, ResourceId(u64::MAX));
        self.live.range(range).map(|(_, id)| self.resource(*id))
    }

    /// All resources of a kind, removed ones too, the oldest first.
    pub fn removed_too(&self, kind: Kind) -> impl Iterator<Item = &Resource> + '_ {
        self.resources.values().map(Arc::as_ref).filter(move |resource| resource.kind == kind)
    }

    /// The live resources of a kind that an account owns, the oldest first.
    pub fn owned_by(
        &self,
        account: ResourceId,
        kind: Kind,
    ) -> impl DoubleEndedIterator<Item = &Resource> + '_ {
        let range = (account, kind, ResourceId(0))..=(account, kind, ResourceId(u64::MAX));
        self.owned.range(range).map(|(_, _, id)| self.resource(*id))
    }

    /// The live resources of a kind whose reference in `column` is `target`.
    pub fn referring(
        &self,
        target: ResourceId,
        kind: Kind,
        column: impl Into<Reference>,
    ) -> impl DoubleEndedIterator<Item = &Resource> + '_ {
        let key = column.into().key();
        // Of a kind that nothing is stored of yet there are no resources.
        debug_assert!(
            self.tables.spec_if_any(kind).is_none_or(|spec| spec.stores(key)),
            "{kind:?} has no such column"
        );
        let first = (target, kind, key, ResourceId(0));
        let last = (target, kind, key, ResourceId(u64::MAX));
        self.referrers.range(first..=last).map(|(_, _, _, id)| self.resource(*id))
    }

    /// The ids of the live resources of a kind whose reference in `column` is `target`.
    pub fn ids_referring(
        &self,
        target: ResourceId,
        kind: Kind,
        column: impl Into<Reference>,
    ) -> Vec<ResourceId> {
        self.referring(target, kind, column).map(|resource| resource.id).collect()
    }

    /// The resource that must be looked at first, and when.
    pub fn next_due(&self) -> Option<(Instant, ResourceId)> {
        self.due.first().copied()
    }

    /// The ledger: the uses of each tenant, seen from below the events.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(super) fn ledger_mut(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    /// The numbers of all resources, removed ones too.
    pub(super) fn ids(&self) -> Vec<ResourceId> {
        self.resources.keys().copied().collect()
    }

    /// The number of resources, removed ones too.
    pub fn len(&self) -> usize {
        self.resources.len()
    }

    /// Tells whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
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
    pub fn scoped_setting(&self, of: ResourceId, name: &str) -> &str {
        match self.own_setting_of(of, name) {
            Some(row) => row.text(col::VALUE),
            None => self.setting(name),
        }
    }

    /// The row that holds a setting's own value for a resource.
    pub fn own_setting_of(&self, of: ResourceId, name: &str) -> Option<&Resource> {
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

    /// Tells whether a global setting is `true`.
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

    /// A resource, removed or not, to be kept beside its changes.
    pub(super) fn shared(&self, id: ResourceId) -> Option<Arc<Resource>> {
        self.resources.get(&id).cloned()
    }

    /// Puts a resource in the place of what had its id; none takes it away.
    /// Returns what was there.
    pub(super) fn put(
        &mut self,
        id: ResourceId,
        resource: Option<Arc<Resource>>,
    ) -> Option<Arc<Resource>> {
        let before = self.resources.remove(&id);
        if let Some(before) = &before {
            self.index(before, Indexed::No);
        }
        if let Some(resource) = resource {
            self.index(&resource, Indexed::Yes);
            self.resources.insert(id, resource);
        }
        before
    }

    fn index(&mut self, resource: &Resource, indexed: Indexed) {
        match indexed {
            Indexed::Yes => drop(self.by_uuid.insert(resource.uuid, resource.id)),
            Indexed::No => drop(self.by_uuid.remove(&resource.uuid)),
        }
        if let Some(given) = resource.given_id() {
            let key = (given.to_owned(), resource.kind);
            match indexed {
                Indexed::Yes => self.by_given_id.insert(key, resource.id),
                Indexed::No => self.by_given_id.remove(&key),
            };
        }
        if resource.removed.is_some() {
            return;
        }
        fn keep<T: Ord>(set: &mut BTreeSet<T>, entry: T, indexed: Indexed) {
            match indexed {
                Indexed::Yes => set.insert(entry),
                Indexed::No => set.remove(&entry),
            };
        }
        keep(&mut self.live, (resource.kind, resource.id), indexed);
        if let Some(owner) = resource.owner {
            keep(&mut self.owned, (owner, resource.kind, resource.id), indexed);
        }
        if resource.kind == Kind::User && !resource.text(col::API_KEY).is_empty() {
            match indexed {
                Indexed::Yes => {
                    self.by_key.insert(resource.text(col::API_KEY).to_owned(), resource.id);
                }
                Indexed::No => {
                    self.by_key.remove(resource.text(col::API_KEY));
                }
            }
        }
        for (column, target) in resource.references() {
            keep(
                &mut self.referrers,
                (ResourceId(target), resource.kind, column, resource.id),
                indexed,
            );
        }
        if resource.stores(col::DUE)
            && let Some(due) = resource.time(col::DUE)
        {
            keep(&mut self.due, (due, resource.id), indexed);
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
    pub fn domain_of(&self, account: ResourceId) -> ResourceId {
        self.resource(account).id_of(col::DOMAIN_ID).expect("accounts are in a domain")
    }

    /// The domain that a resource belongs to through its owner.
    pub fn domain_of_resource(&self, resource: &Resource) -> Option<ResourceId> {
        resource.owner.map(|owner| self.domain_of(owner))
    }

    /// The ROOT domain.
    pub fn root_domain(&self) -> ResourceId {
        self.all(Kind::Domain).next().expect("the first domain is ROOT").id
    }

    /// A domain and those above it, up to ROOT.
    pub fn lineage(&self, domain: ResourceId) -> impl Iterator<Item = ResourceId> + '_ {
        std::iter::successors(Some(domain), |id| self.resource(*id).id_of(col::PARENT_DOMAIN_ID))
    }

    /// Tells whether a domain is `top` or lies below it.
    pub fn is_within(&self, domain: ResourceId, top: ResourceId) -> bool {
        self.lineage(domain).any(|id| id == top)
    }

    /// The path of a domain as logins write it: `/` for ROOT, `/acme/dev/` below.
    pub fn login_path(&self, domain: ResourceId) -> String {
        let names: Vec<&str> =
            self.lineage(domain).map(|id| self.resource(id).text(col::NAME)).collect();
        let mut path = "/".to_owned();
        for name in names.iter().rev().skip(1) {
            path.push_str(name);
            path.push('/');
        }
        path
    }

    /// The path of a domain as answers show it: `ROOT/acme/dev`.
    pub fn domain_path(&self, domain: ResourceId) -> String {
        let names: Vec<&str> =
            self.lineage(domain).map(|id| self.resource(id).text(col::NAME)).collect();
        names.into_iter().rev().collect::<Vec<_>>().join("/")
    }

    /// The domain of a path as logins write it: with or without slashes at its
    /// ends; empty is ROOT.
    pub fn domain_at(&self, path: &str) -> Option<ResourceId> {
        let mut domain = self.root_domain();
        let names = path.split('/').filter(|name| !name.is_empty());
        for (at, name) in names.enumerate() {
            // A path may begin with ROOT itself.
            if at == 0 && name.eq_ignore_ascii_case(self.resource(domain).text(col::NAME)) {
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
    pub fn user_named(&self, domain: ResourceId, username: &str) -> Option<&Resource> {
        self.referring(domain, Kind::Account, col::DOMAIN_ID)
            .flat_map(|account| self.owned_by(account.id, Kind::User))
            .find(|user| user.text(col::USERNAME).eq_ignore_ascii_case(username))
    }

    /// The live user of an API key.
    pub fn user_of_key(&self, api_key: &str) -> Option<&Resource> {
        self.by_key.get(api_key).map(|id| self.resource(*id))
    }

    /// The role of an account.
    pub fn role_of(&self, account: ResourceId) -> Option<Role> {
        Role::from_number(self.resource(account).int(col::ACCOUNT_TYPE))
    }

    /// The live account of this name in a domain.
    pub fn account_named(&self, domain: ResourceId, name: &str) -> Option<&Resource> {
        self.referring(domain, Kind::Account, col::DOMAIN_ID)
            .find(|account| account.text(col::NAME).eq_ignore_ascii_case(name))
    }

    /// Finds the job that works on a resource, or will; the oldest of several.
    pub(super) fn pending_job(&self, of: ResourceId) -> Option<&Resource> {
        let is_pending = |job: &&Resource| job.int(col::JOB_STATUS) == JobStatus::Pending as i64;
        self.referring(of, Kind::Job, col::ABOUT).find(is_pending)
    }

    /// The project that an account is there for.
    pub fn project_of(&self, account: ResourceId) -> Option<&Resource> {
        self.resource(account).id_of(col::PROJECT).map(|id| self.resource(id))
    }
}
