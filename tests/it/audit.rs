//! The recipe of `docs/audit`: another engine, over the files alone, comes to the same sums.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{Client, Cloudtally, repository, with_client};

/// Day, usage type.
type Sums = BTreeMap<(String, u64), i128>;

/// Runs the SQL of the recipe and prints day, usage type and sum, one line each.
const SCRIPT: &str = "import duckdb, sys\n\
lake, recipe = sys.argv[1:3]\n\
connection = duckdb.connect()\n\
connection.execute(f\"set variable lake = '{lake}'\")\n\
for day, source, usage_type, quantity in connection.execute(open(recipe).read()).fetchall():\n\
\x20   print(day, usage_type, int(quantity))\n";

fn sheets(cloudtally: &Cloudtally, days: impl Iterator<Item = String>) -> Sums {
    let mut sums = Sums::new();
    for day in days {
        let json = cloudtally.ok(&["--json", "sheet", &day]);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        for line in json["sheets"][0]["sheet"]["usage"].as_array().unwrap() {
            let sum: i128 = line["records"].as_str().unwrap().parse().unwrap();
            if sum != 0 {
                sums.insert((day.clone(), line["usage_type"].as_u64().unwrap()), sum);
            }
        }
    }
    sums
}

#[test]
fn another_engine_comes_to_the_sums_of_every_day_sheet() {
    let cloudtally = Cloudtally::new();
    let simulate = "simulate --days 31 --vms 150 --mess 0.01 --seed 5 --start 2026-01-01 --out sim";
    cloudtally.ok(&simulate.split(' ').collect::<Vec<_>>());
    cloudtally.ok(&["ingest", "events", "sim/usage_events.csv", "sim/usage_events_late.csv"]);
    let samples = ["sim/network_samples.csv", "sim/network_samples_late.csv"];
    cloudtally.ok(&["ingest", "samples", samples[0], samples[1]]);
    cloudtally.ok(&["aggregate", "--from", "2026-01-01", "--to", "2026-01-31"]);
    let ours = sheets(&cloudtally, (1..=31).map(|day| format!("2026-01-{day:02}")));
    let types: BTreeSet<u64> = ours.keys().map(|(_, of)| *of).collect();
    assert!(types.len() > 10, "{types:?}");

    let recipe = repository().join("docs/audit/day-sheet.sql");
    let arguments = [cloudtally.path("data"), recipe].map(|path| path.display().to_string());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Some(output) = with_client(Client::DuckDb, SCRIPT, &arguments) else { return };
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        ((words[0].to_owned(), words[1].parse().unwrap()), words[2].parse().unwrap())
    };
    let mut theirs: Sums = output.lines().map(line).collect();
    // Late samples lie beyond the month, too.
    theirs.retain(|(day, _), _| day.starts_with("2026-01"));
    assert_eq!(theirs, ours);
}
