//! Dumps that are cut, broken or of something else: told with the line, and what is sound is
//! kept.

use std::path::PathBuf;

use cloudtally_store::Stream;

use crate::{Cloud, counts};

fn sample(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../sample-data/dumps").join(name);
    std::fs::read(path).unwrap()
}

/// The message of an ingest that does not come to its end, and the rows it kept.
fn cut(text: &[u8]) -> (String, u64) {
    let cloud = Cloud::new();
    let error = cloud.ingest_text(text).unwrap_err();
    assert_eq!(cloud.events().len() as u64, accepted_events(&error.summary));
    (error.to_string(), error.summary.counts.accepted)
}

fn accepted_events(summary: &cloudtally_ingest::IngestSummary) -> u64 {
    let events = summary.streams.iter().find(|(stream, _)| *stream == Stream::Events);
    events.map_or(0, |(_, counts)| counts.accepted)
}

fn find(text: &[u8], part: &str) -> usize {
    text.windows(part.len()).position(|found| found == part.as_bytes()).unwrap()
}

#[test]
fn a_dump_of_statements_that_is_cut_anywhere_says_so() {
    let dump = sample("dump.sql");
    let last_line = find(&dump, "-- Dump completed");
    let (message, rows) = cut(&dump[..last_line]);
    assert!(message.contains("without its closing line `-- Dump completed`"), "{message}");
    assert!(message.contains("ends at line "), "{message}");
    assert_eq!(rows, 27);
    // Anywhere at all: in a statement, a string, a comment, a name.
    for at in (0..last_line).step_by(397).skip(1) {
        let (message, _) = cut(&dump[..at]);
        assert!(message.contains("is cut off") || message.contains("holds no rows"), "{message}");
    }
    // Within a row: it is told as a row, too.
    let at = find(&dump, "quo\\\"te") + 3;
    let cloud = Cloud::new();
    let error = cloud.ingest_text(&dump[..at]).unwrap_err();
    assert!(error.to_string().contains("without the end of a row"), "{error}");
    let quarantined = cloud.quarantined();
    let within = |row: &&(String, u64, String, String)| row.2.ends_with("ends within the row");
    let (.., raw) = quarantined.iter().find(within).unwrap();
    assert!(raw.starts_with("(5,"), "{raw}");
    assert_eq!(accepted_events(&error.summary), 4);
}

#[test]
fn other_formats_that_are_cut_say_so() {
    let table = sample("table.txt");
    let at = find(&table, "| 18 |");
    assert!(cut(&table[..at]).0.contains("without the line that closes a table"));
    let xml = sample("query.xml");
    assert!(cut(&xml[..find(&xml, "</resultset")]).0.contains("without its closing element"));
    assert!(cut(&xml[..find(&xml, "quo&quot;te")]).0.contains("without its closing element"));

    let cloud = Cloud::new();
    let csv = "id;type;created;account_id;zone_id;resource_id;resource_name\n\
               1;VM.START;2026-01-01 00:00:00;2;1;5;\"open\n\
               2;VM.START;2026-01-01 00:00:00;2;1;5;x\n";
    assert_eq!(cloud.ingest_text(csv).unwrap().counts, counts(2, 1, 0, 1));
    let cloud = Cloud::new();
    let escaped = "1,\"VM.START\",\"2026-01-01 00:00:00\",2,1,5,\"a\\\"b\"\n\
                   2,\"VM.START\",\"2026-01-01 00:00:00\",2,1,5,\"open\n\
                   3,\"VM.START\",\"2026-01-01 00:00:00\",2,1,5,\"c\"\n";
    let columns = "id,type,created,account_id,zone_id,resource_id,resource_name";
    let input = cloud.file("outfile", escaped);
    let summary = cloud.ingest_all(&[&input], Some(columns)).unwrap();
    assert_eq!((summary.counts.read, summary.counts.accepted), (3, 2), "{summary:?}");
    assert!(cloud.quarantined()[0].2.starts_with("line 2: "), "{:?}", cloud.quarantined());
}

#[test]
fn counts_below_a_table_are_held_against_it() {
    let cloud = Cloud::new();
    let rule = "+----+----------+---------------------+------------+---------+-------------+\n";
    let pasted = format!(
        "{rule}| id | type     | created             | account_id | zone_id | resource_id |\n{rule}\
         |  1 | VM.START | 2026-01-01 00:00:00 |          2 |       1 |           5 |\n{rule}\
         3 rows in set (0.00 sec)\n"
    );
    let summary = cloud.ingest_text(pasted).unwrap();
    assert_eq!(summary.counts, counts(2, 1, 0, 1));
    let reason = &cloud.quarantined()[0].2;
    let expected = "line 6: the table has 1 rows, but `3 rows in set` stands below it";
    assert_eq!(reason, expected);

    let cloud = Cloud::new();
    let row = |number: u64| {
        format!(
            "*** {number}. row ***\n id: {number}\n type: VM.START\n created: 2026-01-01 00:00:00\n\
             account_id: 2\nzone_id: 1\nresource_id: 5\n"
        )
        .lines()
        .map(|line| match line.split_once(": ") {
            Some((name, value)) => format!("{:>11}: {value}\n", name.trim()),
            None => format!("{line}\n"),
        })
        .collect::<String>()
    };
    let summary = cloud.ingest_text(format!("{}{}", row(1), row(3))).unwrap();
    assert_eq!(summary.counts, counts(3, 2, 0, 1));
    let reason = &cloud.quarantined()[0].2;
    assert_eq!(reason, "line 8: row 3 comes behind row 1; some are missing");
}

#[test]
fn a_broken_row_of_a_statement_costs_that_row() {
    let cloud = Cloud::new();
    let sql = "INSERT INTO usage_event (id,type,created,account_id,zone_id,resource_id) VALUES\n\
               (1,'VM.START','2026-01-01 00:00:00',2,1,5),\n\
               (2,'VM.START',NOW(),2,1,5),\n\
               (3,'VM.START','2026-01-01 00:00:00',2,1),\n\
               (4,'VM.START','2026-01-01 00:00:00',2,1,5)\n\
               ON DUPLICATE KEY UPDATE id = id;\n\
               INSERT INTO usage_event SET id = 5;\n\
               INSERT INTO usage_event VALUES (6,'VM.START');\n";
    let summary = cloud.ingest_text(sql).unwrap();
    assert_eq!(summary.counts, counts(6, 2, 0, 4));
    let mut reasons: Vec<String> = cloud.quarantined().into_iter().map(|row| row.2).collect();
    reasons.sort();
    assert!(reasons[0].starts_with("line 3: a value is no literal: `NOW(),2,1,5"), "{reasons:?}");
    assert_eq!(reasons[1], "line 4: the row has 5 fields but the header has 6");
    assert!(reasons[2].starts_with("line 7: the statement about `usage_event` has no list"));
    assert!(reasons[3].contains("names no columns and its definition is not in the dump"));
}

/// A server may write statements of a gigabyte, and a hostile file rows without an end.
#[test]
fn a_statement_and_a_row_of_any_size_are_read_piece_by_piece() {
    let mut sql = "INSERT INTO usage_event (id,type,created,account_id,zone_id,resource_id,\
                   resource_name) VALUES "
        .to_owned();
    for id in 1..40_000 {
        let comma = if id > 1 { "," } else { "" };
        sql.push_str(&format!("{comma}({id},'VM.START','2026-01-01 00:00:00',2,1,{id},'a''b')"));
    }
    sql.push_str(&format!(
        ",(40000,'VM.START','2026-01-01 00:00:00',2,1,5,'{}'),\
         (40001,'VM.START','2026-01-01 00:00:00',2,1,5,NULL);\n",
        "(x".repeat(1_000_000)
    ));
    let cloud = Cloud::new();
    let summary = cloud.ingest_text(sql).unwrap();
    assert_eq!(summary.counts, counts(40_001, 40_000, 0, 1));
    assert!(cloud.quarantined()[0].2.contains("the row is longer than 1048576 bytes"));
}

#[test]
fn rows_without_names_need_columns() {
    let cloud = Cloud::new();
    let row = "1\tVM.START\t2026-01-01 00:00:00\t2\t1\t5\n";
    let error = cloud.ingest_text(row).unwrap_err().to_string();
    assert!(error.contains("has no header row") && error.contains("`--columns`"), "{error}");
    assert!(error.contains("`input.sql`"), "{error}");
    let input = cloud.file("input", row);
    let columns = Some("id,type,created,account_id,zone_id,resource_id");
    assert_eq!(cloud.ingest_all(&[&input], columns).unwrap().counts, counts(1, 1, 0, 0));
    let header = cloud.file("header", format!("id\ttype\tcreated\taccount_id\tzone_id\n{row}"));
    let error = cloud.ingest_all(&[&header], columns).unwrap_err().to_string();
    assert!(error.contains("has a header row of its own; leave `--columns` out"), "{error}");
    // A definition beside the file serves as well.
    cloud.file(
        "usage_event.sql",
        "CREATE TABLE `usage_event` (\n  `id` bigint unsigned NOT NULL COMMENT 'a, (b',\n  \
         `type` varchar(32) DEFAULT 'x',\n  `created` datetime,\n  `account_id` bigint,\n  \
         `zone_id` bigint,\n  `resource_id` bigint,\n  PRIMARY KEY (`id`),\n  \
         KEY `k` (`created`)\n) ENGINE=InnoDB;\n",
    );
    let input = cloud.file("usage_event.txt", row);
    assert_eq!(cloud.ingest_all(&[&input], None).unwrap().counts, counts(1, 0, 1, 0));
}

#[test]
fn a_dump_of_something_else_says_what_is_read() {
    let cloud = Cloud::new();
    let sql = "CREATE TABLE `vm_instance` (`id` bigint);\nINSERT INTO `vm_instance` VALUES (1);\n";
    let error = cloud.ingest_text(sql).unwrap_err().to_string();
    for part in ["holds no rows that are read here", "`usage_event`, `account`", "`vm_instance`"] {
        assert!(error.contains(part), "{error}");
    }
    let error = cloud.ingest_text("host,load\na,1\n").unwrap_err().to_string();
    assert!(error.contains("found `host`, `load`"), "{error}");
    let missing = "INSERT INTO usage_event (id,type) VALUES (1,'VM.START');\n";
    let error = cloud.ingest_text(missing).unwrap_err().to_string();
    assert!(error.contains("input: usage_event` has no column `created`"), "{error}");
}

/// Triggers and routines have semicolons of their own.
#[test]
fn routines_are_passed_over() {
    let cloud = Cloud::new();
    let sql = "DELIMITER ;;\n\
               CREATE PROCEDURE p() BEGIN INSERT INTO usage_event VALUES (1); END ;;\n\
               DELIMITER ;\n\
               /*!50003 CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET @a = 1 */;\n\
               INSERT INTO usage_event (id,type,created,account_id,zone_id,resource_id) VALUES \
               (1,'VM.START','2026-01-01 00:00:00',2,1,5);\n";
    assert_eq!(cloud.ingest_text(sql).unwrap().counts, counts(1, 1, 0, 0));
}
