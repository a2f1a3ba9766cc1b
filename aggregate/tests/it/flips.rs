//! One changed byte, anywhere in the folder: an error, or the answer that was there before.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use cloudtally_aggregate::{
    ExportFormat, ExportTarget, GroupBy, Lines, Plan, Rebuild, Target, aggregate, explain, export,
    totals,
};
use cloudtally_model::{AccountId, Instant, RecordId};
use cloudtally_store::{RecordFilter, Store};

use crate::support::{ALL, World, at, back_fill, events, samples, served, source};

/// Places that are changed, over all kinds of files.
const PLACES: usize = 1000;
/// Machines of the folder, so many that most of its files have several blocks.
const MACHINES: u64 = 400;
const KINDS: [&str; 6] =
    ["events", "samples", "segments", "counters", "generations", "cloudtally.db"];

/// Small numbers from a seed, the same everywhere (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }
}

/// Two days published, one of them twice, and a third one to come.
fn world() -> World {
    let world = World::new("Europe/Berlin", "1440");
    let mut dice = Dice(7);
    let mut text = String::new();
    for machine in 1..=MACHINES {
        // Names that no compression makes small.
        let name = format!("{:x}{:x}{:x}", dice.next(), dice.next(), dice.next());
        let (account, minute) = (2 + machine % 40, machine % 60);
        writeln!(
            text,
            "2026-03-01 08:{minute:02}:00 VM.START {machine} a={account} o=1 t=5 n={name}"
        )
        .unwrap();
        if machine % 3 == 0 {
            writeln!(
                text,
                "2026-03-02 {:02}:{minute:02}:00 VM.STOP {machine} a={account} o=1 t=5",
                machine % 20
            )
            .unwrap();
        }
    }
    let mut sorted: Vec<&str> = text.lines().collect();
    sorted.sort_unstable();
    world.events("default", &events(&sorted.join("\n")));
    let mut readings = String::new();
    for day in 1..=3 {
        for device in 1..=MACHINES {
            let bytes = (day * 1_000_000_007 * device) % (1 << 40) + day * (1 << 41);
            writeln!(
                readings,
                "2026-03-0{day} 12:00:00 {device} {bytes} {bytes} a={}",
                2 + device % 40
            )
            .unwrap();
        }
    }
    world.samples("default", &samples(&readings));
    (2..42).for_each(|account| world.account("default", account, None));
    world.job(at("2026-03-03 00:15:00"));
    let late = format!("2026-03-01 23:00:00 VM.STOP 1 a=3 o=1 t=5 id={}", 10 * MACHINES);
    world.events("default", &events(&late));
    world.job(at("2026-03-03 00:30:00"));
    let last = format!("2026-03-03 11:00:00 VM.STOP 2 a=4 o=1 t=5 id={}", 10 * MACHINES + 1);
    world.events("default", &events(&last));
    world
}

/// All ways to get numbers out of a folder, each as text.
fn answers(store: &Store, explained: &[RecordId], out: &Path) -> Vec<Result<String, String>> {
    let told = |error: &dyn std::error::Error| error.to_string();
    let target = ExportTarget::File(out.to_owned());
    let exported = || -> Result<String, Box<dyn std::error::Error>> {
        let set = store.records(ALL, &RecordFilter::default())?;
        let (accounts, calendar) = (store.accounts()?, store.calendar()?);
        export(&set, accounts, calendar, ExportFormat::CSV, &target, &mut |_| {})?;
        Ok(fs::read_to_string(out)?)
    };
    let summed = || -> Result<String, Box<dyn std::error::Error>> {
        let set = store.records(ALL, &RecordFilter::default())?;
        let (accounts, calendar) = (store.accounts()?, store.calendar()?);
        let groups = [GroupBy::Day, GroupBy::Account, GroupBy::Type];
        Ok(format!("{:?}", totals(&set, &accounts, calendar, &groups)?))
    };
    let paged = || -> Result<String, Box<dyn std::error::Error>> {
        let accounts = Some(vec![(source("default"), AccountId(7))]);
        let set = store.records(ALL, &RecordFilter { accounts, ..RecordFilter::default() })?;
        Ok(format!("{} {:?}", set.count(), set.page(5, 20)?))
    };
    let pending = |plan: Plan, now: Instant| -> Result<String, Box<dyn std::error::Error>> {
        let report = aggregate(Target::DryRun(store), plan, now, &mut |_| {})?;
        Ok(format!("{report:?}"))
    };
    let mut answers: Vec<Result<String, Box<dyn std::error::Error>>> = vec![
        exported(),
        summed(),
        paged(),
        pending(Plan::Scheduled, at("2026-03-04 00:15:00")),
        pending(back_fill("2026-03-02", "2026-03-02", Rebuild::All), at("2026-03-04 00:15:00")),
    ];
    answers.extend(explained.iter().map(|id| {
        let explanation = explain(store, *id)?;
        Ok(format!("{explanation:?}"))
    }));
    answers.into_iter().map(|answer| answer.map_err(|error| told(&*error))).collect()
}

fn list(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, into);
        } else {
            into.push(path);
        }
    }
}

/// The files of each kind.
fn files(dir: &Path) -> Vec<Vec<PathBuf>> {
    let mut all = Vec::new();
    list(dir, &mut all);
    all.sort_unstable();
    let is_of = |kind: &str, path: &Path| {
        let of = path.strip_prefix(dir).unwrap().display().to_string();
        of.starts_with(kind) || of.ends_with(&format!("-{kind}.parquet"))
    };
    let of = |kind: &&str| all.iter().filter(|path| is_of(kind, path)).cloned().collect();
    KINDS.iter().map(of).collect()
}

/// Removes what SQLite made beside the database.
fn settle(dir: &Path) {
    for rest in ["cloudtally.db-wal", "cloudtally.db-shm"] {
        drop(fs::remove_file(dir.join(rest)));
    }
}

#[test]
fn a_changed_byte_at_a_thousand_places_is_an_error_or_changes_no_answer() {
    let world = world();
    let ids: Vec<RecordId> = {
        let (set, calendar) = (world.set(), world.calendar());
        let accounts = world.writer.accounts().unwrap();
        let mut lines = Lines::new(calendar, set.sources().clone(), accounts);
        let all = served(&world.writer);
        [0, all.len() / 2, all.len() - 1].map(|at| lines.line(&all[at]).record_id).to_vec()
    };
    let folder = world.close();
    let (dir, out) = (folder.path(), folder.path().join("out.csv"));
    let files = files(dir);
    assert!(files.iter().all(|files| !files.is_empty()), "{files:?}");
    let waits = fs::metadata(dir.join("cloudtally.db-wal")).map_or(0, |file| file.len());
    assert_eq!(waits, 0, "all of the catalogue is in one file");
    let ask = || match Store::open_read_only(dir) {
        Ok(store) => answers(&store, &ids, &out),
        Err(error) => vec![Err(error.to_string())],
    };
    let undisturbed: Vec<String> = ask().into_iter().map(Result::unwrap).collect();
    // A process that has been reading all along.
    let warm = Store::open_read_only(dir).unwrap();
    assert!(answers(&warm, &ids, &out).iter().all(Result::is_ok));

    let mut dice = Dice(1);
    let (mut refused, mut met) = ([0; KINDS.len()], [0; KINDS.len()]);
    for place in 0..PLACES {
        let kind = place % KINDS.len();
        let path = &files[kind][dice.below(files[kind].len())];
        let whole = fs::read(path).unwrap();
        let (at, change) = (dice.below(whole.len()), 1 + dice.below(255));
        let mut changed = whole.clone();
        changed[at] ^= u8::try_from(change).unwrap();
        let is_database = KINDS[kind] == "cloudtally.db";
        if is_database {
            settle(dir);
        }
        fs::write(path, changed).unwrap();
        let mut told = ask();
        if !is_database && place % 5 == 0 {
            told.extend(answers(&warm, &ids, &out));
        }
        met[kind] += 1;
        refused[kind] += usize::from(told.iter().any(Result::is_err));
        for (number, answer) in told.iter().enumerate() {
            let expected = &undisturbed[number % undisturbed.len()];
            let name = path.strip_prefix(dir).unwrap().display();
            match answer {
                Ok(answer) => assert!(
                    answer == expected,
                    "answer {number} is another one, byte {at} of {name} ^ {change}:\n{answer}"
                ),
                Err(text) if is_database => assert!(!text.is_empty()),
                Err(text) => assert!(
                    text.contains(&*name.to_string()) && text.contains("of bytes"),
                    "byte {at} of {name}: {text}"
                ),
            }
        }
        if is_database {
            settle(dir);
        }
        fs::write(path, whole).unwrap();
    }
    println!("refused: {KINDS:?} {refused:?} of {met:?}");
    assert!(refused.iter().all(|refused| *refused > 0), "{refused:?}");
    settle(dir);
    let after: Vec<String> = ask().into_iter().map(Result::unwrap).collect();
    assert_eq!(after, undisturbed);
}
