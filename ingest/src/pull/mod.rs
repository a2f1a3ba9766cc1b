//! The database of a cloud, read where it stands.
//!
//! A pull reads the tables of a management server in one snapshot and hands their rows to
//! the very mapping that dumps go through. It goes on behind the last event that was pulled,
//! asks again for numbers that were missed, and stops before it takes anything where the
//! database is no longer the one that was pulled. How far it came is stored behind the rows:
//! a pull that is cut off is made again, and rows that are there already are duplicates.

mod client; // MySQL and MariaDB
mod database; // questions and pages
mod fault;
mod history; // how far, and whether it is the same
mod packet; // the protocol's packets
mod server; // whoever answers
mod walk; // tables, one after the other

use cloudtally_model::{Instant, SourceName};
use cloudtally_store::{Store, StoreError, Writer};

pub use self::{
    client::{Client, Place},
    fault::{Grant, PullFault},
    server::{Cell as ServerCell, Server, ServerError},
};
use self::{
    database::Database,
    history::{Course, ID_BITS, Verdict, compare},
    walk::{CONFIGURATION, EVENTS, SERIES, TABLES, Table, marks},
};
use crate::{
    chunks::Chunks,
    error::{Fault, IngestError},
    intake::{Terms, gather_tables},
    plausible::Plausible,
    request::IngestRequest,
    run::side_by_side,
    shelves::Shelves,
    summary::{IngestSummary, Progress},
    tally::Tally,
};

/// Time between two readings of counters.
const SAMPLED_AGAIN_MS: i64 = 60_000;

/// The history that a pull goes on with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum History {
    /// That of the pulls before.
    #[default]
    Same,
    /// A new one, since the database went back in time.
    New,
}

/// An order to pull.
#[derive(Clone, Debug)]
pub struct PullOrder {
    /// The name of the database, such as `cloud`.
    pub database: String,
    /// True if byte counters are read, too.
    pub is_sampled: bool,
    /// The history.
    pub history: History,
}

/// The findings of a pull, beside the numbers of its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PullReport {
    /// The id up to which every event is settled.
    pub floor: u64,
    /// The highest id that was pulled.
    pub seen: u64,
    /// The number of the history, 0 for the first.
    pub epoch: u32,
    /// Numbers that are missed and may still come.
    pub missed: u64,
    /// The instant from which the first of them is missed.
    pub missed_since: Option<Instant>,
    /// Numbers that are no longer waited for since this pull.
    pub settled: u64,
    /// The instant through which the source is complete: the database's clock at its snapshot.
    pub complete_through: Option<Instant>,
    /// The events that wait behind those that were pulled before; of a dry run alone.
    pub waiting: u64,
    /// Remarks.
    pub notes: Vec<String>,
}

/// A pull that may begin.
struct Prepared<'s> {
    database: Database<'s>,
    /// The tables that can be read, with their columns.
    tables: Vec<(Table, Vec<&'static str>)>,
    course: Course,
    /// The lowest and the highest id of events.
    ends: Option<(u64, u64)>,
    settings: Vec<(String, String)>,
    is_first: bool,
    notes: Vec<String>,
}

/// Pulls what is new and stores it.
///
/// # Errors
/// Rows stored before the error stay; the error carries their numbers.
pub fn pull(
    writer: &Writer,
    server: &mut dyn Server,
    (request, order): (&IngestRequest, &PullOrder),
    progress: &mut dyn FnMut(Progress),
) -> Result<(IngestSummary, PullReport), IngestError> {
    let mut tally = Tally::new(request);
    let mut report = PullReport::default();
    let pulled = pull_gathered(&mut tally, writer, (server, order), progress, &mut report);
    tally.result(pulled).map(|summary| (summary, report))
}

/// Looks what a pull would do, and stores nothing.
///
/// # Errors
/// Those by which the pull would stop before it begins.
pub fn look(
    store: &Store,
    server: &mut dyn Server,
    source: &SourceName,
    order: &PullOrder,
) -> Result<PullReport, Fault> {
    let mut prepared = prepare(store, server, source, order)?;
    let (mark, settled) = prepared.course.end();
    let waiting = prepared.database.count(EVENTS.table, mark.seen)?;
    let mut report = PullReport { waiting, notes: prepared.notes, ..reported(&mark, settled) };
    report.complete_through = None;
    Ok(report)
}

fn pull_gathered(
    tally: &mut Tally<'_>,
    writer: &Writer,
    (server, order): (&mut dyn Server, &PullOrder),
    progress: &mut dyn FnMut(Progress),
    report: &mut PullReport,
) -> Result<(), Fault> {
    let request = tally.request;
    writer.source(&request.source)?;
    let mut prepared = prepare(writer, server, &request.source, order)?;
    let mut notes = std::mem::take(&mut prepared.notes);
    take_over(writer, &prepared, &mut notes)?;
    // Nobody speaks of what is to come, whatever the clock of the database says.
    let snapshot = prepared.database.snapshot.min(request.now);
    prepared.database.snapshot = snapshot;
    let mark = prepared.course.mark();
    let counters = prepared.tables.iter().any(|(table, _)| table.wanted.table == SERIES.table);
    let terms = Terms {
        wanted: None,
        columns: None,
        sampled: counters.then_some(snapshot),
        born: mark.sampled.filter(|_| counters).map(|before| (mark.series, before)),
        calendar: writer.calendar()?,
        plausible: Plausible::at(request.now),
        chunks: Chunks::of_this_machine(),
    };
    let mut shelves = Shelves::new(writer, request, None)?;
    let name = request.inputs.first().map(crate::open::Input::name).unwrap_or_default();
    let read = |_: &_, sender| {
        gather_tables(sender, &terms, &name, |sink| walk::feed(&mut prepared, sink))
    };
    let read =
        side_by_side(tally, read, progress, &mut |tally, gathered| shelves.take(tally, gathered));
    if !matches!(read, Err(Fault::Store(_))) {
        shelves.release(tally)?;
    }
    read?;
    shelves.end(tally, None)?;
    tally.tell(progress);
    // Only now: the mark must never be ahead of the rows.
    let (mut mark, settled) = prepared.course.end();
    mark.snapshot = snapshot;
    writer.end_pull(&request.source, &mark)?;
    *report = PullReport { notes, ..reported(&mark, settled) };
    Ok(())
}

fn reported(mark: &cloudtally_store::PullMark, settled: u64) -> PullReport {
    PullReport {
        floor: mark.floor,
        seen: mark.seen,
        epoch: mark.epoch,
        missed: mark.holes.iter().map(|hole| hole.last - hole.first + 1).sum(),
        missed_since: mark.holes.iter().map(|hole| hole.since).min(),
        settled,
        complete_through: Some(mark.snapshot),
        waiting: 0,
        notes: Vec::new(),
    }
}

/// Finds out everything for which a pull would stop, before it takes anything.
fn prepare<'s>(
    store: &Store,
    server: &'s mut dyn Server,
    source: &SourceName,
    order: &PullOrder,
) -> Result<Prepared<'s>, Fault> {
    let mark = store.pull_mark(source)?;
    let mut database = Database::open(server, &order.database)?;
    let mut notes = Vec::new();
    let last_sampled = mark.as_ref().and_then(|mark| mark.sampled);
    let is_too_soon = last_sampled
        .is_some_and(|last| database.snapshot.as_millis() - last.as_millis() < SAMPLED_AGAIN_MS);
    if order.is_sampled && is_too_soon {
        notes.push("counters were read less than a minute ago and are not read again".to_owned());
    }
    let (mut tables, mut unread) = (Vec::new(), Vec::new());
    for table in TABLES {
        let is_due = match table.counters {
            walk::Counters::None => true,
            walk::Counters::Now => order.is_sampled && !is_too_soon,
            walk::Counters::Past => order.is_sampled && last_sampled.is_none(),
        };
        if !is_due {
            continue;
        }
        match database.columns(&table.wanted)? {
            Ok(columns) => tables.push((table, columns)),
            Err(grant) if table.is_needed => return Err(PullFault::Grant { grant }.into()),
            Err(grant) => unread.push((table, grant)),
        }
    }
    let events = tables.iter().find(|(table, _)| table.wanted.table == EVENTS.table);
    let event_columns = events.map(|(_, columns)| columns.clone()).unwrap_or_default();
    // Databases before 4.2 have neither.
    let is_old = !event_columns.contains(&"virtual_size");
    for (table, grant) in unread {
        if !(is_old && table.wanted.table == "image_store") {
            notes.push(format!("{}; to have it, run `{grant};`", table.without));
        }
    }
    let settings = settings(&mut database, &mut notes)?;
    let ends = database.ends(EVENTS.table)?;
    if let Some((_, last)) = ends.filter(|(_, last)| *last >> ID_BITS > 0) {
        return Err(PullFault::from(ServerError::strange(format!(
            "has an event of the number {last}, and no cloud comes near it"
        )))
        .into());
    }
    let mark = checked(&mut database, &event_columns, mark, (order.history, ends), &mut notes)?;
    let is_first = mark.is_none();
    let course = Course::from(mark, database.snapshot, database.identity.clone());
    Ok(Prepared { database, tables, course, ends, settings, is_first, notes })
}

/// The mark to go on from, once the database is known to have the history that it tells.
fn checked(
    database: &mut Database<'_>,
    columns: &[&'static str],
    mark: Option<cloudtally_store::PullMark>,
    (history, ends): (History, Option<(u64, u64)>),
    notes: &mut Vec<String>,
) -> Result<Option<cloudtally_store::PullMark>, PullFault> {
    let Some(mut mark) = mark else {
        return match history {
            History::Same => Ok(None),
            History::New => Err(PullFault::GoesOn),
        };
    };
    if mark.server != database.identity {
        let (before, now) = (&mark.server, &database.identity);
        notes.push(format!("the server is `{now}`, and was `{before}` at the last pull"));
    }
    let now = marks(database, columns, &mark.fingerprint)?;
    match (compare(&mark.fingerprint, &now), history) {
        (Verdict::GoesOn { .. }, History::New) => return Err(PullFault::GoesOn),
        (Verdict::GoesOn { changed: 0 }, History::Same) => {}
        (Verdict::GoesOn { changed }, History::Same) => notes.push(format!(
            "{changed} events that were pulled before are changed or deleted in the database; \
             those that are here stay"
        )),
        (Verdict::WentBack { same }, history) => {
            let found = match ends {
                Some((_, last)) if last < mark.seen => format!("the last is event {last}"),
                Some(_) => "its number has another event".to_owned(),
                None => "there are no events".to_owned(),
            };
            let Some(last_same) = same.checked_sub(1).map(|at| mark.fingerprint[at].id) else {
                return Err(PullFault::Another { rows: mark.fingerprint.len(), found });
            };
            if history == History::Same {
                return Err(PullFault::WentBack { seen: mark.seen, found, same: last_same });
            }
            notes.push(format!("a new history begins behind event {last_same}"));
            mark.epoch += 1;
            (mark.floor, mark.seen) = (last_same, last_same);
            mark.fingerprint.truncate(same);
            mark.holes.clear();
        }
    }
    if let Some((first, _)) = ends.filter(|(first, _)| *first > mark.first && mark.first > 0) {
        let before = mark.first;
        notes.push(format!("events from {before} to {} are gone from the database", first - 1));
        mark.first = first;
    }
    Ok(Some(mark))
}

/// The settings of the cloud that matter to its bill.
fn settings(
    database: &mut Database<'_>,
    notes: &mut Vec<String>,
) -> Result<Vec<(String, String)>, PullFault> {
    if let Err(grant) = database.columns(&CONFIGURATION)? {
        notes.push(format!(
            "the time zone and range of the cloud's bill cannot be read; to have them, run `{grant};`"
        ));
        return Ok(Vec::new());
    }
    let names = [("database", database.name.clone()), ("table", CONFIGURATION.table.to_owned())];
    let mut settings = Vec::new();
    database.ask(database::SETTINGS, &names, 2, &mut |cells| {
        if let [name, Some(value)] = cells {
            settings.push((database::text(*name), database::text(Some(*value))));
        }
        std::ops::ControlFlow::Continue(())
    })?;
    settings.sort();
    Ok(settings)
}

/// Takes over the settings of the cloud, as long as nothing is billed by others.
fn take_over(
    writer: &Writer,
    prepared: &Prepared<'_>,
    notes: &mut Vec<String>,
) -> Result<(), StoreError> {
    let here = writer.settings()?;
    for (name, value) in &prepared.settings {
        let value = value.trim();
        let found = here.iter().find(|(setting, _)| setting.name == name);
        let Some((setting, current)) = found.filter(|(_, current)| current != value) else {
            continue;
        };
        let is_chosen = current != setting.default;
        let taken = match prepared.is_first && !is_chosen {
            true => writer.set_setting(name, value),
            false => {
                notes.push(format!("`{name}` is {current} here and {value} in the cloud"));
                continue;
            }
        };
        match taken {
            Ok(()) => notes.push(format!("`{name}` is {value}, as in the cloud")),
            Err(error @ (StoreError::SettingFixed { .. } | StoreError::SettingValue { .. })) => {
                notes.push(format!("`{name}` stays {current}, other than in the cloud: {error}"));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
