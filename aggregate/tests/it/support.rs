//! Folders to aggregate in, and one way of writing events and records as text.
//!
//! An event is a line `2026-03-01 12:00:00 VM.START 4 o=1 t=5`: when, what, to
//! which resource, then what is not the default (`a` account, `z` zone, `o`
//! offering, `t` template, `s` size, `v` virtual size, `n` name, `h` hypervisor or
//! other resource type, `id`). Ids count lines unless said otherwise.
//!
//! A record is a line `2026-03-01 1 4 a2 z1 o1 t5 = 7h`: local date of its period,
//! usage type, resource (with `/nic`), the rest of the key, the exact quantity.

use std::{collections::BTreeMap, fmt::Write, fs, path::Path, time::Duration};

use cloudtally_aggregate::{
    AggregateError, Plan, Rebuild, RunReport, Target, Unfinished, aggregate, close,
};
use cloudtally_model::{
    Account, AccountId, Calendar, DeviceType, EventId, Instant, NetworkSample, SeriesKey,
    SourceName, Text, Unit, UsageEvent, UsageRecord, ZoneId, calendar::day, settings,
};
use cloudtally_store::{
    Closing, IngestRun, LockWait, RecordFilter, RecordSet, RecordWindow, ServedRecord, Store,
    Stream, Writer,
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

pub(crate) const ALL: RecordWindow =
    RecordWindow { from: Instant::EPOCH, to: Instant::END_OF_TIME };

/// Wall time of closings: 2026-02-02T10:00:00Z.
pub(crate) const CLOSED_MS: i64 = 1_770_026_400_000;

pub(crate) fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

pub(crate) fn source(name: &str) -> SourceName {
    SourceName::new(name).unwrap()
}

/// A folder that is being written to.
pub(crate) struct World {
    dir: TempDir,
    pub(crate) writer: Writer,
}

impl World {
    pub(crate) fn new(zone: &str, minutes: &str) -> Self {
        let dir = folder();
        let writer = open(dir.path());
        writer.set_setting(settings::AGGREGATION_TIMEZONE, zone).unwrap();
        writer.set_setting(settings::AGGREGATION_RANGE, minutes).unwrap();
        // Most tests end their events long before they run the job.
        writer.set_setting(settings::SOURCE_PATIENCE, "-1").unwrap();
        Self { dir, writer }
    }

    pub(crate) fn utc() -> Self {
        Self::new("UTC", "1440")
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Gives the folder up to another process.
    pub(crate) fn close(self) -> TempDir {
        self.dir
    }

    pub(crate) fn calendar(&self) -> Calendar {
        self.writer.calendar().unwrap()
    }

    pub(crate) fn events(&self, name: &str, events: &[UsageEvent]) {
        let source = source(name);
        let mut known = self.writer.known_events(&source).unwrap();
        let mut run = ingest_run(&source, Stream::Events, events.len());
        self.writer.append_events(&mut known, events.to_vec(), &[], &mut run).unwrap();
    }

    pub(crate) fn samples(&self, name: &str, samples: &[NetworkSample]) {
        let source = source(name);
        let mut run = ingest_run(&source, Stream::Samples, samples.len());
        self.writer.append_samples(&source, samples.to_vec(), &[], &mut run).unwrap();
    }

    pub(crate) fn account(&self, name: &str, id: u64, removed: Option<Instant>) {
        let account = Account {
            id: AccountId(id),
            name: format!("account {id}").into(),
            uuid: None,
            account_type: None,
            domain: Some(cloudtally_model::DomainId(id % 2 + 1)),
            domain_path: None,
            state: None,
            created: None,
            removed,
        };
        let source = source(name);
        let mut run = ingest_run(&source, Stream::Accounts, 1);
        self.writer.upsert_accounts(&source, &[account], &[], &mut run).unwrap();
    }

    /// The job as the schedule runs it.
    pub(crate) fn job(&self, now: Instant) -> RunReport {
        self.run(Plan::Scheduled, now)
    }

    pub(crate) fn run(&self, plan: Plan, now: Instant) -> RunReport {
        self.try_run(plan, now).unwrap()
    }

    pub(crate) fn try_run(&self, plan: Plan, now: Instant) -> Result<RunReport, AggregateError> {
        aggregate(Target::Publish(&self.writer), plan, now, &mut |_| {})
    }

    /// Closes all days through one.
    pub(crate) fn close_through(
        &self,
        through: &str,
        now: &str,
    ) -> Result<Closing, AggregateError> {
        let by = ("finance", Some("the invoices are out"));
        close(&self.writer, day(through).unwrap(), by, at(now), CLOSED_MS)
    }

    /// The files of `records`, by name, as SHA-256.
    pub(crate) fn linked(&self) -> BTreeMap<String, String> {
        let (folder, mut files) = (self.dir().join("records"), Vec::new());
        if folder.is_dir() {
            list(&folder, &mut files);
        }
        let name = |path: &str| path.rsplit('/').next().unwrap().to_owned();
        files.into_iter().map(|(path, hash)| (name(&path), hash)).collect()
    }

    pub(crate) fn dry_run(&self, plan: Plan, now: Instant) -> RunReport {
        aggregate(Target::DryRun(&self.writer), plan, now, &mut |_| {}).unwrap()
    }

    pub(crate) fn set(&self) -> RecordSet {
        self.writer.records(ALL, &RecordFilter::default()).unwrap()
    }

    pub(crate) fn served(&self) -> Vec<ServedRecord> {
        served(&self.writer)
    }

    /// All records with the name of their source, but not their generation.
    pub(crate) fn records(&self) -> Vec<(Instant, String, UsageRecord)> {
        let set = self.set();
        let name = |served: &ServedRecord| set.sources().name(served.record.source).to_string();
        let all = self.served();
        all.into_iter().map(|s| (s.period.start, name(&s), s.record)).collect()
    }

    /// Records and anomalies as text.
    pub(crate) fn lines(&self) -> String {
        let (set, calendar) = (self.set(), self.calendar());
        let mut text = String::new();
        for served in self.served() {
            let source = set.sources().name(served.record.source);
            writeln!(text, "{}", line(&served, source, calendar)).unwrap();
        }
        text + &self.anomaly_lines()
    }

    pub(crate) fn anomaly_lines(&self) -> String {
        let mut anomalies = self.writer.anomalies(usize::MAX).unwrap();
        anomalies.reverse();
        anomalies.sort_by_key(|odd| (odd.at, odd.usage_type, odd.resource, odd.event));
        let mut text = String::new();
        for odd in anomalies {
            let event = odd.event.map_or("-".to_owned(), |event| format!("#{event}"));
            writeln!(text, "! {} {} {} {event}", odd.at, odd.usage_type, odd.resource).unwrap();
        }
        text
    }

    /// Everything the lake and the catalogue hold of periods: which generation,
    /// which files, which checksums.
    pub(crate) fn fingerprint(&self) -> String {
        let mut text = String::new();
        for published in self.writer.snapshot().unwrap().periods {
            writeln!(text, "{published:?}").unwrap();
        }
        let mut files = Vec::new();
        list(self.dir(), &mut files);
        files.sort();
        for (path, content) in files {
            writeln!(text, "{path} {content}").unwrap();
        }
        text + &self.anomaly_lines()
    }
}

fn list(dir: &Path, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "parquet") {
            let digest = Sha256::digest(fs::read(&path).unwrap());
            let hex = digest.iter().map(|b| format!("{b:02x}")).collect();
            files.push((path.display().to_string(), hex));
        }
    }
}

/// A folder that goes away; in memory where there is such a place, because every
/// publication waits for the disk several times.
pub(crate) fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() }
}

pub(crate) fn open(dir: &Path) -> Writer {
    let store = Store::open(dir).unwrap();
    store.writer(LockWait { limit: Duration::from_secs(20), on_wait: &mut || {} }).unwrap()
}

pub(crate) fn served(store: &Store) -> Vec<ServedRecord> {
    let set = store.records(ALL, &RecordFilter::default()).unwrap();
    let mut all = Vec::new();
    set.for_each(&mut |served| {
        all.push(served);
        Ok(())
    })
    .unwrap();
    all
}

fn ingest_run(source: &SourceName, stream: Stream, rows: usize) -> IngestRun {
    IngestRun {
        id: None,
        started_ms: 1,
        source: source.clone(),
        stream,
        inputs: "test".to_owned(),
        read: rows as u64,
        accepted: rows as u64,
        duplicate: 0,
        quarantined: 0,
        finished: true,
        taken: None,
    }
}

/// Both days inclusive, whatever is over.
pub(crate) fn back_fill(from: &str, to: &str, rebuild: Rebuild) -> Plan {
    let (from, to) = (day(from).unwrap(), day(to).unwrap());
    Plan::BackFill { from, to, rebuild, unfinished: Unfinished::LeaveOut }
}

/// Events from lines; empty ones and those that begin with `//` are left out.
pub(crate) fn events(text: &str) -> Vec<UsageEvent> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("//"));
    (1..).zip(lines).map(|(number, line)| event(number, line)).collect()
}

fn event(number: u64, line: &str) -> UsageEvent {
    let words: Vec<&str> = line.split_whitespace().collect();
    let fields: BTreeMap<&str, &str> =
        words[4..].iter().map(|word| word.split_once('=').unwrap()).collect();
    let known = ["a", "z", "o", "t", "s", "v", "n", "h", "id"];
    assert!(fields.keys().all(|key| known.contains(key)), "{line}");
    let number_of = |key: &str| fields.get(key).map(|value| value.parse::<u64>().unwrap());
    let text_of = |key: &str| fields.get(key).map(|value| Text::new(value));
    UsageEvent {
        id: EventId(number_of("id").unwrap_or(number)),
        event_type: words[2].into(),
        created: at(&format!("{} {}", words[0], words[1])),
        account: AccountId(number_of("a").unwrap_or(2)),
        zone: ZoneId::from_source(fields.get("z").map_or(1, |value| value.parse().unwrap())),
        resource: words[3].parse::<u64>().unwrap().into(),
        resource_name: text_of("n"),
        offering: number_of("o").map(Into::into),
        template: number_of("t").map(Into::into),
        size: number_of("s"),
        virtual_size: number_of("v"),
        resource_type: text_of("h"),
    }
}

/// Samples from lines `2026-03-01 12:00:00 DEVICE SENT RECEIVED`, then `a`, `z`,
/// `n` (network) or `ip` where they are not the default, `r=1` where it restarted.
pub(crate) fn samples(text: &str) -> Vec<NetworkSample> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(sample).collect()
}

fn sample(line: &str) -> NetworkSample {
    let words: Vec<&str> = line.split_whitespace().collect();
    let fields: BTreeMap<&str, &str> =
        words[5..].iter().map(|word| word.split_once('=').unwrap()).collect();
    let number = |key: &str, default: u64| {
        fields.get(key).map_or(default, |value| value.parse::<u64>().unwrap())
    };
    NetworkSample {
        sampled: at(&format!("{} {}", words[0], words[1])),
        series: SeriesKey {
            account: AccountId(number("a", 2)),
            zone: ZoneId::from_source(1),
            device_type: DeviceType::DomainRouter,
            device: words[2].parse().unwrap(),
            network: number("n", 204).into(),
            address: fields.get("ip").map(|text| Text::new(text)),
        },
        bytes_sent: words[3].parse().unwrap(),
        bytes_received: words[4].parse().unwrap(),
        restarted: fields.contains_key("r"),
    }
}

fn line(served: &ServedRecord, source: &SourceName, calendar: Calendar) -> String {
    let (record, period) = (&served.record, served.period);
    let row = record.row();
    let mut text = String::new();
    if calendar.range().minutes() == 1440 {
        write!(text, "{}", calendar.date_of(period.start)).unwrap();
    } else {
        write!(text, "{}", &calendar.show(period.start)[..16]).unwrap();
    }
    write!(text, " {} {}", record.usage_type, record.resource).unwrap();
    if record.nic.0 != 0 {
        write!(text, "/{}", record.nic).unwrap();
    }
    write!(text, " a{}", record.account).unwrap();
    match record.zone.number() {
        Some(zone) => write!(text, " z{zone}").unwrap(),
        None => text.push_str(" z-"),
    }
    let part = |text: &mut String, letter: char, value: Option<u64>| {
        if let Some(value) = value {
            write!(text, " {letter}{value}").unwrap();
        }
    };
    part(&mut text, 'o', record.offering.filter(|_| row.key.offering).map(|o| o.0));
    part(&mut text, 't', record.template.filter(|_| row.key.template).map(|t| t.0));
    part(&mut text, 's', record.size.filter(|_| row.key.size));
    part(&mut text, 'n', Some(record.network.0).filter(|network| *network != 0));
    if source.as_str() != "default" {
        write!(text, " {source}").unwrap();
    }
    if record.is_folded(period) {
        write!(text, " from {}", record.start).unwrap();
    }
    if let Some(corrects) = record.corrects {
        write!(text, " corrects {}", calendar.date_of(corrects)).unwrap();
    }
    match row.unit {
        Unit::Milliseconds => {
            let sign = if record.quantity < 0 { "-" } else { "" };
            write!(text, " = {sign}{}", duration(record.quantity.unsigned_abs())).unwrap();
        }
        _ => write!(text, " = {}", record.quantity).unwrap(),
    }
    text
}

/// Milliseconds exactly: `7h`, `23h59m59s999ms`, `0`.
pub(crate) fn duration(ms: u64) -> String {
    let mut text = String::new();
    let units = [(ms / 3_600_000, "h"), (ms / 60_000 % 60, "m"), (ms / 1000 % 60, "s")];
    for (count, unit) in units.into_iter().chain([(ms % 1000, "ms")]) {
        if count > 0 {
            write!(text, "{count}{unit}").unwrap();
        }
    }
    if text.is_empty() { "0".to_owned() } else { text }
}

/// Lines without their indentation, for tables inside tests.
pub(crate) fn trimmed(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.fold(String::new(), |text, line| text + line + "\n")
}
