//! A cloud of a toy product: the accounts that every cloud has, and shelves they put up.
//!
//! Run it with `cargo run --package cloudtally-engine --example toy`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use cloudtally_engine::{
    AccountState, Answer, Caller, Cloud, CloudOptions, Done, Hooks, Node, Request, Start, Tables,
    Tx, col, own_users, states, table,
    table::{
        Change, Command, Kind, KindSpec, Limit, Meter, Object, ParamType::*, Role, Roles, Told,
        Unique, WireType as W, Within, create, delete, f, fields::*, hidden, list, own, p, update,
    },
};
use cloudtally_model::{
    AccountId, ApiError, Instant, ResourceId, UsageEvent, UsageTypeId, ZoneId,
    port::{ChangeSet, Journal, JournalError, Kept, Row},
};

states! {
    /// The states of a shelf.
    pub enum ShelfState {
        Empty = "Empty",
        Full = "Full",
    }
}

static DOMAIN: Object = Object { name: "Domain", fields: &[ID, f("name", W::Str)] };
static DOMAIN_KIND: KindSpec =
    KindSpec::new(Kind::Domain, &DOMAIN).hidden(&[hidden("parentdomainid", W::Id(Kind::Domain))]);

static ACCOUNT: Object = Object {
    name: "Account",
    fields: &[ID, f("name", W::Str), f("accounttype", W::Int), f("domainid", W::Id(Kind::Domain))],
};
static ACCOUNT_KIND: KindSpec = KindSpec::new(Kind::Account, &ACCOUNT)
    .hidden(&[hidden("project", W::Id(Kind::Project))])
    .owned()
    .states(table!(AccountState: Enabled, Disabled; Enabled => Disabled;));

static USER: Object =
    Object { name: "User", fields: &[ID, f("username", W::Str), f("isdefault", W::Bool)] };
static USER_KIND: KindSpec = KindSpec::new(Kind::User, &USER)
    .hidden(&[hidden("apikey", W::Str)])
    .owned()
    .states(table!(AccountState: Enabled, Disabled; Enabled => Disabled;));

/// A shelf; the vocabulary of kinds is the engine's, and a group is the nearest to it.
static SHELF: Object =
    Object { name: "Shelf", fields: &[ID, f("name", W::Str), STATE, ACCOUNT_NAME, CREATED] };
const ACCOUNT_NAME: cloudtally_engine::table::Field = cloudtally_engine::table::fields::ACCOUNT;
static SHELF_KIND: KindSpec = KindSpec::new(Kind::InstanceGroup, &SHELF)
    .owned()
    .unique(&[Unique { column: col::NAME, within: Within::Account }])
    .keyword(&[col::NAME])
    .states(table!(ShelfState: Empty, Full; Empty => Full;))
    .counts(&[(Limit::Volume, |_, _| 1)])
    .on_move(|tx, id, _| assert!(tx.resource(id).text(col::NAME) != "fragile", "it broke"))
    .metered(&[Meter::new(UsageTypeId::VOLUME, tell)
        .in_states(&[ShelfState::Full.name()])
        .facts(&[col::NAME.key()])]);

/// A shelf is paid for while it is full.
fn tell(tx: &mut Tx<'_>, told: Told<'_>) {
    let event_type = match told.change {
        Change::Begins => "SHELF.FILL",
        Change::Changes => "SHELF.RENAME",
        Change::Ends => "SHELF.REMOVE",
    };
    let (created, shelf) = (tx.now, told.resource);
    let account = AccountId(shelf.owner.map_or(0, |owner| owner.0));
    let (resource, name) = (ResourceId(shelf.id.0), shelf.text(col::NAME).into());
    tx.usage(|id| UsageEvent {
        id,
        event_type: event_type.into(),
        created,
        account,
        zone: ZoneId::from_source(1),
        resource,
        resource_name: Some(name),
        offering: None,
        template: None,
        size: None,
        virtual_size: None,
        resource_type: None,
    });
}

static SHELVES: &[Command] = &[
    create("createShelf", Kind::InstanceGroup)
        .roles(Roles::ALL)
        .params(&[p("name", Str).required()])
        .object("shelf", &SHELF),
    delete("deleteShelf", Kind::InstanceGroup)
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::InstanceGroup)).required()])
        .success(),
    own("fillShelf")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::InstanceGroup)).required()])
        .object("shelf", &SHELF)
        .kind(Kind::InstanceGroup)
        .act(|call| {
            let id = call.entity_id();
            call.tx.move_to(id, ShelfState::Full);
            Ok(Done::Resource(id))
        }),
    update("renameShelf", Kind::InstanceGroup)
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::InstanceGroup)).required(), p("name", Str).required()])
        .object("shelf", &SHELF),
    list("listShelves", Kind::InstanceGroup)
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::InstanceGroup)), p("name", Str)])
        .groups(&[cloudtally_engine::table::group::PAGED])
        .items("shelf", &SHELF),
];

/// All that the engine is told of the toy.
pub(crate) static TABLES: Tables = Tables::new(
    &[("shelves", SHELVES)],
    &[&DOMAIN_KIND, &ACCOUNT_KIND, &USER_KIND, &SHELF_KIND],
    &[&DOMAIN, &ACCOUNT, &USER, &SHELF],
    Hooks {
        begin,
        facts: |_, _| Vec::new(),
        concerned: |_, _| Vec::new(),
        logins_refused: |_, _, _| {},
        logins_accepted: |_, _| {},
    },
);

/// Makes the ROOT domain, and in it the system's account, the root admin's and a tenant's.
fn begin(tx: &mut Tx<'_>, _: Start) {
    let root = tx.insert(Kind::Domain, |domain| {
        domain.set_text(col::NAME, "ROOT");
    });
    for (name, role) in
        [("system", Role::RootAdmin), ("admin", Role::RootAdmin), ("tenant", Role::User)]
    {
        let account = tx.insert(Kind::Account, |account| {
            account.owner = Some(account.id);
            account.set_text(col::NAME, name).set_int(col::ACCOUNT_TYPE, role.number());
            account.set_ref(col::DOMAIN_ID, root);
        });
        tx.insert(Kind::User, |user| {
            user.owner = Some(account);
            user.set_text(col::USERNAME, name).set_flag(col::IS_DEFAULT, role != Role::User);
        });
    }
}

/// A journal in memory, which outlives the cloud that writes it.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<Stored>>);

/// Rows by id, and numbers by name.
#[derive(Default)]
struct Stored {
    rows: BTreeMap<u64, Row>,
    numbers: BTreeMap<String, i64>,
    usage: Vec<UsageEvent>,
}

impl Memory {
    /// The types of the usage events that were kept, in their order.
    pub(crate) fn usage(&self) -> Vec<String> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.usage.iter().map(|event| event.event_type.to_string()).collect()
    }
}

impl Journal for Memory {
    fn load(&mut self) -> Result<Kept, JournalError> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (rows, numbers) = (kept.rows.values().cloned().collect(), kept.numbers.clone());
        Ok(Kept { rows, numbers: numbers.into_iter().collect(), ..Kept::default() })
    }

    fn commit(&mut self, changes: &ChangeSet) -> Result<(), JournalError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.rows.retain(|id, _| !changes.erased.contains(id));
        kept.rows.extend(changes.rows.iter().map(|row| (row.id, row.clone())));
        let numbers = changes.numbers.iter().map(|(name, number)| ((*name).to_owned(), *number));
        kept.numbers.extend(numbers);
        kept.usage.extend(changes.usage.iter().cloned());
        Ok(())
    }
}

/// A toy cloud, and the instant it is at.
pub(crate) struct Toy {
    /// The cloud.
    pub(crate) cloud: Cloud,
    now: Instant,
}

impl Toy {
    /// Opens the cloud that a journal has kept, or a new one.
    pub(crate) fn open(journal: Memory) -> Result<Self, JournalError> {
        let entropy = |bytes: &mut [u8]| -> Result<(), ApiError> {
            bytes.fill(7);
            Ok(())
        };
        let options = CloudOptions { seed: 1, start: Start::Empty, is_simulated: true, entropy };
        let now = Instant::parse("2026-01-05T00:00:00Z")?;
        Ok(Self { cloud: Cloud::open(&TABLES, Box::new(journal), options, now)?, now })
    }

    /// Asks for a command in the name of a user.
    pub(crate) fn ask(
        &self,
        user: &str,
        name: &str,
        params: &[(&str, &str)],
    ) -> Result<Answer, ApiError> {
        let command = TABLES
            .command(name)
            .ok_or_else(|| ApiError::unknown_command(format!("there is no command {name}")))?;
        let caller = {
            let world = self.cloud.world();
            let found = world.all(Kind::User).find(|row| row.text(col::USERNAME) == user);
            let user = found.map_or(own_users::admin_user(&world), |row| row.id);
            Caller::of_user(&world, user).ok_or_else(ApiError::unauthorised)?
        };
        let params = params.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        self.cloud.call(Request { command, caller, params }, self.now)
    }
}

/// The values of a field in the items of a list.
pub(crate) fn texts(answer: &Answer, field: &str) -> Vec<String> {
    let Answer::List { items, .. } = answer else { return Vec::new() };
    let text = |item: &Node| match item.field(field) {
        Some(Node::Text(text)) => Some(text.to_string()),
        _ => None,
    };
    items.iter().filter_map(text).collect()
}

/// Puts up two shelves, fills one, lists them, and shows what the bill was told.
pub(crate) fn main() -> Result<(), JournalError> {
    let memory = Memory::default();
    let toy = Toy::open(memory.clone())?;
    toy.ask("tenant", "createShelf", &[("name", "left")])?;
    toy.ask("tenant", "createShelf", &[("name", "right")])?;
    let left = texts(&toy.ask("tenant", "listShelves", &[("name", "left")])?, "id").remove(0);
    toy.ask("tenant", "fillShelf", &[("id", &left)])?;
    let shelves = toy.ask("tenant", "listShelves", &[])?;
    for (name, state) in texts(&shelves, "name").iter().zip(texts(&shelves, "state")) {
        println!("{name}: {state}");
    }
    assert_eq!(texts(&shelves, "state"), ["Full", "Empty"]);
    println!("told to the bill: {}", memory.usage().join(", "));
    assert_eq!(memory.usage(), ["SHELF.FILL"]);
    Ok(())
}
