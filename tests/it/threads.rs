//! The same inputs make the same folder, however many threads read them.

use std::fmt::Write as _;

use crate::support::{Cloudtally, files};

/// Events over three days, more than a batch of them: some come twice, some contradict
/// an earlier one, some are late, some cannot be read, some hold line breaks.
fn events() -> String {
    let mut csv =
        "\u{feff}id,type,created,account_id,zone_id,resource_id,resource_name\r\n".to_owned();
    for row in 0..280_000u64 {
        let id = if row % 97 == 0 { row / 2 } else { row };
        let day = if row % 1013 == 0 { 1 } else { 1 + row / 100_000 };
        let (hour, second) = (row / 3600 % 24, row % 60);
        let name = match row % 211 {
            0 => "\"two\r\nlines, and \"\"quotes\"\"\"",
            1 => "\"open",
            2 => "\"closed\" too early",
            3 => "a 5\" disk",
            4 => "one, too many",
            _ => "web",
        };
        let end = if row % 5 == 0 { "\r\n" } else { "\n" };
        write!(
            csv,
            "{id},VM.START,2026-01-{day:02} {hour:02}:00:{second:02},2,1,{},{name}{end}",
            row % 1000
        )
        .unwrap();
    }
    csv
}

/// Samples of some devices, most of them in order, some again and some otherwise.
fn samples() -> String {
    let mut json = String::new();
    for row in 0..60_000u64 {
        let (minute, device) = (row / 40, if row % 1009 == 0 { row % 7 } else { row % 40 });
        let at = format!(
            "2026-01-{:02} {:02}:{:02}:00",
            1 + minute / 1440,
            minute / 60 % 24,
            minute % 60
        );
        let sent = if row % 4001 == 0 { "-1".to_owned() } else { (minute * 1000).to_string() };
        writeln!(
            json,
            "{{\"sampled\":\"{at}\",\"account_id\":2,\"zone_id\":1,\"device_id\":{device},\
             \"device_type\":\"DomainRouter\",\"bytes_sent\":{sent},\"bytes_received\":0}}"
        )
        .unwrap();
    }
    json
}

#[test]
fn the_lake_and_the_quarantine_are_the_same_for_any_number_of_threads() {
    let (events, samples) = (events(), samples());
    let ingest = |threads: &str| {
        let cloudtally = Cloudtally::new();
        cloudtally.file("events.csv", &events);
        cloudtally.file("samples.jsonl", &samples);
        let mut told = Vec::new();
        for arguments in [
            &["ingest", "events", "events.csv"][..],
            &["ingest", "samples", "samples.jsonl"],
            &["ingest", "events", "events.csv"],
            &["quarantine", "--json"],
        ] {
            let mut command = cloudtally.command(arguments);
            let output = command.env("RAYON_NUM_THREADS", threads).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            told.push(String::from_utf8(output.stdout).unwrap());
        }
        let data = cloudtally.path("data");
        let lake = ["events", "samples"].map(|folder| files(&data.join(folder), |_| true));
        (lake, told)
    };
    let (lake, told) = ingest("1");
    assert!(lake[0].len() >= 3 && lake[1].len() >= 2, "{:?}", lake[0].keys());
    assert!(told[3].contains("a quoted field goes on"), "{}", told[3]);
    for threads in ["2", "8"] {
        let (other, others) = ingest(threads);
        assert_eq!(others, told, "{threads} threads");
        assert!(other == lake, "{threads} threads make another lake");
    }
}
