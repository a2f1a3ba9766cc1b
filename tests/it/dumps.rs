//! Dumps of operators, and outputs they read: dumps as they come, clouds whose
//! numbers meet, exports into whatever is there.

use crate::support::{Client, Cloudtally, csv_rows, with_client};

const HEADER: &str = "id,type,created,account_id,zone_id,resource_id,resource_name\n";
const JANUARY_5: [&str; 5] = ["aggregate", "--from", "2026-01-05", "--to", "2026-01-05"];

/// A volume of an account from the beginning of 5 January.
fn volume(id: u64, account: u64) -> String {
    format!("{id},VOLUME.CREATE,2026-01-05 00:00:00,{account},1,{id},vol-{id}\n")
}

fn ingest(cloudtally: &Cloudtally, stream: &str, source: &str, text: &str) -> String {
    cloudtally.file("input", text);
    cloudtally.ok(&["ingest", stream, "input", "--source", source])
}

#[test]
fn the_output_of_mysql_batch_loses_no_row() {
    let cloudtally = Cloudtally::new();
    let tsv = "id\ttype\tcreated\taccount_id\tzone_id\tresource_id\tresource_name\tsize\n\
               1\tvolume.create \t2026-01-05 00:00:00\t2\t1\t1\tsay \"hi\"\tNULL\n\
               2\tVOLUME.CREATE\t2026-01-05 00:00:00\t2\t1\t2\tcarriage\rreturn\t7\n\
               3\tVOLUME.CREATE\t2026-01-05 00:00:00\t2\t1\t3\t\"open, never closed\t7\n\
               4\tVOLUME.CREAT\t2026-01-05 00:00:00\t2\t1\t4\ta\\tb\t7\n\
               5\tVOLUME.CREATE\t2026-01-05 00:00:00\t2\t1\n\
               6\tVOLUME.CREATE\t1970-01-05 00:00:00\t2\t1\t6\tx\t7\n";
    let said = ingest(&cloudtally, "events", "default", tsv);
    assert!(said.contains("read 6, accepted 4, duplicate 0, quarantined 2"), "{said}");
    assert!(said.contains("1 of the accepted events are of types that nothing meters"), "{said}");
    assert!(said.contains("VOLUME.CREAT 1"), "{said}");
    assert!(said.contains("line 6: the row has 5 fields but the header has 8"), "{said}");
    assert!(said.contains("lies before `2000-01-01T00:00:00Z`"), "{said}");
    cloudtally.ok(&JANUARY_5);
    assert_eq!(csv_rows(&cloudtally.export()).len(), 3);

    // What is not billed is told, and what was set aside can be looked at and removed.
    let check = cloudtally.ok(&["check"]);
    assert!(check.contains("1 events of the type VOLUME.CREAT (default)"), "{check}");
    let quarantine = cloudtally.ok(&["quarantine"]);
    assert!(quarantine.contains("line 6: the row has 5 fields"), "{quarantine}");
    let json: serde_json::Value =
        serde_json::from_str(&cloudtally.ok(&["quarantine", "--json"])).unwrap();
    assert_eq!(json["reasons"].as_array().unwrap().len(), 2);
    assert!(cloudtally.ok(&["quarantine", "--empty"]).contains("2 rows removed"));
    assert!(cloudtally.ok(&["quarantine"]).contains("the quarantine is empty"));
}

#[test]
fn names_with_control_sequences_do_not_steer_the_terminal() {
    let cloudtally = Cloudtally::new();
    let accounts = "id,account_name\n2,\u{1b}[2Jgone\u{202e}\n";
    ingest(&cloudtally, "accounts", "default", accounts);
    let bad = "9,VM.\u{1b}[31mSTART,never\u{1b}[0m,2,1,9,x\n";
    let said = ingest(&cloudtally, "events", "default", &format!("{HEADER}{}{bad}", volume(1, 2)));
    cloudtally.ok(&JANUARY_5);
    let record = csv_rows(&cloudtally.export())[0]["recordid"].clone();
    let shown = [
        said,
        cloudtally.ok(&["usage"]),
        cloudtally.ok(&["explain", &record]),
        cloudtally.ok(&["check"]),
        cloudtally.ok(&["quarantine"]),
    ];
    for text in shown {
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    }
    assert!(cloudtally.ok(&["usage"]).contains("\\u{1b}[2Jgone\\u{202e}"));
}

#[test]
fn accounts_of_one_name_and_clouds_of_the_same_numbers_stay_apart() {
    let cloudtally = Cloudtally::new();
    let accounts = "id,account_name,domain_id,domain_path\n2,admin,1,/\n5,admin,3,/acme/\n9,other,1,/\n\
                    12,9,1,/\n";
    ingest(&cloudtally, "accounts", "east", accounts);
    let events = [volume(1, 2), volume(2, 5), volume(3, 9), volume(4, 12)].concat();
    ingest(&cloudtally, "events", "east", &format!("{HEADER}{events}"));
    // A second cloud with the same numbers and no table of accounts.
    let events = [volume(1, 9), volume(2, 9)].concat();
    ingest(&cloudtally, "events", "west", &format!("{HEADER}{events}"));
    cloudtally.ok(&JANUARY_5);

    let usage = |arguments: &[&str]| -> Vec<(String, String, String, u64)> {
        let arguments = [&["usage", "--json", "--group-by", "account"], arguments].concat();
        let json: serde_json::Value = serde_json::from_str(&cloudtally.ok(&arguments)).unwrap();
        let text = |total: &serde_json::Value, name: &str| total[name].as_str().unwrap().to_owned();
        json["totals"]
            .as_array()
            .unwrap()
            .iter()
            .map(|total| {
                let names = ["account", "accountid", "source"].map(|name| text(total, name));
                let [account, id, source] = names;
                (account, id, source, total["records"].as_u64().unwrap())
            })
            .collect()
    };
    let line = |account: &str, id: &str, source: &str, records| {
        (account.to_owned(), id.to_owned(), source.to_owned(), records)
    };
    let all = usage(&[]);
    let expected = [
        line("9 (/)", "12", "east", 1),
        line("9 (west, 9)", "9", "west", 2),
        line("admin (/)", "2", "east", 1),
        line("admin (/acme/)", "5", "east", 1),
        line("other", "9", "east", 1),
    ];
    assert_eq!(all, expected);

    // A number is an id, in one source; a name that several have is refused.
    assert_eq!(usage(&["--account", "9", "--source", "west"]), [line("9", "9", "west", 2)]);
    assert_eq!(usage(&["--account", "9", "--source", "east"]), [line("other", "9", "east", 1)]);
    assert_eq!(usage(&["--account", "12"]), [line("9", "12", "east", 1)]);
    let of_acme = usage(&["--account", "admin", "--domain", "/acme"]);
    assert_eq!(of_acme, [line("admin", "5", "east", 1)]);
    let said = cloudtally.fails(2, &["usage", "--account", "9"]);
    assert!(said.contains("is in 2 sources: east, west; choose one with `--source`"), "{said}");
    let said = cloudtally.fails(2, &["usage", "--account", "admin"]);
    assert!(said.contains("is 2 accounts: 2 (/), 5 (/acme/)"), "{said}");
    let said = cloudtally.fails(2, &["usage", "--source", "north"]);
    assert!(said.contains("there is no source `north`; there are east, west"), "{said}");
    let said = cloudtally.fails(2, &["usage", "--group-by", "day,day"]);
    assert!(said.contains("`day` is a group twice"), "{said}");

    // Zones and resources of two clouds do not meet either.
    let json = cloudtally.ok(&["usage", "--json", "--group-by", "zone"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let zones: Vec<_> =
        json["totals"].as_array().unwrap().iter().map(|total| total["zone"].clone()).collect();
    assert_eq!(zones, ["1 (east)", "1 (west)"]);

    // Exports tell the source, and choose by it.
    let rows = csv_rows(&cloudtally.export());
    assert_eq!(rows.iter().filter(|row| row["source"] == "west").count(), 2);
    let header = cloudtally.export().lines().next().unwrap().to_owned();
    assert!(header.ends_with(",generation,source,corrects"), "{header}");
    let east = ["export", "--format", "csv", "--out", "-", "--source", "east"];
    let rows = csv_rows(&cloudtally.ok(&east));
    assert!(rows.len() == 4 && rows.iter().all(|row| row["source"] == "east"), "{rows:?}");
    let record = &rows[0]["recordid"];
    cloudtally.ok(&["explain", record, "--source", "east"]);
    let said = cloudtally.fails(2, &["explain", record, "--source", "west"]);
    assert!(said.contains("is of source `east`, not of `west`"), "{said}");
}

#[test]
fn formulas_in_names_are_kept_or_made_harmless_as_asked() {
    let cloudtally = Cloudtally::new();
    ingest(&cloudtally, "accounts", "default", "id,account_name\n2,\"=cmd|'/c calc'!A1\"\n");
    ingest(&cloudtally, "events", "default", &format!("{HEADER}{}", volume(1, 2)));
    cloudtally.ok(&JANUARY_5);
    let account = |arguments: &[&str]| {
        let arguments = [&["export", "--format", "csv", "--out", "-"], arguments].concat();
        csv_rows(&cloudtally.ok(&arguments))[0]["account"].clone()
    };
    assert_eq!(account(&[]), "=cmd|'/c calc'!A1");
    assert_eq!(account(&["--spreadsheet-safe"]), "'=cmd|'/c calc'!A1");
    let said = cloudtally
        .fails(2, &["export", "--format", "parquet", "--out", "x.parquet", "--spreadsheet-safe"]);
    assert!(said.contains("`--spreadsheet-safe` is about CSV"), "{said}");
}

/// The folder `records` is the bill for any reader, also when days were published again.
#[test]
fn duckdb_reads_the_current_records_and_nothing_twice() {
    let cloudtally = Cloudtally::new();
    ingest(&cloudtally, "events", "default", &format!("{HEADER}{}", volume(1, 2)));
    let days = ["aggregate", "--from", "2026-01-05", "--to", "2026-01-07"];
    cloudtally.ok(&days);
    // A late event: 6 January and what follows is published again.
    let late = "9,VOLUME.DELETE,2026-01-06 12:00:00,2,1,1,vol-1\n";
    ingest(&cloudtally, "events", "default", &format!("{HEADER}{late}"));
    cloudtally.ok(&days);
    let quantities: Vec<u64> =
        csv_rows(&cloudtally.export()).iter().map(|row| row["quantity"].parse().unwrap()).collect();
    assert_eq!(quantities, [86_400_000, 43_200_000]);
    let script = "import duckdb, sys\n\
                  query = f\"select count(*), sum(quantity) from '{sys.argv[1]}/records/*.parquet'\"\n\
                  print(*duckdb.connect().execute(query).fetchone())\n";
    let data = cloudtally.path("data").display().to_string();
    let Some(said) = with_client(Client::DuckDb, script, &[&data]) else { return };
    assert_eq!(said, "2 129600000\n");
}

/// Other engines show unsigned columns as decimals, or as types of their own.
#[test]
fn duckdb_sees_numbers_as_signed_integers() {
    let cloudtally = Cloudtally::new();
    ingest(&cloudtally, "events", "default", &format!("{HEADER}{}", volume(1, 2)));
    cloudtally.ok(&JANUARY_5);
    cloudtally.ok(&["export", "--format", "parquet", "--out", "x.parquet"]);
    let simulate = ["--vms", "2", "--days", "1", "--format", "parquet", "--out", "sim"];
    cloudtally.ok(&[&["simulate"], &simulate[..]].concat());
    let script = "import duckdb, glob, sys\n\
                  files = [sys.argv[1] + '/x.parquet', *glob.glob(sys.argv[1] + '/sim/*.parquet'),\n\
                  \x20        *glob.glob(sys.argv[1] + '/data/*/**/*.parquet', recursive=True)]\n\
                  for file in files:\n\
                  \x20   rows = duckdb.connect().execute(f\"describe select * from '{file}'\").fetchall()\n\
                  \x20   print(file.rsplit('/', 1)[1], *sorted({row[1] for row in rows}), sep='|')\n\
                  \x20   quantity = {row[0]: row[1] for row in rows}.get('quantity', 'BIGINT')\n\
                  \x20   assert quantity == 'BIGINT', quantity\n";
    let folder = cloudtally.path("").display().to_string();
    let Some(said) = with_client(Client::DuckDb, script, &[&folder]) else { return };
    assert!(said.lines().count() >= 6, "{said}");
    let known =
        ["BIGINT", "SMALLINT", "VARCHAR", "BOOLEAN", "TIMESTAMP WITH TIME ZONE", "DECIMAL(26,6)"];
    for line in said.lines() {
        let (file, types) = line.split_once('|').unwrap();
        assert!(types.contains("BIGINT"), "{line}");
        for found in types.split('|') {
            assert!(known.contains(&found), "{file} has a column of {found}");
        }
    }
}
