//! Lives of a folder: one undisturbed, others under faults.

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::NaiveDate;
use cloudtally_aggregate::{AggregateError, Plan, Target, aggregate, close, prune_limits};
use cloudtally_fuzz::Dice;
use cloudtally_ingest::{IngestRequest, Input, ingest, take_outbox};
use cloudtally_model::{
    Account, AccountId, EventId, Instant, SourceName, UsageEvent, ZoneId,
    port::{ChangeSet, Journal, Row, Value},
    settings, with_causes,
};
use cloudtally_store::{
    LockWait, Prune, Store, Stream,
    faults::{self, Fault, Faults, Struck},
};
use tempfile::TempDir;

use crate::history::{DAYS, History, Step, at, start};

const DATABASE: &str = "cloudtally.db";
/// The beginning of the name of a file on its way.
const TEMPORARY: &str = ".tmp-";
/// A command that does not come through after so many tries never will.
const TRIES_MAX: u64 = 12;
/// Long enough for everything that is kept for readers to go.
const LATER_MS: i64 = 10 * 86_400_000;

type Done = Result<(), Box<dyn Error>>;

/// A folder in which commands are run, with its backup and what is restored of it.
pub(crate) struct Life {
    dir: TempDir,
    store: Option<Store>,
}

impl Life {
    /// Begins with a folder that has a catalogue and settings.
    fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let dir = match memory.is_dir() {
            true => TempDir::new_in(memory).unwrap(),
            false => TempDir::new().unwrap(),
        };
        fs::create_dir(dir.path().join("work")).unwrap();
        Self { dir, store: None }
    }

    fn copy_of(template: &Path) -> Self {
        let life = Self::new();
        fs::create_dir(life.data()).unwrap();
        for entry in fs::read_dir(template).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), life.data().join(entry.file_name())).unwrap();
        }
        life
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.root().join("data")
    }

    pub(crate) fn backup(&self) -> PathBuf {
        self.root().join("backups/1")
    }

    fn restored(&self) -> PathBuf {
        self.root().join("restored")
    }

    /// Leads a whole life without faults, and keeps what it left and how often each fault could have struck.
    pub(crate) fn undisturbed(history: &History) -> Calm {
        let life = Self::new();
        let store = Store::open(&life.data()).unwrap();
        store.writer(wait()).unwrap().set_setting(settings::SOURCE_PATIENCE, "-1").unwrap();
        drop(store);
        let mut life = Self::copy_of(&life.data());
        let template = life.dir.path().join("template");
        fs::create_dir(&template).unwrap();
        fs::copy(life.data().join(DATABASE), template.join(DATABASE)).unwrap();
        let faults = Faults::over(&life.root(), &life.data().join(DATABASE), 0);
        let mut chances = Vec::new();
        for step in &history.steps {
            faults.plan(Fault::CrashBefore, u64::MAX / 2);
            life.run(step).unwrap_or_else(|e| panic!("{}: {}", step.name(), with_causes(&*e)));
            chances.push(Fault::ALL.map(|fault| faults.chances(fault)));
            faults.stop();
        }
        drop(faults);
        let left = life.end(true);
        Calm { template: life, chances, left }
    }

    /// Leads a whole life without faults, and keeps the folder.
    pub(crate) fn led(history: &History) -> Self {
        let mut calm = Self::undisturbed(history);
        calm.template.store = None;
        calm.template
    }

    /// Leads a life in which nobody copies the log into the database; returns the rows after each
    /// command, and a copy of database and log at the end.
    pub(crate) fn led_with_log(history: &History) -> (Vec<Vec<String>>, TempDir) {
        let mut life = Self::new();
        let store = life.store().unwrap();
        let mut states = vec![rows(&life.data())];
        store.writer(wait()).unwrap().set_setting(settings::SOURCE_PATIENCE, "-1").unwrap();
        states.push(rows(&life.data()));
        for step in history.steps.iter().filter(|step| matches!(step, Step::Keep(_))) {
            life.run(step).unwrap();
            states.push(rows(&life.data()));
        }
        let folder = TempDir::new().unwrap();
        for name in [DATABASE.to_owned(), format!("{DATABASE}-wal")] {
            fs::copy(life.data().join(&name), folder.path().join(&name)).unwrap();
        }
        (states, folder)
    }

    fn store(&mut self) -> Result<Store, Box<dyn Error>> {
        if self.store.is_none() {
            self.store = Some(Store::open(&self.data())?);
        }
        Ok(self.store.clone().unwrap())
    }

    /// Runs one command, which may be repeated.
    fn run(&mut self, step: &Step) -> Done {
        let store = self.store()?;
        match step {
            Step::Ingest(stream, rows) => self.ingest(&store, *stream, rows),
            Step::Keep(number) => keep(&store, *number),
            Step::HandOver => Ok(take_outbox(&store.writer(wait())?, 1).map(drop)?),
            Step::Job(now) => {
                let writer = store.writer(wait())?;
                aggregate(Target::Publish(&writer), Plan::Scheduled, *now, &mut |_| {})?;
                Ok(())
            }
            Step::Close(day) => {
                let (writer, now) = (store.writer(wait())?, at(*day + 1, 45));
                match close(&writer, date(&store, *day)?, ("finance", None), now, 9) {
                    // Whoever was told that it failed finds it done.
                    Ok(_) | Err(AggregateError::ClosedAlready { .. }) => Ok(()),
                    Err(error) => Err(error.into()),
                }
            }
            Step::Prune(day) => {
                let writer = store.writer(wait())?;
                let limits = prune_limits(&writer, date(&store, *day)?)?;
                Ok(writer.prune(limits).map(drop)?)
            }
            Step::Compact => Ok(store.writer(wait())?.compact()?),
            Step::Backup => {
                Ok(store.backup(&self.backup(), Prune::Remove, &mut |_, _| {}).map(drop)?)
            }
            Step::Restore => {
                // Told that it failed, though it had come so far: whoever tries again clears the place.
                drop(fs::remove_dir_all(self.restored()));
                Ok(Store::restore(&self.backup(), &self.restored(), &mut |_, _| {}).map(drop)?)
            }
        }
    }

    fn ingest(&self, store: &Store, stream: Stream, rows: &str) -> Done {
        let input = self.dir.path().join("rows.csv");
        fs::write(&input, rows)?;
        let writer = store.writer(wait())?;
        let request = IngestRequest {
            stream,
            source: SourceName::new("default")?,
            inputs: vec![Input::File(input)],
            started_ms: 1,
            now: at(DAYS + 1, 0),
        };
        ingest(&writer, &request, &mut |_| {})?;
        Ok(())
    }

    /// Ends a life: what is kept for readers goes, everything is looked at, and what is left is returned.
    fn end(&mut self, is_checked: bool) -> Left {
        self.store = None;
        faults::step_clock(LATER_MS);
        let store = Store::open(&self.data()).unwrap();
        drop(store.writer(wait()).unwrap());
        faults::step_clock(0);
        if is_checked {
            assert_eq!(store.verify(&mut |_, _| {}).unwrap(), [], "`check` tells nothing");
        }
        let snapshot = store.snapshot().unwrap();
        let published: Vec<Instant> = snapshot.periods.iter().map(|p| p.period.start).collect();
        let expected: Vec<Instant> = (0..DAYS).map(|day| at(day, 0)).collect();
        assert_eq!(published, expected, "every period from {} on is published", start());
        for period in &snapshot.periods {
            let sheet = store.sheet(period).unwrap().expect("a published period has a day sheet");
            assert!(sheet.usage.iter().all(|line| line.adds_up()), "{sheet:?}");
        }
        drop(store);
        faults::step_clock(LATER_MS);
        let restored = Store::open_existing(&self.restored()).unwrap();
        drop(restored.writer(wait()).unwrap());
        faults::step_clock(0);
        if is_checked {
            assert_eq!(restored.verify(&mut |_, _| {}).unwrap(), [], "of the restored folder");
        }
        drop(restored);
        Left {
            files: files(&self.data()),
            rows: rows(&self.data()),
            restored: files(&self.restored()),
            restored_rows: rows(&self.restored()),
        }
    }
}

fn date(store: &Store, day: i64) -> Result<NaiveDate, Box<dyn Error>> {
    Ok(store.calendar()?.date_of(at(day, 0)))
}

fn wait() -> LockWait<'static> {
    // A closure without captures lives for ever.
    LockWait { limit: Duration::from_secs(20), on_wait: Box::leak(Box::new(|| {})) }
}

/// Keeps a change of the cloud, unless it is kept.
fn keep(store: &Store, number: u64) -> Done {
    let plain = |e: Box<dyn Error + Send + Sync>| -> Box<dyn Error> { e };
    let mut journal = store.journal(wait())?;
    if journal.load().map_err(plain)?.rows.iter().any(|row| row.id == number) {
        return Ok(());
    }
    let day = i64::try_from(number % 10).unwrap().min(DAYS) - 1;
    let row = Row {
        id: number,
        kind: "Volume".into(),
        uuid: u128::from(number) << 64 | 7,
        owner: Some(2),
        state: "Ready".into(),
        created: start(),
        removed: None,
        values: vec![("size".into(), Value::Int(7))],
    };
    let changes = ChangeSet {
        rows: vec![row],
        usage: vec![told_event(number, at(day.max(0), 600))],
        accounts: vec![account(number)],
        ..ChangeSet::default()
    };
    journal.commit(&changes).map_err(plain)
}

fn told_event(number: u64, created: Instant) -> UsageEvent {
    UsageEvent {
        id: EventId(number),
        event_type: "VOLUME.CREATE".into(),
        created,
        account: AccountId(number),
        zone: ZoneId::from_source(1),
        resource: number.into(),
        resource_name: Some("DATA".into()),
        offering: Some(1u64.into()),
        template: None,
        size: Some(1 << 30),
        virtual_size: None,
        resource_type: None,
    }
}

fn account(number: u64) -> Account {
    Account {
        id: AccountId(number),
        name: format!("tenant {number}").into(),
        uuid: None,
        account_type: None,
        domain: None,
        domain_path: None,
        state: None,
        created: None,
        removed: None,
    }
}

/// All that a life leaves.
#[derive(PartialEq)]
struct Left {
    files: BTreeMap<PathBuf, Vec<u8>>,
    rows: Vec<String>,
    restored: BTreeMap<PathBuf, Vec<u8>>,
    restored_rows: Vec<String>,
}

impl Left {
    /// Tells how it differs from another one, if it does.
    fn differs(&self, other: &Self) -> Option<String> {
        let names = |left: &BTreeMap<PathBuf, Vec<u8>>, right: &BTreeMap<PathBuf, Vec<u8>>| {
            let other = |path: &&PathBuf| left.get(*path) != right.get(*path);
            left.keys().filter(other).map(|path| path.display().to_string()).collect::<Vec<_>>()
        };
        let rows = |left: &[String], right: &[String]| {
            left.iter().filter(|row| !right.contains(row)).cloned().collect::<Vec<_>>()
        };
        (self != other).then(|| {
            format!(
                "files {:?} for {:?}\nrows {:#?} for {:#?}\nrestored {:?} for {:?}\nrows {:#?} for {:#?}",
                names(&self.files, &other.files),
                names(&other.files, &self.files),
                rows(&self.rows, &other.rows),
                rows(&other.rows, &self.rows),
                names(&self.restored, &other.restored),
                names(&other.restored, &self.restored),
                rows(&self.restored_rows, &other.restored_rows),
                rows(&other.restored_rows, &self.restored_rows),
            )
        })
    }
}

/// The files of the lake and what they hold.
pub(crate) fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![dir.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(dir).unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.components().count() > 1 {
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// The rows of the catalogue, but for how often something was tried, by whom and when by the wall clock.
pub(crate) fn rows(dir: &Path) -> Vec<String> {
    let is_left_out = |table: &str, column: Option<&str>| match column {
        None => matches!(table, "job" | "ingest_run" | "lease" | "retired_file"),
        Some(column) => matches!((table, column), ("publication", "job_id") | ("quarantine", _)),
    };
    let mut rows = faults::rows(dir, &is_left_out).unwrap();
    rows.retain(|row| !row.starts_with("counter name=settled"));
    rows.into_iter().map(without_state).collect()
}

/// A row without the file of open segments that its day sheet begins with: a run that goes on
/// where another was killed reads one, and the other did not.
fn without_state(row: String) -> String {
    let parts = row.split_once("\"inputs\":[");
    let parts = parts.and_then(|(head, rest)| Some((head, rest.split_once(']')?)));
    let Some((head, (inputs, tail))) = parts.filter(|_| row.starts_with("day_sheet")) else {
        return row;
    };
    let inputs = inputs.trim_matches(['{', '}']).split("},{");
    let read: Vec<&str> = inputs.filter(|file| !file.contains("\"path\":\"open/")).collect();
    format!("{head}\"inputs\":[{}]{tail}", read.join(" "))
}

/// An undisturbed life.
pub(crate) struct Calm {
    template: Life,
    /// By step and fault: how often it could have struck.
    chances: Vec<[u64; Fault::ALL.len()]>,
    left: Left,
}

/// A life under faults.
pub(crate) struct Disturbed<'a> {
    history: &'a History,
    calm: &'a Calm,
    dice: Dice,
    life: Life,
    faults: Faults,
    trace: String,
    struck: Vec<Fault>,
    pub(crate) crashes_between: u64,
    pub(crate) steps: u64,
    pub(crate) retries: u64,
}

impl<'a> Disturbed<'a> {
    pub(crate) fn new(history: &'a History, calm: &'a Calm, mut dice: Dice) -> Self {
        let life = Life::copy_of(&calm.template.dir.path().join("template"));
        let faults = Faults::over(&life.root(), &life.data().join(DATABASE), dice.draw());
        Self {
            history,
            calm,
            dice,
            life,
            faults,
            trace: String::new(),
            struck: Vec::new(),
            crashes_between: 0,
            steps: 0,
            retries: 0,
        }
    }

    /// The steps so far, and what happened to them.
    pub(crate) fn trace(&self) -> String {
        let root = self.life.dir.path().display().to_string();
        let mut parts = self.trace.split(TEMPORARY);
        let first = parts.next().unwrap_or_default().to_owned();
        let rest =
            parts.map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-'));
        // Numbers of processes and files are other ones each time.
        rest.fold(first, |trace, part| trace + TEMPORARY + part).replace(&root, "DIR")
    }

    /// Kinds of the faults that struck.
    pub(crate) fn struck(&self) -> &[Fault] {
        &self.struck
    }

    /// Leads the life to its end, and holds what it leaves against the undisturbed one.
    pub(crate) fn run(&mut self) {
        let history = self.history;
        for (index, step) in history.steps.iter().enumerate() {
            if self.dice.below(6) == 0 {
                let step_ms = i64::try_from(self.dice.below(4 * 86_400_000)).unwrap();
                faults::step_clock(step_ms - 2 * 86_400_000);
                self.note(format!("clock {} ms\n", step_ms - 2 * 86_400_000));
            }
            self.until_done(index, step);
            if self.dice.below(8) == 0 {
                self.crashes_between += 1;
                self.note("the power goes\n".to_owned());
                self.faults.crash();
                self.start_again();
            }
        }
        // Bytes and rows that are those of a folder that was checked have been checked: now and then is enough.
        let is_checked = self.dice.below(4) == 0;
        let left = self.life.end(is_checked);
        if let Some(how) = left.differs(&self.calm.left) {
            panic!("what is left is not what the undisturbed life left: {how}");
        }
    }

    fn note(&mut self, text: String) {
        self.trace.push_str(&text);
    }

    /// A new process on a machine whose power is back.
    fn start_again(&mut self) {
        self.life.store = None;
        self.faults.restart();
    }

    /// Runs a step until it says that it is done.
    fn until_done(&mut self, index: usize, step: &Step) {
        for tried in 0..TRIES_MAX {
            self.steps += 1;
            self.retries += u64::from(tried > 0);
            let fault = *self.dice.pick(&Fault::ALL);
            let chances = self.calm.chances[index][fault as usize];
            // Repeated commands are disturbed less, and the last tries not at all.
            let is_planned = chances > 0 && tried < 4 && self.dice.below(3 + tried) == 0;
            if is_planned {
                let at = self.dice.below(chances);
                self.faults.plan(fault, at);
                self.note(format!("{fault:?} {at} of {chances} in "));
            }
            let done = self.life.run(step);
            let struck = self.faults.stop();
            let told = done.as_ref().map_or_else(|e| with_causes(&**e), |()| "done".to_owned());
            self.note(format!("{}: {told}\n", step.name()));
            if let Some(struck) = &struck {
                self.struck.push(struck.fault);
                assert_is_named(struck, &done, &told);
            }
            if self.faults.is_down() {
                self.start_again();
                continue;
            }
            match done {
                Ok(()) => return,
                Err(_) => assert!(struck.is_some(), "{} fails by itself: {told}", step.name()),
            }
            if self.dice.below(2) == 0 {
                // Another process tries again; caches are cold.
                self.life.store = None;
            }
        }
        panic!("{} never comes through", step.name());
    }
}

/// Asserts that whoever meets damage names the file.
fn assert_is_named(struck: &Struck, done: &Done, told: &str) {
    let is_of_a_read =
        matches!(struck.fault, Fault::BitFlip | Fault::ShortRead | Fault::FailedRead);
    if is_of_a_read && done.is_err() {
        // A file on its way is told by what it is made of, which is in a folder of the same name.
        let file = struck.path.file_name().unwrap().to_string_lossy().into_owned();
        let folder = struck.path.parent().and_then(Path::file_name).unwrap().to_string_lossy();
        let name = if file.starts_with(TEMPORARY) { folder.into_owned() } else { file };
        // A changed line of a backup's list is one that its file does not match.
        let is_named =
            told.contains(&name) || name == "SHA256SUMS" && told.contains("backup's file");
        assert!(is_named, "{struck}: `{told}` does not name {name}");
    }
}
