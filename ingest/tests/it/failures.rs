//! Ingests that fail: what was stored stays, and running again completes it.

use std::{error::Error as _, io::Write as _, path::Path};

use cloudtally_ingest::{BATCH_ROWS_MAX, write::Format};
use cloudtally_model::UsageEvent;
use cloudtally_store::Stream;

use crate::{Cloud, at, counts, event};

#[test]
fn a_file_that_is_not_there_is_found_before_anything_is_stored() {
    let cloud = Cloud::new();
    let good = cloud.rows("a.csv", Format::Csv, &[event(1)]);
    let missing = cloud.path("missing.csv");
    let error = cloud.try_ingest(Stream::Events, &[&good, &missing]).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot open `{}`: there is no such file", missing.display())
    );
    assert!(error.source().unwrap().to_string().contains("No such file"));
    assert_eq!(error.summary.counts, counts(0, 0, 0, 0));
    assert_eq!(cloud.events(), []);

    let error = cloud.try_ingest(Stream::Events, &[cloud.dir.path()]).unwrap_err();
    let expected = format!("`{}` is a folder; name the files in it", cloud.dir.path().display());
    assert_eq!(error.to_string(), expected);
}

#[cfg(unix)]
#[test]
fn a_file_without_permission_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let cloud = Cloud::new();
    let path = cloud.rows("a.csv", Format::Csv, &[event(1)]);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::File::open(&path).is_ok() {
        return; // The superuser may read everything.
    }
    let error = cloud.try_ingest(Stream::Events, &[&path]).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot open `{}`: no permission to read it; change its mode or run as its owner",
            path.display()
        )
    );
}

#[test]
fn a_cut_file_is_completed_by_the_whole_one() {
    let cloud = Cloud::new();
    let events: Vec<UsageEvent> = (1..30_000).map(event).collect();
    let plain = std::fs::read(cloud.rows("plain.csv", Format::Csv, &events)).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&plain).unwrap();
    let whole = encoder.finish().unwrap();

    let file = cloud.file("events.csv.gz", &whole[..whole.len() / 2]);
    let error = cloud.try_ingest(Stream::Events, &[&file]).unwrap_err();
    let kept = error.summary.counts;
    assert!(kept.accepted > 1000 && kept.quarantined == 0, "{kept:?}");
    assert_eq!(
        error.to_string(),
        format!(
            "`{}` is cut off in the middle of its compressed data, after row {}; the rows before \
             it are kept: get the whole file and ingest it again, rows that are already here count \
             as duplicates",
            file.display(),
            kept.read
        )
    );
    let run = cloud.store.ingest_runs(1).unwrap().remove(0);
    assert_eq!((run.accepted, run.finished), (kept.accepted, false));
    assert_eq!(cloud.events().len() as u64, kept.accepted);

    std::fs::write(&file, &whole).unwrap();
    let summary = cloud.ingest(Stream::Events, &[&file]);
    let expected = counts(29_999, 29_999 - kept.accepted, kept.accepted, 0);
    assert_eq!(summary.counts, expected);
    let stored: Vec<UsageEvent> = cloud.events().into_iter().map(|(_, event)| event).collect();
    assert!(stored == events, "the whole file is stored");
}

#[test]
fn an_empty_file_fails_after_what_came_before_it() {
    let cloud = Cloud::new();
    let good = cloud.rows("a.csv", Format::Csv, &[event(1)]);
    let empty = cloud.file("empty.csv", "");
    let error = cloud.try_ingest(Stream::Events, &[&good, &empty]).unwrap_err();
    assert!(error.to_string().contains("empty.csv` is empty: expected a header row"), "{error}");
    assert_eq!(error.summary.counts, counts(1, 1, 0, 0));
    assert_eq!(cloud.events().len(), 1);
}

#[test]
fn more_rows_than_a_batch() {
    let cloud = Cloud::new();
    let rows = BATCH_ROWS_MAX as u64 + 5000;
    let mut text = String::from("id,type,created,account_id,zone_id,resource_id\n");
    for id in 1..=rows {
        text.push_str(&format!("{id},VM.START,2026-01-31 23:59:59,2,1,9\n"));
    }
    let file = cloud.file("many.csv", text);
    assert_eq!(cloud.ingest(Stream::Events, &[&file]).counts, counts(rows, rows, 0, 0));
    assert_eq!(cloud.store.snapshot().unwrap().event_files.len(), 2, "a file a batch and day");

    // Progress ends with all bytes and rows.
    let wait = cloudtally_store::LockWait { limit: std::time::Duration::ZERO, on_wait: &mut || {} };
    let writer = cloud.store.writer(wait).unwrap();
    let request = cloudtally_ingest::IngestRequest {
        stream: Stream::Events,
        source: cloudtally_model::SourceName::new("default").unwrap(),
        inputs: vec![cloudtally_ingest::Input::from_argument(file.clone() as std::path::PathBuf)],
        started_ms: 0,
        now: at("2027-01-01 00:00:00"),
    };
    let mut told = Vec::new();
    let summary =
        cloudtally_ingest::ingest(&writer, &request, &mut |progress| told.push(progress)).unwrap();
    assert_eq!(summary.counts, counts(rows, 0, rows, 0));
    let last = told.last().unwrap();
    let size = std::fs::metadata(Path::new(&file)).unwrap().len();
    assert_eq!((last.bytes_read, last.bytes_total, last.rows), (size, Some(size), rows));
    assert!(told.is_sorted_by_key(|progress| (progress.rows, progress.bytes_read)));
}
