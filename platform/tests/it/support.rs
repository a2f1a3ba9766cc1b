//! A cloud in memory, and callers that speak to it as the server would.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU8, Ordering},
    },
};

use cloudtally_model::{
    ApiError, ErrorCode, Instant, NetworkSample, UsageEvent,
    port::{ChangeSet, Journal, JournalError, Kept, LedgerEntry, Row, UnknownFate},
};
use cloudtally_platform::{
    TABLES, col,
    engine::{
        Answer, Caller, Cloud, CloudOptions, Node, Request, ResourceId, Start, Uuid, own_users,
    },
    table::{Job, Kind},
};

/// A commit fails and keeps nothing.
const FULL: i64 = 1;
/// A commit keeps all, and does not know.
const UNKNOWN: i64 = 2;

/// The contents of a journal.
#[derive(Default)]
struct Stored {
    rows: BTreeMap<u64, Row>,
    settings: BTreeMap<String, String>,
    numbers: BTreeMap<String, i64>,
    ledger: BTreeMap<u64, LedgerEntry>,
}

/// The kept rows, shared with the test.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    stored: Arc<Mutex<Stored>>,
    usage: Arc<Mutex<Vec<UsageEvent>>>,
    samples: Arc<Mutex<Vec<NetworkSample>>>,
    fails: Arc<AtomicI64>,
}

impl Memory {
    /// Lets the next commit fail.
    pub(crate) fn fail_next(&self) {
        self.fails.store(FULL, Ordering::SeqCst);
    }

    /// Lets the next commit keep all, and say that it does not know.
    pub(crate) fn lose_next(&self) {
        self.fails.store(UNKNOWN, Ordering::SeqCst);
    }

    /// Changes what is kept of a resource, as another version might have left it.
    pub(crate) fn edit(&self, uuid: &str, change: impl FnOnce(&mut Row)) {
        let uuid = Uuid::parse(uuid).unwrap().0;
        let mut stored = self.stored.lock().unwrap();
        change(stored.rows.values_mut().find(|row| row.uuid == uuid).unwrap());
    }

    pub(crate) fn usage(&self) -> Vec<UsageEvent> {
        self.usage.lock().unwrap().clone()
    }

    pub(crate) fn samples(&self) -> Vec<NetworkSample> {
        self.samples.lock().unwrap().clone()
    }
}

impl Journal for Memory {
    fn load(&mut self) -> Result<Kept, JournalError> {
        let stored = self.stored.lock().unwrap();
        Ok(Kept {
            rows: stored.rows.values().cloned().collect(),
            settings: stored.settings.clone().into_iter().collect(),
            numbers: stored.numbers.clone().into_iter().collect(),
            ledger: stored.ledger.values().cloned().collect(),
        })
    }

    fn commit(&mut self, changes: &ChangeSet) -> Result<(), JournalError> {
        let fails = self.fails.swap(0, Ordering::SeqCst);
        if fails == FULL {
            return Err("the disk is full".into());
        }
        let mut stored = self.stored.lock().unwrap();
        for id in &changes.erased {
            stored.rows.remove(id);
        }
        stored.rows.extend(changes.rows.iter().map(|row| (row.id, row.clone())));
        for (name, value) in &changes.settings {
            match value {
                Some(value) => drop(stored.settings.insert(name.clone(), value.clone())),
                None => drop(stored.settings.remove(name)),
            }
        }
        stored.numbers.extend(changes.numbers.iter().map(|(n, v)| ((*n).to_owned(), *v)));
        stored.ledger.extend(changes.ledger.iter().map(|entry| (entry.number, entry.clone())));
        self.usage.lock().unwrap().extend(changes.usage.iter().cloned());
        self.samples.lock().unwrap().extend(changes.samples.iter().cloned());
        if fails == UNKNOWN {
            return Err(Box::new(UnknownFate("the disk failed".into())));
        }
        Ok(())
    }
}

/// Bytes that differ from call to call, the same in every run.
pub(crate) fn entropy(bytes: &mut [u8]) -> Result<(), ApiError> {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    bytes.fill_with(|| NEXT.fetch_add(1, Ordering::SeqCst));
    Ok(())
}

/// A cloud for a test.
pub(crate) struct Lab {
    pub(crate) cloud: Cloud,
    pub(crate) memory: Memory,
    now: AtomicI64,
}

/// 2026-01-05T00:00:00Z.
pub(crate) const START_MS: i64 = 1_767_571_200_000;

impl Lab {
    pub(crate) fn new(start: Start) -> Self {
        Self::open(Memory::default(), start, START_MS)
    }

    fn open(memory: Memory, start: Start, now_ms: i64) -> Self {
        let options = CloudOptions { seed: 1, start, is_simulated: true, entropy };
        let now = Instant::from_millis(now_ms);
        let cloud =
            Cloud::open(&cloudtally_platform::TABLES, Box::new(memory.clone()), options, now)
                .unwrap();
        Self { cloud, memory, now: AtomicI64::new(now_ms) }
    }

    /// The same cloud after the process has ended and begun again.
    pub(crate) fn restart(self) -> Self {
        Self::open(self.memory.clone(), Start::Empty, self.now.load(Ordering::SeqCst))
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_millis(self.now.load(Ordering::SeqCst))
    }

    /// Lets time go by; what is due happens.
    pub(crate) fn pass(&self, seconds: i64) {
        self.now.fetch_add(seconds * 1000, Ordering::SeqCst);
        self.cloud.run_due(self.now()).unwrap();
    }

    /// Time has gone on to a moment; what is due by then has happened already.
    pub(crate) fn is_at(&self, at: Instant) {
        self.now.store(at.as_millis(), Ordering::SeqCst);
    }

    /// The root admin.
    pub(crate) fn root(&self) -> Caller {
        let world = self.cloud.world();
        Caller::of_user(&world, own_users::admin_user(&world)).unwrap()
    }

    /// The caller that a user is, by name, wherever it is.
    pub(crate) fn user(&self, username: &str) -> Caller {
        let world = self.cloud.world();
        let user = world
            .all(cloudtally_platform::table::Kind::User)
            .find(|user| user.text(col::USERNAME) == username)
            .unwrap_or_else(|| panic!("no user {username}"));
        Caller::of_user(&world, user.id).unwrap_or_else(|| panic!("{username} is not enabled"))
    }

    /// Calls a command as the server would once the caller is known: roles are
    /// checked there, so here too.
    pub(crate) fn call(
        &self,
        caller: Caller,
        name: &str,
        params: &[(&str, &str)],
    ) -> Result<Answer, ApiError> {
        let command = TABLES.command(name).unwrap_or_else(|| panic!("no command {name}"));
        if !command.roles.contains(caller.role) {
            return Err(ApiError::forbidden("not for this role"));
        }
        let params = params.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        self.cloud.call(Request { command, caller, params }, self.now())
    }

    /// Calls a command, lets its job end, and returns what came of it: for objects
    /// and jobs the object itself, for lists a list.
    pub(crate) fn run(
        &self,
        caller: Caller,
        name: &str,
        params: &[(&str, &str)],
    ) -> Result<Node, (u16, String)> {
        match self.call(caller, name, params).map_err(refusal)? {
            Answer::Job { job, .. } => self.finish(&job),
            Answer::Object { object, .. } => Ok(object),
            Answer::List { items, .. } => Ok(Node::List(items)),
            Answer::Bare(fields) => Ok(Node::Object(fields)),
            Answer::Success => Ok(Node::Bool(true)),
        }
    }

    /// Runs as [`Lab::run`], as the root admin, and expects success.
    pub(crate) fn ok(&self, name: &str, params: &[(&str, &str)]) -> Node {
        self.run(self.root(), name, params).unwrap_or_else(|e| panic!("{name}: {e:?}"))
    }

    /// Runs as [`Lab::run`], as a user, and expects success.
    pub(crate) fn ok_as(&self, user: &str, name: &str, params: &[(&str, &str)]) -> Node {
        self.run(self.user(user), name, params).unwrap_or_else(|e| panic!("{name}: {e:?}"))
    }

    /// Runs as [`Lab::run`], as the root admin, and expects to be refused.
    pub(crate) fn refused(&self, name: &str, params: &[(&str, &str)]) -> (u16, String) {
        self.run(self.root(), name, params).expect_err(name)
    }

    /// The result of a job, run to its end.
    pub(crate) fn finish(&self, job: &str) -> Result<Node, (u16, String)> {
        let job_uuid = job.to_owned();
        // Jobs that wait are given a simulated minute a round.
        for _ in 0..1000 {
            self.cloud.run_due(self.now()).unwrap();
            let answer = self.call(self.root(), "queryAsyncJobResult", &[("jobid", job)]).unwrap();
            let Answer::Bare(fields) = answer else { panic!("{answer:?}") };
            let job = Node::Object(fields);
            match int(&job, "jobstatus") {
                0 => self.pass(60),
                1 => {
                    self.check_chain(&job_uuid);
                    let Some(Node::Object(result)) = job.field("jobresult") else {
                        panic!("{job:?}")
                    };
                    return Ok(match result.first() {
                        Some((_, node)) => node.clone(),
                        None => Node::Null,
                    });
                }
                _ => {
                    self.check_chain(&job_uuid);
                    let result = job.field("jobresult").unwrap();
                    let code = u16::try_from(int(result, "errorcode")).unwrap();
                    return Err((code, text(result, "errortext")));
                }
            }
        }
        panic!("the job {job} does not end")
    }

    /// Each job that has ended has told it: Scheduled, for create commands Created,
    /// Started, Completed, all of one type, and each but the first with the uuid of
    /// the first.
    fn check_chain(&self, job: &str) {
        let world = self.cloud.world();
        let uuid = cloudtally_platform::engine::Uuid::parse(job).unwrap();
        let job = world.by_uuid(uuid).unwrap();
        let command = TABLES.command(job.text(col::CMD)).unwrap();
        let start = world.resource(job.id_of(col::START_EVENT).unwrap());
        let mut chain = vec![start];
        chain.extend(world.referring(start.id, Kind::Event, col::PARENT_ID));
        let states: Vec<&str> = chain.iter().map(|event| event.state()).collect();
        let expected = match command.job {
            Job::Create => vec!["Scheduled", "Created", "Started", "Completed"],
            Job::Plain => vec!["Scheduled", "Started", "Completed"],
            Job::Sync => panic!("{} has a job", command.name),
        };
        assert_eq!(states, expected, "{}", command.name);
        let types: Vec<&str> = chain.iter().map(|event| event.text(col::TYPE)).collect();
        assert!(types.iter().all(|event_type| *event_type == types[0]), "{}", command.name);
        let has_failed = job.int(col::JOB_STATUS) == 2;
        let level = chain.last().unwrap().text(col::LEVEL);
        assert_eq!(level, if has_failed { "ERROR" } else { "INFO" }, "{}", command.name);
    }

    /// The one resource that a list shows.
    pub(crate) fn one(&self, name: &str, params: &[(&str, &str)]) -> Node {
        let Node::List(mut items) = self.ok(name, params) else { panic!("{name} is no list") };
        assert_eq!(items.len(), 1, "{name} {params:?}: {items:?}");
        items.remove(0)
    }

    /// Makes an account with a user of the same name; returns the account.
    pub(crate) fn account(&self, name: &str, account_type: &str, domain: Option<&str>) -> Node {
        let mut params = vec![
            ("username", name),
            ("accounttype", account_type),
            ("email", "a@example.org"),
            ("firstname", "A"),
            ("lastname", "B"),
            ("password", "secret"),
        ];
        params.extend(domain.map(|id| ("domainid", id)));
        self.ok("createAccount", &params)
    }

    /// The ready zone of a network type.
    pub(crate) fn zone(&self, network_type: &str) -> String {
        text(&self.one("listZones", &[("networktype", network_type)]), "id")
    }

    /// A featured template that the zone's hosts can run.
    pub(crate) fn template(&self, zone: &str) -> String {
        let Node::List(hypervisors) = self.ok("listHypervisors", &[("zoneid", zone)]) else {
            panic!("no list")
        };
        let names: Vec<String> = hypervisors.iter().map(|node| text(node, "name")).collect();
        let params = [("templatefilter", "featured"), ("zoneid", zone)];
        let Node::List(templates) = self.ok("listTemplates", &params) else { panic!("no list") };
        let fits = |node: &&Node| {
            let hypervisor = text(node, "hypervisor");
            hypervisor != "BareMetal" && names.contains(&hypervisor)
        };
        text(templates.iter().find(fits).unwrap_or_else(|| panic!("{names:?}")), "id")
    }

    /// The types of the usage events so far.
    pub(crate) fn usage_types(&self) -> Vec<String> {
        self.memory.usage().iter().map(|event| event.event_type.to_string()).collect()
    }

    /// The id behind a uuid.
    pub(crate) fn id(&self, uuid: &str) -> ResourceId {
        let uuid = cloudtally_platform::engine::Uuid::parse(uuid).unwrap();
        self.cloud.world().by_uuid(uuid).unwrap().id
    }
}

pub(crate) fn refusal(error: ApiError) -> (u16, String) {
    assert!(error.code != ErrorCode::Internal || !error.text.contains("broke off"), "{error}");
    (error.code.status(), error.text)
}

/// A text of an object.
pub(crate) fn text(node: &Node, field: &str) -> String {
    match node.field(field) {
        Some(Node::Text(text)) => text.to_string(),
        other => panic!("no text {field}: {other:?} in {node:?}"),
    }
}

/// A number of an object.
pub(crate) fn int(node: &Node, field: &str) -> i64 {
    match node.field(field) {
        Some(Node::Int(number)) => *number,
        other => panic!("no number {field}: {other:?} in {node:?}"),
    }
}

/// The texts of one field of a list's items.
pub(crate) fn texts(node: &Node, field: &str) -> Vec<String> {
    let Node::List(items) = node else { panic!("no list: {node:?}") };
    items.iter().map(|item| text(item, field)).collect()
}
