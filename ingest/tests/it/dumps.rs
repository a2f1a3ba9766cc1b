//! Dumps as the tools of MySQL and MariaDB write them: one set of rows with names that hold
//! everything a name can hold, in every format (`sample-data/dumps`).

use std::path::PathBuf;

use cloudtally_model::UsageEvent;
use cloudtally_store::Stream;

use crate::{Cloud, at, counts};

const COLUMNS: &str = "id,type,account_id,created,zone_id,resource_id,resource_name,offering_id,\
                       template_id,size,resource_type,processed,virtual_size";

/// The formats that keep every row, and the columns where they have no header.
const WHOLE: [(&str, Option<&str>); 13] = [
    ("tables.sql", None),
    ("dump.sql", None),
    ("one_a_line.sql", None),
    ("compact.sql", None),
    ("batch.tsv", None),
    ("no_header.tsv", Some(COLUMNS)),
    ("tab/usage_event.txt", None),
    ("outfile.csv", Some(COLUMNS)),
    ("enclosed.csv", Some(COLUMNS)),
    ("commas.csv", None),
    ("semicolons.csv", None),
    ("bars.csv", None),
    ("dump.xml", None),
];
/// Those in which some rows cannot be told apart, or some names change: the client shows a
/// NUL as a blank, but for `--batch`.
const LOSSY: [&str; 4] = ["raw.tsv", "table.txt", "vertical.txt", "query.xml"];

/// Rows of the set, and those that are good: one has a zone beyond 63 bits.
const ROWS: u64 = 22;
const GOOD: u64 = 21;

fn sample(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../sample-data/dumps").join(name)
}

fn events(cloud: &Cloud) -> Vec<UsageEvent> {
    cloud.events().into_iter().map(|(_, event)| event).collect()
}

/// The rows of a format.
fn read(name: &str, columns: Option<&str>) -> Vec<UsageEvent> {
    let cloud = Cloud::new();
    let summary = cloud.ingest_all(&[&sample(name)], columns).unwrap();
    let (_, of_events) =
        summary.streams.iter().find(|(stream, _)| *stream == Stream::Events).unwrap();
    assert_eq!(*of_events, counts(ROWS, GOOD, 0, 1), "{name}: {summary:?}");
    let quarantined = cloud.quarantined();
    assert!(quarantined[0].2.contains("`18446744073709551615` is not a whole number"), "{name}");
    events(&cloud)
}

#[test]
fn every_format_gives_the_same_rows() {
    let first = read(WHOLE[0].0, WHOLE[0].1);
    let names: Vec<Option<&str>> =
        first.iter().map(|event| event.resource_name.as_deref()).collect();
    let expected = [
        Some("tab\there"),
        Some("line\nbreak"),
        Some("carriage\rreturn"),
        Some("back\\slash"),
        Some("quo\"te"),
        Some("apos'trophe"),
        Some("nul\0byte"),
        None,
        None,
        None,
        Some("emoji \u{1f980} \u{65e5}\u{672c}"),
        Some("a,b;c|d"),
        Some("\""),
        Some("ends with \\"),
        Some("\\N and \\n and \\t"),
        Some("(1,'x'),(2); --"),
        Some("/* no comment */ # <b>&amp;"),
        None,
        Some("10.1.1.77"),
        Some("10.1.1.77"),
        Some("line\nbreak"),
    ];
    assert_eq!(names, expected);
    for (name, columns) in WHOLE {
        assert_eq!(read(name, columns), first, "{name}");
    }
}

/// Whichever format comes first, the others bring duplicates and nothing else.
#[test]
fn all_formats_behind_each_other_bring_duplicates() {
    for (first, first_columns) in WHOLE {
        let cloud = Cloud::new();
        cloud.ingest_all(&[&sample(first)], first_columns).unwrap();
        let before = events(&cloud);
        for (next, columns) in WHOLE {
            let summary = cloud.ingest_all(&[&sample(next)], columns).unwrap();
            let of_events = summary.streams.iter().find(|(of, _)| *of == Stream::Events).unwrap().1;
            assert_eq!(of_events, counts(ROWS, 0, GOOD, 1), "{first}, then {next}");
            assert_eq!(summary.renamed, 0, "{first}, then {next}");
        }
        assert_eq!(events(&cloud), before);
    }
}

#[test]
fn formats_that_lose_something_lose_no_row_without_a_word() {
    let whole = read(WHOLE[0].0, None);
    for name in LOSSY {
        let cloud = Cloud::new();
        let summary = cloud.ingest_all(&[&sample(name)], None).unwrap();
        assert!(summary.counts.read >= ROWS, "{name}: {summary:?}");
        let read = events(&cloud);
        let missing = whole.iter().filter(|event| read.iter().all(|read| read.id != event.id));
        for event in missing {
            let id = event.id.to_string();
            let told = |raw: &str| raw.trim_start_matches(['|', ' ']).starts_with(&id);
            assert!(cloud.quarantined().iter().any(|row| told(&row.3)), "{name}: event {id}");
        }
        // What is read is right, but for a name that the format cannot hold.
        for event in &read {
            let like = whole.iter().find(|whole| whole.id == event.id).unwrap();
            let named = UsageEvent { resource_name: like.resource_name.clone(), ..event.clone() };
            assert_eq!(named, *like, "{name}");
        }
        assert!(read.len() >= 17, "{name}: {}", read.len());
    }
}

#[test]
fn names_that_another_format_renders_differently_are_no_other_rows() {
    let cloud = Cloud::new();
    cloud.ingest_all(&[&sample("batch.tsv")], None).unwrap();
    let before = events(&cloud);
    let summary = cloud.ingest_all(&[&sample("table.txt")], None).unwrap();
    assert_eq!((summary.counts.accepted, summary.renamed > 0), (0, true), "{summary:?}");
    assert_eq!(events(&cloud), before);
}

#[test]
fn one_dump_brings_events_accounts_and_counters() {
    let cloud = Cloud::new();
    let summary = cloud.ingest_all(&[&sample("dump.sql")], None).unwrap();
    assert_eq!(summary.counts, counts(ROWS + 4 + 2, GOOD + 4 + 2, 0, 1));
    let accounts = cloud.store.accounts().unwrap();
    let shown: Vec<(String, Option<String>)> = accounts
        .iter()
        .map(|(_, account)| {
            let path = account.domain_path.as_ref().map(ToString::to_string);
            (account.name.to_string(), path)
        })
        .collect();
    let path = |text: &str| Some(text.to_owned());
    assert_eq!(
        shown,
        [
            ("system".to_owned(), path("/")),
            ("admin".to_owned(), path("/")),
            ("o'hara; \"x\", \\ | y".to_owned(), path("/acme/")),
            ("gone".to_owned(), path("/acme/e'u \"x\"/")),
        ]
    );
    // The log of counters, at the ends of days; the counters now have no instant.
    let samples = cloud.samples();
    let sampled: Vec<_> = samples.iter().map(|s| (s.sampled, s.bytes_sent)).collect();
    let expected = [(at("2026-01-02 00:00:00"), 200), (at("2026-01-03 00:00:00"), 550)];
    assert_eq!(sampled, expected);
    assert!(summary.notes[0].contains("`--sampled INSTANT`"), "{:?}", summary.notes);

    // A stream that is named takes that alone.
    let cloud = Cloud::new();
    let summary = cloud.ingest(Stream::Accounts, &[&sample("dump.sql")]);
    assert_eq!(summary.counts, counts(4, 4, 0, 0));
    assert_eq!(cloud.events(), []);
}

#[test]
fn tables_of_several_files_go_together() {
    let cloud = Cloud::new();
    let accounts = cloud.file("account.tsv", "id\taccount_name\tdomain_id\n2\tacme\t5\n");
    let domains = cloud.file("domain.tsv", "id\tname\tpath\n5\teu\t/eu/\n");
    let summary = cloud.ingest_all(&[&accounts, &domains], None).unwrap();
    assert_eq!(summary.counts, counts(1, 1, 0, 0));
    let accounts = cloud.store.accounts().unwrap();
    let (_, account) = accounts.iter().next().unwrap();
    assert_eq!(account.domain_path.as_deref(), Some("/eu/"));
}

#[test]
fn copies_in_the_usage_servers_database_are_left_out() {
    let cloud = Cloud::new();
    let sql = "USE `cloud`;\n\
               INSERT INTO account (id, account_name, state) VALUES (2,'acme','enabled');\n\
               USE `cloud_usage`;\n\
               INSERT INTO account (id, account_name, state) VALUES (2,'acme',NULL);\n\
               INSERT INTO usage_event (id,type,created,account_id,zone_id,resource_id) VALUES \
               (1,'VM.START','2026-01-01 00:00:00',2,1,5);\n";
    let summary = cloud.ingest_text(sql).unwrap();
    assert_eq!(summary.counts, counts(2, 2, 0, 0));
    let accounts = cloud.store.accounts().unwrap();
    assert_eq!(accounts.iter().next().unwrap().1.state.as_deref(), Some("enabled"));
}

#[test]
fn what_people_paste_from_a_terminal_is_read() {
    let cloud = Cloud::new();
    let pasted = "```\nmysql> select * from usage_job;\n\
        +----+------+\n| id | host |\n+----+------+\n|  1 | a    |\n+----+------+\n\
        1 row in set (0.00 sec)\n\n\
        MariaDB [cloud]> select id, type, created, account_id, zone_id, resource_id\n\
        \x20   -> from usage_event;\n\
        +----+----------+---------------------+------------+---------+-------------+\n\
        | id | type     | created             | account_id | zone_id | resource_id |\n\
        +----+----------+---------------------+------------+---------+-------------+\n\
        |  1 | VM.START | 2026-01-01 00:00:00 |          2 |       1 |           5 |\n\
        |  2 | VM.STOP  | 2026-01-01 01:00:00 |          2 |       1 |           5 |\n\
        +----+----------+---------------------+------------+---------+-------------+\n\
        2 rows in set (0.00 sec)\n```\n";
    let summary = cloud.ingest_text(pasted).unwrap();
    assert_eq!(summary.counts, counts(2, 2, 0, 0));
    let markdown = "| id | type | created | account_id | zone_id | resource_id |\n\
                    |----|------|---------|------------|---------|-------------|\n\
                    | 3 | VM.START | 2026-01-02 00:00:00 | 2 | 1 | 5 |\n\n";
    assert_eq!(cloud.ingest_text(markdown).unwrap().counts, counts(1, 1, 0, 0));
    let quoted = "'id', 'type', 'created', 'account_id', 'zone_id', 'resource_id'\n\
                  '4', 'VM.STOP', '2026-01-02 01:00:00', '2', '1', '5'\n\
                  '5', 'VM.STOP', '2026-01-02', '2', '1', '5'\n";
    assert_eq!(cloud.ingest_text(quoted).unwrap().counts, counts(2, 1, 0, 1));
    let reason = &cloud.quarantined()[0].2;
    assert!(reason.contains("line 3") && reason.contains("no time of day"), "{reason}");
}

#[test]
fn dates_as_tools_write_them() {
    let cloud = Cloud::new();
    let dates = [
        ("2026-01-31 23:59:59", true),
        ("2026-01-31 23:59:59.0", true),
        ("2026-01-31 23:59:59.000000", true),
        ("2026-01-31T23:59:59", true),
        ("2026-01-31T23:59:59.000Z", true),
        ("2026-01-31T23:59:59+00:00", true),
        ("2026-01-31 23:59", false),
        ("2026-01-31", false),
        ("0000-00-00 00:00:00", false),
        ("01/31/2026 23:59", false),
        ("1769903999", false),
    ];
    let mut csv = "id;type;created;account_id;zone_id;resource_id\n".to_owned();
    for (id, (date, _)) in dates.iter().enumerate() {
        csv.push_str(&format!("{};VM.START;{date};2;1;5\n", id + 1));
    }
    cloud.ingest_text(&csv).unwrap();
    let read = events(&cloud);
    let ids: Vec<u64> = read.iter().map(|event| event.id.0).collect();
    assert_eq!(ids, [1, 2, 3, 4, 5, 6]);
    assert!(read.iter().all(|event| event.created == at("2026-01-31 23:59:59")));
    assert_eq!(cloud.quarantined().len(), 5);
}
