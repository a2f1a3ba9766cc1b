//! The commands of a life, by a number.

use std::fmt::Write;

use cloudtally_fuzz::Dice;
use cloudtally_model::{Instant, Millis};
use cloudtally_store::Stream;

/// One command.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Rows of a stream come in, as CSV.
    Ingest(Stream, String),
    /// The cloud keeps a change, with what it tells the bill.
    Keep(u64),
    /// The outbox is handed over.
    HandOver,
    /// The job runs at an instant.
    Job(Instant),
    /// All days through one are closed.
    Close(i64),
    /// Rows of the days before one go, and replaced generations.
    Prune(i64),
    /// Small files are merged.
    Compact,
    /// The folder is copied.
    Backup,
    /// The copy becomes a folder.
    Restore,
}

impl Step {
    /// Its name in a trace.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Ingest(stream, rows) => format!("ingest {} {stream:?}", rows.lines().count() - 1),
            Self::Job(now) => format!("job at {now}"),
            other => format!("{other:?}"),
        }
    }
}

/// Days of a history.
pub(crate) const DAYS: i64 = 2;

/// The first instant of a history.
pub(crate) fn start() -> Instant {
    Instant::parse("2026-03-01 00:00:00").unwrap()
}

/// An instant in a history.
pub(crate) fn at(day: i64, minute: i64) -> Instant {
    start() + Millis(day * Millis::DAY.0 + minute * Millis::MINUTE.0)
}

/// The commands of a life.
#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) steps: Vec<Step>,
}

impl History {
    /// Makes the history of a number.
    pub(crate) fn new(number: u64) -> Self {
        let mut dice = Dice::new(number ^ 0x5eed);
        let (mut steps, mut rows) = (vec![accounts()], Rows::default());
        let is_closed = dice.below(3) > 0;
        for day in 0..DAYS {
            let mut of_day = vec![rows.events(day, &mut dice), rows.samples(day, &mut dice)];
            if dice.below(2) == 0 {
                of_day.push(rows.events(day, &mut dice));
            }
            // Late ones, by which a day is published again.
            if day > 0 && dice.below(3) > 0 {
                of_day.push(rows.events(day - 1, &mut dice));
                of_day.push(rows.samples(day - 1, &mut dice));
            }
            of_day.extend([Step::Keep(day.unsigned_abs() + 1), Step::HandOver]);
            steps.extend(of_day);
            steps.push(Step::Job(at(day + 1, 30)));
            // What comes late for it is adjusted in the second day.
            if day == 0 && is_closed {
                steps.push(Step::Close(day));
            }
            match dice.below(4) {
                0 => steps.push(Step::Backup),
                1 => steps.push(Step::Compact),
                2 => steps.push(Step::Keep(10 + day.unsigned_abs())),
                _ => {}
            }
        }
        steps.extend([Step::HandOver, rows.events(0, &mut dice), Step::Job(at(DAYS, 90))]);
        steps.push(Step::Compact);
        if is_closed {
            steps.push(Step::Prune(1));
        }
        steps.extend([Step::Backup, Step::Restore]);
        Self { steps }
    }
}

fn accounts() -> Step {
    let rows = "id,account_name,type,created,removed\n2,acme,0,,\n3,birch,0,,2026-03-02 18:00:00\n";
    Step::Ingest(Stream::Accounts, rows.to_owned())
}

/// Numbers of rows so far.
#[derive(Default)]
struct Rows {
    event: u64,
    sent: u64,
}

impl Rows {
    fn events(&mut self, day: i64, dice: &mut Dice) -> Step {
        const TYPES: [&str; 6] =
            ["VM.CREATE", "VM.START", "VM.STOP", "VM.DESTROY", "VOLUME.CREATE", "VOLUME.DELETE"];
        let mut text = "id,type,created,account_id,zone_id,resource_id,resource_name,offering_id,\
                        template_id,size,resource_type\n"
            .to_owned();
        for _ in 0..2 + dice.below(4) {
            self.event += 1;
            let created = at(day, i64::try_from(dice.below(1440)).unwrap());
            let (event, account) = (self.event, 2 + dice.below(2));
            let (kind, resource) = (dice.pick(&TYPES), 4 + dice.below(3));
            let is_volume = kind.starts_with("VOLUME");
            let size = if is_volume { "1073741824" } else { "" };
            writeln!(
                text,
                "{event},{kind},{created},{account},1,{resource},thing-{resource},1,5,{size},KVM"
            )
            .unwrap();
        }
        Step::Ingest(Stream::Events, text)
    }

    fn samples(&mut self, day: i64, dice: &mut Dice) -> Step {
        let mut text = "sampled,account_id,zone_id,device_id,device_type,network_id,bytes_sent,\
                        bytes_received\n"
            .to_owned();
        for part in 0..2 {
            self.sent += dice.below(1000);
            let minute = part * 700 + i64::try_from(dice.below(700)).unwrap();
            let (sampled, sent) = (at(day, minute), self.sent);
            writeln!(text, "{sampled},2,1,9,DomainRouter,204,{sent},{}", sent * 2).unwrap();
        }
        Step::Ingest(Stream::Samples, text)
    }
}
