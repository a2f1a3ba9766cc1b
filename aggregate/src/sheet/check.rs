//! A sheet beside the records that it was kept with, years later perhaps.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

use cloudtally_model::{SourceId, Sources, UsageTypeId};
use cloudtally_store::{DaySheet, SheetEvents, Snapshot};

/// The sums of a period's records.
pub(crate) type RecordSums = BTreeMap<(SourceId, UsageTypeId), i128>;

/// The files that the catalogue names now, by their path.
pub(crate) struct FilesNow<'a>(HashMap<&'a Path, &'a str>);

impl<'a> FilesNow<'a> {
    /// Those of a snapshot.
    pub(crate) fn of(snapshot: &'a Snapshot) -> Self {
        let events = snapshot.event_files.iter().map(|file| (&*file.path, &*file.sha256));
        let samples = snapshot.sample_files.iter().map(|file| (&*file.path, &*file.sha256));
        let published = snapshot.periods.iter().flat_map(|known| {
            let state = known.segments.iter().chain(&known.counters);
            let records = [&known.records, known.restated_records()];
            records.into_iter().chain(state)
        });
        let published = published.map(|file| (&*file.path, &*file.sha256));
        Self(events.chain(samples).chain(published).collect())
    }

    /// Tells whether a file is there and is another one.
    fn differs(&self, path: &Path, sha256: &str) -> bool {
        self.0.get(path).is_some_and(|now| *now != sha256)
    }
}

/// Lists what a sheet says otherwise than the records and files that it was kept with.
pub(crate) fn differences(
    sheet: &DaySheet,
    sums: &RecordSums,
    sources: &Sources,
    files: &FilesNow<'_>,
) -> Vec<String> {
    let mut findings = Vec::new();
    let mut on_sheet = RecordSums::new();
    for line in &sheet.usage {
        if !line.adds_up() {
            findings.push(format!("its sums of usage type {} differ", line.usage_type));
        }
        if let Some(source) = sources.id(&line.source).filter(|_| line.records != 0) {
            on_sheet.insert((source, line.usage_type()), line.records);
        }
    }
    let usages: BTreeSet<_> = sums.keys().chain(on_sheet.keys()).collect();
    for usage @ (source, usage_type) in usages {
        let (records, said) = (sums.get(usage), on_sheet.get(usage));
        let number = |sum: Option<&i128>| sum.copied().unwrap_or_default();
        if number(records) != number(said) {
            findings.push(format!(
                "it says {} of usage type {usage_type} of source `{}`, the records say {}",
                number(said),
                sources.name(*source),
                number(records)
            ));
        }
    }
    let SheetEvents { accepted, used, without_meter, anomalies } = sheet.events;
    if accepted != used + without_meter + anomalies {
        findings.push(format!(
            "{accepted} events are not {used} used, {without_meter} without a meter and {anomalies} odd ones"
        ));
    }
    // Files are merged and replaced, but none is ever changed.
    let all = sheet.inputs.iter().chain(&sheet.outputs);
    for file in all.filter(|file| files.differs(&file.path, &file.sha256)) {
        findings.push(format!("it says {} of {}", file.sha256, file.path.display()));
    }
    findings
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use cloudtally_model::SourceName;
    use cloudtally_store::{SheetFile, SheetLine};

    use super::*;

    fn line(usage_type: u16, sum: i128) -> SheetLine {
        SheetLine {
            source: "a".to_owned(),
            usage_type,
            records: sum,
            segments: sum,
            recomputed: i64::try_from(sum).ok(),
            opened: 0,
            closed: 0,
            open_at_end: 0,
        }
    }

    #[test]
    fn tells_every_kind_of_difference() {
        let sources = Sources::new(vec![SourceName::new("a").unwrap()]);
        let source = sources.id("a").unwrap();
        let (records, sha256) = (PathBuf::from("generations/a/1.parquet"), "ab".repeat(32));
        let events = SheetEvents { accepted: 3, used: 1, without_meter: 1, anomalies: 1 };
        let output = SheetFile { path: records.clone(), sha256: sha256.clone() };
        let sound = DaySheet {
            events,
            usage: vec![line(1, 5), line(4, i128::from(u64::MAX) * 3), line(6, 0)],
            inputs: Vec::new(),
            outputs: vec![output],
        };
        let sums: RecordSums =
            [((source, UsageTypeId(1)), 5), ((source, UsageTypeId(4)), i128::from(u64::MAX) * 3)]
                .into();
        let now = FilesNow([(&*records, &*sha256)].into());
        let told = |sheet: &DaySheet, sums: &RecordSums| differences(sheet, sums, &sources, &now);
        assert_eq!(told(&sound, &sums), Vec::<String>::new());
        // Another sum, one that is missing, one too many.
        let one_less: RecordSums =
            [((source, UsageTypeId(1)), 4), ((source, UsageTypeId(2)), 1)].into();
        assert_eq!(
            told(&sound, &one_less),
            [
                "it says 5 of usage type 1 of source `a`, the records say 4",
                "it says 0 of usage type 2 of source `a`, the records say 1",
                "it says 55340232221128654845 of usage type 4 of source `a`, the records say 0",
            ]
        );
        let mut sheet = sound.clone();
        sheet.usage[0].recomputed = Some(6);
        assert_eq!(told(&sheet, &sums), ["its sums of usage type 1 differ"]);
        let mut sheet = sound.clone();
        sheet.events.used = 2;
        assert_eq!(
            told(&sheet, &sums),
            ["3 events are not 2 used, 1 without a meter and 1 odd ones"]
        );
        // A file that was merged into another since is no difference.
        let mut sheet = sound;
        let path = "events/2026-03-01/1-a.parquet".into();
        sheet.inputs.push(SheetFile { path, sha256: "ef".to_owned() });
        assert_eq!(told(&sheet, &sums), Vec::<String>::new());
        sheet.outputs[0].sha256 = "cd".to_owned();
        assert_eq!(told(&sheet, &sums), ["it says cd of generations/a/1.parquet"]);
    }
}
