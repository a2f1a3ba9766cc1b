#![doc = include_str!("../README.md")]

mod accounts; // domains and accounts, who pay
mod answer_key; // what each usage record must say
mod dice; // seeded chance
mod emit; // rows as they are handed out
mod habits; // which actions VMs live through
mod mess; // what goes wrong with rows
mod moments; // instants of actions
mod network; // addresses, rules, VPN users
mod options; // what to generate
mod rows; // rows in the making
mod stage; // what all parts share while a history is made
mod stored; // templates and ISOs
#[cfg(test)]
mod tests;
mod timeline; // what happened to one thing, and what a lost row makes of it
mod traffic; // byte counters
mod vm; // what can be done to a VM
mod volume; // disks and snapshots

use std::collections::BTreeMap;

use cloudtally_model::{Account, EventId, Millis, NetworkSample, ResourceId, SeriesKey};
use cloudtally_oracle::{LocalDay, Window, local_days};

use self::{
    accounts::Accounts,
    dice::{Dice, Subject},
    emit::{dump_time, sample_fields},
    mess::{Detail, Incident, Layout, Losses, Slot, lay_out},
    moments::Moments,
    rows::{Closing, Rows},
    stage::Stage,
    stored::Kind,
    timeline::Timeline,
    traffic::{Group, Sample},
};
pub use self::{
    answer_key::{
        KEY_COLUMNS, KeyError, KeyRow, MESS_FILE_NAME, key_file_name, write_key, write_mess,
    },
    emit::{EVENT_COLUMNS, EmittedEvent, EmittedSample, EventRow, RawRow, SAMPLE_COLUMNS},
    mess::MessKind,
    options::{Options, OptionsError, Rate, RateError},
};

/// A cloud's life, and the files it leaves.
pub struct History {
    options: Options,
    accounts: Accounts,
    rows: Rows,
    /// Number of each row of the stream; the id is the place plus one.
    order: Vec<u32>,
    losses: Losses,
    groups: Vec<Group>,
    series_keys: Vec<SeriesKey>,
    samples: Vec<Sample>,
    event_layout: Layout,
    sample_layout: Layout,
}

/// One note of mess.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessEntry {
    /// The file it is in.
    pub stream: Stream,
    /// The kind of mess.
    pub kind: MessKind,
    /// The event's id; for a sample `account/device type/device/network/address` and
    /// the instant; for garbage the row it was made up after.
    pub row: String,
    /// The change that was made.
    pub what: String,
}

/// One of the two streams that mess happens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stream {
    /// Usage events.
    Events,
    /// Network samples.
    Samples,
}

impl Stream {
    /// The stream as `mess.csv` spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Samples => "samples",
        }
    }
}

impl History {
    /// Decides what happens.
    ///
    /// # Errors
    /// Options out of range, or an unknown time zone.
    pub fn generate(options: &Options) -> Result<Self, OptionsError> {
        options.check()?;
        let accounts = Accounts::new(options);
        let moments = Moments::new(options.window(), &options.timezones)?;
        let mut stage = Stage::new(options, &accounts, moments);

        // 1. Everything lives its life, one after the other.
        for index in 0..options.vms {
            habits::live(&mut stage, index);
        }
        let share = |divisor: u32, least: u32| (options.vms / divisor).max(least);
        for index in 0..share(3, 8) {
            network::address(&mut stage, index);
        }
        for index in 0..share(12, 16) {
            network::load_balancer_rule(&mut stage, index);
        }
        for index in 0..share(6, 16) {
            network::port_forwarding_rule(&mut stage, index);
        }
        for index in 0..share(20, 16) {
            network::vpn_user(&mut stage, index);
        }
        for index in 0..share(25, 8) {
            stored::live(&mut stage, Kind::Template, index);
        }
        for index in 0..share(50, 8) {
            stored::live(&mut stage, Kind::Iso, index);
        }
        let groups = traffic::groups(&mut stage);
        let rows = stage.rows;
        let samples = traffic::samples(options, &groups);
        let series = groups.iter().flat_map(|group| &group.series);
        let series_keys = series.map(|series| series.key.clone()).collect();

        // 2. The stream, and what goes wrong with it.
        let order = rows.order();
        let closing = rows.all.iter().map(|row| row.happening.closing() == Closing::Yes);
        let mut dice = Dice::new(options.seed, Subject::Lost, 0);
        let losses = Losses::draw(closing, options.mess, &mut dice);
        let mut dice = Dice::new(options.seed, Subject::EventMess, 0);
        let event_layout = lay_out(count(order.len()), options.mess, &mut dice, |ordinal| {
            losses.contains(order[index(ordinal)])
        });
        let mut dice = Dice::new(options.seed, Subject::SampleMess, 0);
        let sample_layout = lay_out(count(samples.len()), options.mess, &mut dice, |_| false);
        Ok(Self {
            options: options.clone(),
            accounts,
            rows,
            order,
            losses,
            groups,
            series_keys,
            samples,
            event_layout,
            sample_layout,
        })
    }

    /// The stretch of time.
    pub fn window(&self) -> Window {
        self.options.window()
    }

    /// The accounts, in order of their ids, the cloud's own first.
    pub fn accounts(&self) -> &[Account] {
        &self.accounts.all
    }

    /// The lines of the file of usage events.
    pub fn events(&self) -> impl Iterator<Item = EmittedEvent> + '_ {
        self.event_layout.main.iter().map(|slot| self.event_line(*slot))
    }

    /// The lines of the second file of usage events: late rows only, empty without
    /// mess.
    pub fn late_events(&self) -> impl Iterator<Item = EmittedEvent> + '_ {
        self.event_layout.second.iter().map(|slot| self.event_line(*slot))
    }

    /// The lines of the file of network samples.
    pub fn samples(&self) -> impl Iterator<Item = EmittedSample> + '_ {
        self.sample_layout.main.iter().map(|slot| self.sample_line(*slot))
    }

    /// The lines of the second file of network samples: late rows only, empty
    /// without mess.
    pub fn late_samples(&self) -> impl Iterator<Item = EmittedSample> + '_ {
        self.sample_layout.second.iter().map(|slot| self.sample_line(*slot))
    }

    /// Builds the answer key: every record there must be, with days cut in a zone, timeline by
    /// timeline, each by day and key; bytes last. No two rows have the same day and key.
    ///
    /// # Errors
    /// The zone is unknown.
    pub fn answer_key(
        &self,
        timezone: &str,
    ) -> Result<impl Iterator<Item = KeyRow> + '_, OptionsError> {
        let days = local_days(timezone, self.window())?;
        let traffic_days = days.clone();
        let stored = self
            .rows
            .timelines
            .iter()
            .flat_map(move |timeline| self.timeline_rows(timeline, &days));
        let bytes = self
            .groups
            .iter()
            .flat_map(move |group| answer_key::traffic_rows(group, &self.options, &traffic_days));
        Ok(stored.chain(bytes))
    }

    /// Everything that was done to the rows: events first, each stream in order.
    pub fn mess(&self) -> impl Iterator<Item = MessEntry> + '_ {
        let events = self.event_layout.incidents.iter().map(|i| self.event_mess(*i));
        let samples = self.sample_layout.incidents.iter().map(|i| self.sample_mess(*i));
        events.chain(samples)
    }

    fn timeline_rows(&self, timeline: &Timeline, days: &[LocalDay]) -> Vec<KeyRow> {
        let end = self.window().end;
        let mut sums = BTreeMap::new();
        let truth = timeline.truth(end);
        timeline.add_days(&truth, days, &mut sums, |quantities| &mut quantities.truth);
        let is_lost = |row| self.losses.contains(row);
        let billable = timeline.billable(end, is_lost, |account| self.accounts.removed(account));
        timeline.add_days(&billable, days, &mut sums, |quantities| &mut quantities.billable);
        answer_key::timeline_rows(timeline, days, sums)
    }

    // ---- Lines of files

    /// The row of the stream at a place, as it truly was.
    fn event(&self, ordinal: u32) -> EventRow {
        let row = &self.rows.all[index(self.order[index(ordinal)])];
        row.emitted(EventId(u64::from(ordinal) + 1))
    }

    fn sample(&self, ordinal: u32) -> NetworkSample {
        self.samples[index(ordinal)].emitted(&self.series_keys)
    }

    fn event_line(&self, slot: Slot) -> EmittedEvent {
        match slot {
            Slot::Row(ordinal) => EmittedEvent::Event(self.event(ordinal)),
            Slot::Conflict(ordinal) => {
                // Whoever believed it would meter something else at another time.
                let mut row = self.event(ordinal);
                row.event.resource = ResourceId(row.event.resource.0 + 1_000_000);
                row.event.created = row.event.created + Millis::SECOND;
                EmittedEvent::Event(row)
            }
            Slot::Garbage { number, like } => {
                let mut row = self.event(like);
                // Ids that no true row has.
                row.event.id = EventId(u64::from(count(self.order.len())) + 1 + u64::from(number));
                EmittedEvent::Malformed(garbage(row.fields(), &EVENT_BREAKAGE, number))
            }
        }
    }

    fn sample_line(&self, slot: Slot) -> EmittedSample {
        match slot {
            Slot::Row(ordinal) => EmittedSample::Sample(self.sample(ordinal)),
            Slot::Conflict(ordinal) => {
                let mut sample = self.sample(ordinal);
                sample.bytes_sent += 1;
                sample.bytes_received /= 2;
                EmittedSample::Sample(sample)
            }
            Slot::Garbage { number, like } => {
                let fields = sample_fields(&self.sample(like));
                EmittedSample::Malformed(garbage(fields, &SAMPLE_BREAKAGE, number))
            }
        }
    }

    // ---- Notes of mess

    fn event_mess(&self, incident: Incident) -> MessEntry {
        let row = self.event(incident.ordinal);
        let name = |row: &EventRow| {
            let event = &row.event;
            format!("{} of {} at {}", event.event_type, event.resource, dump_time(event.created))
        };
        let what = match incident.detail {
            Detail::Behind(other) => {
                format!("stands behind event {}", self.event(other).event.id)
            }
            Detail::None => format!("left out: {}", name(&row)),
            detail => describe(detail, &EVENT_BREAKAGE),
        };
        MessEntry {
            stream: Stream::Events,
            kind: incident.kind,
            row: row.event.id.to_string(),
            what,
        }
    }

    fn sample_mess(&self, incident: Incident) -> MessEntry {
        let name = |ordinal| {
            let sample = self.sample(ordinal);
            let series = &sample.series;
            format!(
                "{}/{}/{}/{}/{} {}",
                series.account,
                series.device_type,
                series.device,
                series.network,
                series.address.as_deref().unwrap_or(""),
                dump_time(sample.sampled)
            )
        };
        let what = match incident.detail {
            Detail::Behind(other) => format!("stands behind {}", name(other)),
            detail => describe(detail, &SAMPLE_BREAKAGE),
        };
        MessEntry {
            stream: Stream::Samples,
            kind: incident.kind,
            row: name(incident.ordinal),
            what,
        }
    }
}

fn describe(detail: Detail, breakage: &[Breakage]) -> String {
    match detail {
        Detail::RowsLater(rows) => format!("an extra row about {rows} rows later"),
        Detail::EndOfFile => "stands at the end of the file".to_owned(),
        Detail::SecondFile => "stands in the second file".to_owned(),
        Detail::Garbage(number) => {
            format!("an extra line nearby, made up after this row: {}", pick(breakage, number).what)
        }
        Detail::Behind(_) | Detail::None => String::new(),
    }
}

/// The way a line is broken.
struct Breakage {
    what: &'static str,
    act: Break,
}

enum Break {
    /// A column gets a value that cannot be read.
    Value(&'static str, &'static str),
    /// Only so many columns are left.
    Keep(usize),
}

const EVENT_BREAKAGE: [Breakage; 8] = [
    Breakage { what: "no such date", act: Break::Value("created", "2026-02-31 25:61:00") },
    Breakage { what: "the zero date", act: Break::Value("created", "0000-00-00 00:00:00") },
    Breakage { what: "no account", act: Break::Value("account_id", "") },
    Breakage { what: "an account that is not a number", act: Break::Value("account_id", "12x4") },
    Breakage { what: "a negative resource", act: Break::Value("resource_id", "-7") },
    Breakage { what: "a size with a unit", act: Break::Value("size", "12GB") },
    Breakage { what: "cut short", act: Break::Keep(4) },
    Breakage { what: "an id that is not a number", act: Break::Value("id", "-- interrupted") },
];

const SAMPLE_BREAKAGE: [Breakage; 5] = [
    Breakage { what: "no such date", act: Break::Value("sampled", "2026-13-01 00:00:00") },
    Breakage { what: "negative bytes", act: Break::Value("bytes_sent", "-5") },
    Breakage { what: "bytes that are not a number", act: Break::Value("bytes_received", "n/a") },
    Breakage { what: "no device", act: Break::Value("device_id", "") },
    Breakage { what: "cut short", act: Break::Keep(3) },
];

fn pick(breakage: &[Breakage], number: u32) -> &Breakage {
    &breakage[index(number) % breakage.len()]
}

/// Breaks a line; the same number breaks it the same way.
fn garbage(mut row: RawRow, breakage: &[Breakage], number: u32) -> RawRow {
    match pick(breakage, number).act {
        Break::Keep(columns) => row.fields.truncate(columns),
        Break::Value(column, value) => {
            for field in row.fields.iter_mut().filter(|(name, _)| *name == column) {
                value.clone_into(&mut field.1);
            }
        }
    }
    row
}

fn index(number: u32) -> usize {
    usize::try_from(number).expect("32 bits fit in a usize")
}

fn count(len: usize) -> u32 {
    u32::try_from(len).expect("fewer than 2^32 rows")
}
