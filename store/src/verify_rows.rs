//! Every row of the catalogue that the program reads, read.
//!
//! A changed bit may leave a database whole for SQLite and yet hold a value that no
//! command can work with: a cloud that does not open, a file of another day.

use std::{fmt::Display, path::Path};

use cloudtally_model::{Instant, settings, utc_day_name};

use crate::{
    Accounts, Snapshot, StoreError, body,
    catalogue::{checksums, db::Db, history, load, sql},
    format, journal,
    lake::{GENERATIONS, period_name},
    outbox, writer,
};

/// Lists what cannot be right in the catalogue's rows.
pub(crate) fn check(db: &Db) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut read = |what: &str, result: Result<(), StoreError>| {
        if let Err(cause) = result {
            wrong.push(format!("{what} cannot be read: {}", whole(&cause)));
        }
    };
    read("the ledger of the cloud", journal::entries(db).map(drop));
    read("what the cloud tells the bill", outbox::read_all(db));
    read("the samples that were dropped", writer::dropped(db).map(drop));
    let accounts = Accounts::load(db);
    let changes = accounts.as_ref().map_or(Ok(None), |all| all.before_changes(db, Instant::EPOCH));
    read("the changes of accounts", changes.map(drop));
    read("the accounts", accounts.map(drop));
    read("the publications", history::instants(db).map(drop));
    read("the runs of jobs", load::jobs(db, 0, usize::MAX, &|| false).map(drop));
    read("the anomalies", load::anomalies(db, usize::MAX).map(drop));
    read("the quarantine", load::quarantined(db, None, usize::MAX).map(drop));
    read("the reasons of the quarantine", load::quarantine_kinds(db, None).map(drop));
    read("the events without a meter", load::unmetered_events(db).map(drop));
    read("the runs of ingest", load::ingest_runs(db, usize::MAX).map(drop));
    read("the numbers of the cloud", journal::numbers(db).map(drop));
    let snapshot = load::snapshot(db);
    if let Ok(snapshot) = &snapshot {
        check_files(snapshot, &mut wrong);
    }
    let mut read = |what: &str, result: Result<(), StoreError>| {
        if let Err(cause) = result {
            wrong.push(format!("{what} cannot be read: {}", whole(&cause)));
        }
    };
    read("the files and periods", snapshot.map(drop));
    let mut things = Vec::new();
    read("the things of the cloud", check_things(db, &mut things));
    let mut values = Vec::new();
    read("the settings", check_settings(db, &mut values));
    match checksums::damaged(db, &checksums::TABLES) {
        Ok(rows) => wrong.extend(rows),
        Err(cause) => wrong.push(format!("the rows cannot be read: {}", whole(&cause))),
    }
    match db.strange_schema() {
        Ok(names) => wrong.extend(
            names
                .into_iter()
                .map(|name| format!("`{name}` of the schema is not what this version has made")),
        ),
        Err(cause) => wrong.push(format!("the schema cannot be read: {}", whole(&cause))),
    }
    wrong.extend(things);
    wrong.extend(values);
    wrong
}

/// An error with its causes.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// Each thing by itself, so that all that are damaged are told.
fn check_things(db: &Db, wrong: &mut Vec<String>) -> Result<(), StoreError> {
    db.for_each(sql::platform::THINGS, [], |row| {
        let mut tell = |what: &dyn Display| {
            let id = load::unsigned(row, 0).unwrap_or_default();
            wrong.push(format!("the thing {id} of the cloud cannot be read: {what}"));
        };
        match journal::thing(row) {
            Err(cause) => tell(&cause),
            Ok((_, text)) => {
                if let Err(cause) = body::decode(&text) {
                    tell(&cause);
                }
            }
        }
        Ok(())
    })
}

fn check_settings(db: &Db, wrong: &mut Vec<String>) -> Result<(), StoreError> {
    let values = db.rows(sql::settings::ALL_VALUES, [], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    for (name, value) in values {
        match settings::setting(&name).map(|row| row.check(&value)) {
            None => wrong.push(format!("a value is kept for `{name}`, which is no setting")),
            Some(Err(reason)) => {
                wrong.push(format!("`{value}` cannot be the value of `{name}`: {reason}"));
            }
            Some(Ok(())) => {}
        }
    }
    Ok(())
}

/// Holds the names of files against what the catalogue says is in them.
fn check_files(snapshot: &Snapshot, wrong: &mut Vec<String>) {
    let mut is_of = |path: &Path, utc_day: i64, of: [i64; 2], source: &str| {
        let day = utc_day_name(utc_day);
        let folder = path.parent().and_then(Path::file_name);
        let is_named = folder.is_some_and(|folder| *folder == *day)
            && path.to_string_lossy().ends_with(&format!("-{source}.parquet"));
        if !is_named || of != [utc_day; 2] {
            wrong.push(format!("`{}` is not of the day or source it is kept for", path.display()));
        }
    };
    for file in &snapshot.event_files {
        let days = [file.first_created.utc_day(), file.last_created.utc_day()];
        is_of(&file.path, file.utc_day, days, file.source.as_str());
    }
    for file in &snapshot.sample_files {
        let days = [file.first_sampled.utc_day(), file.last_sampled.utc_day()];
        is_of(&file.path, file.utc_day, days, file.source.as_str());
    }
    for known in &snapshot.periods {
        let name = period_name(known.period);
        let records = Path::new(GENERATIONS).join(&name);
        // One that `upgrade` has rewritten has the format in its name.
        let own = format!("{}.parquet", known.generation);
        let rewritten = format!("v{}-{own}", format::KNOWN);
        if [own, rewritten].iter().all(|name| known.records.path != records.join(name)) {
            let path = known.records.path.display();
            wrong.push(format!("`{path}` is not of the period {} it is kept for", known.period));
        }
    }
}
