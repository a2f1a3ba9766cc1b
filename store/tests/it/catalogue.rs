//! Opening, settings, jobs.

use std::{fs, path::Path};

use cloudtally_model::settings::{AGGREGATION_RANGE, AGGREGATION_TIMEZONE, SETTINGS};
use cloudtally_store::{
    AdminKeys, Inputs, JobRun, JobState, PeriodDraft, Store, StoreError, Stream,
};

use crate::support::{day, event, records, run, source, writer};

fn refused(result: Result<Store, StoreError>, part: &str) {
    let error = result.expect_err("it must be refused").to_string();
    assert!(error.contains(part), "`{part}` in: {error}");
}

#[test]
fn a_folder_that_is_not_there_or_not_ours_is_refused_with_a_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    refused(Store::open_existing(&path("none")), "make one with `cloudtally ingest");
    refused(Store::open_existing(dir.path()), "holds no `cloudtally.db`");
    assert!(!path("none").exists(), "looking makes nothing");
    fs::write(path("file"), "text").unwrap();
    refused(Store::open(&path("file")), "is a file but a folder is needed");
    refused(Store::open(&path("file/below")), "is a file but a folder is needed");
    refused(Store::open_existing(&path("file")), "is a file but a folder is needed");
    fs::create_dir(path("foreign")).unwrap();
    fs::write(path("foreign/cloudtally.db"), "no database at all".repeat(100)).unwrap();
    refused(Store::open(&path("foreign")), "is not a database of Cloudtally");
}

fn open_database(dir: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(dir.join("cloudtally.db")).unwrap()
}

#[test]
fn a_database_of_a_newer_version_or_of_another_program_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(Store::open(dir.path()).unwrap());
    open_database(dir.path()).pragma_update(None, "user_version", 99).unwrap();
    refused(Store::open(dir.path()), "use the newer program");
    open_database(dir.path()).pragma_update(None, "application_id", 7).unwrap();
    refused(Store::open(dir.path()), "is not a database of Cloudtally");
}

#[test]
fn files_whose_catalogue_is_gone_are_not_taken_for_orphans() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let with_lock = writer(&store);
    let mut known = with_lock.known_events(&source()).unwrap();
    with_lock.append_events(&mut known, vec![event(1, 1)], &[], &mut run(Stream::Events)).unwrap();
    let file = dir.path().join(&store.snapshot().unwrap().event_files[0].path);
    drop((with_lock, store));
    for name in ["cloudtally.db", "cloudtally.db-wal", "cloudtally.db-shm"] {
        let _ = fs::remove_file(dir.path().join(name));
    }
    refused(Store::open(dir.path()), "restore `cloudtally.db`");
    refused(Store::open_existing(dir.path()), "restore `cloudtally.db`");
    fs::write(dir.path().join("cloudtally.db"), "").unwrap();
    refused(Store::open(dir.path()), "restore `cloudtally.db`");
    assert!(file.exists());
}

#[cfg(unix)]
#[test]
fn secret_keys_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.admin_keys().unwrap(), None);
    let keys = AdminKeys { api_key: "a".to_owned(), secret_key: "hidden".to_owned() };
    let writer = writer(&store);
    writer.set_admin_keys(&keys).unwrap();
    let newer = AdminKeys { api_key: "b".to_owned(), ..keys };
    writer.set_admin_keys(&newer).unwrap();
    assert_eq!(store.admin_keys().unwrap(), Some(newer.clone()));
    assert!(!format!("{newer:?}").contains("hidden"));
    for name in ["cloudtally.db", "cloudtally.db-wal"] {
        let mode = fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}");
    }
}

#[test]
fn settings_are_checked_and_zone_and_range_fixed_once_published() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.setting(AGGREGATION_TIMEZONE).unwrap(), "UTC");
    refused(store.setting("usage.agregation.timezone").map(|_| store.clone()), "did you mean");
    let writer = writer(&store);
    let set = |name: &str, value: &str| writer.set_setting(name, value).map(|()| store.clone());
    refused(set(AGGREGATION_RANGE, "7"), "`7` is not an aggregation range");
    refused(set("no.such", "7"), "there is no setting `no.such`");
    set(AGGREGATION_TIMEZONE, " America/New_York ").unwrap();
    set(AGGREGATION_RANGE, "720").unwrap();
    let calendar = store.calendar().unwrap();
    assert_eq!((calendar.zone().name(), calendar.range().minutes()), ("America/New_York", 720));

    writer.source(&source()).unwrap();
    let sources = store.snapshot().unwrap().sources;
    let records = records(day(0), 1);
    let draft = PeriodDraft {
        period: day(0),
        records: Some(&records),
        open: None,
        counters: None,
        anomalies: None,
        inputs: Inputs::default(),
    };
    writer.publish(vec![writer.stage(&draft, &sources).unwrap()]).unwrap();
    refused(set(AGGREGATION_TIMEZONE, "UTC"), "already published");
    refused(set(AGGREGATION_RANGE, "1440"), "begin another data folder");
    set(AGGREGATION_RANGE, "720").unwrap();
    set("usage.stats.job.exec.time", "01:30").unwrap();
    let settings = store.settings().unwrap();
    assert_eq!(settings.len(), SETTINGS.len());
    assert!(
        settings.iter().any(|(row, v)| row.name == "usage.stats.job.exec.time" && v == "01:30")
    );
}

#[test]
fn jobs_are_listed_newest_first() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let writer = writer(&store);
    let first = writer.begin_job("usage", 5, day(2).start).unwrap();
    let second = writer.begin_job("usage", 6, day(3).start).unwrap();
    let done = JobRun {
        id: first,
        kind: "usage".to_owned(),
        started_ms: 5,
        as_of: Some(day(2).start),
        finished_ms: Some(9),
        from: Some(day(0).start),
        to: Some(day(1).end),
        state: JobState::Done,
        periods: 2,
        records: 17,
        message: String::new(),
        note: "a\nb".to_owned(),
    };
    writer.finish_job(&done).unwrap();
    let running = JobRun {
        id: second,
        kind: "usage".to_owned(),
        started_ms: 6,
        as_of: Some(day(3).start),
        ..JobRun::default()
    };
    assert_eq!(store.jobs(0, 5).unwrap(), [running.clone(), done.clone()]);
    assert_eq!(store.jobs(0, 1).unwrap(), [running]);
    assert_eq!(store.jobs(1, 5).unwrap(), std::slice::from_ref(&done));
    assert_eq!((store.jobs(2, 5).unwrap(), store.job_count().unwrap()), (vec![], 2));
    let unknown = writer.finish_job(&JobRun { id: 77, ..done }).unwrap_err();
    assert!(unknown.to_string().contains("job 77"), "{unknown}");
}

#[test]
fn a_job_without_an_end_runs_only_while_somebody_writes() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let state = |job: usize| store.jobs(job, 1).unwrap()[0].state;
    let first = writer(&store);
    let id = first.begin_job("usage", 1, day(0).end).unwrap();
    assert_eq!(state(0), JobState::Running);
    drop(first);
    assert_eq!(state(0), JobState::CutOff, "nobody is at it");
    let second = writer(&store);
    assert_eq!(state(0), JobState::CutOff, "who writes now is not at it either");
    let failed = second.begin_job("usage", 2, day(0).end).unwrap();
    assert_eq!((state(0), state(1)), (JobState::Running, JobState::CutOff));
    let job = store.jobs(0, 1).unwrap().remove(0);
    let message = "no room".to_owned();
    let ended = JobRun { state: JobState::Failed, finished_ms: Some(3), message, ..job };
    second.finish_job(&ended).unwrap();
    drop(second);
    assert_eq!(store.jobs(0, 1).unwrap(), [ended]);
    assert_eq!((state(1), id + 1), (JobState::CutOff, failed));
}

#[test]
fn a_folder_whose_files_a_newer_version_made_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(Store::open(dir.path()).unwrap());
    let later = "DROP TRIGGER counter_changes; UPDATE counter SET value = 3 WHERE name = 'format'";
    open_database(dir.path()).execute_batch(later).unwrap();
    for opened in [Store::open(dir.path()), Store::open_read_only(dir.path())] {
        refused(opened, "are of format 3, made by a newer version of Cloudtally");
    }
    let ahead = Store::upgrade_ahead(dir.path()).unwrap_err();
    assert!(matches!(ahead, StoreError::LaterFormat { found: 3, known: 2, .. }), "{ahead}");
}
