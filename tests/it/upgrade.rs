//! A folder of an earlier format is refused, and rewritten by `upgrade`.
//!
//! `tests/fixtures/format-1` was made by the last version before formats had numbers:
//! `simulate --vms 2 --days 3 --seed 7 --mess 0.02 --sample-minutes 720`, ingested and
//! aggregated, then its late events likewise; beside it the CSV export of that version.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::support::{self, Cloudtally, copy, ran, repository};

/// Files that the fixture's catalogue names.
const FILES: usize = 21;

fn fixture() -> PathBuf {
    repository().join("tests/fixtures/format-1")
}

fn unpacked(name: &str) -> Vec<u8> {
    zstd::decode_all(fs::File::open(fixture().join(name)).unwrap()).unwrap()
}

/// The export of the earlier version, with the column that it did not have yet.
fn before() -> String {
    let exported = String::from_utf8(unpacked("before.csv.zst")).unwrap();
    let mut lines = exported.lines();
    let header = format!("{},corrects\n", lines.next().unwrap());
    lines.fold(header, |text, line| text + line + ",\n")
}

/// A copy of the folder of the earlier format.
fn earlier() -> Cloudtally {
    let cloudtally = Cloudtally::new();
    for folder in ["events", "samples", "open", "generations"] {
        copy(&fixture().join(folder), &cloudtally.path("data").join(folder));
    }
    cloudtally.file("data/cloudtally.db", unpacked("cloudtally.db.zst"));
    cloudtally
}

/// The files of the lake and the database, but for what SQLite and locks leave.
fn files(cloudtally: &Cloudtally) -> BTreeMap<PathBuf, Vec<u8>> {
    support::files(&cloudtally.path("data"), |path| {
        let name = path.file_name().unwrap().to_string_lossy();
        !name.ends_with("lock") && !name.contains("db-")
    })
}

/// The files of the lake alone.
fn lake(cloudtally: &Cloudtally) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut lake = files(cloudtally);
    lake.remove(Path::new("cloudtally.db")).unwrap();
    lake
}

#[test]
fn an_earlier_folder_is_refused_and_left_as_it_is() {
    let cloudtally = earlier();
    let untouched = files(&cloudtally);
    cloudtally.file("e.csv", "id,type,created,account_id,zone_id,resource_id,resource_name\n");
    for command in [
        &["export", "--format", "csv", "--out", "-"][..],
        &["aggregate"],
        &["ingest", "events", "e.csv"],
        &["check"],
        &["serve", "--listen", "127.0.0.1:0"],
        &["settings"],
    ] {
        let said = cloudtally.fails(1, command);
        assert!(said.contains("of format 1") && said.contains("works with format 2"), "{said}");
        assert!(said.contains("run `cloudtally upgrade --data data`"), "{said}");
        assert_eq!(files(&cloudtally), untouched, "{command:?}");
    }
    let told = cloudtally.ok(&["upgrade"]);
    assert!(told.starts_with(&format!("{FILES} files of format 1 (")), "{told}");
    assert!(told.contains("would be rewritten in format 2") && told.contains("--yes"), "{told}");
    let told = cloudtally.ok(&["upgrade", "--json"]);
    assert!(told.contains("\"done\": false") && told.contains("\"files\": 21"), "{told}");
    assert_eq!(files(&cloudtally), untouched);
}

#[test]
fn an_upgraded_folder_says_what_it_said_before() {
    let cloudtally = earlier();
    let earlier = lake(&cloudtally);
    let done = cloudtally.ok(&["upgrade", "--yes"]);
    assert!(done.contains("21 files of format 1") && done.contains("were rewritten"), "{done}");
    assert_eq!(cloudtally.export(), before());
    cloudtally.ok(&["check"]);
    let again = cloudtally.ok(&["upgrade", "--yes"]);
    assert!(again.contains("there is nothing to do"), "{again}");
    // What was replaced stays for its readers, and nothing but links has a name it had.
    let later = lake(&cloudtally);
    let new: Vec<&PathBuf> = later.keys().filter(|path| !earlier.contains_key(*path)).collect();
    let rewritten = new.iter().filter(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("v2-"))
    });
    assert_eq!(rewritten.count(), FILES);
    let links = new.iter().filter(|path| path.starts_with("records"));
    assert_eq!((links.count(), new.len()), (3, FILES + 3));
    for link in later.keys().filter(|path| path.starts_with("records")) {
        let of = |(path, bytes): (&PathBuf, &Vec<u8>)| {
            path.starts_with("generations") && *bytes == later[link]
        };
        assert!(later.iter().any(of), "{} is a current file", link.display());
    }
    // It lives on: computed anew, the records are what they were.
    let rebuilt = cloudtally.ok(&["aggregate", "--rebuild"]);
    assert!(rebuilt.contains("added 0, changed 0, removed 0"), "{rebuilt}");
    assert_eq!(cloudtally.export(), before());
}

/// An earlier version kept no history, so a folder of it cannot say what was shown before the
/// first run of this one: it says so, and does not show today's numbers for it.
#[test]
fn instants_before_the_history_of_an_upgraded_folder_are_refused() {
    let cloudtally = earlier();
    cloudtally.ok(&["upgrade", "--yes"]);
    let past = "2026-01-04T12:00:00Z";
    let export = ["export", "--format", "csv", "--out", "-", "--asof"];
    let refused = |cloudtally: &Cloudtally, instant: &str, remedy: &str| {
        for command in [&["usage", "--asof"][..], &export[..]] {
            let said = cloudtally.fails(2, &[command, &[instant]].concat());
            assert!(said.contains(instant) && said.contains(remedy), "{command:?}: {said}");
        }
    };
    refused(&cloudtally, past, "it is kept from the next run of `cloudtally aggregate` on");
    // Days that this version publishes begin the history.
    let began = "2026-01-06T00:15:00Z";
    cloudtally.ok(&["aggregate", "--now", began]);
    refused(&cloudtally, past, &format!("name an instant from {began} on, since which it is kept"));
    let now = cloudtally.export();
    assert_eq!(cloudtally.ok(&[&export[..], &[began]].concat()), now);
    assert!(now.starts_with(&before()), "what the earlier version published is in it");
}

#[test]
fn a_damaged_file_stops_an_upgrade_and_nothing_is_changed() {
    let cloudtally = earlier();
    let path = cloudtally.path("data/samples/2026-01-02/2-default.parquet");
    let whole = fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    fs::write(&path, damaged).unwrap();
    let untouched = lake(&cloudtally);
    let said = cloudtally.fails(1, &["upgrade", "--yes"]);
    assert!(said.contains("2-default.parquet` is damaged"), "{said}");
    let links = |lake: BTreeMap<PathBuf, Vec<u8>>| -> BTreeMap<PathBuf, Vec<u8>> {
        lake.into_iter().filter(|(path, _)| !path.starts_with("records")).collect()
    };
    let left = links(lake(&cloudtally));
    assert!(untouched.iter().all(|(path, bytes)| left.get(path).is_none_or(|b| b == bytes)));
    assert!(left.len() <= untouched.len(), "no file is left behind");
    cloudtally.fails(1, &["usage"]);
    fs::write(&path, whole).unwrap();
    cloudtally.ok(&["upgrade", "--yes"]);
    assert_eq!(cloudtally.export(), before());
    cloudtally.ok(&["check"]);
}

/// Kills, or lets the disk be full, at every step an upgrade passes.
fn stopped_at_every_step(variable: &str) {
    let calm = earlier();
    calm.ok(&["upgrade", "--yes"]);
    let expected = lake(&calm);
    let steps = cloudtally_store::crash_points().iter().filter(|step| {
        ["upgrade", "migration", "link", "orphan"].iter().any(|of| step.starts_with(of))
    });
    let mut stops = 0;
    for step in steps {
        for pass in [1, 2, 19] {
            let cloudtally = earlier();
            // A file that nothing names.
            cloudtally.file("data/events/2026-01-01/.tmp-1-1", "half a file");
            let mut command = cloudtally.command(&["upgrade", "--yes"]);
            let output = command.env(variable, format!("{step}:{pass}")).output().unwrap();
            let stopped = ran(&output);
            match stopped.status {
                Some(0) => assert!(pass > 1, "{step} is passed at least once"),
                _ => stops += 1,
            }
            // As it was, or upgraded: nothing between.
            let exported = cloudtally.run(&["export", "--format", "csv", "--out", "-"]);
            match exported.status {
                Some(0) => assert_eq!(exported.stdout, before(), "{step}:{pass}"),
                _ => assert!(exported.stderr.contains("cloudtally upgrade"), "{exported:?}"),
            }
            cloudtally.ok(&["upgrade", "--yes"]);
            // The next command that writes makes whatever a kill behind the commit left open.
            cloudtally.ok(&["ingest", "events", "--complete-through", "2026-01-04"]);
            assert_eq!(cloudtally.export(), before(), "{step}:{pass}");
            assert_eq!(lake(&cloudtally), expected, "{step}:{pass}");
            cloudtally.ok(&["check"]);
        }
    }
    assert!(stops > 20, "only {stops} stops");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "release builds have no crash points")]
fn an_upgrade_killed_at_any_step_is_ended_by_the_next() {
    stopped_at_every_step("CLOUDTALLY_CRASH_AT");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "release builds have no crash points")]
fn a_disk_that_is_full_at_any_step_leaves_the_folder_as_it_was() {
    stopped_at_every_step("CLOUDTALLY_FAIL_AT");
}
