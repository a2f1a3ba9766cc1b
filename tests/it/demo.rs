//! The README's main command.

use crate::support::Cloudtally;

#[test]
fn prints_the_bill_and_leaves_parquet_and_csv() {
    let (cloudtally, first) = Cloudtally::with_demo();
    assert!(first.contains("Running Vm Usage"), "{first}");
    let csv = cloudtally.path("data/export/records.csv");
    let records = std::fs::read_to_string(&csv).unwrap();
    assert_eq!(records, cloudtally.export(), "the file is what `export` gives");
    let parquet = std::fs::read(cloudtally.path("data/export/records.parquet")).unwrap();
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));

    assert!(first.contains(" 0 differ"), "{first}");

    let again = cloudtally.ok(&["demo", "--no-serve"]);
    assert_eq!(*first, again, "a second run says the same");
    assert_eq!(records, std::fs::read_to_string(&csv).unwrap(), "a second run changes nothing");
    cloudtally.ok(&["check"]);
}

#[test]
fn a_record_of_the_demo_explains_itself() {
    let (cloudtally, _) = Cloudtally::with_demo();
    let export = cloudtally.export();
    for line in export.lines().skip(1).step_by(400) {
        let id = line.split(',').next().unwrap();
        let explained = cloudtally.ok(&["explain", id]);
        assert!(explained.contains("equals the record"), "{explained}");
        let json: serde_json::Value =
            serde_json::from_str(&cloudtally.ok(&["--json", "explain", id])).unwrap();
        assert_eq!(json["quantity"], json["sum"], "{json}");
    }
}
